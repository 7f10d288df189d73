"""Filter HostDevice: a VM with devices of a host runs on that host, if they are free. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """The dedicated host, pass-through possible, devices there."""
    devices = w.vm.devices
    if not devices:
        return ()
    hosts = w.hosts
    drops = [Drop(hosts["passthrough"] == 0, "VAR__DETAIL__HOSTDEV_DISABLED", lambda i: "it passes no devices through")]
    if w.vm.dedicated:
        drops.append(
            Drop(
                ~hosts.among(w.vm.dedicated),
                "VAR__DETAIL__HOST_DEVICE_UNAVAILABLE",
                lambda i: "the VM's devices are another host's",
            )
        )
    known = hosts.value("devices")
    drops.append(
        Drop(
            w.elsewhere(known.where(lambda free: not devices <= free)),
            "VAR__DETAIL__HOST_DEVICE_UNAVAILABLE",
            lambda i: f"these devices are not free: {', '.join(sorted(devices - known[i]))}",
        )
    )
    return drops


UNIT = Filter(
    id="728a21f1-f97e-4d32-bc3e-b3cc49756abb",
    name="HostDevice",
    doc="a VM with devices of a host runs on that host, if they are free.",
    rule=rule,
    mandatory=True,
)
