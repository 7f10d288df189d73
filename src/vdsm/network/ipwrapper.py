"""The program `ip`, and kinds of links."""

import os

from vdsm.common.cmdutils import CommandPath

_IP_BINARY = CommandPath("ip", "/sbin/ip", "/usr/sbin/ip", "/usr/bin/ip")


class Link:
    """A network device of this host."""

    def __init__(self, name):
        self.name = name

    @property
    def type(self):
        """bridge, bond, vlan, openvswitch or nic."""
        return self._detectType(self.name)

    @property
    def exists(self):
        """Whether it is there."""
        return os.path.exists("/sys/class/net/" + self.name)

    @staticmethod
    def _detectType(name):
        folder = "/sys/class/net/" + name
        for kind, sign in (("bridge", "bridge"), ("bond", "bonding")):
            if os.path.isdir(os.path.join(folder, sign)):
                return kind
        if os.path.exists("/proc/net/vlan/" + name):
            return "vlan"
        try:
            with open(folder + "/uevent", encoding="ascii") as file:
                kinds = dict(line.strip().partition("=")[::2] for line in file)
        except OSError:
            kinds = {}
        return kinds.get("DEVTYPE") or "nic"
