"""Live migration between two hosts with agents of their own; and the pure parts of it."""

import asyncio
import time
from typing import Any

import libvirt
import pytest

from ovis.agent.virt.migrate import due_action, flags_of, split_address
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitReason
from tests.agent.rack import MIB, Client, Lab, base64_of, connect, console, create, domain, nic, ticks

SCHEDULE = {
    "init": [{"name": "setDowntime", "params": ["100"]}],
    "stalling": [
        {"limit": 1, "action": {"name": "setDowntime", "params": ["150"]}},
        {"limit": -1, "action": {"name": "abort", "params": []}},
    ],
}

HARD = [{"name": "setDowntime", "params": ["1"]}]  # a guest that dirties memory never converges with it


# -- pure ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("h2:54321", ("h2", 54321)),
        ("192.0.2.1", ("192.0.2.1", 54321)),
        ("[2001:db8::1]:1", ("2001:db8::1", 1)),
        ("2001:db8::1", ("2001:db8::1", 54321)),
    ],
)
def test_addresses_of_hosts(text: str, found: tuple[str, int]) -> None:
    assert split_address(text) == found


@pytest.mark.parametrize("text", ["", ":1", "h:port"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(VerbError):
        split_address(text)


def test_flags_follow_the_parameters() -> None:
    base = flags_of({}, tls=False)
    assert base & libvirt.VIR_MIGRATE_LIVE and base & libvirt.VIR_MIGRATE_UNSAFE
    assert not base & libvirt.VIR_MIGRATE_AUTO_CONVERGE
    assert flags_of({"autoConverge": "true"}, tls=False) & libvirt.VIR_MIGRATE_AUTO_CONVERGE
    assert flags_of({"encrypted": True}, tls=False) & libvirt.VIR_MIGRATE_TLS
    assert flags_of({"parallel": 4}, tls=True) & libvirt.VIR_MIGRATE_PARALLEL
    late = {"stalling": [{"limit": -1, "action": {"name": "postcopy", "params": []}}]}
    assert flags_of({"convergenceSchedule": late}, tls=False) & libvirt.VIR_MIGRATE_POSTCOPY


def test_one_step_of_the_schedule_at_a_time() -> None:
    steps: list[Any] = [{"limit": 1, "action": {"name": "a"}}, {"limit": -1, "action": {"name": "b"}}]
    assert due_action(steps, 1) is None
    assert due_action(steps, 2) == {"name": "a"}
    assert due_action(steps, 3) == {"name": "b"}
    assert due_action(steps, 4) is None


# -- real ---------------------------------------------------------------------------------------------------------


def wish(vm_id: str, target: Client, **more: Any) -> dict[str, Any]:
    """VM.migrate's parameters as the engine sends them."""
    return {
        "vmId": vm_id,
        "dst": f"{target.agent.address}:54321",
        "method": "online",
        "tunneled": False,
        "abortOnError": True,
        "autoConverge": True,
        "compressed": False,
        "encrypted": False,
        "maxBandwidth": 52,
        "consoleAddress": target.agent.address,
        "convergenceSchedule": SCHEDULE,
        "enableGuestEvents": True,
        "incomingLimit": 2,
        "outgoingLimit": 2,
        **more,
    }


async def ticking(lab: Lab, client: Client, **values: Any) -> str:
    """A VM that ticks on a host."""
    disks = values.pop("disks", None) or [await lab.guest(client)]
    given: dict[str, Any] = {
        "disks": disks,
        "nics": [nic(), nic(None)],
        "graphics": ["vnc"],
        "payload": {"meta": base64_of("data")},
        **values,
    }
    vm_id, xml = domain(**given)
    await create(client, vm_id, xml)
    await client.until(vm_id, "Powering up")
    await asyncio.to_thread(ticks, console(client.agent, vm_id))
    return vm_id


async def known(client: Client) -> list[str]:
    return [str(r["vmId"]) for r in await client("Host.getVMList")]


async def forgotten(client: Client, vm_id: str) -> None:
    """Wait until a host does not know the VM."""
    end = time.monotonic() + 20
    while vm_id in await known(client):
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


async def test_a_ticking_guest_moves_and_goes_on(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        seen = (await asyncio.to_thread(ticks, console(one.agent, vm_id)))[-1]
        await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two))
        row = await one.until(vm_id, "Down")
        assert (row["exitCode"], row["exitReason"]) == (0, ExitReason.MIGRATION_SUCCEEDED)
        row = await two.until(vm_id, "Up")
        assert row["displayInfo"][0]["ipAddress"] == two.agent.address
        assert (await asyncio.to_thread(ticks, console(two.agent, vm_id)))[-1] > seen
        found = await one("VM.getMigrationStatus", vmID=vm_id)
        assert found["status"]["code"] == 0 and found["progress"] == 100 and found["downtime"] > 0
        print(f"downtime {found['downtime']} ms")
        told = [b[vm_id] for n, b in one.events if n == f"|virt|VM_migration_status|{vm_id}"]
        assert told[-1]["progress"] == 100 and told[-1]["downtime"] == found["downtime"]
        assert one.statuses(vm_id)[-2:] == ["Migration Source", "Down"]
        assert two.statuses(vm_id)[:2] == ["Migration Destination", "Up"]
        await one("VM.destroy", vmID=vm_id)  # the remainder; the guest runs on
        assert vm_id not in lab.rack.virsh("h1", "list", "--all", "--uuid")
        assert vm_id in lab.rack.virsh("h2", "list", "--uuid")
        await two("VM.migrate", vmID=vm_id, params=wish(vm_id, one))  # and back
        await two.until(vm_id, "Down")
        await one.until(vm_id, "Up")


async def test_every_way_of_moving_arrives(lab: Lab) -> None:
    late = {"init": HARD, "stalling": [{"limit": -1, "action": {"name": "postcopy", "params": []}}]}
    ways: list[dict[str, Any]] = [
        {"maxBandwidth": 1, "autoConverge": False, "convergenceSchedule": late},
        {"parallel": 2},
        {"compressed": True},
        {"tunneled": "true"},
    ]
    async with lab.clients() as (here, there):
        vm_id = await ticking(lab, here)
        for way in ways:
            await here("VM.migrate", vmID=vm_id, params=wish(vm_id, there, **way))
            row = await here.until(vm_id, "Down", limit=55)
            assert row["exitReason"] == ExitReason.MIGRATION_SUCCEEDED, way
            await there.until(vm_id, "Up")
            await asyncio.to_thread(ticks, console(there.agent, vm_id))
            await here("VM.destroy", vmID=vm_id)
            here, there = there, here


async def test_the_outgoing_limit_lets_one_after_the_other_go(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        first, second = await ticking(lab, one), await ticking(lab, one)
        for vm_id in (first, second):
            await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two, outgoingLimit=1))
        most = 0
        while [v for v in (first, second) if (await one.stats(v))["status"] != "Down"]:
            most = max(most, (await two("Host.getStats"))["incomingVmMigrations"])
        assert most == 1
        for vm_id in (first, second):
            assert (await two.until(vm_id, "Up"))["status"] == "Up"


