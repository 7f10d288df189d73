"""The main job: the real oVirt client makes, runs, moves, suspends and removes VMs on hosts that speak the true protocol."""

from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation, installation, until

GIB = 1 << 30


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Any:
    with installation(tmp_path, hosts=2, db=database_url, storage=True) as made:
        yield made


def _is(service: Any, status: str) -> Any:
    return until(lambda: str(service.get().status) == status, status) and service.get()


def test_the_life_of_a_vm_through_the_real_sdk(place: Installation) -> None:
    from ovirtsdk4 import types as t

    with place.sdk() as system:
        vms, default = system.vms_service(), t.Cluster(name="Default")
        vm = vms.add(t.Vm(name="one", cluster=default, template=t.Template(name="Blank"), memory=GIB))
        service = vms.vm_service(vm.id)
        attachment = service.disk_attachments_service().add(
            t.DiskAttachment(
                disk=t.Disk(
                    name="d1",
                    format=t.DiskFormat.COW,
                    provisioned_size=GIB,
                    storage_domains=[t.StorageDomain(name="data")],
                ),
                interface=t.DiskInterface.VIRTIO,
                bootable=True,
                active=True,
            )
        )
        _is(system.disks_service().disk_service(attachment.disk.id), "ok")
        profile = system.vnic_profiles_service().list()[0]
        nic = service.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
        assert nic.mac.address.startswith("56:6f:")

        service.start()
        first = _is(service, "up").host.id
        assert [i.address for d in service.reported_devices_service().list() for i in d.ips]
        consoles = service.graphics_consoles_service()
        ticket = consoles.console_service(consoles.list(current=True)[0].id).ticket()
        assert ticket.value

        service.migrate()
        second = _is(service, "up").host.id
        assert second != first
        service.suspend()
        _is(service, "suspended")
        service.start()
        _is(service, "up")
        service.shutdown()
        _is(service, "down")

        template = system.templates_service().add(t.Template(name="golden", vm=t.Vm(id=vm.id)))
        made = system.templates_service().template_service(template.id)
        _is(made, "ok")
        thin = vms.add(t.Vm(name="two", cluster=default, template=t.Template(name="golden")))
        two = vms.vm_service(thin.id)
        _is(two, "down")
        assert [n.name for n in two.nics_service().list()] == ["nic1"]
        two.start()
        _is(two, "up")
        two.stop()
        _is(two, "down")
        two.remove()
        service.remove()
        made.remove()
        assert vms.list() == []
        assert system.disks_service().list() == []
        failed = [j.description for j in system.jobs_service().list() if str(j.status) != "finished"]
        assert failed == []
