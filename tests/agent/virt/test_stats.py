"""Rates from two samples."""

from typing import Any

from ovis.agent.virt.stats import rows, usage
from ovis.agent.virt.vm import Devices, Record, Vm


def _vm() -> Vm:
    vm = Vm(Record(vm_id="a"))
    vm.devices = Devices(
        nics={"vnet0": "56:6f:00:00:00:01"}, disks={"vda": ("/s/v", "image-1")}, memory_kib=1024, guaranteed_kib=512
    )
    return vm


BEFORE: dict[str, Any] = {
    "at": 100.0,
    "cpu.time": 1_000_000_000,
    "cpu.system": 200_000_000,
    "block.count": 1,
    "block.0.name": "vda",
    "block.0.rd.bytes": 1000,
    "block.0.rd.reqs": 1,
    "block.0.rd.times": 5_000,
    "net.count": 1,
    "net.0.name": "vnet0",
    "net.0.rx.bytes": 7,
}
AFTER = BEFORE | {
    "at": 110.0,
    "cpu.time": 6_000_000_000,
    "cpu.system": 1_200_000_000,
    "block.0.rd.bytes": 21_000,
    "block.0.rd.reqs": 11,
    "block.0.rd.times": 105_000,
    "balloon.maximum": 1024,
    "balloon.current": 900,
    "balloon.available": 800,
    "balloon.usable": 200,
}


def test_groups_are_taken_apart() -> None:
    assert rows(BEFORE, "block")[0]["rd.bytes"] == 1000
    assert rows({}, "net") == []


def test_rates_are_per_second_and_cpu_is_per_cent_of_one_cpu() -> None:
    found = usage(_vm(), AFTER, BEFORE)
    assert (found["cpuUser"], found["cpuSys"]) == ("40.00", "10.00")
    disk = found["disks"]["vda"]
    assert (disk["readRate"], disk["readLatency"], disk["imageID"]) == ("2000", "10000", "image-1")
    assert found["memUsage"] == "75"
    assert found["balloonInfo"] == {
        "balloon_max": "1024",
        "balloon_min": "512",
        "balloon_cur": "900",
        "balloon_target": "900",
    }
    nic = found["network"]["vnet0"]
    assert (nic["macAddr"], nic["rx"], nic["sampleTime"]) == ("56:6f:00:00:00:01", "7", 110.0)


def test_the_first_sample_has_no_rates() -> None:
    found = usage(_vm(), BEFORE, None)
    assert found["cpuUser"] == "0.00" and found["disks"]["vda"]["readRate"] == "0"


def test_a_counter_that_began_anew_is_no_negative_rate() -> None:
    assert usage(_vm(), BEFORE | {"at": 120.0}, AFTER)["cpuUser"] == "0.00"
