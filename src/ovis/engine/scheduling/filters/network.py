"""Filter Network: the host has the networks of the VM's NICs, a display network that boots, and free virtual functions. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Networks of plugged NICs that are not external; the display network; virtual functions."""
    hosts, cluster = w.hosts, w.cluster
    known = {n.name: n for n in cluster.networks}
    plugged = [n for v in w.all_vms for n in v.nics if n.plugged and n.network]
    wanted = {
        str(n.network)
        for n in plugged
        if not ((found := known.get(str(n.network))) and found.external)
        and (not cluster.only_required_networks or (found is not None and found.required))
    }
    networks = hosts.value("networks")
    drops = []
    if wanted:
        drops.append(
            Drop(
                networks.where(lambda has: not wanted <= has),
                "VAR__DETAIL__NETWORK_MISSING",
                lambda i: f"it lacks the networks {', '.join(sorted(wanted - networks[i]))}",
            )
        )
    display = next((n.name for n in cluster.networks if n.display), None)
    if display is not None and w.vm.graphics:
        drops.append(
            Drop(
                networks.where(lambda has: display not in has),
                "VAR__DETAIL__DISPLAY_NETWORK_MISSING",
                lambda i: f"it lacks the display network {display}",
            )
        )
        drops.append(
            Drop(
                hosts.value("no_boot").where(lambda dead: display in dead),
                "VAR__DETAIL__DISPLAY_NETWORK_HAS_NO_BOOT_PROTOCOL",
                lambda i: f"its display network {display} has no address",
            )
        )
    functions = sum(n.passthrough for n in plugged)
    if functions:
        drops.append(
            Drop(
                w.elsewhere(hosts["free_vfs"] < functions),
                "VAR__DETAIL__NO_SUITABLE_VF",
                lambda i: f"it has {int(hosts['free_vfs'][i])} free virtual functions, the VM needs {functions}",
            )
        )
    return drops


UNIT = Filter(
    id="72163d1c-9468-4480-99d9-0888664eb143",
    name="Network",
    doc="the host has the networks of the VM's NICs, a display network that boots, and free virtual functions.",
    rule=rule,
)
