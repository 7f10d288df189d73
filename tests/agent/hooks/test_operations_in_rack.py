"""Points run by their operations, on real hosts: order, documents, environment, results that count, failures.

A recorder lies at every point of both hosts. What network set-up runs is tested with it.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.agent.hooks import POINTS
from ovis.contract.domain.builder import build_hotplug
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitReason
from tests.agent.hooks.scripts import PYTHON, Scene
from tests.agent.rack import MIB, Agent, Client, Lab, Rack, Storage, connect, create, domain, missing, nic
from tests.agent.virt.test_migrate import wish

pytestmark = pytest.mark.long  # three minutes; each point's document is tried in test_points.py and test_runner.py
ELSEWHERE = {"before_network_setup", "after_network_setup", "after_network_setup_fail"}
SEEN: set[str] = set()


class Hooked:
    """A lab whose hosts have recorders at every point."""

    def __init__(self, lab: Lab, scenes: dict[str, Scene]) -> None:
        self.lab, self.scenes = lab, scenes

    @asynccontextmanager
    async def clients(self, *names: str) -> AsyncIterator[list[Client]]:
        """As the lab's; records and orders are dropped before, what was seen is kept."""
        async with self.lab.clients(*names) as clients:
            for scene in self.scenes.values():
                scene.forget()
                SEEN.update(scene.seen)
                for point in POINTS:
                    scene.order(point)
            yield clients
        for scene in self.scenes.values():
            SEEN.update(scene.seen, scene.points())


@pytest.fixture(scope="module")
def hooked() -> Iterator[Hooked]:
    """Two hosts."""
    why = missing()
    if why:
        pytest.skip(why)
    rack = Rack(2)
    agents: dict[str, Agent] = {}
    try:
        rack.up()
        scenes = {h["name"]: Scene(rack.dir / f"scene-{h['name']}") for h in rack.report["hosts"]}
        for scene in scenes.values():
            for point in POINTS:
                scene.record(point)
        agents = {name: Agent(rack, name, "--hooks", str(scene.hooks)) for name, scene in scenes.items()}
        yield Hooked(Lab(rack, agents, Storage()), scenes)
    finally:
        for agent in agents.values():
            agent.stop()
        rack.down()


async def recorded(scene: Scene, *points: str, limit: float = 40) -> list[dict[str, Any]]:
    """Records so far, once each of these points has one."""
    end = time.monotonic() + limit
    while not set(points) <= set(scene.points()):
        assert time.monotonic() < end, (points, scene.points())
        await asyncio.sleep(0.1)
    return scene.records()


def vm(**values: Any) -> tuple[str, str]:
    """A VM with properties of its own and of one of its two NICs."""
    plugs = [nic(custom={"both": "nic", "ifacemacspoof": "true"}), nic(custom={})]
    return domain(**{"nics": plugs, "custom": {"both": "vm", "macspoof": "true"}, "graphics": ["vnc"], **values})


async def refused(client: Client, verb: str, code: int, **params: Any) -> str:
    """A verb's error."""
    with pytest.raises(VerbError) as caught:
        await client(verb, **params)
    assert caught.value.code == code, caught.value.message
    return caught.value.message


async def live(client: Client, vm_id: str) -> str:
    return str((await client("Host.dumpxmls", vmList=[vm_id]))[vm_id])


