"""What is read from a live XML, and records that outlive the agent."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

from ovis.agent.virt.vm import Ids, Record, forget, kept, read_devices, save

XML = """<domain id='3'><name>x</name><memory unit='KiB'>65536</memory><vcpu current='2'>16</vcpu>
<metadata><ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'>
<ovirt-vm:minGuaranteedMemoryMb type='int'>32</ovirt-vm:minGuaranteedMemoryMb></ovirt-vm:vm></metadata>
<devices><graphics type='vnc' port='5901' listen='192.0.2.1'><listen type='address' address='192.0.2.1'/></graphics>
<interface><mac address='56:6f:00:00:00:01'/><target dev='vnet3'/></interface>
<disk type='file'><source file='/s/v'/><target dev='vda'/><serial>abc</serial></disk>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel></devices></domain>"""


def test_devices_of_a_live_document() -> None:
    found = read_devices(fromstring(XML))
    assert [(d.type, d.port, d.tls_port, d.address) for d in found.displays] == [("vnc", 5901, -1, "192.0.2.1")]
    assert found.nics == {"vnet3": "56:6f:00:00:00:01"} and found.disks == {"vda": ("/s/v", "abc")}
    assert (found.memory_kib, found.vcpus, found.agent, found.guaranteed_kib) == (65536, 2, True, 32768)


def test_the_hash_follows_devices_and_not_tickets() -> None:
    before = read_devices(fromstring(XML)).hash
    assert read_devices(fromstring(XML.replace("port='5901'", "port='5901' passwd='x'"))).hash == before
    assert read_devices(fromstring(XML.replace("vnet3", "vnet4"))).hash != before


def test_records_come_back_and_broken_ones_are_left_out(tmp_path: Path) -> None:
    record = Record(vm_id="a", status="Down", exit_code=1, exit_message="why", images=[Ids("p", "d", "i", "v")])
    save(tmp_path, record)
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    assert kept(tmp_path) == {"a": record}
    forget(tmp_path, "a")
    assert kept(tmp_path) == {} and kept(tmp_path / "none") == {}
