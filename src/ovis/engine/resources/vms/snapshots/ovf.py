"""A VM's configuration as an OVF document, as clients of `all_content` read it.

Does: name, system, CPU, memory, disks, NICs. Pure. Does not: read OVF.
Follows: DMTF's OVF 1; resource types 3 (CPU), 4 (memory), 10 (network), 17 (disk).
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from ovis.engine.model.types import Nic, Vm
from ovis.engine.resources.vms.snapshots.tables import SnapshotDisk

_OVF = "http://schemas.dmtf.org/ovf/envelope/1/"
_RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
for _prefix, _uri in (("ovf", _OVF), ("rasd", _RASD), ("xsi", _XSI)):
    register_namespace(_prefix, _uri)
_GIB = 1 << 30
_MIB = 1 << 20


def document(vm: Vm, disks: Sequence[SnapshotDisk], nics: Sequence[Nic]) -> str:
    """The envelope."""
    envelope = Element(f"{{{_OVF}}}Envelope", {f"{{{_OVF}}}version": "4.4.0.0"})
    references = SubElement(envelope, "References")
    section = SubElement(envelope, "Section", {f"{{{_XSI}}}type": "ovf:DiskSection_Type"})
    for row in disks:
        _reference(references, row)
        _disk(section, row)
    content = SubElement(envelope, "Content", {f"{{{_OVF}}}id": "out", f"{{{_XSI}}}type": "ovf:VirtualSystem_Type"})
    _text(content, "Name", vm.name)
    _text(content, "Description", vm.description)
    _text(content, "TemplateId", vm.template.id if vm.template else None)
    system = SubElement(
        content, "Section", {f"{{{_OVF}}}id": str(vm.id), f"{{{_XSI}}}type": "ovf:OperatingSystemSection_Type"}
    )
    _text(system, "Description", vm.os.type if vm.os else None)
    hardware = SubElement(content, "Section", {f"{{{_XSI}}}type": "ovf:VirtualHardwareSection_Type"})
    topology = vm.cpu.topology if vm.cpu else None
    sockets, cores, threads = (
        (topology.sockets or 1, topology.cores or 1, topology.threads or 1) if topology else (1, 1, 1)
    )
    item = _item(hardware, 1, 3, f"{sockets * cores * threads} virtual cpu")
    _rasd(item, "num_of_sockets", sockets)
    _rasd(item, "cpu_per_socket", cores)
    _rasd(item, "threads_per_cpu", threads)
    megabytes = (vm.memory or 0) // _MIB
    item = _item(hardware, 2, 4, f"{megabytes} MB of memory")
    _rasd(item, "AllocationUnits", "MegaBytes")
    _rasd(item, "VirtualQuantity", megabytes)
    for row in disks:
        item = _item(hardware, row.disk_id, 17, row.disk.alias or row.disk_id)
        _rasd(item, "HostResource", f"{row.disk_id}/{row.volume_id}")
    for nic in nics:
        item = _item(hardware, str(nic.id), 10, f"Ethernet adapter {nic.name}")
        _rasd(item, "Name", nic.name)
        _rasd(item, "MACAddress", nic.mac.address if nic.mac else None)
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(envelope, encoding="unicode")


def _reference(parent: Element, row: SnapshotDisk) -> None:
    SubElement(
        parent,
        "File",
        {
            f"{{{_OVF}}}href": f"{row.disk_id}/{row.volume_id}",
            f"{{{_OVF}}}id": row.volume_id,
            f"{{{_OVF}}}size": str(row.disk.provisioned_size or 0),
        },
    )


def _disk(parent: Element, row: SnapshotDisk) -> None:
    values = {
        "diskId": row.volume_id,
        "size": str((row.disk.provisioned_size or 0) // _GIB),
        "fileRef": f"{row.disk_id}/{row.volume_id}",
        "volume-format": (row.disk.format.value if row.disk.format else "raw").upper(),
        "volume-type": "Sparse" if row.disk.sparse is not False else "Preallocated",
        "boot": str(bool(row.attachment.bootable)).lower(),
        "disk-alias": row.disk.alias or "",
        "disk-interface": row.attachment.interface.value if row.attachment.interface else "virtio",
    }
    SubElement(parent, "Disk", {f"{{{_OVF}}}{key}": value for key, value in values.items()})


def _item(parent: Element, instance: int | str, kind: int, caption: str) -> Element:
    item = SubElement(parent, "Item")
    _rasd(item, "Caption", caption)
    _rasd(item, "InstanceId", instance)
    _rasd(item, "ResourceType", kind)
    return item


def _rasd(parent: Element, name: str, value: int | str | None) -> None:
    if value is not None:
        SubElement(parent, f"{{{_RASD}}}{name}").text = str(value)


def _text(parent: Element, name: str, value: str | None) -> None:
    if value is not None:
        SubElement(parent, name).text = value
