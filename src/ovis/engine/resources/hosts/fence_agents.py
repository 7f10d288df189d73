"""Power management of a host: /hosts/ID/fenceagents.

Does: keep agents, in the order in which they are tried. Passwords are kept apart from what is shown. Does not: use them
(power).
Follows: fence agents of engine 4.5, their limits and permits.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.access.predefined import SYSTEM_ID
from ovis.engine.access.sealed import Secrets, is_sealed
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, NotFound, Refusal
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Agent, Host, PowerManagement
from ovis.engine.resources import bodies
from ovis.engine.resources.hosts.fence_kinds import KINDS, SIMULATED
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

CHANGED = Audit(code=43, severity=LogSeverity.NORMAL, text="Host {host} was updated by {user}.")


class FenceAgent(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row. agent: as it is shown. password: what it is not shown with, sealed."""

    id: str
    host_id: str
    order: int
    agent: Agent
    password: str = ""


TABLE = Table(
    name="fence_agents",
    type=FenceAgent,
    columns=(
        Column(name="host_id", references="hosts", on_delete="cascade"),
        Column(name="order", kind="int", index=False),
    ),
)


def shown(row: FenceAgent) -> Agent:
    """The agent as the API shows it."""
    return replace(row.agent, id=row.id, host=Host(id=row.host_id))


def of_host(rd: Reader, host_id: str) -> list[FenceAgent]:
    """A host's agents as they are tried."""
    return sorted(rd.find(FenceAgent, host_id=host_id), key=lambda row: (row.order, row.id))


def seal_all(tx: Tx, secrets: Secrets) -> int:
    """Seal what an older engine kept as it was given; how many."""
    plain = [row for row in tx.select(FenceAgent) if not is_sealed(row.password)]
    for row in plain:
        tx.update(replace(row, password=secrets.seal(row.password, row.id)))
    return len(plain)


def _list(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Agent]]:
    out: dict[str, list[Agent]] = {p: [] for p in parents}
    for row in sorted(rd.find(FenceAgent, host_id=list(parents)), key=lambda row: (row.order, row.id)):
        out[row.host_id].append(shown(row))
    return out


def refusals(agent: Agent, password: str) -> list[Refusal]:
    """Everything wrong with an agent's own values. Pure."""
    found = []
    for value, name, most in (
        (agent.address, "address", 255),
        (agent.username, "username", 50),
        (password, "password", 50),
    ):
        if not value or len(value) > most or "\n" in value:
            text = f"{name} must have 1 to {most} characters, on one line."
            found.append(Refusal("ACTION_TYPE_FAILED_FENCE_AGENT_VALUE", text, "", Kind.BAD))
    if agent.type not in KINDS and agent.type != SIMULATED:
        text = f"{agent.type} is no known type of fence agent."
        found.append(Refusal("VALIDATION_VDS_PM_TYPE", text, f"One of {', '.join(sorted(KINDS))}.", Kind.BAD))
    if agent.port is not None and not 1 <= agent.port <= 65535:
        found.append(Refusal("VALIDATION_VDS_PORT_RANGE", f"{agent.port} is no port.", "", Kind.BAD))
    for option in agent.options or ():
        if any(c in f"{option.name}{option.value or ''}" for c in "\n=") or not option.name:
            text = "Options have a name, and neither line ends nor = in them."
            found.append(Refusal("ACTION_TYPE_FAILED_FENCE_AGENT_VALUE", text, "", Kind.BAD))
            break
    return found


def _may(tx: Tx, call: Call) -> None:
    require(tx, call, Permit.EDIT_HOST_CONFIGURATION, "system", SYSTEM_ID)


def _told(tx: Tx, call: Call, host: Host) -> None:
    """The host says whether it has power management."""
    enabled = tx.count(FenceAgent, host_id=str(host.id)) > 0
    known = host.power_management or PowerManagement()
    if bool(known.enabled) != enabled:
        host = tx.update(replace(host, power_management=replace(known, enabled=enabled)))
    record(tx, CHANGED, call=call, host=host)


async def add(services: Services, call: Call, body: Agent) -> Agent:
    """POST."""
    row_id = bodies.new_id()
    bodies.raise_all(refusals(body, body.password or ""))
    sealed = services.secrets.seal(body.password or "", row_id)

    def write(tx: Tx) -> Agent:
        _may(tx, call)
        host = tx.need(Host, call.ids[0])
        agent = replace(body, id=None, host=None, password=None, concurrent=bool(body.concurrent))
        row = FenceAgent(id=row_id, host_id=str(host.id), order=body.order or 1, agent=agent, password=sealed)
        tx.insert(row)
        _told(tx, call, host)
        return shown(row)

    made: Agent = await services.store.write(write)
    return made


def _row(rd: Reader, call: Call) -> FenceAgent:
    row = rd.get(FenceAgent, call.ids[1])
    if row is None or row.host_id != call.ids[0]:
        raise NotFound(f"Agent: id={call.ids[1]}")
    return row


async def update(services: Services, call: Call, body: Agent) -> Agent:
    """PUT."""
    sealed = services.secrets.seal(body.password, call.ids[1]) if body.password else ""

    def write(tx: Tx) -> Agent:
        _may(tx, call)
        row = _row(tx, call)
        agent = bodies.merge(row.agent, replace(body, password=None), keep=("host",))
        bodies.raise_all(refusals(agent, body.password or "unchanged"))
        row = tx.update(replace(row, agent=agent, password=sealed or row.password, order=agent.order or row.order))
        _told(tx, call, tx.need(Host, row.host_id))
        return shown(row)

    changed: Agent = await services.store.write(write)
    return changed


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE."""
    _may(tx, call)
    row = _row(tx, call)
    tx.delete(FenceAgent, row.id)
    _told(tx, call, tx.need(Host, row.host_id))


_NEEDS = (Need(Permit.EDIT_HOST_CONFIGURATION, "system"),)
FENCE_AGENTS_OF_HOST = Resource(
    type=Agent,
    collection="fenceagents",
    list=Op(run=_list, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=_NEEDS, mandatory=("address", "order", "password", "type", "username")),
    update=Op(run=update, needs=_NEEDS),
    remove=Op(run=remove, needs=_NEEDS),
)
