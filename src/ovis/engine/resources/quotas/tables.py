"""Quotas and their limits, as rows.

Does: tables, and the quota Default that every data center has without a row: it limits nothing. Does not: decide.
"""

from ovis.engine.model.types import DataCenter, Quota, QuotaClusterLimit, QuotaStorageLimit
from ovis.engine.resources import bodies
from ovis.engine.resources.quotas.rules import GRACE, THRESHOLD
from ovis.engine.store.session import Reader
from ovis.engine.store.tables import Column, Table, name_columns

QUOTAS = Table(
    name="quotas",
    type=Quota,
    columns=(
        *name_columns(),
        Column(name="data_center_id", path="data_center.id", references="data_centers", on_delete="cascade"),
    ),
    unique=(("data_center_id", "name_key"),),
)
CLUSTER_LIMITS = Table(
    name="quota_cluster_limits",
    type=QuotaClusterLimit,
    columns=(
        Column(name="quota_id", path="quota.id", references="quotas", on_delete="cascade"),
        Column(name="cluster_id", path="cluster.id", references="clusters", on_delete="cascade"),
    ),
)
STORAGE_LIMITS = Table(
    name="quota_storage_limits",
    type=QuotaStorageLimit,
    columns=(
        Column(name="quota_id", path="quota.id", references="quotas", on_delete="cascade"),
        Column(name="domain_id", path="storage_domain.id", references="storage_domains", on_delete="cascade"),
    ),
)
TABLES = (QUOTAS, CLUSTER_LIMITS, STORAGE_LIMITS)


def default_id(data_center_id: str) -> str:
    """Of a data center's quota Default."""
    return bodies.derived_id("quota", data_center_id)


def default_of(data_center_id: str) -> Quota:
    """The quota that counts where nobody says another."""
    return Quota(
        id=default_id(data_center_id),
        name="Default",
        description="Default unlimited quota",
        data_center=DataCenter(id=data_center_id),
        cluster_hard_limit_pct=GRACE,
        cluster_soft_limit_pct=THRESHOLD,
        storage_hard_limit_pct=GRACE,
        storage_soft_limit_pct=THRESHOLD,
    )


def find(rd: Reader, data_center_id: str, quota_id: str | None) -> Quota | None:
    """A quota of a data center; its default one for None."""
    if quota_id is None or quota_id == default_id(data_center_id):
        return default_of(data_center_id)
    found = rd.get(Quota, quota_id)
    return found if found is not None and found.data_center and found.data_center.id == data_center_id else None
