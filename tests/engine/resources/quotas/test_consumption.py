"""What VMs and disks use of a quota is counted and refused, allowed and told, or not asked at all, by the data center's mode."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.faults import Fault, Forbidden, Refused
from ovis.engine.model.enums import QuotaModeType
from ovis.engine.model.types import (
    Action,
    Cluster,
    DataCenter,
    Disk,
    Event,
    Quota,
    QuotaClusterLimit,
    QuotaStorageLimit,
    StorageDomain,
    Vm,
)
from ovis.engine.resources import data_centers
from ovis.engine.resources.disks import resource as disks
from ovis.engine.resources.quotas import consumption, resource as quotas
from ovis.engine.resources.quotas.tables import default_id
from ovis.engine.resources.vms import resource as vms
from ovis.engine.resources.vms.actions import start
from tests.faults.house import House, house
from tests.faults.test_steps import MIB, new_disk, vm

GIB = 1 << 30


async def refused(place: House, operation: Any, call: Call, body: Any, *words: str) -> None:
    """The operation is refused in these words, and leaves nothing."""
    with pytest.raises(Refused) as told:
        await place.begin(operation, call, body)
    assert all(word in told.value.detail for word in words), told.value.detail


async def codes(place: House) -> list[int]:
    """Codes of what was told of quotas, in order."""
    rows: list[Event] = await place.read(lambda rd: rd.select(Event, order=[]))
    return [row.code or 0 for row in sorted(rows, key=lambda row: int(row.id or 0)) if 3005 < (row.code or 0) < 3100]


async def test_a_quota_is_counted_and_enforced(tmp_path: Path) -> None:
    async with asyncio.timeout(90), house(tmp_path, hosts=1) as place:
        center = str((await place.read(lambda rd: rd.one(DataCenter, name_key="default"))).id)
        quota = str((await place.begin(quotas.add, place.call(center), Quota(name="team"))).id)
        with pytest.raises(Refused):
            await place.begin(quotas.add, place.call(center), Quota(name="TEAM"))
        limit = QuotaClusterLimit(cluster=Cluster(name="Default"), vcpu_limit=1, memory_limit=0.5)
        made = await place.begin(quotas.add_cluster_limit, place.call(center, quota), limit)
        domain = StorageDomain(name="data")
        storage = QuotaStorageLimit(storage_domain=domain, limit=2)
        await place.begin(quotas.add_storage_limit, place.call(center, quota), storage)
        await refused(
            place, quotas.add_storage_limit, place.call(center, quota), QuotaStorageLimit(limit=2), "not both"
        )
        default = str(default_id(center))
        await refused(place, quotas.update, place.call(center, default), Quota(name="x"), "default")
        first, second = await vm(place), await vm(place)
        for one in (first, second):
            await place.begin(vms.update, place.call(one), Vm(quota=Quota(id=quota)))
        await refused(place, vms.update, place.call(first), Vm(quota=Quota(id=center)), "no quota")

        async def mode(wanted: QuotaModeType) -> None:
            await place.begin(data_centers.update, place.call(center), DataCenter(quota_mode=wanted))

        # Disabled: nothing is asked.
        big = new_disk(5 * GIB)
        await place.run(disks.add, place.call(), big)
        assert await codes(place) == []

        # Enforced: memory and CPUs count while VMs run, disks while they are there.
        await mode(QuotaModeType.ENABLED)
        await place.run(start.start, place.call(first), Action())
        await place.vm_becomes(first, "up")
        assert await codes(place) == [3008]  # its one CPU is all there is
        shown = (await place.read(lambda rd: quotas.cluster_limits(rd, place.call(center, quota), [quota])))[quota][0]
        assert (shown.vcpu_usage, shown.memory_usage) == (1, 256 * MIB / GIB)
        await refused(place, start.start, place.call(second), Action(), "team", "2 virtual CPUs of 1")
        counted = replace(big, quota=Quota(id=quota))
        await refused(place, disks.add, place.call(), counted, "5 GiB of 2")
        small = await place.run(disks.add, place.call(), replace(counted, provisioned_size=GIB))
        await refused(place, disks.update, place.call(str(small.id)), Disk(provisioned_size=3 * GIB), "3 GiB of 2")
        usage = (await place.read(lambda rd: quotas.storage_limits(rd, place.call(center, quota), [quota])))[quota][0]
        assert usage.usage == 1
        nobody = Call(principal=Principal(user_id=center, name="nobody"), now=place.call().now)
        with pytest.raises(Forbidden):
            await place.read(lambda rd: consumption.may_use(rd, nobody, center, Quota(id=quota)))

        # Only audited: allowed, and told.
        await mode(QuotaModeType.AUDIT)
        await place.run(start.start, place.call(second), Action())
        await place.vm_becomes(second, "up")
        await place.run(disks.add, place.call(), counted)
        assert (await codes(place))[1:] == [3015, 3008, 3016]

        # What is used stays; limits go, then the quota once nobody counts to it.
        await refused(place, quotas.remove, place.call(center, quota), None, "VMs")
        await place.begin(quotas.remove_limit(QuotaClusterLimit), place.call(center, quota, str(made.id)), None)
        with pytest.raises(Fault):
            await place.begin(quotas.remove_limit(QuotaClusterLimit), place.call(center, quota, str(made.id)), None)
        spare = str((await place.begin(quotas.add, place.call(center), Quota(name="spare"))).id)
        await place.begin(quotas.remove, place.call(center, spare), None)
        found = (await place.read(lambda rd: quotas.quotas(rd, place.call(center), [center])))[center]
        assert [q.name for q in found] == ["Default", "team"]
