"""A host's power by its fence agents: POST /hosts/ID/fence with start, stop, restart or status.

Does: ask agents in their order, through another host that is up; wait until the power is as wanted; only when it is surely
off, the host's VMs are down. Does not: decide by itself that a host is to be fenced.
Follows: flows, section 15: 18 looks, 10 s apart; the proxy is of the same cluster, else of the data center.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands import Command, Context, Lock, Step, begin
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, refuse
from ovis.engine.declare.resource import Started
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import HostStatus, LogSeverity, PowerManagementStatus
from ovis.engine.model.types import Action, Cluster, Host, PowerManagement
from ovis.engine.resources.hosts import fence_kinds
from ovis.engine.resources.hosts.fence_agents import FenceAgent, of_host
from ovis.engine.store.session import Reader, Tx

log = structlog.get_logger(__name__)
N, W, E = LogSeverity.NORMAL, LogSeverity.WARNING, LogSeverity.ERROR
S = HostStatus
LOOKS, LOOK_SECONDS = 18, 10.0
_STARTABLE = (S.DOWN, S.MAINTENANCE, S.NON_RESPONSIVE, S.REBOOT)
STARTED = Audit(code=20, severity=N, text="Host {host} was started by {user}.")
STOPPED = Audit(code=21, severity=N, text="Host {host} was stopped by {user}.")
RESTARTED = Audit(code=41, severity=N, text="Host {host} was restarted by {user}.")
FENCED = Audit(code=121, severity=N, text="Host {host} was lost; it was restarted by its power management.")
SPARED = Audit(
    code=9014,
    severity=LogSeverity.ALERT,
    text="Host {host} is lost and not restarted: it still writes to its storage, so it is alive.",
)
NO_PROXY = Audit(code=9004, severity=N, text="No other host is up that could ask for the power of host {host}.")
AGENT_FAILED = Audit(
    code=9021, severity=W, text="Fence agent {agent} of host {host} failed through host {proxy}: {reason}"
)


class PowerParams(Struct, kw_only=True, frozen=True):
    """What is done to a host's power. leases: storage domain -> the host's number there: who still renews one is spared."""

    host_id: str
    leases: dict[str, int] = {}


class Skipped(Exception):
    """The host still writes to a storage domain: it is alive, and its cluster wants it spared."""


def proxies(rd: Reader, host: Host) -> list[Host]:
    """Hosts that may ask, best first."""
    clusters = {str(c.id): c for c in rd.select(Cluster)}
    home = clusters.get(str(host.cluster.id)) if host.cluster else None
    center = home.data_center.id if home is not None and home.data_center is not None else None

    def distance(other: Host) -> int:
        theirs = clusters.get(str(other.cluster.id)) if other.cluster else None
        if theirs is None:
            return 2
        if home is not None and theirs.id == home.id:
            return 0
        return 1 if theirs.data_center is not None and theirs.data_center.id == center else 2

    found = [h for h in rd.find(Host, status=S.UP.value) if h.id != host.id and distance(h) < 2]
    return sorted(found, key=lambda h: (distance(h), str(h.name)))


async def ask(
    services: Services, host: Host, proxy: Host, row: FenceAgent, action: str, leases: Mapping[str, int] | None = None
) -> str:
    """One question to an agent: the power it tells, on, off or unknown. Skipped if the proxy sees the host's lease live."""
    params: dict[str, Any] = {
        **fence_kinds.parameters(row.agent),
        "username": row.agent.username,
        "password": services.secrets.open(row.password, row.id),
        "action": action,
    }
    if leases:
        params["policy"] = {"storageDomainHostIdMap": dict(leases)}
    answer = await services.hosts.call(str(proxy.id), "Host.fenceNode", params, timeout=120.0)
    if answer.get("operationStatus") == "skipped":
        raise Skipped(f"host {host.name} still writes to its storage")
    return str(answer.get("power") or "unknown")


def groups(agents: list[FenceAgent]) -> list[list[FenceAgent]]:
    """Agents in the order in which they are tried; those of one order that are concurrent switch one power each. Pure."""
    found: list[list[FenceAgent]] = []
    for row in agents:
        if row.agent.concurrent and found and found[-1][0].order == row.order and found[-1][0].agent.concurrent:
            found[-1].append(row)
        else:
            found.append([row])
    return found


async def _try(services: Services, host_id: str, work: Callable[[Host, Host, list[FenceAgent]], Any]) -> Any:
    """The work with the first agents and proxy that can do it."""

    def look(rd: Reader) -> tuple[Host, list[FenceAgent], list[Host]]:
        host = rd.need(Host, host_id)
        return host, of_host(rd, host_id), proxies(rd, host)

    host, agents, others = await services.store.read(look)
    if not agents:
        raise Fault(f"power management of host {host.name} is not configured")
    if not others:
        await services.store.write(lambda tx: record(tx, NO_PROXY, host=host))
        raise Fault("no other host is up that could ask")
    problem = ""
    for rows in groups(agents):
        for proxy in others[:2]:
            try:
                return await work(host, proxy, rows)
            except (HostError, HostUnreachable, Fault) as err:
                problem = str(err.message if isinstance(err, HostError) else err)
                kinds = ", ".join(sorted({str(row.agent.type) for row in rows}))
                told = {"host": host, "agent": kinds, "proxy": str(proxy.name), "reason": problem}
                await services.store.write(lambda tx, t=told: record(tx, AGENT_FAILED, **t))  # type: ignore[misc]
    raise Fault(problem)


