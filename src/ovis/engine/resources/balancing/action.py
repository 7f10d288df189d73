"""A round on demand: POST /clusters/ID/balance."""

from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import Action as ApiAction, Need
from ovis.engine.model.types import Action, Cluster


async def balance(services: Services, call: Call, action: Action) -> Action | None:
    """A round now."""
    from ovis.engine.resources.balancing.watch import one_round  # hosts and VMs, whose rooms know clusters

    await services.store.read(lambda rd: rd.need(Cluster, call.ids[-1]))
    await one_round(services, call.ids[-1])
    return None


BALANCE = ApiAction(
    name="balance",
    run=balance,
    needs=(Need(Permit.EDIT_CLUSTER_CONFIGURATION),),
    body=("async",),
    v3=False,
    doc="Move what load balancing and affinity rules would move at the next minute.",
)
