"""VLANs and bonds of the kernel.

Does: make, change and remove them over netlink and /sys, undoably; say which are there. Does not: work where the kernel
lacks 8021q or bonding (Unsupported, then; see below). Blocks.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path

from ovis.agent.network import kernel
from ovis.agent.network.below import Layout
from ovis.agent.network.bridges import Changes
from ovis.agent.network.kernel import Link
from ovis.agent.network.request import BAD_BOND, BAD_NIC, BAD_VLAN, USED_NIC, Bond
from ovis.contract.errors import VerbError

SYS = Path("/sys/class/net")


class KernelMaker:
    """The kernel as a maker (see below.Maker)."""

    def become(self, changes: Changes, before: Layout, after: Layout) -> None:
        """VLANs that go, bonds, new VLANs."""
        for name in before.vlans:
            if name not in after.vlans and changes.exists(name):
                vlan = before.vlans[name]
                changes.take(name, BAD_VLAN, kind="vlan", lower=vlan.nic, vlan_id=vlan.tag)
        for name, bond in before.bonds.items():
            if name not in after.bonds and changes.exists(name):
                _dissolve(changes, bond)
        for bond in after.bonds.values():
            _bond(changes, bond)
        for name, vlan in after.vlans.items():
            if not changes.exists(name):
                changes.add(name, "vlan", BAD_VLAN, link=changes.index(vlan.nic), vlan_id=vlan.tag)

    def seen(self, links: Mapping[str, Link]) -> dict[str, Link]:
        """They show themselves."""
        return dict(links)


def slaves_of(links: Mapping[str, Link], bond: str) -> list[str]:
    """NICs below a bond. Pure."""
    return sorted(x.name for x in links.values() if x.master == bond)


def _bond(changes: Changes, bond: Bond) -> None:
    links = kernel.snapshot()
    for nic in bond.nics:
        if nic not in links:
            raise VerbError(BAD_NIC, f"There is no network device {nic} on this host.")
        if links[nic].master not in ("", bond.name):
            raise VerbError(USED_NIC, f"{nic} is used by {links[nic].master} already.")
    if bond.name not in links:
        changes.add(bond.name, "bond", BAD_BOND, bond_mode=bond.mode)
    there = slaves_of(links, bond.name)
    options = {"mode": str(bond.mode), **bond.options}
    changed = {k: v for k, v in options.items() if v not in _option(bond.name, k).split()}
    if "mode" in changed:  # the kernel takes another mode of a bond without slaves alone
        for nic in there:
            changes.enslave(nic, "")
        there = []
    for nic in there:
        if nic not in bond.nics:
            changes.enslave(nic, "")
    for name, value in sorted(changed.items(), key=lambda o: o[0] != "mode"):
        _set(changes, bond.name, name, value)
    for nic in bond.nics:
        if nic not in there:
            changes.enslave(nic, bond.name)


def _dissolve(changes: Changes, bond: Bond) -> None:
    for nic in slaves_of(kernel.snapshot(), bond.name):
        changes.enslave(nic, "")
    changes.take(bond.name, BAD_BOND, kind="bond", bond_mode=bond.mode)


def _option(bond: str, name: str) -> str:
    """As the kernel shows it: `active-backup 1`, `100`."""
    try:
        return (SYS / bond / "bonding" / name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _set(changes: Changes, bond: str, name: str, value: str) -> None:
    file, before = SYS / bond / "bonding" / name, _option(bond, name).split()
    if "/" in name or not file.exists():
        raise VerbError(BAD_BOND, f"Bond {bond}: this kernel knows no option {name[:40]}.")
    down = name == "mode"
    try:
        if down:
            changes.state(bond, up=False)
        file.write_text(value, encoding="ascii")
    except OSError as err:
        raise VerbError(BAD_BOND, f"Bond {bond}: {name}={value[:40]} is not taken: {err.strerror}") from err
    finally:
        if down:
            changes.state(bond, up=True)
    if before:

        def back() -> None:
            with contextlib.suppress(FileNotFoundError):  # the bond is new, and gone
                file.write_text(before[0], encoding="ascii")

        changes.later(back)
