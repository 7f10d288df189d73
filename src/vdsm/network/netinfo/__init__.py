"""Networks of this host by their devices."""

from vdsm.network.netinfo import cache as cache
