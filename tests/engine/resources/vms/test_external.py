"""TPM and firmware keep their state: it follows a VM to the host that runs it next, and goes with the VM."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.resources.lab import made
from tests.faults.rack import Rack
from tests.installation import installation, until


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rack]:
    folder: Path = tmp_path_factory.mktemp("external")
    with installation(folder, hosts=2, storage=True) as place, place.client() as client:
        yield Rack(place, client)


def beside(rack: Rack, vm: str) -> dict[str, str]:
    """What the running VM keeps on its host."""
    file = rack.place.folder / "rack" / rack.host(vm) / "vms" / f"{vm}.json"
    return dict(json.loads(file.read_bytes())["external"])


def start(rack: Rack, vm: str, host: str) -> None:
    body = {"vm": {"placement_policy": {"hosts": {"host": [{"name": host}]}}}}
    made(rack.client.post(f"/vms/{vm}/start", json=body))
    rack.becomes(vm, "up")


@pytest.mark.parametrize("way", ["stop", "shutdown", "suspend"])
def test_state_follows_a_vm_to_another_host(rack: Rack, way: str) -> None:
    vm = rack.add(f"sealed-{way}", tpm_enabled="true", bios={"type": "q35_secure_boot"})
    first, second = sorted(str(h["name"]) for h in rack.hosts())
    start(rack, vm, first)
    before = beside(rack, vm)
    assert sorted(before) == ["nvram", "tpm"]
    made(rack.act(vm, way))
    rack.becomes(vm, "suspended" if way == "suspend" else "down")
    file = rack.place.folder / "rack" / first / "vms" / f"{vm}.json"
    until(lambda: not file.exists(), "a host that has forgotten the VM")
    start(rack, vm, second)
    assert rack.host(vm) == second
    assert beside(rack, vm) == before


def test_a_plain_vm_keeps_nothing(rack: Rack) -> None:
    vm = rack.up("plain")
    assert beside(rack, vm) == {}
    made(rack.act(vm, "stop"))
    rack.becomes(vm, "down")
    assert rack.client.delete(f"/vms/{vm}").status_code == 200
