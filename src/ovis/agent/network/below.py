"""What lies below a host's networks: VLAN devices and bonds, whoever makes them.

Does: say what is wanted as a value (Layout), and choose who makes it: the kernel, or Open vSwitch where the kernel cannot.
Does not: bridges, addresses (setup). Whoever makes them, a VLAN is a device `NIC.TAG` and a bond a device of its name, so
that bridges, VMs' NICs, filters and reports above need not know.
"""

from collections.abc import Mapping
from typing import Protocol

import structlog
from msgspec import Struct, field

from ovis.agent.network.bridges import Changes, Unsupported
from ovis.agent.network.kernel import Link
from ovis.agent.network.request import Bond, Kept
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)


class Vlan(Struct, frozen=True):
    """nic: NIC or bond."""

    nic: str
    tag: int


class Layout(Struct, frozen=True, kw_only=True):
    """Bonds by name, VLANs by device."""

    bonds: dict[str, Bond] = field(default_factory=dict)
    vlans: dict[str, Vlan] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.bonds or self.vlans)


def layout_of(kept: Kept) -> Layout:
    """What a host's networks need below them. Pure."""
    vlans = {n.vlan_device: Vlan(n.nic, n.vlan) for n in kept.networks.values() if n.nic and n.vlan is not None}
    return Layout(bonds=dict(kept.bonds), vlans=vlans)


class Maker(Protocol):
    """One way to make VLANs and bonds. Methods block; call them in a thread."""

    def become(self, changes: Changes, before: Layout, after: Layout) -> None:
        """Make it so, whatever of it is there already; what is in `before` alone goes. VerbError if it cannot be."""

    def seen(self, links: Mapping[str, Link]) -> dict[str, Link]:
        """The kernel's links with what was made as what it is: VLANs, bonds and their slaves; no others' ends."""


class Switch(Maker, Protocol):
    """A maker with a process of its own."""

    def missing(self) -> str:
        """Why it cannot be had on this host; "" if it can."""

    @property
    def layout(self) -> Layout:
        """What it has made."""

    def along(self, device: str) -> list[str]:
        """Devices whose MTU goes with that of a VLAN or bond."""

    def revive(self) -> bool:
        """Start it anew with what it had, if it died. Whether it did."""


class Below:
    """The host's own choice. kind: auto, kernel or ovs."""

    def __init__(self, kind: str, linux: Maker, switch: Switch) -> None:
        self._kind, self._linux, self._switch = kind, linux, switch

    @property
    def switched(self) -> Layout:
        """What the switch has made."""
        return self._switch.layout

    def become(self, changes: Changes, before: Layout, after: Layout) -> None:
        """As Maker's. The kernel is tried first, unless the switch has begun already."""
        if self._switch.layout or (self._kind == "ovs" and after):
            self._switch.become(changes, before, after)
            return
        mark = changes.mark
        try:
            self._linux.become(changes, before, after)
            return
        except Unsupported as err:
            changes.undo(mark)
            why = "the agent is set to use the kernel alone" if self._kind == "kernel" else self._switch.missing()
            if why:
                raise VerbError(err.code, f"{err.message}; {why}") from err
            log.info("Open vSwitch makes VLANs and bonds of this host", reason=err.message)
        self._linux.become(changes, before, Layout())
        self._switch.become(changes, before, after)

    def restore(self, changes: Changes, layout: Layout) -> None:
        """The switch as it was."""
        self._switch.become(changes, self._switch.layout, layout)

    def seen(self, links: Mapping[str, Link]) -> dict[str, Link]:
        """As Maker's."""
        return self._switch.seen(self._linux.seen(links))

    def along(self, device: str) -> list[str]:
        """As Switch's; the kernel sees to its own."""
        return self._switch.along(device)

    def revive(self) -> bool:
        """As Switch's."""
        return bool(self._switch.layout) and self._switch.revive()
