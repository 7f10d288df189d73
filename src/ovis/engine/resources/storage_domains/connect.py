"""Hosts and their storage: servers connected, pools connected, before a domain is used.

Does: say what a host must be told, and tell it. Does not: decide statuses.
Follows: flows, section 1 (up-event) and 2.
"""

import asyncio
from typing import Any

import structlog

from ovis.engine.commands.services import Services
from ovis.engine.declare.faults import refuse
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, StorageDomainStatus, StorageType
from ovis.engine.model.types import Cluster, DataCenter, Host, StorageConnection
from ovis.engine.resources.hosts.tables import HostIdentity
from ovis.engine.resources.storage_domains.tables import Attachment, DomainConnection, PoolFacts
from ovis.engine.store.session import Reader

log = structlog.get_logger(__name__)
MAX_SPM_ID = 250
NOWHERE = "00000000-0000-0000-0000-000000000000"
# VDSM's numbers of storage types.
TYPE_NUMBERS = {
    StorageType.NFS: 1,
    StorageType.LOCALFS: 4,
    StorageType.POSIXFS: 6,
}
_USED = (
    StorageDomainStatus.ACTIVE,
    StorageDomainStatus.ACTIVATING,
    StorageDomainStatus.INACTIVE,
    StorageDomainStatus.UNKNOWN,
)


def connection_params(connection: StorageConnection) -> dict[str, Any]:
    """VDSM's form of a connection."""
    path = connection.path or ""
    remote = f"{connection.address}:{path}" if connection.type is StorageType.NFS and connection.address else path
    params = {
        "id": connection.id,
        "connection": remote,
        "iqn": "",
        "user": "",
        "port": "",
        "password": "",
        "tpgt": "1",
        "ipv6_enabled": "false",
    }
    if connection.type is StorageType.POSIXFS:
        params["vfs_type"] = connection.vfs_type or ""
    if connection.mount_options:
        params["mnt_options"] = connection.mount_options
    return params


async def connect_server(services: Services, host_id: str, pool_id: str, connection: StorageConnection) -> None:
    """Connect one host to one server; HostError if it cannot."""
    assert connection.type is not None
    answers = await services.hosts.call(
        host_id,
        "StoragePool.connectStorageServer",
        {
            "storagepoolID": pool_id,
            "domainType": TYPE_NUMBERS[connection.type],
            "connectionParams": [connection_params(connection)],
        },
    )
    for answer in answers or ():
        if int(answer.get("status", 0)) != 0:
            raise HostError(
                int(answer["status"]),
                str(answer.get("message") or f"the storage at {connection.path} cannot be connected"),
                verb="StoragePool.connectStorageServer",
                host_id=host_id,
            )


def data_center_of_host(rd: Reader, host_id: str) -> str | None:
    """The data center of a host's cluster."""
    host = rd.get(Host, host_id)
    cluster = rd.get(Cluster, host.cluster.id) if host and host.cluster else None
    return cluster.data_center.id if cluster and cluster.data_center else None


def up_hosts(rd: Reader, data_center_id: str) -> list[Host]:
    """Hosts of a data center that are up."""
    clusters = [str(c.id) for c in rd.find(Cluster, data_center_id=data_center_id)]
    return rd.find(Host, cluster_id=clusters, status=HostStatus.UP.value) if clusters else []


def _pool_view(rd: Reader, data_center_id: str) -> tuple[list[StorageConnection], dict[str, str], str | None, int]:
    attachments = rd.find(Attachment, data_center_id=data_center_id)
    used = [a for a in attachments if a.status in _USED]
    links = rd.get_many(DomainConnection, [a.storage_domain_id for a in used])
    connections = list(rd.get_many(StorageConnection, {link.connection_id for link in links.values()}).values())
    states = {
        a.storage_domain_id: "active" if a.status in _USED else "attached"
        for a in attachments
        if a.status is not StorageDomainStatus.LOCKED or a.master
    }
    master = next((a.storage_domain_id for a in attachments if a.master), None)
    facts = rd.get(PoolFacts, data_center_id) or PoolFacts(id=data_center_id)
    return connections, states, master, facts.master_version


