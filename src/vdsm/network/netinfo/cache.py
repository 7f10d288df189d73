"""Which devices carry a network."""


class NetInfo:
    """Over what `netswitch.configurator.netinfo()` told."""

    def __init__(self, _netinfo):
        self.networks = _netinfo["networks"]
        self.bondings = _netinfo["bondings"]
        self.nics = _netinfo["nics"]
        self.vlans = _netinfo["vlans"]

    def getNicsVlanAndBondingForNetwork(self, network):
        """(NICs, VLAN's device or None, VLAN's id or None, bond or None) of a network."""
        entry = self.networks[network]
        base = entry.get("bonding") or entry.get("nic")
        tag = entry.get("vlan")
        bond = entry.get("bonding")
        nics = list(self.bondings[bond]["slaves"]) if bond in self.bondings else [n for n in (entry.get("nic"),) if n]
        vlan = f"{base}.{tag}" if tag is not None and base else None
        return nics, vlan, tag, bond
