"""The loop: every minute each cluster gets a round; every five minutes HA reservations are checked.

Does: also a round on demand (POST /clusters/ID/balance). Does not: decide (rounds). An error in one cluster leaves the others.
"""

import asyncio
import time
from functools import partial

import structlog
from msgspec.structs import replace

from ovis.engine.commands import Lock, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.faults import Fault
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, LogSeverity
from ovis.engine.model.types import Cluster, Host, Vm
from ovis.engine.resources.balancing import rounds
from ovis.engine.resources.balancing.action import RUNNING
from ovis.engine.resources.balancing.damping import Damping
from ovis.engine.resources.balancing.tables import RestingHost
from ovis.engine.resources.hosts.power import switch
from ovis.engine.resources.hosts.resource import MAINTENANCE, HostParams
from ovis.engine.resources.vms.actions.migrate import begin_migration
from ovis.engine.scheduling.unit import PowerAction
from ovis.engine.store.session import Tx

log = structlog.get_logger(__name__)
RESERVATION_SECONDS = 300.0
N = LogSeverity.NORMAL
RESTS = Audit(
    code=10250,
    severity=N,
    text="Host {host} goes to maintenance: power saving of cluster {cluster} has too many empty hosts.",
)
OFF = Audit(
    code=10251, severity=N, text="Host {host} is switched off: power saving of cluster {cluster} does not need it."
)
WAKES = Audit(code=10252, severity=N, text="Host {host} comes back: power saving of cluster {cluster} needs it.")


class Balancing:
    """What balancing remembers: moves of late, answers of HA reservations, hosts that rest because of it."""

    def __init__(self) -> None:
        self.damping = Damping(600.0, time.monotonic)
        self.safe: dict[str, bool | None] = {}
        self.limit = 1


STATE = Balancing()


def _round(tx: Tx, cluster_id: str) -> tuple[list[rounds.Moved], PowerAction | None]:
    return rounds.round_of(tx, cluster_id, begin_migration, STATE.damping, limit=STATE.limit)


async def one_round(services: Services, cluster_id: str) -> list[rounds.Moved]:
    """A round of one cluster."""
    moved, power = await services.store.write(lambda tx: _round(tx, cluster_id))
    if power is not None:
        await _power(services, cluster_id, power)
    return moved


async def _power(services: Services, cluster_id: str, action: PowerAction) -> None:
    """An empty host rests in maintenance, then goes off; one that is needed comes back."""
    host = await services.store.read(lambda rd: rd.get(Host, action.host))
    if host is None:
        return
    if action.to == "maintenance":
        await services.store.write(lambda tx: _rest(tx, cluster_id, action.host))
    elif action.to == "down":
        await switch(services, action.host, "off")
        await services.store.write(lambda tx: _off(tx, cluster_id, action.host))
    else:
        if host.status is HostStatus.DOWN:
            await switch(services, action.host, "on")
        await services.store.write(lambda tx: _wake(tx, cluster_id, action.host))


def _rest(tx: Tx, cluster_id: str, host_id: str) -> None:
    host = tx.need(Host, host_id)
    if host.status is not HostStatus.UP or tx.count(Vm, host_id=host_id):
        return
    after = tx.update(replace(host, status=HostStatus.PREPARING_FOR_MAINTENANCE))
    tx.put(RestingHost(id=host_id))
    begin(
        tx,
        MAINTENANCE,
        HostParams(host_id=host_id),
        locks=(Lock("host", host_id),),
        subjects=(("host", host_id),),
        state={"vms": 0},
    )
    record(tx, RESTS, host=after, cluster=tx.get(Cluster, cluster_id))


def _off(tx: Tx, cluster_id: str, host_id: str) -> None:
    after = tx.update(replace(tx.need(Host, host_id), status=HostStatus.DOWN))
    tx.put(RestingHost(id=host_id, off=True))
    record(tx, OFF, host=after, cluster=tx.get(Cluster, cluster_id))


def _wake(tx: Tx, cluster_id: str, host_id: str) -> None:
    after = tx.update(replace(tx.need(Host, host_id), status=HostStatus.UNASSIGNED, status_detail=None))
    if tx.get(RestingHost, host_id) is not None:
        tx.delete(RestingHost, host_id)
    record(tx, WAKES, host=after, cluster=tx.get(Cluster, cluster_id))


async def watch(services: Services) -> None:
    """Rounds for ever."""
    RUNNING["round"] = one_round
    settings = services.settings
    STATE.damping.seconds = float(settings.balance_back_minutes) * 60
    STATE.limit = int(settings.balance_moves)
    checked = 0.0
    while True:
        await asyncio.sleep(settings.balance_seconds)
        try:
            clusters = await services.store.read(lambda rd: [str(c.id) for c in rd.find(Cluster)])
        except Exception:
            log.exception("clusters to balance cannot be read")
            continue
        now = time.monotonic()
        due, checked = now - checked >= RESERVATION_SECONDS, now if now - checked >= RESERVATION_SECONDS else checked
        for cluster_id in clusters:
            try:
                await one_round(services, cluster_id)
                if due:
                    before = STATE.safe.get(cluster_id)
                    check = partial(rounds.reservation, cluster_id=cluster_id, before=before)
                    STATE.safe[cluster_id] = await services.store.write(check)
            except (Fault, HostError, HostUnreachable) as err:
                log.warning("balancing was refused", cluster=cluster_id, error=str(err))
            except Exception:
                log.exception("balancing failed", cluster=cluster_id)