async def test_a_start_runs_its_points_in_order_and_takes_their_results(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        assert "before_vdsm_start" in SEEN
        disk = await hooked.lab.guest(client)
        vm_id, xml = vm(disks=[disk])
        scene.order("before_vm_start", replace=["<uuid>", "<title>hooked</title><uuid>"])
        scene.order("before_device_create", replace=['type="virtio"', 'type="e1000"'])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        records = scene.records()
        assert [r["point"] for r in records if "stats" not in r["point"]] == [
            "after_disk_prepare", "before_device_create", "before_device_create", "before_vm_start",
            "after_vm_start", "after_device_create",
        ]  # fmt: skip
        rows = {r["point"]: r for r in records}
        assert all(
            rows[p]["environment"]["vmId"] == vm_id and rows[p]["environment"]["macspoof"] == "true"
            for p in rows
            if "stats" not in p
        )
        assert f'"imageID":"{disk.image_id}"' in rows["after_disk_prepare"]["document"]
        nics = scene.records("before_device_create")  # in the order of their MAC addresses
        assert all(r["document"].startswith("<interface") and r["environment"]["both"] == "vm" for r in nics)
        assert sorted(r["environment"].get("ifacemacspoof", "") for r in nics) == ["", "true"]
        assert "OS-NAME:" not in rows["before_vm_start"]["document"] and "e1000" in rows["before_vm_start"]["document"]
        assert "<domain type='qemu' id='" in rows["after_vm_start"]["document"]
        found = await live(client, vm_id)
        assert "<title>hooked</title>" in found and found.count("<model type='e1000'/>") == 2
        assert not Path(f"/run/vdsm/{vm_id}").exists()


async def test_a_running_vm_runs_the_points_of_its_changes(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        vm_id, xml = vm(disks=[await hooked.lab.guest(client)], usb=True, virtio_scsi=True, max_memory=64 * MIB)
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        scene.forget()

        await client("VM.pause", vmID=vm_id)
        await recorded(scene, "before_vm_pause", "after_vm_pause")
        await client("VM.cont", vmID=vm_id)
        await recorded(scene, "before_vm_cont", "after_vm_cont")
        assert [p for p in scene.points() if "stats" not in p] == [
            "before_vm_pause",
            "after_vm_pause",
            "before_vm_cont",
            "after_vm_cont",
        ]
        assert all(
            "id='" in r["document"] and r["environment"]["vmId"] == vm_id
            for r in scene.records()
            if "vm_" in r["point"] and "stats" not in r["point"]
        )

        await client(
            "VM.setTicket", vmID=vm_id, password="p", ttl=60, existingConnAction="keep", params={"userName": "joe"}
        )
        for point in ("before_vm_set_ticket", "after_vm_set_ticket"):
            (row,) = scene.records(point)
            assert row["environment"]["userName"] == "joe" and row["document"].startswith("<domain")
        ticket = {
            "deviceType": "graphics",
            "graphicsType": "vnc",
            "password": "p",
            "ttl": 60,
            "params": {"userName": "ann"},
        }
        await client("VM.updateDevice", vmID=vm_id, params=ticket)
        assert [r["environment"]["userName"] for r in scene.records("after_vm_set_ticket")] == ["joe", "ann"]

        await client("VM.setNumberOfCpus", vmID=vm_id, numberOfCpus="2")
        for point in ("before_set_num_of_cpus", "after_set_num_of_cpus"):
            (row,) = scene.records(point)
            assert row["document"] == "" and not {"vmId", "macspoof"} & set(row["environment"])

        plug = nic(custom={"speed": "10", "both": "nic"})
        document = build_hotplug(nic=plug).replace("virtio", "usb-net")
        scene.order("before_nic_hotplug", replace=['state="up"', 'state="down"'])
        await client("VM.hotplugNic", vmID=vm_id, params={"vmId": vm_id, "xml": document})
        (before,), (after,) = scene.records("before_nic_hotplug"), scene.records("after_nic_hotplug")
        assert before["document"].startswith("<interface") and 'state="down"' in after["document"]
        assert (before["environment"]["speed"], before["environment"]["both"]) == ("10", "vm")
        assert "<link state='down'/>" in await live(client, vm_id)
        changed = build_hotplug(nic=replace(plug, linked=False)).replace("virtio", "usb-net")
        scene.order("before_update_device", replace=['state="down"', 'state="up"'])
        await client("VM.updateDevice", vmID=vm_id, params={"deviceType": "interface", "xml": changed})
        assert 'state="down"' in scene.records("before_update_device")[0]["document"]
        assert scene.records("after_update_device")[0]["environment"]["speed"] == "10"
        assert "<link state='down'/>" not in await live(client, vm_id)
        bad = changed.replace("<link", "<bandwidth><inbound average='none'/></bandwidth><link")
        await refused(
            client, "VM.updateDevice", Code.UPDATE_DEVICE, vmID=vm_id, params={"deviceType": "interface", "xml": bad}
        )
        assert len(scene.records("after_update_device_fail")) == 1 == len(scene.records("after_update_device"))
        other = build_hotplug(nic=nic()).replace("virtio", "none-such")
        await refused(client, "VM.hotplugNic", Code.NIC_PLUG, vmID=vm_id, params={"xml": other})
        assert len(scene.records("after_nic_hotplug_fail")) == 1 == len(scene.records("after_nic_hotplug"))
        await client("VM.hotunplugNic", vmID=vm_id, params={"vmId": vm_id, "xml": changed})
        (before,), (after,) = scene.records("before_nic_hotunplug"), scene.records("after_nic_hotunplug")
        assert before["environment"]["speed"] == after["environment"]["speed"] == "10"
        assert plug.mac not in await live(client, vm_id)

        extra = replace(await hooked.lab.storage.volume(client, MIB), bootable=False, interface="virtio_scsi")
        document = build_hotplug(disk=extra)
        scene.order("before_disk_hotplug", replace=["<serial>", "<product>hooked</product><serial>"])
        await client("VM.hotplugDisk", vmID=vm_id, params={"vmId": vm_id, "xml": document})
        assert scene.records("before_disk_hotplug")[0]["document"].startswith("<disk")
        assert "hooked" in scene.records("after_disk_hotplug")[0]["document"]
        assert "<product>hooked</product>" in await live(client, vm_id)
        await client("VM.hotunplugDisk", vmID=vm_id, params={"vmId": vm_id, "xml": document})
        assert scene.records("before_disk_hotunplug")[0]["document"].startswith("<disk")
        assert len(scene.records("after_disk_hotunplug")) == 1

        scene.forget()
        await client("VM.destroy", vmID=vm_id)
        assert [p for p in scene.points() if "stats" not in p] == [
            "before_device_destroy",
            "before_vm_destroy",
            "after_vm_destroy",
            "after_device_destroy",
        ]
        rows = {r["point"]: r for r in scene.records()}
        assert rows["before_vm_destroy"]["document"] == "" and vm_id in rows["after_vm_destroy"]["document"]
        assert rows["after_device_destroy"]["environment"]["ifacemacspoof"] == "true"


async def test_memory_is_plugged_as_hooks_want_it(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        vm_id, xml = vm(memory=128 * MIB, max_memory=1024 * MIB)
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        memory = {"type": "memory", "device": "memory", "size": "128", "node": "0", "deviceId": str(uuid.uuid4())}
        scene.order("before_memory_hotplug", replace=[">131072<", ">262144<"])
        await client("VM.hotplugMemory", vmID=vm_id, params={"memory": memory})
        (before,), (after,) = scene.records("before_memory_hotplug"), scene.records("after_memory_hotplug")
        assert before["document"].startswith("<memory") and "262144" in after["document"]
        env = before["environment"]
        assert env["macspoof"] == "true" and env["vmId"] == vm_id and "ifacemacspoof" not in env
        assert "<size unit='KiB'>262144</size>" in await live(client, vm_id)
        scene.order("before_memory_hotplug", exit=1)
        other = {"memory": memory | {"deviceId": str(uuid.uuid4())}}
        await refused(client, "VM.hotplugMemory", Code.HOOK_ERROR, vmID=vm_id, params=other)


async def test_a_device_that_does_not_go_runs_the_fail_point(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        plug = nic()
        vm_id, xml = vm(disks=[await hooked.lab.guest(client)], nics=[plug])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        # its guest knows no hot-plug: it never lets the NIC go
        await refused(client, "VM.hotunplugNic", Code.NIC_UNPLUG, vmID=vm_id, params={"xml": build_hotplug(nic=plug)})
        assert len(scene.records("after_nic_hotunplug_fail")) == 1 and not scene.records("after_nic_hotunplug")


async def test_statistics_and_capabilities_are_what_hooks_make_of_them(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        vm_id, xml = vm()
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        cases: tuple[tuple[str, str, dict[str, Any], str], ...] = (
            ("get_caps", "Host.getCapabilities", {}, '"kvmEnabled"'),
            ("get_stats", "Host.getStats", {}, '"cpuUser"'),
            ("get_vm_stats", "VM.getStats", {"vmID": vm_id}, '"vmName"'),
            ("get_all_vm_stats", "Host.getAllVmStats", {}, '"vmName"'),
        )
        for what, verb, params, key in cases:
            scene.forget()
            scene.order(f"after_{what}", replace=[key, f'"added":"by a hook",{key}'])
            result = await client(verb, **params)
            assert "by a hook" in str(result), verb
            assert scene.points() == [f"before_{what}", f"after_{what}"]
            assert scene.records()[0]["document"] == "{}"
            assert not {"vmId", "macspoof"} & set(scene.records()[0]["environment"])
            scene.order(f"after_{what}", write="nonsense")
            code = Code.HOOK if what == "get_vm_stats" else Code.HOOK_ERROR
            assert "not JSON" in await refused(client, verb, code, **params)
            scene.order(f"after_{what}")
            scene.order(f"before_{what}", exit=2, say="no\n")
            words = "Hook error: " if what == "get_vm_stats" else ""
            assert await refused(client, verb, code, **params) == f"{words}Hook Error: (b'no\\n',)"
            scene.order(f"before_{what}")
        assert await client("Host.hostdevListByCaps", caps=[]) is not None
        scene.order("after_hostdev_list_by_caps", write='{"pci_1": {"params": {}}}')
        assert await client("Host.hostdevListByCaps", caps=[]) == {"pci_1": {"params": {}}}
        hooks = (await client("Host.getCapabilities"))["hooks"]
        assert sorted(hooks) == sorted(POINTS) and len(hooks["before_vm_start"]["10_record"]["checksum"]) == 64


async def test_saved_and_restored_with_hooks(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        vm_id, xml = vm(disks=[await hooked.lab.guest(client)])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        memory = await hooked.lab.storage.volume(client, 96 * MIB)
        setup = await hooked.lab.storage.volume(client, MIB)
        handle = ",".join(
            (memory.domain_id, memory.pool_id, memory.image_id, memory.volume_id, setup.image_id, setup.volume_id)
        )
        scene.order("before_vm_hibernate", exit=1, say="not now\n")
        await client("VM.hibernate", vmID=vm_id, hibernationVolHandle=handle)
        row = await client.until(vm_id, "Powering up", "Up")
        assert "Hook Error: (b'not now\\n',)" in row["exitMessage"]
        scene.order("before_vm_hibernate")
        scene.forget()
        await client("VM.hibernate", vmID=vm_id, hibernationVolHandle=handle)
        row = await client.until(vm_id, "Down")
        assert row["exitReason"] == ExitReason.SAVE_STATE_SUCCEEDED
        await recorded(scene, "before_vm_hibernate", "after_vm_hibernate")
        await client("VM.destroy", vmID=vm_id)
        scene.forget()
        keys = ("poolID", "domainID", "imageID", "volumeID")
        volumes = {
            name: dict(zip(keys, (d.pool_id, d.domain_id, d.image_id, d.volume_id), strict=True))
            for name, d in (("memoryDumpVolume", memory), ("memoryConfVolume", setup))
        }
        scene.order("before_vm_start", replace=["<uuid>", "<title>hooked</title><uuid>"])
        await create(client, vm_id, xml, **volumes)
        await client.until(vm_id, "Up")
        assert [p for p in scene.points() if "stats" not in p] == [
            "after_disk_prepare", "before_device_create", "before_device_create", "before_vm_start",
            "before_vm_dehibernate", "after_vm_dehibernate",
        ]  # fmt: skip
        assert {
            r["environment"]["FROM_SNAPSHOT"] for p in ("before", "after") for r in scene.records(f"{p}_vm_dehibernate")
        } == {"False"}
        assert "hooked" not in await live(client, vm_id)  # at a restore its result does not count
        await client("VM.destroy", vmID=vm_id)
        scene.forget()
        scene.order("before_vm_dehibernate", exit=1, say="asleep\n")
        await create(client, vm_id, xml, restoreFromSnapshot=True, **volumes)
        assert (await client.until(vm_id, "Down"))["exitMessage"] == "Hook Error: (b'asleep\\n',)"
        assert scene.records("before_vm_dehibernate")[0]["environment"]["FROM_SNAPSHOT"] == "True"


async def test_a_migration_runs_points_on_both_sides(hooked: Hooked) -> None:
    one_scene, two_scene = hooked.scenes["h1"], hooked.scenes["h2"]
    async with hooked.clients() as (one, two):
        vm_id, xml = vm(disks=[await hooked.lab.guest(one)])
        await create(one, vm_id, xml)
        await one.until(vm_id, "Powering up")
        for scene, point, words in (
            (one_scene, "before_device_migrate_source", "Hook Error: (b'no\\n',)"),
            (one_scene, "before_vm_migrate_source", "Hook Error: (b'no\\n',)"),
            (two_scene, "before_device_migrate_destination", "Destination hook failed: Hook Error: (b'no\\n',)"),
            (two_scene, "before_vm_migrate_destination", "Destination hook failed: Hook Error: (b'no\\n',)"),
        ):
            scene.order(point, exit=1, say="no\n")
            await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two))
            row = await one.until(vm_id, "Powering up", "Up")
            assert words in row["exitMessage"], point
            assert await two("Host.getVMList") == []
            scene.order(point)
        one_scene.forget()
        two_scene.forget()
        await one("VM.migrate", vmID=vm_id, params=wish(vm_id, two))
        await one.until(vm_id, "Down", limit=120)
        await two.until(vm_id, "Up")
        await recorded(one_scene, "after_device_migrate_source")
        await recorded(two_scene, "after_device_migrate_destination")
        assert [p for p in one_scene.points() if "migrate" in p] == [
            "before_device_migrate_source", "before_vm_migrate_source", "after_vm_migrate_source", "after_device_migrate_source",
        ]  # fmt: skip
        assert [p for p in two_scene.points() if "migrate" in p or "disk" in p] == [
            "after_disk_prepare", "before_device_migrate_destination", "before_vm_migrate_destination",
            "after_vm_migrate_destination", "after_device_migrate_destination",
        ]  # fmt: skip
        (sent,), (here,) = (
            two_scene.records("before_vm_migrate_destination"),
            two_scene.records("after_vm_migrate_destination"),
        )
        assert str(one.agent.address) in sent["document"]  # it is the source's
        assert str(two.agent.address) in here["document"]
        assert all(r["environment"]["macspoof"] == "true" for r in two_scene.records() if "migrate" in r["point"])


async def test_a_failing_hook_ends_the_start_with_its_words_and_its_document(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        for point in ("after_disk_prepare", "before_device_create", "before_vm_start"):
            vm_id, xml = vm(disks=[await hooked.lab.guest(client)])
            scene.order(
                point,
                exit=1,
                say="no\n",
                **({"replace": ["<uuid>", "<title>hooked</title><uuid>"]} if "vm" in point else {}),
            )
            await create(client, vm_id, xml)
            row = await client.until(vm_id, "Down")
            assert (row["exitCode"], row["exitReason"]) == (1, ExitReason.GENERIC_ERROR)
            assert row["exitMessage"] == "Hook Error: (b'no\\n',)"
            assert ("hooked" in await live(client, vm_id)) == (point == "before_vm_start")
            assert vm_id not in hooked.lab.rack.virsh("h1", "list", "--all", "--uuid")
            await client("VM.destroy", vmID=vm_id)
            scene.order(point)
        for point in (
            "after_vm_start",
            "after_device_create",
            "after_vm_pause",
            "before_vm_destroy",
            "after_vm_destroy",
        ):
            scene.order(point, exit=2, say="whatever\n")
        vm_id, xml = vm()
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        await client("VM.pause", vmID=vm_id)
        scene.order("before_vm_cont", exit=1, say="stay\n")
        assert await refused(client, "VM.cont", Code.HOOK_ERROR, vmID=vm_id) == "Hook Error: (b'stay\\n',)"
        assert (await client.stats(vm_id))["status"] == "Paused"
        scene.order("before_set_num_of_cpus", exit=1)
        await refused(client, "VM.setNumberOfCpus", Code.HOOK_ERROR, vmID=vm_id, numberOfCpus="2")
        scene.order("before_nic_hotplug", exit=1)
        plug = nic()
        await refused(client, "VM.hotplugNic", Code.HOOK_ERROR, vmID=vm_id, params={"xml": build_hotplug(nic=plug)})
        assert plug.mac not in await live(client, vm_id)
        scene.order("before_device_destroy", exit=1)
        await refused(client, "VM.destroy", Code.HOOK_ERROR, vmID=vm_id)
        assert (await client.stats(vm_id))["status"] == "Paused"
        scene.order("before_device_destroy")
        await client("VM.destroy", vmID=vm_id)


SPOILT = ["", "text", "<domain", "\udcff\udcfe"]


@pytest.mark.parametrize(
    ("point", "left"),
    [("before_vm_start", text) for text in (*SPOILT, "<domain/>", "<domain><uuid>other</uuid></domain>")]
    + [("before_device_create", text) for text in SPOILT],
)
async def test_a_hook_that_spoils_its_document_ends_the_start(hooked: Hooked, point: str, left: str) -> None:
    async with hooked.clients("h1") as (client,):
        vm_id, xml = vm()
        hooked.scenes["h1"].order(point, write=left)
        await create(client, vm_id, xml)
        row = await client.until(vm_id, "Down")
        assert row["exitCode"] == 1 and row["exitMessage"]
        assert vm_id not in hooked.lab.rack.virsh("h1", "list", "--all", "--uuid")
        await client("VM.destroy", vmID=vm_id)


async def test_a_hook_that_hangs_is_named_and_destroy_ends_it(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        vm_id, xml = vm()
        scene.order("before_vm_start", hang=600)
        await create(client, vm_id, xml)
        await recorded(scene, "before_vm_start")
        row = await client.until(vm_id, "WaitForLaunch")
        assert (row["hook"]["point"], row["hook"]["script"]) == ("before_vm_start", "10_record") and row["hook"][
            "since"
        ] <= time.time()
        end = time.monotonic() + 30
        while not any(b.get(vm_id, {}).get("hook") for n, b in client.events if "VM_status" in n):
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        other, other_xml = vm()
        scene.order("before_vm_start")
        await create(client, other, other_xml)  # nobody else waits
        await client.until(other, "Powering up")
        assert "hook" not in await client.stats(other)
        await client("VM.destroy", vmID=vm_id)
        assert vm_id not in [r["vmId"] for r in await client("Host.getVMList")]


async def test_hooks_may_start_a_vm_paused_and_let_it_run_by_a_verb(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    flags = scene.put(
        "before_device_create",
        "50_flags",
        f"#!{PYTHON}\nimport os\nfrom vdsm.hook import hooking\nv = os.environ['vmId']\n"
        "hooking.dump_vm_launch_flags_to_file(v, hooking.load_vm_launch_flags_from_file(v) | 1)\n",
    )
    async with hooked.clients("h1") as (client,):
        try:
            vm_id, xml = vm()
            await create(client, vm_id, xml)
            await client.until(vm_id, "Paused")
            await client("VM.cont", vmID=vm_id)
            await client.until(vm_id, "Powering up")
            resumes = scene.put(
                "after_vm_start",
                "50_resumes",
                f"#!{PYTHON}\nimport os\nfrom vdsm import client, utils\nfrom vdsm.config import config\n"
                "with utils.closing(client.connect('localhost', use_tls=config.getboolean('vars', 'ssl'))) as c:\n"
                "    c.VM.cont(vmID=os.environ['vmId'])\n",
            )
            other, xml = vm()
            await create(client, other, xml)
            await client.until(other, "Powering up")
            resumes.unlink()
        finally:
            flags.unlink()


async def test_a_disk_may_be_another_file(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    async with hooked.clients("h1") as (client,):
        disk = await hooked.lab.guest(client)
        elsewhere = client.agent.run_dir / "elsewhere.img"
        elsewhere.write_bytes((await hooked.lab.storage.path(client, disk)).read_bytes())
        elsewhere.chmod(0o666)
        path = await hooked.lab.storage.path(client, disk)
        scene.order("after_disk_prepare", replace=[str(path), str(elsewhere)])
        vm_id, xml = vm(disks=[disk])
        await create(client, vm_id, xml)
        await client.until(vm_id, "Powering up")
        if str(path) in scene.records("after_disk_prepare")[0]["document"]:
            assert str(elsewhere) in await live(client, vm_id)
        for wrong in ('{"path": "relative"}', "[]", '{"format": "vmdk"}', '{"diskType": "network"}'):
            scene.order("after_disk_prepare", write=wrong)
            other, xml = vm(disks=[await hooked.lab.guest(client)])
            await create(client, other, xml)
            row = await client.until(other, "Down")
            assert "after_disk_prepare" in row["exitMessage"]


async def test_every_point_with_an_operation_was_run_by_it(hooked: Hooked) -> None:
    scene = hooked.scenes["h1"]
    if len(SEEN) < 40:
        pytest.skip("only meaningful after the other tests of this file")
    hooked.lab.agents["h1"].stop()
    assert "after_vdsm_stop" in scene.points()
    SEEN.update(scene.points())
    assert set(POINTS) - SEEN == ELSEWHERE
    hooked.lab.agents["h1"].start()
    client = await connect(hooked.lab.agents["h1"])
    await client.close()
