"""What every installation begins with: data center, cluster and management network named as clients expect.

Does: make them once. Follows: objects installed by engine 4.5, with their well-known ids.
"""

from ovis.engine.model.types import Cluster, DataCenter
from ovis.engine.resources import clusters, data_centers
from ovis.engine.store.session import Tx

NETWORK_ID = "00000000-0000-0000-0000-000000000009"
PROFILE_ID = "0000000a-000a-000a-000a-000000000398"
CPU_PROFILE_ID = "58ca604e-01a7-003f-01de-000000000250"


def seed(tx: Tx) -> None:
    """Data center `Default` and cluster `Default`, unless there are data centers already."""
    if tx.count(DataCenter):
        return
    data_center = data_centers.create(
        tx,
        DataCenter(name="Default", description="The default data center", local=False),
        network_id=NETWORK_ID,
        profile_id=PROFILE_ID,
    )
    clusters.create(
        tx,
        Cluster(
            name="Default",
            description="The default cluster",
            data_center=DataCenter(id=data_center.id),
            vnc_encryption=False,
        ),
        cpu_profile_id=CPU_PROFILE_ID,
    )
