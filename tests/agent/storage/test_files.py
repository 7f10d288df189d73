"""The whole life of storage on one host, as an engine drives it; and what is refused on the way."""

import asyncio
import os
from pathlib import Path

import pytest

from ovis.agent.storage import monitor
from ovis.contract.errors import Code
from tests.agent.storage.lab import BLANK, MIB, Host, Pool, new_id


async def test_the_life_of_a_domain_and_its_pool(host: Host, pool: Pool, shared: Path) -> None:
    ids = {"storagedomainID": pool.domain, "storagepoolID": pool.id}
    assert await host.call("Host.getStorageDomains") == [pool.domain]
    info = await host.call("StorageDomain.getInfo", storagedomainID=pool.domain)
    assert (info["type"], info["class"], info["role"], info["pool"]) == ("LOCALFS", "Data", "Master", [pool.id])
    stats = await host.call("StorageDomain.getStats", storagedomainID=pool.domain)
    assert 0 < int(stats["diskfree"]) <= int(stats["disktotal"])
    found = await host.call("StoragePool.getInfo", storagepoolID=pool.id)
    assert found["info"] | {"type": ""} == {
        "name": "Default",
        "type": "",
        "master_uuid": pool.domain,
        "master_ver": 1,
        "spm_id": 1,
        "lver": 0,
        "domains": f"{pool.domain}:Active",
        "isoprefix": "",
        "pool_status": "connected",
        "version": "5",
    }
    assert found["dominfo"][pool.domain]["status"] == "Active"
    row = host.storage.repo_stats()[pool.domain]
    assert (row["code"], row["valid"], row["actual"], row["version"]) == (0, True, True, 5)
    assert float(row["delay"]) >= 0 and float(row["lastCheck"]) >= 0
    assert (host.data / "rhev/data-center" / pool.id / pool.domain).resolve() == shared / pool.domain

    image, volume = await pool.volume(MIB)
    assert await host.call("StorageDomain.getImages", storagedomainID=pool.domain) == [image]
    assert await host.call("StorageDomain.getVolumes", **pool.ids(image)) == [volume]
    assert await host.call("Image.getVolumes", **pool.ids(image)) == [volume]
    await host.done("Image.delete", **pool.ids(image), postZero=False, force=False)
    assert await host.call("StorageDomain.getImages", storagedomainID=pool.domain) == []

    await host.call("StorageDomain.deactivate", **ids, masterSdUUID=BLANK, masterVersion=1)
    assert host.storage.repo_stats() == {}
    await host.call("StoragePool.spmStop", storagepoolID=pool.id)
    for verb in ("StoragePool.disconnect", "StoragePool.destroy", "StoragePool.destroy"):
        await host.call(verb, storagepoolID=pool.id, hostID=1, scsiKey=pool.id)
    assert (await host.call("StorageDomain.getInfo", storagedomainID=pool.domain))["pool"] == []
    (shared / "else").write_text("not ours")
    await host.call("StorageDomain.format", storagedomainID=pool.domain, autoDetach=False)
    assert os.listdir(shared) == ["else"]
    for _ in range(2):
        assert (
            await host.call(
                "StoragePool.disconnectStorageServer",
                storagepoolID=pool.id,
                domainType=4,
                connectionParams=[pool.connection],
            )
        )[0]["status"] == 0
    assert await host.call("Host.getStorageDomains") == []
    assert (shared / "else").exists()


