"""The networks that the agent set up, as it keeps them in a file.

Does: show them in VDSM's words. Does not: change them.
"""

import ipaddress
import json
import os

_OWN = {"name", "nic", "bond", "bonding", "vlan", "mtu", "ip", "prefix", "gateway", "dhcp", "bridged"}


class Config:
    """networks: by name, as in a request to set them up. bonds: by name: nics, options."""

    def __init__(self):
        kept = _read()
        self.networks = {name: _network(entry) for name, entry in kept.get("networks", {}).items()}
        self.bonds = {name: _bond(entry) for name, entry in kept.get("bonds", {}).items()}


class RunningConfig(Config):
    """As it is now."""


class PersistentConfig(Config):
    """As it will be after a reboot: the same here."""


def _read():
    folder = os.environ.get("OVIS_AGENT_DATA")
    if not folder:
        return {}
    try:
        with open(os.path.join(folder, "networks.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _network(entry):
    found = {name: value for name, value in entry.items() if name not in _OWN and value is not None}
    found["bridged"] = bool(entry.get("bridged", True))
    if entry.get("nic"):
        found["bonding" if entry.get("bond") is True else "nic"] = entry["nic"]
    for name in ("vlan", "mtu"):
        if entry.get(name) is not None:
            found[name] = entry[name]
    if entry.get("ip"):
        found["ipaddr"] = entry["ip"]
        found["netmask"] = str(ipaddress.ip_network("0.0.0.0/{}".format(entry.get("prefix") or 0)).netmask)
        found["bootproto"] = "none"
    if entry.get("gateway"):
        found["gateway"] = entry["gateway"]
    if entry.get("dhcp"):
        found["bootproto"] = "dhcp"
    return found


def _bond(entry):
    return {
        "nics": list(entry.get("nics", [])),
        "options": entry.get("options") or "mode={}".format(entry.get("mode", 1)),
    }
