"""A VM's life as its host tells it: rows of statistics and events, applied by the table of moves.

Does: the pure step from (VM, runtime, row) to their next values and what is to be told or done. Does not: write.
Follows: flows, sections 5 to 7; statuses, exit codes and reasons of VDSM.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from ovis.contract.statuses import ExitReason
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Display, GuestOperatingSystem, Host, Vm
from ovis.engine.resources.vms.state import FROM_HOST, MOVES, ConsoleAt, GuestNic, S, VmRuntime


@dataclass(slots=True)
class Next:
    """What follows from a row. events: names in `monitoring`. destroy: the host is to forget its Down VM."""

    vm: Vm
    runtime: VmRuntime
    events: list[str] = field(default_factory=list)
    destroy: bool = False


def _number(value: Any, default: int = 0) -> int:
    try:
        return int(float(value))
    except (TypeError, ValueError):
        return default


def may_move(old: VmStatus, new: VmStatus) -> bool:
    """Whether the table allows a move."""
    return old is new or new in MOVES.get(old, frozenset())


def consoles_of(row: Mapping[str, Any], before: tuple[ConsoleAt, ...]) -> tuple[ConsoleAt, ...]:
    """Where graphics listen."""
    info = row.get("displayInfo")
    if not info:
        return before
    found = []
    for item in info:
        port, tls = _number(item.get("port"), -1), _number(item.get("tlsPort"), -1)
        found.append(
            ConsoleAt(
                protocol=str(item.get("type", "vnc")),
                address=str(item.get("ipAddress", "")),
                port=port if port > 0 else None,
                tls_port=tls if tls > 0 else None,
            )
        )
    return tuple(found)


def guest_nics_of(row: Mapping[str, Any], before: tuple[GuestNic, ...]) -> tuple[GuestNic, ...]:
    """What the guest agent says of NICs."""
    nics = row.get("netIfaces")
    if nics is None:
        return before
    return tuple(
        GuestNic(
            name=str(n.get("name", "")),
            mac=str(n.get("hw", "")).lower(),
            ipv4=tuple(n.get("inet") or ()),
            ipv6=tuple(n.get("inet6") or ()),
        )
        for n in nics
    )


def down(vm: Vm, runtime: VmRuntime, row: Mapping[str, Any], now: datetime) -> Next:
    """The domain has ended."""
    reason = _number(row.get("exitReason"), 1)
    code = _number(row.get("exitCode"), 1)
    message = str(row.get("exitMessage") or "")
    suspended = reason == ExitReason.SAVE_STATE_SUCCEEDED and runtime.saved is not None
    clean = replace(
        runtime,
        host_id=None,
        target_id=None,
        previous_host_id=runtime.host_id or runtime.previous_host_id,
        stopping=False,
        started=False,
        run_once=None,
        exit_code=code,
        exit_message=message,
        boot_time=None,
        consoles=(),
        guest_nics=(),
        device_hash="",
        client_ip="",
        pause_code="",
        attempts=(),
        dimms=runtime.dimms if suspended else (),
    )
    shown = replace(
        vm,
        status=S.SUSPENDED if suspended else S.DOWN,
        host=None,
        stop_time=now,
        start_time=None,
        fqdn=None,
        run_once=False,
        guest_operating_system=None,
        display=_without_place(vm.display),
        status_detail=None,
    )
    event = "suspended" if suspended else "down" if code == 0 or runtime.stopping else "down_error"
    return Next(shown, clean, [event], destroy=True)


def _without_place(display: Display | None) -> Display | None:
    return replace(display, address=None, port=None, secure_port=None) if display else None


def apply(vm: Vm, runtime: VmRuntime, row: Mapping[str, Any], host_id: str, now: datetime) -> Next:
    """The VM after a row of its own host (the caller made sure that it is)."""
    told = FROM_HOST.get(str(row.get("status")))
    if told is None:
        return Next(vm, runtime)
    if told is S.DOWN:
        return down(vm, runtime, row, now)
    events: list[str] = []
    status = vm.status or S.DOWN
    if str(row.get("monitorResponse", "0")) == "-1":
        told = S.NOT_RESPONDING
    if not may_move(status, told):
        told = status
    if told is S.UP and not runtime.started:
        events.append("started")
    if told is S.NOT_RESPONDING and status is not S.NOT_RESPONDING:
        events.append("not_responding")
    pause = str(row.get("pauseCode") or "") if told is S.PAUSED else ""
    if told is S.PAUSED and status is not S.PAUSED:
        events.append({"ENOSPC": "paused_enospc", "EIO": "paused_eio", "EPERM": "paused_eperm"}.get(pause, "paused"))
    if status is S.UNKNOWN and told is not S.UNKNOWN:
        events.append("recovered")
    fired = row.get("watchdogEvent") or {}
    fired_at = str(fired.get("time") or "")
    if fired_at and fired_at != runtime.watchdog_at:
        events.append("watchdog")
    client_ip = str(row.get("clientIp") or "")
    if bool(client_ip) != bool(runtime.client_ip):
        events.append("console_connected" if client_ip else "console_left")
    consoles = consoles_of(row, runtime.consoles)
    nics = guest_nics_of(row, runtime.guest_nics)
    boot = runtime.boot_time or now
    after = replace(
        runtime,
        host_id=host_id,
        # A guest that did not shut down after all: its end, when it comes, is not what was asked for now.
        stopping=runtime.stopping and not (status is S.POWERING_DOWN and told is S.UP),
        started=runtime.started or told is S.UP,
        boot_time=boot,
        consoles=consoles,
        guest_nics=nics,
        pause_code=pause,
        device_hash=str(row.get("hash") or runtime.device_hash),
        client_ip=client_ip,
        watchdog_at=fired_at or runtime.watchdog_at,
        watchdog_action=str(fired.get("action") or "") or runtime.watchdog_action,
        attempts=() if told is S.UP else runtime.attempts,
    )
    fqdn = str(row.get("guestFQDN") or "") or vm.fqdn
    shown = replace(
        vm,
        status=told,
        host=Host(id=host_id),
        start_time=vm.start_time or boot,
        stop_time=None,
        fqdn=fqdn or None,
        guest_operating_system=_guest_os(row) or vm.guest_operating_system,
        display=_with_place(vm.display, consoles),
        status_detail=pause.lower() if pause not in ("", "NOERR") else None,
    )
    return Next(shown, after, events)


def _guest_os(row: Mapping[str, Any]) -> GuestOperatingSystem | None:
    info = row.get("guestOsInfo")
    if not isinstance(info, Mapping):
        return None
    return GuestOperatingSystem(
        architecture=str(info.get("arch") or "") or None,
        distribution=str(info.get("distribution") or "") or None,
        codename=str(info.get("codename") or "") or None,
        family=str(info.get("type") or "Linux").capitalize(),
    )


def _with_place(display: Display | None, consoles: tuple[ConsoleAt, ...]) -> Display | None:
    if display is None or not consoles:
        return display
    wanted = display.type.value if display.type else consoles[0].protocol
    at = next((c for c in consoles if c.protocol == wanted), consoles[0])
    return replace(display, address=at.address, port=at.port, secure_port=at.tls_port)


def lost(vm: Vm, runtime: VmRuntime) -> Next:
    """The host does not answer: nobody knows."""
    if vm.status in (S.DOWN, S.SUSPENDED, S.IMAGE_LOCKED, S.UNKNOWN):
        return Next(vm, runtime)
    return Next(replace(vm, status=S.UNKNOWN), runtime, ["unknown"])


def vanished(vm: Vm, runtime: VmRuntime, now: datetime) -> Next:
    """The host is there and does not know the VM: a stop that was asked for, or a crash."""
    expected = vm.status in (S.POWERING_DOWN, S.REBOOT_IN_PROGRESS) or runtime.stopping
    message = "" if expected else "The VM is not on its host any more."
    row = {
        "exitCode": 0 if expected else 1,
        "exitReason": int(ExitReason.LIBVIRT_DOMAIN_MISSING),
        "exitMessage": message,
    }
    found = down(vm, runtime, row, now)
    found.destroy = False
    return found


def utc_now() -> datetime:
    """The time of what is seen."""
    return datetime.now(UTC)
