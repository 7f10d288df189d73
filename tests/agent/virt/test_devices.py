"""Documents of changes: tickets, NICs, disks, metadata; pure."""

from xml.etree.ElementTree import Element, fromstring, tostring

import pytest
from msgspec.structs import replace

from ovis.agent.virt.complete import VM
from ovis.agent.virt.devices import (
    changed_nic,
    device_of,
    find_disk,
    find_nic,
    merged_metadata,
    place_disk,
    ticket_xml,
)
from ovis.contract.domain.builder import build_hotplug
from ovis.contract.domain.specs import Disk, Nic
from ovis.contract.errors import Code, VerbError

LIVE = """<domain><metadata><ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'><ovirt-vm:custom><ovirt-vm:a>1</ovirt-vm:a>
</ovirt-vm:custom><ovirt-vm:device devtype='disk' name='vda'><ovirt-vm:imageID>i</ovirt-vm:imageID></ovirt-vm:device>
</ovirt-vm:vm></metadata><devices>
<graphics type='vnc' port='5900' passwdValidTo='1970-01-01T00:00:01'><listen type='address' address='192.0.2.1'/></graphics>
<interface type='bridge'><mac address='56:6f:00:00:00:01'/><source bridge='a'/><target dev='vnet0'/><link state='up'/>
<filterref filter='f'/><alias name='ua-nic-1'/><address type='pci' slot='0x01'/></interface>
<disk type='file' device='disk'><target dev='vda' bus='virtio'/><serial>disk-1</serial><alias name='ua-disk-1'/></disk>
<disk type='file' device='disk'><target dev='sda' bus='scsi'/>
<address type='drive' controller='0' bus='0' target='0' unit='0'/></disk></devices></domain>"""
NIC = Nic(id="nic-1", mac="56:6F:00:00:00:01", bridge="b")
DISK = Disk(id="disk-2", interface="virtio", format="raw", pool_id="p", domain_id="d", image_id="disk-2", volume_id="v")


def live() -> Element:
    return fromstring(LIVE)


def test_a_ticket_lasts_and_a_vnc_password_is_cut_to_what_the_protocol_uses() -> None:
    found = fromstring(ticket_xml(live(), "vnc", "0123456789", 120, "disconnect", 0.0))
    assert found.get("passwd") == "01234567" and found.get("passwdValidTo") == "1970-01-01T00:02:00"
    assert found.get("connected") == "keep" and found.find("listen") is not None


def test_a_ticket_for_a_console_that_is_not_there_is_refused() -> None:
    with pytest.raises(VerbError) as caught:
        ticket_xml(live(), "spice", "x", 1, "keep", 0.0)
    assert caught.value.code == Code.TICKET_FAILED


def test_a_nic_is_found_by_alias_or_mac() -> None:
    _, nic = device_of(build_hotplug(nic=NIC), "interface")
    assert find_nic(live(), nic) is not None
    _, other = device_of(build_hotplug(nic=replace(NIC, id="x")), "interface")
    assert find_nic(live(), other) is not None
    _, unknown = device_of(build_hotplug(nic=replace(NIC, id="x", mac="56:6f:00:00:00:02")), "interface")
    assert find_nic(live(), unknown) is None


def test_a_changed_nic_keeps_its_place_and_takes_link_network_and_filter() -> None:
    root = live()
    nic = root.find("devices/interface")
    _, wanted = device_of(build_hotplug(nic=replace(NIC, linked=False)), "interface")
    assert nic is not None
    found = fromstring(changed_nic(nic, wanted))
    assert found.find("source").get("bridge") == "b"  # type: ignore[union-attr]
    assert found.find("link").get("state") == "down"  # type: ignore[union-attr]
    assert found.find("filterref") is None
    assert found.find("address") is not None and found.find("target").get("dev") == "vnet0"  # type: ignore[union-attr]


def test_a_disk_is_found_by_alias_or_serial() -> None:
    _, disk = device_of(build_hotplug(disk=replace(DISK, id="disk-1")), "disk")
    assert find_disk(live(), disk) is not None
    disk.remove(disk.find("alias"))  # type: ignore[arg-type]
    assert find_disk(live(), disk) is not None


def test_a_disk_gets_a_name_and_unit_that_nobody_has() -> None:
    _, disk = device_of(build_hotplug(disk=DISK), "disk")
    assert place_disk(live(), disk) == "vdb"
    _, scsi = device_of(build_hotplug(disk=replace(DISK, interface="virtio_scsi")), "disk")
    assert place_disk(live(), scsi) == "sdb" and scsi.find("address") is None


def test_metadata_gains_and_loses_devices_and_keeps_the_rest() -> None:
    root, disk = device_of(build_hotplug(disk=DISK), "disk")
    name = place_disk(live(), disk)
    for device in root.findall(f"metadata/{{{VM}}}vm/{{{VM}}}device"):
        device.set("name", name)
    found = fromstring(merged_metadata(live(), root))
    assert [d.get("name") for d in found.findall("device")] == ["vda", "vdb"]
    assert found.findtext("custom/a") == "1" and VM not in tostring(found, encoding="unicode")
    wrapped = fromstring(
        f"<domain><metadata>{tostring(_with_namespace(found), encoding='unicode')}</metadata></domain>"
    )
    gone = fromstring(merged_metadata(wrapped, None, lambda d: d.get("name") == "vda"))
    assert [d.get("name") for d in gone.findall("device")] == ["vdb"]


def _with_namespace(element: Element) -> Element:
    for part in element.iter():
        part.tag = f"{{{VM}}}{part.tag}"
    return element


@pytest.mark.parametrize("xml", [None, 3, "<hotplug/>", "<x"])
def test_what_is_no_hotplug_document_is_refused(xml: object) -> None:
    with pytest.raises(VerbError):
        device_of(xml, "disk")
