"""What there is of networks, bonds, VLANs and NICs."""

import os

from vdsm.network.link.bond import Bond
from vdsm.network.netconfpersistence import RunningConfig


def netinfo(vdsmnets=None):
    """networks, bondings, vlans and nics, by name."""
    config = RunningConfig()
    names = os.listdir("/sys/class/net")
    bonds = [name for name in names if os.path.isdir(f"/sys/class/net/{name}/bonding")]
    vlans = os.listdir("/proc/net/vlan") if os.path.isdir("/proc/net/vlan") else []
    return {
        "networks": dict(config.networks),
        "bondings": {name: {"slaves": sorted(Bond(name).slaves)} for name in bonds},
        "vlans": {name: {} for name in vlans if name != "config"},
        "nics": {name: {} for name in names if os.path.exists(f"/sys/class/net/{name}/device")},
    }
