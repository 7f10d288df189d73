"""Filter HostedEngineSpares: enough hosts keep room for the engine's own VM. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """HeSparesCount (0) hosts must be able to take the engine's VM after this one is placed."""
    spares, engine = int(w.number("HeSparesCount", 0)), w.engine_vm
    if spares <= 0 or engine is None or w.vm.hosted_engine:
        return ()
    hosts = w.hosts
    usable = (hosts["he_configured"] > 0) & (hosts["he_active"] > 0) & (hosts["he_score"] > 0) & (hosts["up"] > 0)
    home = hosts.at(engine.host)
    if home is not None:
        usable[home] = False
    room = hosts["schedulable"] - hosts["overhead"] - engine.memory
    able = usable & (room > 0)
    if int(able.sum()) > spares:
        return ()
    bad = able & (room - w.vm.memory - hosts["overhead"] <= 0)
    text = f"only {int(able.sum())} hosts keep room for the engine's VM, {spares} must"
    return (Drop(w.elsewhere(bad), "VAR__DETAIL__NOT_ENOUGH_SPARES", lambda i: text),)


UNIT = Filter(
    id="53bff075-8306-446f-a53b-9c872a29d197",
    name="HostedEngineSpares",
    doc="enough hosts keep room for the engine's own VM.",
    rule=rule,
    parameters={"HeSparesCount": "^([0-9][0-9]*)$"},
)