async def switch(services: Services, host_id: str, wanted: str, leases: Mapping[str, int] | None = None) -> None:
    """Return when the power is surely `on` or `off`; Fault if that is not to be had. A host with several powers at once is
    off when all are, and on when one is. Skipped: see ask."""

    async def work(host: Host, proxy: Host, rows: list[FenceAgent]) -> None:
        async def is_so() -> bool:
            found = [await ask(services, host, proxy, row, "status") for row in rows]
            return all(f == "off" for f in found) if wanted == "off" else any(f == "on" for f in found)

        if await is_so():
            return
        for row in rows:
            await ask(services, host, proxy, row, wanted, leases)
        for _ in range(LOOKS):
            if await is_so():
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise Fault(f"the power is not {wanted}")

    await _try(services, host_id, work)


async def status_of(services: Services, host_id: str) -> str:
    """The power as the first agent that answers tells it."""

    async def work(host: Host, proxy: Host, rows: list[FenceAgent]) -> str:
        return await ask(services, host, proxy, rows[0], "status")

    return str(await _try(services, host_id, work))


async def fence(services: Services, call: Call, action: Action, kind: str) -> Action | Started:
    """start, stop, restart or status."""
    host_id = call.ids[0]
    if kind == "status":
        await services.store.read(lambda rd: _configured(rd, rd.need(Host, host_id)))
        power = await status_of(services, host_id)
        known = power if power in ("on", "off") else "unknown"
        return replace(action, power_management=PowerManagement(status=PowerManagementStatus(known)))
    return await services.store.write(lambda tx: _begin(tx, call, tx.need(Host, host_id), kind))


def _configured(rd: Reader, host: Host) -> None:
    if not of_host(rd, str(host.id)):
        raise refuse(
            "VDS_FENCE_DISABLED",
            f"Power management of host {host.name} is not configured.",
            "Add a fence agent to the host.",
        )


def _begin(tx: Tx, call: Call, host: Host, kind: str) -> Started:
    _configured(tx, host)
    shown = host.status.value if host.status else "unknown"
    if kind == "stop" and host.status is not S.MAINTENANCE:
        text = f"Host {host.name} is {shown}."
        raise refuse("VDS_STATUS_NOT_VALID_FOR_STOP", text, "Put it into maintenance first.")
    if kind == "start" and host.status is S.CONNECTING:
        text = f"Host {host.name} is connecting."
        raise refuse("ACTION_TYPE_FAILED_VDS_INTERMITENT_CONNECTIVITY", text, "Wait until it is up or lost.")
    if kind == "start" and host.status not in _STARTABLE:
        raise refuse("VDS_STATUS_NOT_VALID_FOR_START", f"Host {host.name} is {shown}.", "It must be off.")
    if not proxies(tx, host):
        raise refuse("VDS_NO_VDS_PROXY_FOUND", "No other host is up that could ask.", "Another host must be up.")
    return begin(
        tx,
        {"start": START, "stop": STOP, "restart": RESTART}[kind],
        PowerParams(host_id=str(host.id)),
        call=call,
        locks=(Lock("host", str(host.id)),),
        subjects=(("host", str(host.id)),),
    )


# -- steps ------------------------------------------------------------------------------------------------------------


async def _off(ctx: Context) -> None:
    """The power is off, for sure; asked for again, it still is."""
    try:
        await switch(ctx.services, ctx.params.host_id, "off", ctx.params.leases)
    except Skipped as err:
        host_id = ctx.params.host_id
        await ctx.write(lambda tx: record(tx, SPARED, host=tx.get(Host, host_id)))
        raise Fault(f"skipped by the fencing policy of its cluster: {err}") from err


async def _clear(ctx: Context) -> Callable[[Tx], None]:
    """Nothing runs there any more."""
    from ovis.engine.resources.vms.monitoring import host_cleared

    host_id = ctx.params.host_id
    await host_cleared(ctx.services, host_id)
    await ctx.services.hosts.host_lost(host_id)

    def save(tx: Tx) -> None:
        host = tx.get(Host, host_id)
        if host is not None and host.status is not S.MAINTENANCE:
            tx.update(replace(host, status=S.REBOOT))

    return save


async def _on(ctx: Context) -> Callable[[Tx], None]:
    await switch(ctx.services, ctx.params.host_id, "on")

    def save(tx: Tx) -> None:
        host = tx.get(Host, ctx.params.host_id)
        if host is not None and host.status in (S.DOWN, S.NON_RESPONSIVE):
            tx.update(replace(host, status=S.REBOOT))

    return save


_OFF = Step("off", _off, title="Switching the power off")
_CLEAR = Step("clear", _clear, title="Setting its VMs down")
_ON = Step("on", _on, title="Switching the power on")


def _command(name: str, title: str, steps: tuple[Step, ...], done: Audit, code: int, verb: str) -> Command:
    failed = Audit(code=code, severity=E, text=f"Host {{host}} could not be {verb}: {{reason}}")
    return Command(name=f"host.{name}", params=PowerParams, title=title, steps=steps, done=done, failed=failed)


STOP = _command("stop", "Stopping host {host}", (_OFF, _CLEAR), STOPPED, 137, "stopped")
START = _command("start", "Starting host {host}", (_ON,), STARTED, 118, "started")
RESTART = _command("restart", "Restarting host {host}", (_OFF, _CLEAR, _ON), RESTARTED, 107, "restarted")
# What the engine does by itself with a host that is lost.
FENCE = _command("fence", "Fencing lost host {host}", (_OFF, _CLEAR, _ON), FENCED, 122, "restarted")
COMMANDS = (STOP, START, RESTART, FENCE)
