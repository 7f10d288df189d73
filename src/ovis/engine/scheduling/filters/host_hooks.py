"""Filter Host-hooks: a VM with the SAP agent runs where the hook 50_vhostmd is. Pure."""

from collections.abc import Sequence

from ovis.engine.scheduling.hosts import Flags
from ovis.engine.scheduling.unit import Drop, Filter
from ovis.engine.scheduling.world import World


def rule(w: World, alive: Flags) -> Sequence[Drop]:
    """Hooks by name."""
    if not w.vm.sap_agent:
        return ()
    bad = w.hosts.value("hooks").where(lambda known: known is None or "50_vhostmd" not in known)
    return (Drop(bad, "VAR__DETAIL__MISSING_HOOKS", lambda i: "the hook 50_vhostmd is missing"),)


UNIT = Filter(
    id="aae8c702-4756-4934-b84c-8daf59efc134",
    name="Host-hooks",
    doc="a VM with the SAP agent runs where the hook 50_vhostmd is.",
    rule=rule,
)
