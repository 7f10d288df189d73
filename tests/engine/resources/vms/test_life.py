"""What a VM becomes by what its host says: the table of moves, ends, pauses, losses."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Host, Vm
from ovis.engine.resources.vms import life
from ovis.engine.resources.vms.state import MOVES, MemoryImage, VmRuntime

S = VmStatus
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAVED = MemoryImage(memory=("p", "d", "i", "v"), configuration=("p", "d", "j", "w"))
TRANSIENT = (
    [s for s in S if s not in (S.DOWN, S.UP, S.SUSPENDED, S.PAUSED, S.IMAGE_ILLEGAL)]
    if hasattr(S, "IMAGE_ILLEGAL")
    else [s for s in S if s not in (S.DOWN, S.UP, S.SUSPENDED, S.PAUSED)]
)


def vm(status: VmStatus) -> Vm:
    return Vm(id="v", name="x", status=status, host=Host(id="h"))


def told(before: VmStatus, runtime: VmRuntime | None = None, **row: Any) -> life.Next:
    return life.apply(vm(before), runtime or VmRuntime(id="v", host_id="h"), row, "h", NOW)


@pytest.mark.parametrize("status", TRANSIENT)
def test_every_passing_status_can_end_in_down(status: VmStatus) -> None:
    assert S.DOWN in MOVES[status]


@pytest.mark.parametrize("status", [s for s in MOVES if s not in (S.DOWN, S.SUSPENDED, S.IMAGE_LOCKED, S.UNASSIGNED)])
def test_whatever_is_on_a_host_can_be_lost_with_it(status: VmStatus) -> None:
    assert status is S.UNKNOWN or S.UNKNOWN in MOVES[status]


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (S.WAIT_FOR_LAUNCH, "Powering up", S.POWERING_UP),
        (S.POWERING_UP, "Up", S.UP),
        (S.UP, "Powering down", S.POWERING_DOWN),
        (S.UP, "Paused", S.PAUSED),
        (S.UP, "RebootInProgress", S.REBOOT_IN_PROGRESS),
        (S.UNKNOWN, "Up", S.UP),
        (S.UNKNOWN, "Migration Source", S.MIGRATING),
        (S.UP, "WaitForLaunch", S.UP),  # an old report does not turn a running VM back
        (S.UP, "no such word", S.UP),
    ],
)
def test_moves(before: VmStatus, said: str, after: VmStatus) -> None:
    assert told(before, status=said).vm.status is after


def test_a_vm_is_started_once_a_run() -> None:
    first = told(S.POWERING_UP, status="Up")
    assert first.events == ["started"]
    assert life.apply(first.vm, first.runtime, {"status": "Up"}, "h", NOW).events == []


def test_a_monitor_that_does_not_respond() -> None:
    found = told(S.UP, VmRuntime(id="v", host_id="h", started=True), status="Up", monitorResponse="-1")
    assert (found.vm.status, found.events) == (S.NOT_RESPONDING, ["not_responding"])


@pytest.mark.parametrize(
    ("code", "event"),
    [("ENOSPC", "paused_enospc"), ("EIO", "paused_eio"), ("EPERM", "paused_eperm"), ("NOERR", "paused")],
)
def test_pauses_say_why(code: str, event: str) -> None:
    found = told(S.UP, VmRuntime(id="v", host_id="h", started=True), status="Paused", pauseCode=code)
    assert found.events == [event]
    assert found.vm.status_detail == (None if code == "NOERR" else code.lower())


@pytest.mark.parametrize(
    ("row", "runtime", "status", "event"),
    [
        ({"exitCode": 0, "exitReason": 7}, VmRuntime(id="v"), S.DOWN, "down"),
        ({"exitCode": 1, "exitReason": 1, "exitMessage": "boom"}, VmRuntime(id="v"), S.DOWN, "down_error"),
        ({"exitCode": 1, "exitReason": 1}, VmRuntime(id="v", stopping=True), S.DOWN, "down"),
        ({"exitCode": 0, "exitReason": 5}, VmRuntime(id="v", saved=SAVED), S.SUSPENDED, "suspended"),
        ({"exitCode": 0, "exitReason": 5}, VmRuntime(id="v"), S.DOWN, "down"),
        ({}, VmRuntime(id="v"), S.DOWN, "down_error"),
    ],
)
def test_ends(row: dict[str, Any], runtime: VmRuntime, status: VmStatus, event: str) -> None:
    found = told(S.UP, runtime, status="Down", **row)
    assert (found.vm.status, found.events, found.destroy) == (status, [event], True)
    assert found.vm.host is None
    assert found.runtime.host_id is None
    assert not found.runtime.stopping


def test_a_vm_that_its_host_does_not_know_crashed_unless_its_end_was_wanted() -> None:
    runtime = VmRuntime(id="v", host_id="h")
    assert life.vanished(vm(S.UP), runtime, NOW).events == ["down_error"]
    assert life.vanished(vm(S.POWERING_DOWN), runtime, NOW).events == ["down"]
    assert life.vanished(vm(S.UNKNOWN), runtime, NOW).events == ["down_error"]


@pytest.mark.parametrize("status", [S.DOWN, S.SUSPENDED, S.IMAGE_LOCKED, S.UNKNOWN])
def test_what_is_not_on_the_host_is_not_lost_with_it(status: VmStatus) -> None:
    assert life.lost(vm(status), VmRuntime(id="v")).vm.status is status


def test_what_the_guest_says_is_kept() -> None:
    row: dict[str, Any] = {
        "status": "Up",
        "guestFQDN": "x.example",
        "netIfaces": [{"name": "eth0", "hw": "52:54:00:AA:BB:CC", "inet": ["192.0.2.7"], "inet6": ["2001:db8::7"]}],
        "displayInfo": [{"type": "vnc", "port": "5901", "tlsPort": "-1", "ipAddress": "127.0.0.1"}],
        "clientIp": "192.0.2.9",
    }
    found = told(S.UP, **row)
    assert found.vm.fqdn == "x.example"
    (nic,) = found.runtime.guest_nics
    assert (nic.mac, nic.ipv4, nic.ipv6) == ("52:54:00:aa:bb:cc", ("192.0.2.7",), ("2001:db8::7",))
    (console,) = found.runtime.consoles
    assert (console.port, console.tls_port, found.runtime.client_ip) == (5901, None, "192.0.2.9")


def test_a_watchdog_that_fired_is_told_once() -> None:
    row: dict[str, Any] = {"status": "Up", "watchdogEvent": {"time": 12.5, "action": "reset"}}
    first = told(S.UP, VmRuntime(id="v", host_id="h", started=True), **row)
    assert (first.events, first.runtime.watchdog_action) == (["watchdog"], "reset")
    assert life.apply(first.vm, first.runtime, row, "h", NOW).events == []
    row["watchdogEvent"] = {"time": 13.5, "action": "reset"}
    assert life.apply(first.vm, first.runtime, row, "h", NOW).events == ["watchdog"]
