"""What happens to storage domains over time: created, attached, activated, put into maintenance, detached, removed.

Follows: flows, section 2. Every step looks first: it may run twice.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.errors import Code
from ovis.engine.access.grants import forget_object
from ovis.engine.commands import Command, Context, Step
from ovis.engine.events import Audit
from ovis.engine.hostlink.errors import HostError
from ovis.engine.model.enums import DataCenterStatus, LogSeverity, StorageDomainStatus as Status, StorageType
from ovis.engine.model.types import DataCenter, DiskProfile, StorageConnection, StorageDomain
from ovis.engine.resources.storage_domains import connect
from ovis.engine.resources.storage_domains.tables import Attachment, DomainConnection, PoolFacts
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class DomainParams(Struct, kw_only=True, frozen=True):
    """host_id: who does the work. format, destroy: of a removal. existing: import instead of create."""

    storage_domain_id: str
    data_center_id: str = ""
    host_id: str = ""
    format: bool = False
    destroy: bool = False
    existing: bool = False


def key(params: DomainParams) -> str:
    """The attachment's id."""
    return f"{params.data_center_id}/{params.storage_domain_id}"


def words(rd: Reader, params: DomainParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The domain and the data center of titles and events."""
    found: dict[str, Any] = {"storage_domain": rd.get(StorageDomain, params.storage_domain_id)}
    if params.data_center_id:
        found["data_center"] = rd.get(DataCenter, params.data_center_id)
    return found


def _connection(rd: Reader, storage_domain_id: str) -> StorageConnection:
    return rd.need(StorageConnection, rd.need(DomainConnection, storage_domain_id).connection_id)


def _sizes(domain: StorageDomain, stats: Mapping[str, Any]) -> StorageDomain:
    total, free = int(stats.get("disktotal") or 0), int(stats.get("diskfree") or 0)
    return replace(domain, available=free, used=max(0, total - free))


# -- create ---------------------------------------------------------------------------------------------------


async def _connect(ctx: Context) -> None:
    connection = await ctx.read(lambda rd: _connection(rd, ctx.params.storage_domain_id))
    await connect.connect_server(ctx.services, ctx.params.host_id, connect.NOWHERE, connection)


async def _create(ctx: Context) -> Callable[[Tx], None]:
    p: DomainParams = ctx.params
    call = ctx.services.hosts.call
    domain, connection = await ctx.read(
        lambda rd: (rd.need(StorageDomain, p.storage_domain_id), _connection(rd, p.storage_domain_id))
    )
    known = await call(p.host_id, "Host.getStorageDomains", {})
    if p.storage_domain_id not in (known or ()):
        if p.existing:
            raise HostError(Code.STORAGE_DOMAIN_MISSING, "there is no such storage domain at this place")
        assert connection.type is not None
        remote = connect.connection_params(connection)["connection"]
        try:
            await call(
                p.host_id,
                "StorageDomain.create",
                {
                    "storagedomainID": p.storage_domain_id,
                    "domainType": connect.TYPE_NUMBERS[connection.type],
                    "typeArgs": remote,
                    "name": domain.name,
                    "domainClass": 1,
                    "version": "5",
                    "blockSize": 512,
                    "maxHosts": 250,
                },
            )
        except HostError as err:
            if err.code != Code.STORAGE_DOMAIN_EXISTS:
                raise
    stats = await call(p.host_id, "StorageDomain.getStats", {"storagedomainID": p.storage_domain_id})

    def save(tx: Tx) -> None:
        tx.update(replace(_sizes(tx.need(StorageDomain, p.storage_domain_id), stats), status=Status.UNATTACHED))

    return save


async def _uncreate(ctx: Context) -> None:
    """What was made goes; what was there before stays."""
    p: DomainParams = ctx.params
    if p.existing:
        return
    known = await ctx.services.hosts.call(p.host_id, "Host.getStorageDomains", {})
    if p.storage_domain_id in (known or ()):
        ids = {"storagedomainID": p.storage_domain_id, "autoDetach": False}
        await ctx.services.hosts.call(p.host_id, "StorageDomain.format", ids)


def _forget(tx: Tx, ctx: Context) -> None:
    """Undo of an add: the domain's rows go."""
    forget_domain(tx, ctx.params.storage_domain_id)


def forget_domain(tx: Tx, storage_domain_id: str) -> None:
    """Every row of a domain, its profiles included."""
    link = tx.get(DomainConnection, storage_domain_id)
    for profile in tx.find(DiskProfile, storage_domain_id=storage_domain_id):
        forget_object(tx, "disk_profile", str(profile.id))
        tx.delete(DiskProfile, str(profile.id))
    forget_object(tx, "storage_domain", storage_domain_id)
    if link is not None:
        tx.delete(DomainConnection, storage_domain_id)
        if not tx.count(DomainConnection, connection_id=link.connection_id):
            tx.delete(StorageConnection, link.connection_id)
    if tx.get(StorageDomain, storage_domain_id) is not None:
        tx.delete(StorageDomain, storage_domain_id)


def _begin_add(tx: Tx, ctx: Context) -> None:
    """Nothing to do: the rows were stored with the command. Its undo drops them."""


ADD = Command(
    name="storage_domain.add",
    params=DomainParams,
    title="Creating storage domain {storage_domain}",
    words=words,
    steps=(
        Step("begin", _begin_add, undo=_forget, undo_own=True),
        Step("connect", _connect, title="Connecting the storage server"),
        Step("create", _create, undo=_uncreate, undo_own=True, title="Creating the storage domain"),
    ),
    done=Audit(code=956, severity=N, text="Storage Domain {storage_domain} was added by {user}."),
    failed=Audit(code=957, severity=E, text="Storage Domain {storage_domain} could not be added: {reason}"),
)


# -- attach and activate ----------------------------------------------------------------------------------------


def _set_status(status: Status, *, only: Status | None = None) -> Callable[[Tx, Context], None]:
    """only: if it still has that status; else something has really changed."""

    def run(tx: Tx, ctx: Context) -> None:
        found = tx.get(Attachment, key(ctx.params))
        if found is not None and only in (None, found.status):
            tx.update(replace(found, status=status))

    return run


async def _connect_all(ctx: Context) -> None:
    connection = await ctx.read(lambda rd: _connection(rd, ctx.params.storage_domain_id))
    ctx.state["hosts"] = await connect.connect_everywhere(ctx.services, ctx.params.data_center_id, connection)


async def _attach(ctx: Context) -> Callable[[Tx], None]:
    p: DomainParams = ctx.params
    hosts = ctx.services.hosts

    def look(rd: Reader) -> tuple[bool, str, int]:
        found = rd.need(Attachment, key(p))
        facts = rd.get(PoolFacts, p.data_center_id) or PoolFacts(id=p.data_center_id)
        return found.master, str(rd.need(DataCenter, p.data_center_id).name), facts.master_version

    first, name, version = await ctx.read(look)
    info = await hosts.call(ctx.state["hosts"][0], "StorageDomain.getInfo", {"storagedomainID": p.storage_domain_id})
    joined = p.data_center_id in (info.get("pool") or ())
    if first and not joined:
        await hosts.call(
            ctx.state["hosts"][0],
            "StoragePool.create",
            {
                "storagepoolID": p.data_center_id,
                "name": name,
                "masterSdUUID": p.storage_domain_id,
                "masterVersion": version,
                "domainList": [p.storage_domain_id],
                "lockRenewalIntervalSec": 5,
                "leaseTimeSec": 60,
                "ioOpTimeoutSec": 10,
                "leaseRetries": 3,
            },
        )
    elif not joined:
        ids = {"storagedomainID": p.storage_domain_id, "storagepoolID": p.data_center_id}
        await hosts.spm_call(p.data_center_id, "StorageDomain.attach", ids)

    def save(tx: Tx) -> None:
        tx.update(replace(tx.need(Attachment, key(p)), status=Status.MAINTENANCE))
        tx.update(replace(tx.need(StorageDomain, p.storage_domain_id), status=None))

    return save


async def _unattach(ctx: Context) -> None:
    """The domain leaves the pool, the pool goes with its only domain."""
    p: DomainParams = ctx.params
    hosts = ctx.services.hosts
    mine, up = await ctx.read(
        lambda rd: (rd.get(Attachment, key(p)), [str(h.id) for h in connect.up_hosts(rd, p.data_center_id)])
    )
    if mine is None or not up:
        return
    info = await hosts.call(up[0], "StorageDomain.getInfo", {"storagedomainID": p.storage_domain_id})
    if p.data_center_id not in (info.get("pool") or ()):
        return
    if mine.master:
        await hosts.stop_spm(p.data_center_id)
        await _leave_pool(ctx, up)
        return
    ids = {"storagedomainID": p.storage_domain_id, "storagepoolID": p.data_center_id}
    nothing = {"masterSdUUID": connect.NOWHERE, "masterVersion": 0}
    await hosts.spm_call(p.data_center_id, "StorageDomain.deactivate", ids | nothing)
    await hosts.spm_call(p.data_center_id, "StorageDomain.detach", ids | nothing | {"force": False})


async def _leave_pool(ctx: Context, up: list[str]) -> None:
    """Every host forgets the pool, and its last domain is nobody's any more."""
    p: DomainParams = ctx.params
    for host_id in up:
        await connect.disconnect_pool(ctx.services, host_id, p.data_center_id)
    connection = await ctx.read(lambda rd: _connection(rd, p.storage_domain_id))
    await connect.connect_server(ctx.services, up[0], connect.NOWHERE, connection)
    number = await ctx.read(lambda rd: connect.spm_id(rd, up[0]))
    await ctx.services.hosts.call(
        up[0],
        "StoragePool.destroy",
        {"storagepoolID": p.data_center_id, "hostID": number, "scsiKey": p.data_center_id},
    )


async def _pool_up(ctx: Context) -> None:
    """Every host knows the pool before an SPM is chosen."""
    await connect.refresh_pool_everywhere(ctx.services, ctx.params.data_center_id)


async def _activate(ctx: Context) -> Callable[[Tx], None]:
    p: DomainParams = ctx.params
    ids = {"storagedomainID": p.storage_domain_id, "storagepoolID": p.data_center_id}
    await ctx.services.hosts.spm_call(p.data_center_id, "StorageDomain.activate", ids)
    stats = await ctx.services.hosts.call(
        ctx.state["hosts"][0], "StorageDomain.getStats", {"storagedomainID": p.storage_domain_id}
    )

    def save(tx: Tx) -> None:
        found = tx.need(Attachment, key(p))
        tx.update(replace(found, status=Status.ACTIVE))
        tx.update(_sizes(tx.need(StorageDomain, p.storage_domain_id), stats))
        data_center = tx.need(DataCenter, p.data_center_id)
        if data_center.status is not DataCenterStatus.UP:
            tx.update(replace(data_center, status=DataCenterStatus.UP))

    return save


def _detached_again(tx: Tx, ctx: Context) -> None:
    found = tx.get(Attachment, key(ctx.params))
    if found is not None:
        tx.delete(Attachment, found.id)
        domain = tx.get(StorageDomain, ctx.params.storage_domain_id)
        if domain is not None:
            tx.update(replace(domain, status=Status.UNATTACHED))
        center = tx.get(DataCenter, ctx.params.data_center_id)
        if center is not None and not tx.count(Attachment, data_center_id=ctx.params.data_center_id):
            tx.update(replace(center, status=DataCenterStatus.UNINITIALIZED))


async def _refresh(ctx: Context) -> None:
    await connect.refresh_pool_everywhere(ctx.services, ctx.params.data_center_id)


ATTACH = Command(
    name="storage_domain.attach",
    params=DomainParams,
    title="Attaching storage domain {storage_domain} to data center {data_center}",
    words=words,
    steps=(
        Step("begin", _set_status(Status.LOCKED), undo=_detached_again, undo_own=True),
        Step("connect", _connect_all, title="Connecting hosts to the storage server"),
        Step("attach", _attach, undo=_unattach, undo_own=True, title="Attaching the storage domain"),
        Step("pool", _pool_up),
        Step("activate", _activate, title="Activating the storage domain"),
        Step("refresh", _refresh),
    ),
    done=Audit(
        code=962,
        severity=N,
        text="Storage Domain {storage_domain} was attached to data center {data_center} by {user}.",
    ),
    failed=Audit(
        code=963,
        severity=E,
        text="Storage Domain {storage_domain} could not be attached to data center {data_center}: {reason}",
    ),
)
ACTIVATE = Command(
    name="storage_domain.activate",
    params=DomainParams,
    title="Activating storage domain {storage_domain}",
    words=words,
    steps=(
        Step(
            "begin",
            _set_status(Status.ACTIVATING),
            undo=_set_status(Status.MAINTENANCE, only=Status.ACTIVATING),
            undo_own=True,
        ),
        Step("connect", _connect_all, title="Connecting hosts to the storage server"),
        Step("pool", _pool_up),
        Step("activate", _activate, title="Activating the storage domain"),
        Step("refresh", _refresh),
    ),
    done=Audit(code=966, severity=N, text="Storage Domain {storage_domain} was activated by {user}."),
    failed=Audit(code=967, severity=E, text="Storage Domain {storage_domain} could not be activated: {reason}"),
)


# -- maintenance ------------------------------------------------------------------------------------------------


async def _deactivate(ctx: Context) -> Callable[[Tx], None]:
    p: DomainParams = ctx.params

    def look(rd: Reader) -> tuple[bool, list[Attachment], int]:
        mine = rd.need(Attachment, key(p))
        others = [
            a
            for a in rd.find(Attachment, data_center_id=p.data_center_id)
            if a.id != mine.id and a.status is Status.ACTIVE
        ]
        facts = rd.get(PoolFacts, p.data_center_id) or PoolFacts(id=p.data_center_id)
        return mine.master, others, facts.master_version

    master, others, version = await ctx.read(look)
    successor = others[0].storage_domain_id if master and others else None
    await ctx.services.hosts.spm_call(
        p.data_center_id,
        "StorageDomain.deactivate",
        {
            "storagedomainID": p.storage_domain_id,
            "storagepoolID": p.data_center_id,
            "masterSdUUID": successor or connect.NOWHERE,
            "masterVersion": version + 1 if successor else version,
        },
    )

    def save(tx: Tx) -> None:
        mine = tx.need(Attachment, key(p))
        tx.update(replace(mine, status=Status.MAINTENANCE, master=mine.master and successor is None))
        if successor is not None:
            heir = tx.need(Attachment, f"{p.data_center_id}/{successor}")
            tx.update(replace(heir, master=True))
            tx.put(PoolFacts(id=p.data_center_id, master_version=version + 1))
        if not others:
            tx.update(replace(tx.need(DataCenter, p.data_center_id), status=DataCenterStatus.MAINTENANCE))

    return save


async def _release(ctx: Context) -> None:
    """The last domain is gone: no SPM is needed any more. Otherwise hosts learn the new master."""
    p: DomainParams = ctx.params
    left = await ctx.read(lambda rd: rd.count(Attachment, data_center_id=p.data_center_id, status=Status.ACTIVE.value))
    if left:
        await connect.refresh_pool_everywhere(ctx.services, p.data_center_id)
    else:
        await ctx.services.hosts.stop_spm(p.data_center_id)


DEACTIVATE = Command(
    name="storage_domain.deactivate",
    params=DomainParams,
    title="Putting storage domain {storage_domain} into maintenance",
    words=words,
    steps=(
        Step(
            "begin",
            _set_status(Status.PREPARING_FOR_MAINTENANCE),
            undo=_set_status(Status.ACTIVE, only=Status.PREPARING_FOR_MAINTENANCE),
            undo_own=True,
        ),
        Step("deactivate", _deactivate, title="Deactivating the storage domain"),
        Step("release", _release),
    ),
    done=Audit(code=968, severity=N, text="Storage Domain {storage_domain} was put into maintenance by {user}."),
    failed=Audit(
        code=969, severity=E, text="Storage Domain {storage_domain} could not be put into maintenance: {reason}"
    ),
)


# -- detach and remove --------------------------------------------------------------------------------------------


async def _detach(ctx: Context) -> Callable[[Tx], None]:
    p: DomainParams = ctx.params
    hosts = ctx.services.hosts

    def look(rd: Reader) -> tuple[bool, list[str]]:
        return rd.need(Attachment, key(p)).master, [str(h.id) for h in connect.up_hosts(rd, p.data_center_id)]

    master, up = await ctx.read(look)
    ids = {"storagedomainID": p.storage_domain_id, "storagepoolID": p.data_center_id}
    if up and master:
        await hosts.stop_spm(p.data_center_id)  # detaching the others may have needed one
        await _leave_pool(ctx, up)
    elif up:
        await hosts.spm_call(
            p.data_center_id,
            "StorageDomain.detach",
            ids | {"masterSdUUID": connect.NOWHERE, "masterVersion": 0, "force": False},
        )

    def save(tx: Tx) -> None:
        from ovis.engine.resources.storage_domains.contents import forget_contents

        _detached_again(tx, ctx)
        forget_contents(tx, p.storage_domain_id)
        if not tx.count(Attachment, data_center_id=p.data_center_id):
            facts = tx.get(PoolFacts, p.data_center_id) or PoolFacts(id=p.data_center_id)
            tx.put(replace(facts, master_version=facts.master_version + 1))

    return save


DETACH = Command(
    name="storage_domain.detach",
    params=DomainParams,
    title="Detaching storage domain {storage_domain}",
    words=words,
    steps=(
        Step("begin", _set_status(Status.DETACHING), undo=_set_status(Status.MAINTENANCE), undo_own=True),
        Step("detach", _detach, title="Detaching the storage domain"),
    ),
    done=Audit(
        code=964,
        severity=N,
        text="Storage Domain {storage_domain} was detached from data center {data_center} by {user}.",
    ),
    failed=Audit(code=965, severity=E, text="Storage Domain {storage_domain} could not be detached: {reason}"),
)


async def _format(ctx: Context) -> None:
    p: DomainParams = ctx.params
    if p.destroy:
        return
    call = ctx.services.hosts.call
    connection = await ctx.read(lambda rd: _connection(rd, p.storage_domain_id))
    await connect.connect_server(ctx.services, p.host_id, connect.NOWHERE, connection)
    if p.format:
        known = await call(p.host_id, "Host.getStorageDomains", {})
        if p.storage_domain_id in (known or ()):
            await call(p.host_id, "StorageDomain.format", {"storagedomainID": p.storage_domain_id, "autoDetach": False})
    assert connection.type is not None
    await call(
        p.host_id,
        "StoragePool.disconnectStorageServer",
        {
            "storagepoolID": connect.NOWHERE,
            "domainType": connect.TYPE_NUMBERS[connection.type],
            "connectionParams": [connect.connection_params(connection)],
        },
    )


def _removed(tx: Tx, ctx: Context) -> None:
    from ovis.engine.resources.storage_domains.contents import forget_contents

    forget_contents(tx, ctx.params.storage_domain_id)
    forget_domain(tx, ctx.params.storage_domain_id)


def _locked_domain(status: Status | None) -> Callable[[Tx, Context], None]:
    def run(tx: Tx, ctx: Context) -> None:
        domain = tx.get(StorageDomain, ctx.params.storage_domain_id)
        if domain is not None:
            tx.update(replace(domain, status=status))

    return run


REMOVE = Command(
    name="storage_domain.remove",
    params=DomainParams,
    title="Removing storage domain {storage_domain}",
    words=words,
    steps=(
        Step("begin", _locked_domain(Status.LOCKED), undo=_locked_domain(Status.UNATTACHED), undo_own=True),
        Step("format", _format, title="Formatting the storage"),
        Step("forget", _removed),
    ),
    done=Audit(code=960, severity=N, text="Storage Domain {storage_domain} was removed by {user}."),
    failed=Audit(code=961, severity=E, text="Storage Domain {storage_domain} could not be removed: {reason}"),
)
COMMANDS = (ADD, ATTACH, ACTIVATE, DEACTIVATE, DETACH, REMOVE)
__all__ = ["COMMANDS", "DomainParams", "StorageType", "forget_domain", "key"]
