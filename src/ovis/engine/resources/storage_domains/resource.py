"""Storage domains and their connections: /storagedomains, /storageconnections.

Does: add (local directory, POSIX path, NFS), import, update, remove; what lies below a domain. Does not: attach
(`attached`). Follows: storage part of the status matrix, permits and limits of engine 4.5.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.commands import Lock, begin, require_unlocked
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, Refusal, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, PUBLIC, Need, Op, Param, Resource, Started
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import (
    HostStatus,
    LogSeverity,
    StorageDomainStatus as Status,
    StorageDomainType,
    StorageFormat,
    StorageType,
)
from ovis.engine.model.types import (
    DataCenter,
    DiskSnapshot,
    File,
    Host,
    HostStorage,
    Image,
    StorageConnection,
    StorageDomain,
)
from ovis.engine.resources import bodies
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.permissions import permissions_of
from ovis.engine.resources.profiles import PROFILES_OF_STORAGE_DOMAIN, default_disk_profile
from ovis.engine.resources.storage_domains.commands import ADD, REMOVE, DomainParams, forget_domain
from ovis.engine.resources.storage_domains.connect import TYPE_NUMBERS
from ovis.engine.resources.storage_domains.contents import (
    DISKS_OF_DOMAIN,
    TEMPLATES_OF_DOMAIN,
    VMS_OF_DOMAIN,
    forget_contents,
)
from ovis.engine.resources.storage_domains.tables import CONNECTIONS, DOMAINS, Attachment, DomainConnection
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx

NAME_RULE = TextRule(50, 1, bodies.ASCII_NAME)
UPDATED = Audit(code=958, severity=LogSeverity.NORMAL, text="Storage Domain {storage_domain} was updated by {user}.")
DESTROYED = Audit(
    code=1018, severity=LogSeverity.WARNING, text="Storage Domain {storage_domain} was forcibly removed by {user}."
)
_KEEP = ("status", "storage", "available", "used", "committed", "master", "data_centers", "data_center", "type", "host")


def _value_refusals(domain: StorageDomain) -> list[Refusal]:
    found = bodies.text_refusals(domain.name, "name", NAME_RULE)
    found += bodies.text_refusals(domain.description, "description", TextRule(4000))
    low = domain.warning_low_space_indicator
    if low is not None and not 0 <= low <= 100:
        found.append(
            Refusal(
                "VALIDATION_STORAGE_DOMAIN_WARNING_LOW_SPACE_INDICATOR_RANGE", f"{low} is not 0 to 100.", "", Kind.BAD
            )
        )
    return found


def _check(rd: Reader, domain: StorageDomain) -> None:
    bodies.raise_all(_value_refusals(domain))
    bodies.require_free_name(
        rd, StorageDomain, domain.name, "ACTION_TYPE_FAILED_STORAGE_DOMAIN_NAME_ALREADY_EXIST", own_id=domain.id
    )


def _connection(rd: Reader, storage: HostStorage) -> StorageConnection:
    kind = storage.type
    if kind not in TYPE_NUMBERS:
        raise refuse(
            "ACTION_TYPE_FAILED_STORAGE_TYPE_NOT_SUPPORTED",
            f"Storage type {kind.value if kind else 'nothing'} is not supported.",
            "Use localfs, posixfs or nfs.",
            bad=True,
        )
    path = (storage.path or "").rstrip("/") or storage.path or ""
    if not path.startswith("/") and kind is not StorageType.POSIXFS:
        raise refuse("VALIDATION_STORAGE_CONNECTION_INVALID", f"{path!r} is not an absolute path.", bad=True)
    if not path or any(ord(c) < 32 for c in path) or ".." in path.split("/"):
        raise refuse("VALIDATION_STORAGE_CONNECTION_INVALID", "A path of the storage is needed.", bad=True)
    if kind is StorageType.POSIXFS and not storage.vfs_type:
        raise refuse("VALIDATION_STORAGE_CONNECTION_EMPTY_VFSTYPE", "A POSIX domain needs vfs_type.", bad=True)
    if kind is StorageType.NFS and not storage.address:
        raise refuse("VALIDATION_STORAGE_CONNECTION_INVALID", "An NFS domain needs an address.", bad=True)
    for known in rd.find(StorageConnection):
        if (known.type, known.path, known.address) == (kind, path, storage.address):
            if rd.count(DomainConnection, connection_id=str(known.id)):
                raise refuse(
                    "ACTION_TYPE_FAILED_STORAGE_CONNECTION_ALREADY_EXISTS",
                    f"The storage at {path} is already used by a domain.",
                )
            return known
    return StorageConnection(
        id=bodies.new_id(),
        type=kind,
        path=path,
        address=storage.address,
        vfs_type=storage.vfs_type,
        mount_options=storage.mount_options,
        nfs_version=storage.nfs_version,
    )


def _working_host(rd: Reader, reference: Host | None) -> Host:
    host = bodies.resolve(rd, Host, reference)
    if host.status is not HostStatus.UP:
        raise refuse("ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL", f"Host {host.name} is not up.", "Choose one that is.")
    return host


def add(tx: Tx, call: Call, body: StorageDomain) -> Started:
    """POST /storagedomains: created (or imported) on the given host; unattached afterwards."""
    host = _working_host(tx, body.host)
    kind = body.type or StorageDomainType.DATA
    if kind is not StorageDomainType.DATA:
        raise refuse(
            "ACTION_TYPE_FAILED_STORAGE_DOMAIN_TYPE_ILLEGAL",
            f"{kind.value} domains are not supported.",
            "Use data.",
            bad=True,
        )
    assert body.storage is not None
    given = body.storage
    if given.id is not None and given.path is None:
        known = tx.need(StorageConnection, given.id)
        given = HostStorage(
            type=known.type,
            path=known.path,
            address=known.address,
            vfs_type=known.vfs_type,
            mount_options=known.mount_options,
        )
    connection = _connection(tx, given)
    imported = bool(body.import_ or body.id)
    domain = StorageDomain(
        id=body.id if imported and body.id else bodies.new_id(),
        name=body.name,
        description=body.description,
        comment=body.comment,
        type=kind,
        storage=HostStorage(
            type=connection.type,
            path=connection.path,
            address=connection.address,
            vfs_type=connection.vfs_type,
            mount_options=connection.mount_options,
        ),
        storage_format=body.storage_format or StorageFormat.V5,
        status=Status.LOCKED,
        master=False,
        available=0,
        used=0,
        committed=0,
        block_size=512,
        warning_low_space_indicator=10
        if body.warning_low_space_indicator is None
        else body.warning_low_space_indicator,
        critical_space_action_blocker=5
        if body.critical_space_action_blocker is None
        else body.critical_space_action_blocker,
        wipe_after_delete=bool(body.wipe_after_delete),
        discard_after_delete=False,
        backup=bool(body.backup),
        supports_discard=False,
        supports_discard_zeroes_data=False,
    )
    _check(tx, domain)
    if tx.get(StorageConnection, connection.id) is None:
        tx.insert(connection)
    tx.insert(domain)
    tx.insert(DomainConnection(id=str(domain.id), connection_id=str(connection.id)))
    default_disk_profile(tx, str(domain.id))
    return begin(
        tx,
        ADD,
        DomainParams(storage_domain_id=str(domain.id), host_id=str(host.id), existing=imported),
        call=call,
        locks=(Lock("storage_domain", str(domain.id)),),
        subjects=(("storage_domain", str(domain.id)), ("host", str(host.id))),
        entity=domain,
        wait=True,
    )


def update(tx: Tx, call: Call, body: StorageDomain) -> StorageDomain:
    """PUT /storagedomains/ID: name, texts, space limits."""
    old = tx.need(StorageDomain, call.ids[-1])
    new = bodies.without_subs(bodies.merge(old, body, keep=_KEEP))
    _check(tx, new)
    tx.update(new)
    record(tx, UPDATED, call=call, storage_domain=new)
    return new


def remove(tx: Tx, call: Call, body: Any) -> Started | None:
    """DELETE /storagedomains/ID?host=&format=&destroy=: of an unattached domain; destroy only forgets it."""
    domain = tx.need(StorageDomain, call.ids[-1])
    destroy = call.flag("destroy") or bool(getattr(body, "destroy", None))
    if destroy:
        require_unlocked(tx, ("storage_domain", str(domain.id)))
        for attachment in tx.find(Attachment, storage_domain_id=str(domain.id)):
            if attachment.status is Status.ACTIVE:
                raise refuse(
                    "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL2",
                    f"Storage domain {domain.name} is {attachment.status.value}.",
                    "Put it into maintenance first.",
                )
            tx.delete(Attachment, attachment.id)
        forget_contents(tx, str(domain.id))
        forget_domain(tx, str(domain.id))
        record(tx, DESTROYED, call=call, storage_domain=domain)
        return None
    if tx.count(Attachment, storage_domain_id=str(domain.id)):
        raise refuse(
            "ACTION_TYPE_FAILED_FORMAT_STORAGE_DOMAIN_WITH_ATTACHED_DATA_DOMAIN",
            f"Storage domain {domain.name} is attached to a data center.",
            "Detach it first.",
        )
    if domain.status is Status.LOCKED:
        raise refuse("ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL", f"Storage domain {domain.name} is locked.")
    named = call.params.get("host") or ""
    reference = getattr(body, "host", None) or (
        Host(id=named) if tx.get(Host, named) else Host(name=named) if named else None
    )
    host = _working_host(tx, reference)
    return begin(
        tx,
        REMOVE,
        DomainParams(
            storage_domain_id=str(domain.id),
            host_id=str(host.id),
            format=call.flag("format") or bool(getattr(body, "format", None)),
        ),
        call=call,
        locks=(Lock("storage_domain", str(domain.id)),),
        subjects=(("storage_domain", str(domain.id)),),
    )


def shown(rd: Reader, call: Call, found: Sequence[StorageDomain]) -> list[StorageDomain]:
    """With data centers, master and committed space; the status only when unattached (or locked)."""
    ids = [str(d.id) for d in found]
    attached: dict[str, list[Attachment]] = {}
    for row in rd.find(Attachment, storage_domain_id=ids):
        attached.setdefault(row.storage_domain_id, []).append(row)
    promised: dict[str, int] = {}
    disks = rd.schema.sql["disks"]
    for owner, size in rd.rows(
        disks.select()
        .with_only_columns(disks.c.storage_domain_id, disks.c.provisioned_size)
        .where(disks.c.storage_domain_id.in_(ids))
    ):
        promised[owner] = promised.get(owner, 0) + (size or 0)
    out = []
    for domain in found:
        rows = attached.get(str(domain.id), [])
        out.append(
            replace(
                domain,
                status=None if rows else domain.status,
                master=any(r.master for r in rows),
                committed=promised.get(str(domain.id), 0),
                data_centers=[DataCenter(id=r.data_center_id) for r in rows] or None,
            )
        )
    return out


# -- what lies below ------------------------------------------------------------------------------------------


def _connections(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[StorageConnection]]:
    links = rd.get_many(DomainConnection, parents)
    found = rd.get_many(StorageConnection, [link.connection_id for link in links.values()])
    return {p: [found[links[p].connection_id]] if p in links else [] for p in parents}


def remove_connection(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /storageconnections/ID: one that no domain uses."""
    if tx.count(DomainConnection, connection_id=call.ids[-1]):
        raise refuse("ACTION_TYPE_FAILED_STORAGE_CONNECTION_FOR_DOMAIN_EDIT", "A storage domain uses this connection.")
    tx.delete(StorageConnection, call.ids[-1])


