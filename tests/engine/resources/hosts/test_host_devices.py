"""Devices of hosts: shown, given to a VM that is pinned there, found in its document; mediated devices beside them."""

import asyncio
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from ovis.engine.declare.faults import NotFound, Refused
from ovis.engine.model.types import Action, Host, HostDevice, Property, Vm, VmMediatedDevice, VmPlacementPolicy
from ovis.engine.resources.hosts import host_devices
from ovis.engine.resources.vms import mediated, resource as vms
from ovis.engine.resources.vms.actions import start
from tests.faults import test_steps as steps
from tests.faults.house import house


async def test_devices_of_a_host_go_to_a_vm_that_is_pinned_there(tmp_path: Path) -> None:
    async with asyncio.timeout(120), house(tmp_path, hosts=1) as place:
        host = await place.read(lambda rd: rd.select(Host)[0])
        vm_id = await steps.vm(place)

        def listed(rd: object) -> dict[str, HostDevice]:
            rows = host_devices._of_hosts(rd, place.call(str(host.id)), [str(host.id)])[str(host.id)]  # type: ignore[arg-type]
            return {str(d.name): d for d in rows}

        devices = await place.read(listed)
        gpu = devices["pci_0000_01_00_0"]
        assert (gpu.iommu_group, gpu.product.name if gpu.product else None) == (12, "Simulated GPU")
        assert {m.name: m.available_instances for m in gpu.m_dev_types or ()} == {"sim-4": 4, "sim-8": 2}
        assert devices["pci_0000_05_00_0"].virtual_functions == 8

        with pytest.raises(Refused, match="several hosts"):
            await place.run(host_devices.add, place.call(vm_id), HostDevice(id=gpu.id))
        pin = Vm(placement_policy=VmPlacementPolicy(hosts=[Host(id=host.id)]))
        await place.run(vms.update, place.call(vm_id), pin)
        made = await place.run(host_devices.add, place.call(vm_id), HostDevice(id=gpu.id))
        assert (made.name, made.placeholder) == ("pci_0000_01_00_0", False)
        with pytest.raises(Refused, match="already"):
            await place.run(host_devices.add, place.call(vm_id), HostDevice(name="pci_0000_01_00_0"))
        with pytest.raises(Refused, match="cannot be given"):
            await place.run(host_devices.add, place.call(vm_id), HostDevice(name="pci_0000_00_01_0"))
        with pytest.raises(NotFound):
            await place.run(host_devices.add, place.call(vm_id), HostDevice(name="pci_9"))
        await place.run(host_devices.add, place.call(vm_id), HostDevice(name="usb_1_1"))
        wanted = VmMediatedDevice(spec_params=[Property(name="mdevType", value="sim-4")])
        await place.run(mediated.MEDIATED_OF_VM.add.run, place.call(vm_id), wanted)  # type: ignore[union-attr]
        with pytest.raises(Refused, match="mdevType"):
            await place.run(mediated.MEDIATED_OF_VM.add.run, place.call(vm_id), VmMediatedDevice())  # type: ignore[union-attr]

        await place.run(start.start, place.call(vm_id), Action())
        await place.vm_becomes(vm_id, "up")
        driver = place.agents[0].driver
        assert driver is not None
        found = fromstring(driver.vms[vm_id].xml).findall("devices/hostdev")
        kinds = [d.get("type") for d in found]
        assert kinds == ["pci", "pci", "usb", "mdev"]  # the card's sound goes along with it
        address = found[0].find("source/address")
        assert address is not None and address.get("bus") == "0x01"

        await place.run(host_devices.remove, place.call(vm_id, str(made.id)), None)
        left = await place.read(lambda rd: [r.name for r in rd.find(host_devices.VmHostDevice, vm_id=vm_id)])
        assert left == ["usb_1_1"]
