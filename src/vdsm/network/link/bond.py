"""A bond, as the kernel shows it."""

import os


class Bond:
    """`Bond("bond0").slaves`."""

    def __init__(self, name, slaves=(), options=None):
        self._master = name
        self._slaves = set(slaves)
        self._options = options

    @property
    def master(self):
        """Its name."""
        return self._master

    @property
    def slaves(self):
        """NICs in it, a set."""
        found = self._read("slaves")
        return set(found.split()) if found is not None else set(self._slaves)

    @property
    def options(self):
        """mode, miimon."""
        if self._options is not None:
            return dict(self._options)
        found = {name: (self._read(name) or "").split() for name in ("mode", "miimon")}
        return {name: words[-1] for name, words in found.items() if words}

    def active_slave(self):
        """The NIC that sends."""
        return self._read("active_slave") or ""

    def exists(self):
        """Whether it is there."""
        return os.path.isdir(f"/sys/class/net/{self._master}/bonding")

    @staticmethod
    def bonds():
        """Names of all."""
        try:
            with open("/sys/class/net/bonding_masters", encoding="ascii") as file:
                return file.read().split()
        except OSError:
            return []

    def _read(self, name):
        try:
            with open(f"/sys/class/net/{self._master}/bonding/{name}", encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return None