def add_connection(tx: Tx, call: Call, body: StorageConnection) -> StorageConnection:
    """POST /storageconnections."""
    made = _connection(
        tx,
        HostStorage(
            type=body.type,
            path=body.path,
            address=body.address,
            vfs_type=body.vfs_type,
            mount_options=body.mount_options,
            nfs_version=body.nfs_version,
        ),
    )
    return tx.insert(made) if tx.get(StorageConnection, made.id) is None else made


SEARCH = SearchObject(
    table=DOMAINS,
    prefix="Storage",
    fields={
        "name": Field("text", "name"),
        "type": Field("enum", "storage_type"),
        "status": Field("enum", via=Join("storage_domain_attachments", "id", "status", "storage_domain_id")),
        "datacenter": Field(
            "text",
            via=Join(
                "storage_domain_attachments",
                "id",
                "data_center_id",
                "storage_domain_id",
                then=Join("data_centers", "data_center_id", "name"),
            ),
        ),
        "free_size": Field("size", "free_size", unit=1 << 30),
        "used_size": Field("size", "used_size", unit=1 << 30),
        "committed": Field("size", "committed", unit=1 << 30),
        "total_size": Field("size", "total_size", unit=1 << 30),
        "low_space_threshold": Field("int", "low_space"),
        "critical_space_threshold": Field("int", "critical_space"),
        "wipe_after_delete": Field("bool", "wipe_after_delete"),
        "discard_after_delete": Field("bool", "discard_after_delete"),
        "backup": Field("bool", "backup"),
        "external_status": Field("enum", "external_status"),
        "comment": Field("text", "comment"),
        "description": Field("text", "description"),
    },
)


