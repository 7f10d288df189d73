"""A round on demand: POST /clusters/ID/balance."""

from typing import Any

from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need
from ovis.engine.model.types import Action, Cluster

RUNNING: dict[str, Any] = {}  # "round": set by the loop when it begins, which knows hosts and VMs


async def balance(services: Services, call: Call, action: Action) -> Action | None:
    """A round now."""
    await services.store.read(lambda rd: rd.need(Cluster, call.ids[-1]))
    await RUNNING["round"](services, call.ids[-1])
    return None


BALANCE = ApiAction(
    name="balance",
    run=balance,
    needs=(Need(Permit.EDIT_CLUSTER_CONFIGURATION),),
    body=("async",),
    v3=False,
    doc="Move what load balancing and affinity rules would move at the next minute.",
)
