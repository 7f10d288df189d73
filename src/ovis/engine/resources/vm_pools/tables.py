"""What the engine keeps of pools beside the API's document.

Does: tables. Does not: decide. A pool's size is counted, never stored.
"""

from msgspec import Struct

from ovis.engine.model.types import Vm, VmPool
from ovis.engine.store.tables import Column, Table, name_columns


class PoolBase(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a pool's new VMs are like beyond their template. id: the pool's."""

    id: str
    pool_id: str
    vm: Vm


class PoolUse(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A VM of a pool that was started beforehand, or that a user has. id: the VM's. grant_id: of the user's permission."""

    id: str
    vm_id: str
    pool_id: str
    prestarted: bool = False
    user_id: str = ""
    grant_id: str = ""


POOLS = Table(
    name="vm_pools",
    type=VmPool,
    columns=(
        *name_columns(),
        Column(name="cluster_id", path="cluster.id", references="clusters"),
        Column(name="template_id", path="template.id", references="templates"),
        Column(name="type", index=False),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="prestarted_vms", kind="int", index=False),
    ),
    unique=(("name_key",),),
)
BASES = Table(
    name="vm_pool_bases",
    type=PoolBase,
    columns=(Column(name="pool_id", references="vm_pools", on_delete="cascade"),),
)
USES = Table(
    name="vm_pool_uses",
    type=PoolUse,
    columns=(
        Column(name="vm_id", references="vms", on_delete="cascade"),
        Column(name="pool_id"),
        Column(name="user_id", index=False),
    ),
)
TABLES = (POOLS, BASES, USES)