async def test_a_second_domain_joins_becomes_master_and_leaves(host: Host, pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Pool(host, tmp_path / "other", kind=6, params={"vfs_type": "xfs"})
    await other.add_domain(host, other.domain)
    ids = {"storagedomainID": other.domain, "storagepoolID": pool.id}
    assert await host.code("StorageDomain.activate", **ids) == Code.STORAGE_DOMAIN_NOT_IN_POOL
    for _ in range(2):
        await host.call("StorageDomain.attach", **ids)
    for _ in range(2):
        await host.call("StorageDomain.activate", **ids)
    assert set(host.storage.repo_stats()) == {pool.domain, other.domain}
    assert await host.code("StorageDomain.detach", **ids, force=False) == Code.STORAGE_DOMAIN_ACTIVE
    assert (
        await host.code("StorageDomain.format", storagedomainID=other.domain, autoDetach=False)
        == Code.STORAGE_DOMAIN_FORMAT_ATTACHED
    )

    first = {"storagedomainID": pool.domain, "storagepoolID": pool.id}
    for _ in range(2):  # the engine may have died before it noted the first time
        await host.call("StorageDomain.deactivate", **first, masterSdUUID=other.domain, masterVersion=2)
    assert await pool.status(host) == "SPM"
    found = (await host.call("StoragePool.getInfo", storagepoolID=pool.id))["info"]
    assert (found["master_uuid"], found["master_ver"]) == (other.domain, 2)
    assert found["domains"] == f"{pool.domain}:Attached,{other.domain}:Active"
    await pool.connect(host, version=2, master=other.domain)
    await pool.connect(host, version=1)  # an engine that does not know yet is led to the master
    for _ in range(2):
        await host.call("StorageDomain.detach", **first, masterSdUUID=BLANK, masterVersion=0, force=False)
    assert (await host.call("StorageDomain.getInfo", storagedomainID=pool.domain))["pool"] == []
    assert await host.code("StorageDomain.detach", **ids, force=False) == Code.STORAGE_DOMAIN_IS_MASTER


async def test_switch_master_is_a_task_and_moves_the_lease(host: Host, pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Pool(host, tmp_path / "other")
    await other.add_domain(host, other.domain)
    for verb in ("StorageDomain.attach", "StorageDomain.activate"):
        await host.call(verb, storagedomainID=other.domain, storagepoolID=pool.id)
    change = {"oldMasterUUID": pool.domain, "newMasterUUID": other.domain, "masterVersion": 2}
    for _ in range(2):
        await host.done("StoragePool.switchMaster", storagepoolID=pool.id, **change)
    assert await pool.status(host) == "SPM"
    await host.restart()
    assert await pool.status(host) == "SPM"
    image, volume = await pool.volume(MIB)
    assert (await pool.info(image, volume))["status"] == "OK"


async def test_a_lost_master_is_replaced_by_reconstruction(host: Host, pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Pool(host, tmp_path / "other")
    await other.add_domain(host, other.domain)
    for verb in ("StorageDomain.attach", "StorageDomain.activate"):
        await host.call(verb, storagedomainID=other.domain, storagepoolID=pool.id)
    rebuilt = {
        "storagepoolID": pool.id,
        "hostId": 1,
        "name": "Default",
        "masterSdUUID": other.domain,
        "masterVersion": 7,
        "domainDict": {pool.domain: "attached", other.domain: "active"},
        "lockRenewalIntervalSec": 5,
        "leaseTimeSec": 60,
        "ioOpTimeoutSec": 10,
        "leaseRetries": 3,
    }
    assert await host.code("StoragePool.reconstructMaster", **rebuilt) == Code.POOL_CONNECTED
    await host.call("StoragePool.spmStop", storagepoolID=pool.id)
    await host.call("StoragePool.disconnect", storagepoolID=pool.id, hostID=1, scsiKey="")
    await host.call("StoragePool.reconstructMaster", **rebuilt)
    await pool.connect(host, version=7, master=other.domain)
    await pool.manage(host)
    found = (await host.call("StoragePool.getInfo", storagepoolID=pool.id))["info"]
    assert (found["master_uuid"], found["master_ver"]) == (other.domain, 7)
    assert (await host.call("StorageDomain.getInfo", storagedomainID=pool.domain))["role"] == "Regular"


async def test_what_belongs_to_others_is_refused(host: Host, pool: Pool, tmp_path: Path) -> None:
    new = {
        "domainType": 4,
        "typeArgs": str(pool.folder),
        "name": "again",
        "domainClass": 1,
        "version": "5",
    }
    assert await host.code("StorageDomain.create", storagedomainID=pool.domain, **new) == Code.STORAGE_DOMAIN_EXISTS
    assert await host.code("StorageDomain.create", storagedomainID=new_id(), **new) == Code.STORAGE_DOMAIN_NOT_EMPTY
    (tmp_path / "away").mkdir()
    elsewhere = new | {"typeArgs": str(tmp_path / "away")}
    assert (
        await host.code("StorageDomain.create", storagedomainID=new_id(), **elsewhere)
        == Code.STORAGE_DOMAIN_NOT_MOUNTED
    )
    assert (
        await host.code("StorageDomain.create", storagedomainID=new_id(), **(new | {"version": "9"}))
        == Code.STORAGE_DOMAIN_VERSION
    )
    thief = {
        "name": "thief",
        "masterSdUUID": pool.domain,
        "masterVersion": 1,
        "domainList": [pool.domain],
        "lockRenewalIntervalSec": 5,
        "leaseTimeSec": 60,
        "ioOpTimeoutSec": 10,
        "leaseRetries": 3,
    }
    other = new_id()
    assert await host.code("StoragePool.create", storagepoolID=other, **thief) == Code.STORAGE_DOMAIN_ATTACHED
    connect = {"hostID": 1, "scsiKey": "", "masterSdUUID": pool.domain, "masterVersion": 1}
    assert await host.code("StoragePool.connect", storagepoolID=other, **connect) == Code.POOL_WRONG_MASTER
    assert await host.code("StoragePool.connect", storagepoolID=pool.id, **(connect | {"masterVersion": 5})) == (
        Code.POOL_WRONG_MASTER
    )
    assert await host.code("StoragePool.getSpmStatus", storagepoolID=other) == Code.POOL_UNKNOWN
    assert await host.code("StoragePool.disconnect", storagepoolID=pool.id, hostID=1, scsiKey="") == Code.IS_SPM
    assert await host.code("StorageDomain.getInfo", storagedomainID=new_id()) == Code.STORAGE_DOMAIN_MISSING


async def test_a_restart_finds_everything_again(host: Host, pool: Pool) -> None:
    image, volume = await pool.volume(MIB)
    kept = await host.call("Volume.extendSize", **pool.ids(image, volume), newSize=str(2 * MIB))
    while (await host.call("Task.getStatus", taskID=kept))["taskState"] != "finished":
        await asyncio.sleep(0.01)
    await host.restart()
    assert await pool.status(host) == "SPM"
    assert await host.call("Host.getStorageDomains") == [pool.domain]
    assert (await host.call("Host.getAllTasksStatuses"))[kept]["taskResult"] == "success"
    assert (await host.call("Host.getAllTasksInfo"))[kept] == {"id": kept, "verb": "Volume.extendSize"}
    assert host.storage.repo_stats()[pool.domain]["valid"] is True
    await host.call("Task.clear", taskID=kept)
    assert await host.code("Task.getStatus", taskID=kept) == Code.TASK_UNKNOWN
    assert (await pool.info(image, volume))["capacity"] == str(2 * MIB)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Domains are looked at often."""
    monkeypatch.setattr(monitor, "EVERY", 0.05)


@pytest.mark.usefixtures("often")
async def test_a_domain_that_vanishes_is_reported_and_comes_back(tmp_path: Path, shared: Path) -> None:
    host = await Host(tmp_path / "often").start()
    pool = await Pool(host, shared).create()

    async def until(valid: bool) -> dict[str, object]:
        while True:
            row: dict[str, object] = host.storage.repo_stats()[pool.domain]
            if row["valid"] is valid:
                return row
            await asyncio.sleep(0.01)

    (shared / pool.domain).rename(shared / "hidden")
    assert (await until(False))["code"] == Code.STORAGE_DOMAIN_MISSING
    (shared / "hidden").rename(shared / pool.domain)
    assert (await until(True))["code"] == 0
    stats = await host.call("Host.getStorageRepoStats", domains=[pool.domain])
    assert set(stats) == {pool.domain}
    assert await host.call("Host.getStorageRepoStats", domains=[new_id()]) == {}
    await host.stop()


_ID = "0a0a0a0a-0000-4000-8000-00000000000a"
HOSTILE = [
    "../../etc", "..", "", ".", "a" * 300, "../" + _ID, _ID + "/..", _ID + "\n", " " + _ID, "x\0y", 7, None, [], {},
]  # fmt: skip


@pytest.mark.parametrize("bad", HOSTILE, ids=repr)
async def test_an_id_that_is_none_goes_nowhere(host: Host, pool: Pool, bad: object, tmp_path: Path) -> None:
    before = sorted(str(p) for p in tmp_path.rglob("*") if p.name != "spm.lease")
    good = new_id()
    refused = {Code.INVALID_PARAMETER, Code.INTERNAL}  # a missing mandatory parameter fails in the dispatcher
    ids = {"storagepoolID": pool.id, "storagedomainID": pool.domain, "imageID": good, "volumeID": good}
    calls: list[tuple[str, dict[str, object]]] = [
        ("StoragePool.getInfo", {"storagepoolID": bad}),
        ("StorageDomain.format", {"storagedomainID": bad, "autoDetach": True}),
        ("StorageDomain.attach", {"storagedomainID": bad, "storagepoolID": pool.id}),
        ("StorageDomain.detach", {"storagedomainID": bad, "storagepoolID": pool.id, "force": True}),
        ("Image.delete", ids | {"imageID": bad, "postZero": False, "force": True}),
        ("Image.deleteVolumes", ids | {"volumeList": [bad]}),
        ("Volume.create", pool.creation(good, good, MIB) | {"imageID": bad}),
        ("Volume.create", pool.creation(good, good, MIB) | {"volumeID": bad}),
        ("Volume.getInfo", ids | {"volumeID": bad}),
        ("Task.clear", {"taskID": bad}),
        ("SDM.copy_data", {"job_id": bad, "source": pool.end(good, good), "destination": pool.end(good, good)}),
        ("SDM.copy_data", {"job_id": good, "source": pool.end(good, good) | {"vol_id": bad}, "destination": {}}),
    ]
    for verb, params in calls:
        assert await host.code(verb, **params) in refused, verb
    assert sorted(str(p) for p in tmp_path.rglob("*") if p.name != "spm.lease") == before


@pytest.mark.parametrize(
    "path", ["relative/path", "", "/a/../../etc", "/a\nb", "-o:/x", "host/x:/y", "nfs server:/x", "/" + "x" * 5000]
)
async def test_a_path_that_is_not_absolute_is_not_connected(host: Host, path: str) -> None:
    connection = {"id": new_id(), "connection": path, "vfs_type": "ext4"}
    for kind in (1, 4, 6):
        rows = await host.call(
            "StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=kind, connectionParams=[connection]
        )
        assert rows[0]["status"] in (Code.SERVER_VALIDATION, Code.SERVER_CONNECTION)


async def test_a_server_that_cannot_be_mounted_answers_the_kernels_words(host: Host, tmp_path: Path) -> None:
    async def connect(kind: int, **params: str) -> dict[str, object]:
        rows = await host.call(
            "StoragePool.connectStorageServer",
            storagepoolID=BLANK,
            domainType=kind,
            connectionParams=[{"id": "c", **params}],
        )
        found: dict[str, object] = rows[0]
        return found

    wrong = await connect(6, connection="127.0.0.1:/nothing", vfs_type="nosuchfs")
    assert wrong["status"] == Code.MOUNT_FAILED
    if os.geteuid() == 0:
        assert str(wrong["message"]).startswith("127.0.0.1:/nothing cannot be mounted: ")
        assert "does not exist" in str(wrong["message"]) or "nosuchfs" in str(wrong["message"])
    if "\tnfs\n" not in Path("/proc/filesystems").read_text():
        wrong = await connect(1, connection="127.0.0.1:/nothing", protocol_version="4.2", timeout="10")
        assert wrong["status"] == Code.MOUNT_FAILED
    assert (await connect(1, connection="127.0.0.1:/nothing", protocol_version="4,exec"))["status"] == 453
    assert (await connect(6, connection="/nothing", vfs_type="-o,bind"))["status"] == Code.SERVER_VALIDATION
    assert (await connect(4, connection=str(tmp_path / "nothing")))["status"] == Code.SERVER_CONNECTION
    assert not list((host.data / "rhev/data-center/mnt").iterdir())


async def test_parameters_of_wrong_kinds_are_refused(host: Host, pool: Pool) -> None:
    image, volume = new_id(), new_id()
    for wrong in (
        {"size": "many"},
        {"size": "-1"},
        {"size": "0"},
        {"size": [1]},
        {"volFormat": 9},
        {"preallocate": "SOME"},
        {"diskType": "JUNK"},
        {"initialSize": str(9 * MIB)},
    ):
        assert await host.code("Volume.create", **(pool.creation(image, volume, MIB) | wrong)) == 91, wrong
    for given in ("text", [1], {"a": 1}):
        assert (
            await host.code(
                "StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=4, connectionParams=given
            )
            == 91
        )
    assert await host.code("SDM.copy_data", job_id=new_id(), source="x", destination=[]) == 91
    assert await host.call("StorageDomain.getImages", storagedomainID=pool.domain) == []