def _disk_snapshots(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskSnapshot]]:
    from ovis.engine.resources.vms.snapshots import show

    return show.disk_snapshots_of_domain(rd, call, parents)


def _empty(type_: Any, collection: str) -> Resource:
    return Resource(type=type_, collection=collection, list=Op(run=bodies.nothing, needs=PUBLIC), get=Op(needs=PUBLIC))


RESOURCE = Resource(
    type=StorageDomain,
    collection="storagedomains",
    object_type="storage_domain",
    table=DOMAINS,
    search=SEARCH,
    derive=shown,
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(Need(Permit.CREATE_STORAGE_DOMAIN, "system"),),
        mandatory=("host.id|host.name", "storage"),
    ),
    update=Op(run=update, needs=(Need(Permit.EDIT_STORAGE_DOMAIN_CONFIGURATION),)),
    remove=Op(
        run=remove,
        needs=(Need(Permit.DELETE_STORAGE_DOMAIN),),
        params=(Param(name="host", type=str), Param(name="format"), Param(name="destroy"), Param(name="async")),
    ),
    subs=(
        DISKS_OF_DOMAIN,
        VMS_OF_DOMAIN,
        TEMPLATES_OF_DOMAIN,
        Resource(
            type=StorageConnection,
            collection="storageconnections",
            list=Op(run=_connections, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
        PROFILES_OF_STORAGE_DOMAIN,
        Resource(
            type=DiskSnapshot,
            collection="disksnapshots",
            list=Op(run=_disk_snapshots, needs=PUBLIC, params=(Param(name="include_active"),)),
            get=Op(needs=PUBLIC),
        ),
        _empty(File, "files"),
        _empty(Image, "images"),
        permissions_of("storage_domain"),
    ),
)
CONNECTIONS_RESOURCE = Resource(
    type=StorageConnection,
    collection="storageconnections",
    table=CONNECTIONS,
    list=Op(needs=ADMIN),
    get=Op(needs=ADMIN),
    add=Op(run=add_connection, needs=(Need(Permit.CREATE_STORAGE_DOMAIN, "system"),), mandatory=("type", "path")),
    remove=Op(run=remove_connection, needs=(Need(Permit.CREATE_STORAGE_DOMAIN, "system"),)),
)