async def test_a_paused_guest_moves_paused(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        await one("VM.pause", vmID=vm_id)
        await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two))
        await one.until(vm_id, "Down")
        await two.until(vm_id, "Paused")
        await two("VM.cont", vmID=vm_id)
        await asyncio.to_thread(ticks, console(two.agent, vm_id))


async def test_a_migration_is_cancelled_and_both_sides_are_clean(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        with pytest.raises(VerbError):
            await one("VM.migrateCancel", vmID=vm_id)
        await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two, maxBandwidth=1))
        with pytest.raises(VerbError) as caught:
            await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two))
        assert caught.value.code == Code.MIGRATION_IN_PROGRESS
        await two_knows(two, vm_id)
        await one("VM.migrateChangeParams", vmID=vm_id, params={"maxBandwidth": 1})
        await one("VM.migrateCancel", vmID=vm_id)
        row = await one.until(vm_id, "Powering up", "Up")
        assert row["exitMessage"] == "Migration canceled"
        found = await one("VM.getMigrationStatus", vmID=vm_id)
        assert found["status"] == {"code": Code.MIGRATION_FAILED, "message": "Migration canceled"}
        await asyncio.to_thread(ticks, console(one.agent, vm_id))
        await forgotten(two, vm_id)
        assert vm_id not in lab.rack.virsh("h2", "list", "--all", "--uuid")


