"""qemucmdline adds what its property says, and refuses what it cannot read."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from ovis.agent.hooks.runner import HookError
from tests.hooks.shipped import VM_ID, installed

DOMAIN = "<domain type='kvm'><name>a</name><devices/></domain>"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"


async def test_arguments_come_in_their_order_in_libvirts_namespace(tmp_path: Path) -> None:
    hooks = installed("qemucmdline", tmp_path)
    custom = {"qemu_cmdline": '["-fw_cfg", "name=opt/a,string=<&\\">"]'}
    after = await hooks.domain("before_vm_start", DOMAIN, vm_id=VM_ID, custom=custom)
    found = [a.get("value") for a in fromstring(after).findall(f"{QEMU}commandline/{QEMU}arg")]
    assert found == ["-fw_cfg", 'name=opt/a,string=<&">']


@pytest.mark.parametrize("value", ["-S", "{}", '[1, "a"]', '["-S"'])
async def test_what_is_no_list_of_texts_refuses_the_start(tmp_path: Path, value: str) -> None:
    hooks = installed("qemucmdline", tmp_path)
    with pytest.raises(HookError, match="the property reads"):
        await hooks.domain("before_vm_start", DOMAIN, vm_id=VM_ID, custom={"qemu_cmdline": value})


async def test_without_the_property_nothing_changes(tmp_path: Path) -> None:
    hooks = installed("qemucmdline", tmp_path)
    assert await hooks.domain("before_vm_start", DOMAIN, vm_id=VM_ID, custom={}) == DOMAIN
