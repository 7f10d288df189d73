"""What carries the host's networks."""

from vdsm.network.netswitch import configurator as configurator