async def two_knows(client: Client, vm_id: str) -> None:
    """Until the incoming domain is there."""
    end = time.monotonic() + 20
    while vm_id not in client.agent.rack.virsh(client.agent.name, "list", "--uuid"):
        assert time.monotonic() < end, client.agent.told()
        await asyncio.sleep(0.1)


async def test_a_schedule_that_ends_with_abort_gives_up_by_itself(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        hasty = {"init": HARD, "stalling": [{"limit": -1, "action": {"name": "abort", "params": []}}]}
        slow = wish(vm_id, two, maxBandwidth=1, autoConverge=False, convergenceSchedule=hasty)
        await one("VM.migrate", vmID=vm_id, params=slow)
        row = await one.until(vm_id, "Powering up", "Up")
        assert "Migration failed" in row["exitMessage"]
        await forgotten(two, vm_id)


async def test_a_target_that_lacks_something_leaves_the_guest_where_it_is(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        request: dict[str, Any] = {"only1": {"bridged": True, "nic": "eth1", "mtu": 1500}}
        options = {"connectivityCheck": False}
        await one("Host.setupNetworks", networks=request, bondings={}, options=options)
        try:
            vm_id = await ticking(lab, one, nics=[nic("only1")])
            await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two))
            row = await one.until(vm_id, "Powering up", "Up")
            assert "only1" in row["exitMessage"]
            assert await known(two) == []
            await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two, dst="127.0.0.1:1"))
            row = await one.until(vm_id, "Powering up", "Up")
            assert "cannot be reached" in row["exitMessage"]
            await one("VM.destroy", vmID=vm_id)
        finally:
            await one("Host.setupNetworks", networks={"only1": {"remove": True}}, bondings={}, options=options)


async def test_a_target_with_enough_incoming_ones_says_82(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        xml = lab.rack.virsh("h1", "dumpxml", "--migratable", vm_id)
        call: dict[str, Any] = {"vmID": vm_id, "params": {"vmId": vm_id, "xml": xml}, "incomingLimit": 1}
        answer = await two("VM.migrationCreate", **call)
        assert answer["migrationPort"] == 0 and answer["params"]["vmId"] == vm_id
        other, other_xml = domain()
        with pytest.raises(VerbError) as caught:
            await two("VM.migrationCreate", vmID=other, params={"vmId": other, "xml": other_xml}, incomingLimit=1)
        assert caught.value.code == Code.TOO_MANY_MIGRATIONS
        with pytest.raises(VerbError) as caught:
            await two("VM.migrationCreate", **call)
        assert caught.value.code == Code.VM_EXISTS
        await two("VM.destroy", vmID=vm_id)
        assert await known(two) == []


async def test_an_agent_killed_while_its_guest_moves_reports_the_truth(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two, maxBandwidth=2, convergenceSchedule={}))
        await two_knows(two, vm_id)
        one.agent.kill()
        one.agent.start()
        again = await connect(one.agent)
        try:
            assert (await again.stats(vm_id))["status"] in ("Migration Source", "Down")
            row = await again.until(vm_id, "Down", "Powering up", "Up", limit=55)
            there = await two("Host.getVMList")
            running = [
                side for side, r in (("h1", row["status"]), *[("h2", t["status"]) for t in there]) if r != "Down"
            ]
            assert len(running) == 1, (row, there)  # one copy, wherever it is
            name = running[0]
            await asyncio.to_thread(ticks, console(lab.agents[name], vm_id))
            if row["status"] == "Down":
                assert row["exitReason"] == ExitReason.MIGRATION_SUCCEEDED
        finally:
            await again.close()


async def test_a_target_that_loses_power_leaves_one_running_copy(lab: Lab) -> None:
    async with lab.clients() as (one, two):
        vm_id = await ticking(lab, one)
        await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two, maxBandwidth=1, memory=64 * MIB))
        await two_knows(two, vm_id)
        await asyncio.to_thread(lab.rack.hostlab, "power", "h2", "off")
        row = await one.until(vm_id, "Powering up", "Up", limit=50)
        assert "Migration failed" in row["exitMessage"]
        await asyncio.to_thread(ticks, console(one.agent, vm_id))
        lab.agents["h2"].stop()
        await asyncio.to_thread(lab.rack.hostlab, "power", "h2", "on")
    async with lab.clients() as (one, two):
        assert await known(two) == []
        assert lab.rack.virsh("h2", "list", "--all", "--uuid").strip() == ""
