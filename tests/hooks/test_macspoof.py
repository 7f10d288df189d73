"""macspoof and ifacemacspoof take off the filter that they are about, and nothing else."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.hooks.shipped import VM_ID, installed, make

NIC = "<interface type='bridge'><mac address='56:6f:00:00:00:01'/><filterref filter='{}'/></interface>"
OURS, OTHER = NIC.format("vdsm-no-mac-spoofing"), NIC.format("clean-traffic")
DOMAIN = f"<domain type='kvm'><devices>{OURS}{OTHER}{OURS}</devices></domain>"


def _filters(xml: str) -> list[str]:
    return [str(f.get("filter")) for f in fromstring(xml).iter("filterref")]


@pytest.mark.parametrize("value", ["true", "True", "1"])
async def test_a_vm_that_may_has_no_such_filter_on_any_nic(tmp_path: Path, value: str) -> None:
    hooks = installed("macspoof", tmp_path)
    after = await hooks.domain("before_vm_start", DOMAIN, vm_id=VM_ID, custom={"macspoof": value})
    assert _filters(after) == ["clean-traffic"]
    assert len(fromstring(after).findall("devices/interface/mac")) == 3
    for point in ("before_nic_hotplug", "before_update_device"):
        assert _filters(await hooks.domain(point, OURS, vm_id=VM_ID, custom={"macspoof": value})) == []
    assert await hooks.domain("before_nic_hotplug", OTHER, vm_id=VM_ID, custom={"macspoof": value}) == OTHER


@pytest.mark.parametrize("custom", [{}, {"macspoof": "false"}, {"macspoof": "yes"}, {"ifacemacspoof": "true"}])
async def test_other_vms_keep_their_document_as_it_is(tmp_path: Path, custom: dict[str, str]) -> None:
    hooks = installed("macspoof", tmp_path)
    assert await hooks.domain("before_vm_start", DOMAIN, vm_id=VM_ID, custom=custom) == DOMAIN


async def test_a_nic_that_may_has_no_such_filter_at_any_point(tmp_path: Path) -> None:
    hooks = installed("ifacemacspoof", tmp_path)
    for point in ("before_device_create", "before_nic_hotplug", "before_update_device"):
        after = await hooks.domain(point, OURS, vm_id=VM_ID, device={"ifacemacspoof": "true"})
        assert _filters(after) == []
        assert await hooks.domain(point, OTHER, vm_id=VM_ID, device={"ifacemacspoof": "true"}) == OTHER
        assert await hooks.domain(point, OURS, vm_id=VM_ID, device={"ifacemacspoof": "false"}) == OURS
        assert await hooks.domain(point, OURS, vm_id=VM_ID) == OURS


async def test_both_can_be_installed_together(tmp_path: Path) -> None:
    make("ifacemacspoof", tmp_path)
    hooks = installed("macspoof", tmp_path)
    assert len(hooks.scripts("before_nic_hotplug")) == 2
    assert _filters(await hooks.domain("before_nic_hotplug", OURS, device={"ifacemacspoof": "true"})) == []
    assert _filters(await hooks.domain("before_nic_hotplug", OURS, custom={"macspoof": "true"})) == []
