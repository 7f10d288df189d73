"""How a host joins: a token, a certificate request, a row.

Does: check the token, sign, store the host (or know it again by its hardware id). Does not: bring it up (monitoring).
Follows: the contract's enrolment messages.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from ovis.contract.enrol import EnrolAnswer, EnrolRequest
from ovis.engine.commands.services import Services
from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import HostProtocol, HostStatus, HostType, LogSeverity, SpmStatus
from ovis.engine.model.types import Cluster, Host, PowerManagement, Spm, Ssh
from ovis.engine.resources import bodies
from ovis.engine.resources.bodies import TextRule
from ovis.engine.resources.hosts.tables import HostIdentity, HostToken
from ovis.engine.resources.storage_domains.connect import free_spm_id
from ovis.engine.store.session import Tx

NAME_RULE = TextRule(255, 1, r"[0-9a-zA-Z_.-]+")
ADDRESS_RULE = TextRule(255, 1, r"[0-9a-zA-Z_.:-]+")
ADDED = Audit(code=42, severity=LogSeverity.NORMAL, text="Host {host} was added by {user}.")


class Refused401(Fault):
    """An unknown, used up or expired token."""

    status = 401


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(tx: Tx, *, uses: int, hours: float) -> str:
    """A new token's secret; only its hash is kept."""
    secret = secrets.token_hex(32)  # no dash at its beginning: it is an argument of a command
    tx.insert(HostToken(id=_digest(secret), uses=uses, expires=datetime.now(UTC) + timedelta(hours=hours)))
    return secret


async def register(services: Services, request: EnrolRequest) -> EnrolAnswer:
    """Admit a host."""
    bodies.raise_all(
        bodies.text_refusals(request.name, "name", NAME_RULE)
        + bodies.text_refusals(request.address, "address", ADDRESS_RULE)
        + bodies.text_refusals(request.uuid, "uuid", TextRule(128, 1, r"[0-9a-zA-Z-]+"))
    )
    if not 1 <= request.port <= 65535:
        raise Fault("The port must be 1 to 65535.")

    def admit(tx: Tx) -> str:
        token = tx.get(HostToken, _digest(request.token))
        if token is None or token.uses <= 0 or token.expires < datetime.now(UTC):
            raise Refused401("The token is unknown, used up or expired.")
        tx.update(replace(token, uses=token.uses - 1))
        return _admit(tx, request)

    host_id = await services.store.write(admit)
    try:
        certificate = services.pki.sign_request(request.csr, [request.address, request.uuid])
    except ValueError as err:
        raise Fault(f"The certificate request cannot be signed: {err}") from err
    await services.store.write(lambda tx: _ready(tx, host_id))
    return EnrolAnswer(certificate=certificate, ca=services.pki.ca_pem().decode(), host_id=host_id)


def _admit(tx: Tx, request: EnrolRequest) -> str:
    known = tx.one(HostIdentity, hardware_id=request.uuid)
    if known is not None:
        host = tx.need(Host, known.id)
        tx.update(replace(host, address=request.address, port=request.port, status=HostStatus.INSTALLING))
        return known.id
    waiting = tx.one(Host, name_key=request.name.lower())
    awaited = waiting is not None and waiting.status in (HostStatus.INSTALLING, HostStatus.INSTALL_FAILED)
    if waiting is not None and awaited and waiting.cluster and tx.get(HostIdentity, str(waiting.id)) is None:
        _identify(tx, waiting, request.uuid)
        tx.update(replace(waiting, address=request.address, port=request.port))
        return str(waiting.id)
    cluster = bodies.resolve(tx, Cluster, Cluster(name=request.cluster or "Default"))
    host = new_host(tx, request.name, request.address, request.port, cluster)
    _identify(tx, host, request.uuid)
    record(tx, ADDED, host=host)
    return str(host.id)


def _identify(tx: Tx, host: Host, hardware_id: str) -> None:
    """Know the host again from now on, and give it its number on storage."""
    number = free_spm_id(tx, str(host.cluster.id) if host.cluster else "")
    tx.insert(HostIdentity(id=str(host.id), hardware_id=hardware_id, spm_id=number))


def new_host(tx: Tx, name: str, address: str, port: int, cluster: Cluster, *, comment: str | None = None) -> Host:
    """Store a host that is being installed."""
    bodies.raise_all(
        bodies.text_refusals(name, "name", NAME_RULE) + bodies.text_refusals(address, "address", ADDRESS_RULE)
    )
    bodies.require_free_name(tx, Host, name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED")
    return tx.insert(
        Host(
            id=bodies.new_id(),
            name=name,
            comment=comment or "",
            address=address,
            port=port,
            protocol=HostProtocol.STOMP,
            type=HostType.RHEL,
            cluster=Cluster(id=cluster.id),
            status=HostStatus.INSTALLING,
            spm=Spm(priority=5, status=SpmStatus.NONE),
            ssh=Ssh(port=22),
            power_management=PowerManagement(
                enabled=False, kdump_detection=True, automatic_pm_enabled=True, agents=None
            ),
            update_available=False,
            kdump_status=None,
        )
    )


def _ready(tx: Tx, host_id: str) -> None:
    """It has its certificate: monitoring may dial."""
    host = tx.get(Host, host_id)
    if host is not None:
        tx.update(replace(host, status=HostStatus.INITIALIZING))
