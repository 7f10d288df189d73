"""Which host manages a data center's storage pool."""

from msgspec import Struct

from ovis.engine.store.tables import Column, Table


class PoolManager(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The storage pool manager (SPM). id: the data center's. host_id: None while there is none."""

    id: str
    host_id: str | None = None


POOLS = Table(name="pool_managers", type=PoolManager, columns=(Column(name="host_id"),))