async def connect_pool(services: Services, host_id: str, data_center_id: str) -> None:
    """Tell a host the pool's domains and master."""

    def look(rd: Reader) -> tuple[Any, int]:
        return _pool_view(rd, data_center_id), spm_id(rd, host_id)

    (_, states, master, version), number = await services.store.read(look)
    if master is None:
        return
    await services.hosts.call(
        host_id,
        "StoragePool.connect",
        {
            "storagepoolID": data_center_id,
            "hostID": number,
            "scsiKey": data_center_id,
            "masterSdUUID": master,
            "masterVersion": version,
            "domainDict": states,
        },
    )


def spm_id(rd: Reader, host_id: str) -> int:
    """The host's number on its data center's storage."""
    known = rd.get(HostIdentity, host_id)
    if known is None or known.spm_id == 0:
        raise HostUnreachable("The host has not joined yet.", host_id=host_id)
    return known.spm_id


def free_spm_id(rd: Reader, cluster_id: str) -> int:
    """A number that no host of the cluster's data center has; it stays its host's until that leaves."""
    cluster = rd.get(Cluster, cluster_id)
    center = cluster.data_center.id if cluster is not None and cluster.data_center is not None else None
    clusters = [str(c.id) for c in rd.find(Cluster, data_center_id=center)] if center is not None else [cluster_id]
    hosts = [str(h.id) for h in rd.find(Host, cluster_id=clusters)]
    taken = {row.spm_id for row in rd.get_many(HostIdentity, hosts).values()}
    free = next((n for n in range(1, MAX_SPM_ID + 1) if n not in taken), None)
    if free is None:
        raise refuse(
            "VDS_CANNOT_ADD_TOO_MANY_HOSTS", f"A data center's storage takes {MAX_SPM_ID} hosts.", "Use another one."
        )
    return free


async def disconnect_pool(services: Services, host_id: str, data_center_id: str, *, timeout: float = 30.0) -> None:
    """A host forgets the pool."""
    number = await services.store.read(lambda rd: spm_id(rd, host_id))
    await services.hosts.call(
        host_id,
        "StoragePool.disconnect",
        {"storagepoolID": data_center_id, "hostID": number, "scsiKey": data_center_id},
        timeout=timeout,
    )


async def storage_up(services: Services, host_id: str) -> None:
    """Everything a host needs before it is up: its data center's servers and pool. HostError if the master's fails."""
    data_center_id = await services.store.read(lambda rd: data_center_of_host(rd, host_id))
    if data_center_id is None:
        return
    connections, _, master, _ = await services.store.read(lambda rd: _pool_view(rd, data_center_id))
    if master is None:
        return
    for connection in connections:
        await connect_server(services, host_id, data_center_id, connection)
    await connect_pool(services, host_id, data_center_id)


async def connect_everywhere(services: Services, data_center_id: str, connection: StorageConnection) -> list[str]:
    """Connect all up hosts to a server; the ids of those that could. HostError if none could."""
    hosts = await services.store.read(lambda rd: up_hosts(rd, data_center_id))

    async def one(host: Host) -> str | Exception:
        try:
            await connect_server(services, str(host.id), data_center_id, connection)
        except (HostError, HostUnreachable) as err:
            log.warning("storage server not connected", host=host.id, error=str(err))
            return err
        return str(host.id)

    results = await asyncio.gather(*(one(h) for h in hosts))
    good = [r for r in results if isinstance(r, str)]
    if not good:
        raise next(
            (r for r in results if isinstance(r, Exception)),
            HostUnreachable("No host of the data center is up."),
        )
    return good


async def refresh_pool_everywhere(services: Services, data_center_id: str) -> None:
    """After a domain changed: every up host learns the pool anew; one that does not answer will when it comes back."""
    for host in await services.store.read(lambda rd: up_hosts(rd, data_center_id)):
        try:
            await connect_pool(services, str(host.id), data_center_id)
        except (HostError, HostUnreachable) as err:
            log.warning("pool not refreshed", host=host.id, error=str(err))


def is_up(rd: Reader, data_center_id: str) -> bool:
    """Whether the data center's storage is up."""
    data_center = rd.get(DataCenter, data_center_id)
    return data_center is not None and data_center.status is not None and data_center.status.value == "up"
