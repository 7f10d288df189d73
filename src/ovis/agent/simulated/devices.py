"""Devices of a simulated guest: plugged, unplugged and changed in its XML, as libvirt shows them.

Does: disks, NICs, memory, CPUs, the CD, tickets, balloon, frozen file systems, what the VM keeps beside its disks, figures
of its disks. Faults on demand: `fail_plug` and `fail_unplug` (why), `keep_memory` (the guest does not let memory go).
Does not: run anything.
"""

import base64
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError

_VM = "http://ovirt.org/vm/1.0"
_MIB_IN_KIB = 1024


def _attribute(device: Element, tag: str, name: str) -> str:
    found = device.find(tag)
    return (found.get(name) or "") if found is not None else ""


def _same(one: Element, other: Element) -> bool:
    alias = _attribute(one, "alias", "name")
    if alias and alias == _attribute(other, "alias", "name"):
        return True
    mac, serial = _attribute(one, "mac", "address").lower(), one.findtext("serial")
    return bool(
        (mac and mac == _attribute(other, "mac", "address").lower()) or (serial and serial == other.findtext("serial"))
    )


def _metadata(root: Element) -> Element:
    found = root.find(f"metadata/{{{_VM}}}vm")
    if found is None:
        metadata = root.find("metadata")
        found = SubElement(metadata if metadata is not None else SubElement(root, "metadata"), f"{{{_VM}}}vm")
    return found


@lru_cache(4096)
def _disks(xml: str) -> tuple[tuple[str, str], ...]:
    """(target, serial) of every disk."""
    disks = fromstring(xml).findall("devices/disk")
    return tuple(
        (_attribute(d, "target", "dev"), d.findtext("serial") or "") for d in disks if d.get("device", "disk") == "disk"
    )


class SimulatedDevices:
    """Mixed into the driver."""

    faults: Callable[[], dict[str, Any]]
    _vm: Callable[[str], Any]
    _running: Callable[[str], Any]
    _remember: Callable[[Any], None]
    _keep_ticket: Callable[[Any, str, Any], None]
    _publish: Any
    _short: Any
    _row: Any

    def _keep(self, vm: Any, root: Element) -> dict[str, Any]:
        """The changed XML is written down and its new hash told."""
        vm.xml = tostring(root, encoding="unicode")
        vm.macs = [_attribute(n, "mac", "address") for n in root.findall("devices/interface")]
        self._remember(vm)
        self._publish(f"|virt|VM_status|{vm.vm_id}", {vm.vm_id: self._short(vm)})
        return dict(self._row(vm))

    def _given(self, params: Mapping[str, Any], tag: str, code: int) -> tuple[Element, Element]:
        try:
            root = fromstring(str(params["xml"]))
        except (KeyError, ParseError) as err:
            raise VerbError(code, f"params has no xml that can be read: {err}") from err
        device = root.find(f"devices/{tag}")
        if device is None:
            raise VerbError(Code.INVALID_PARAMETER, f"The document has no {tag}.")
        return root, device

    def _plug(self, vm_id: str, params: Mapping[str, Any], tag: str, code: int) -> dict[str, Any]:
        vm = self._running(vm_id)
        document, device = self._given(params, tag, code)
        root = fromstring(vm.xml)
        devices = root.find("devices")
        assert devices is not None
        if not any(_same(device, d) for d in devices.findall(tag)):
            if why := self.faults().get("fail_plug"):
                raise VerbError(code, str(why))
            devices.append(device)
            metadata = _metadata(root)
            for block in document.findall(f"metadata/{{{_VM}}}vm/{{{_VM}}}device"):
                metadata.append(block)
        return self._keep(vm, root)

    def _unplug(self, vm_id: str, params: Mapping[str, Any], tag: str, code: int) -> dict[str, Any]:
        vm = self._running(vm_id)
        _, device = self._given(params, tag, code)
        root = fromstring(vm.xml)
        devices = root.find("devices")
        assert devices is not None
        for found in [d for d in devices.findall(tag) if _same(device, d)]:
            if why := self.faults().get("fail_unplug"):
                raise VerbError(code, str(why))
            devices.remove(found)
            name, mac = _attribute(found, "target", "dev"), _attribute(found, "mac", "address").lower()
            metadata = _metadata(root)
            for block in metadata.findall(f"{{{_VM}}}device"):
                gone = block.get("name") == name if tag == "disk" else (block.get("mac_address") or "").lower() == mac
                if gone:
                    metadata.remove(block)
        return self._keep(vm, root)

    async def vm_hotplug_disk(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._plug(vmID, params, "disk", Code.DISK_PLUG)

    async def vm_hotunplug_disk(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._unplug(vmID, params, "disk", Code.DISK_UNPLUG)

    async def vm_hotplug_nic(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._plug(vmID, params, "interface", Code.NIC_PLUG)

    async def vm_hotunplug_nic(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._unplug(vmID, params, "interface", Code.NIC_UNPLUG)

    async def vm_update_device(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        vm = self._running(vmID)
        if params.get("deviceType") == "graphics":
            return self._ticket(vm, str(params.get("graphicsType") or "vnc"), params.get("password"), params.get("ttl"))
        if params.get("deviceType") != "interface":
            raise VerbError(Code.UPDATE_DEVICE, "Devices of this type cannot be changed.")
        _, device = self._given(params, "interface", Code.UPDATE_DEVICE)
        root = fromstring(vm.xml)
        devices = root.find("devices")
        assert devices is not None
        found = next((d for d in devices.findall("interface") if _same(device, d)), None)
        if found is None:
            raise VerbError(Code.UPDATE_DEVICE, "The VM has no such NIC.")
        for tag in ("link", "source", "filterref", "bandwidth", "port"):
            for old in found.findall(tag):
                found.remove(old)
            found.extend(device.findall(tag))
        return self._keep(vm, root)

    def _ticket(self, vm: Any, kind: str, password: Any, ttl: Any) -> dict[str, Any]:
        if not password:
            raise VerbError(Code.TICKET_FAILED, "A ticket needs a password.")
        known = {g.get("type") for g in fromstring(vm.xml).findall("devices/graphics")}
        if known and kind not in known:
            raise VerbError(Code.TICKET_FAILED, f"The VM has no {kind} console.")
        self._keep_ticket(vm, str(password), ttl)
        return dict(self._row(vm))

    async def vm_set_ticket(self, vmID: str, password: str, ttl: Any) -> None:
        self._keep_ticket(self._running(vmID), password, ttl)

    async def vm_change_cd(self, vmID: str, driveSpec: Any) -> dict[str, Any]:
        vm = self._running(vmID)
        what = driveSpec.get("drive_spec", driveSpec.get("path")) if isinstance(driveSpec, Mapping) else driveSpec
        root = fromstring(vm.xml)
        drives = [d for d in root.findall("devices/disk") if d.get("device") == "cdrom"]
        drive = next((d for d in drives if _attribute(d, "target", "dev").endswith("c")), None)
        if drive is None:
            return dict(self._row(vm))
        for old in drive.findall("source"):
            drive.remove(old)
        if what and not isinstance(what, Mapping):
            drive.append(Element("source", {"file": str(what)}))
        return self._keep(vm, root)

    # -- CPUs and memory -----------------------------------------------------------------------------------------

    async def vm_set_number_of_cpus(self, vmID: str, numberOfCpus: Any) -> dict[str, Any]:
        vm = self._running(vmID)
        try:
            wanted = int(numberOfCpus)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, f"numberOfCpus is no number: {numberOfCpus!r}") from err
        root = fromstring(vm.xml)
        vcpu = root.find("vcpu")
        maximum = int(vcpu.text or 1) if vcpu is not None else wanted
        if wanted < vm.vcpus:
            raise VerbError(Code.SET_CPUS, f"The VM has {vm.vcpus} CPUs; they are not unplugged while it runs.")
        if wanted > maximum:
            raise VerbError(Code.SET_CPUS, f"The VM was started with room for {maximum} CPUs.")
        if why := self.faults().get("fail_plug"):
            raise VerbError(Code.SET_CPUS, str(why))
        if vcpu is not None:
            vcpu.set("current", str(wanted))
        vm.vcpus = wanted
        return self._keep(vm, root)

    async def vm_set_balloon_target(self, vmID: str) -> None:
        self._running(vmID)

    async def vm_hotplug_memory(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        vm = self._running(vmID)
        given = params.get("memory")
        if not isinstance(given, Mapping):
            raise VerbError(Code.MISSING_PARAMETER, "params has no memory.")
        alias, kib = _alias(given), _kib(given)
        root = fromstring(vm.xml)
        devices = root.find("devices")
        assert devices is not None
        if any(_attribute(d, "alias", "name") == alias for d in devices.findall("memory")):
            return self._keep(vm, root)
        if why := self.faults().get("fail_plug"):
            raise VerbError(Code.MEMORY_PLUG, str(why))
        limit = root.find("maxMemory")
        if limit is None or vm.memory_mib * _MIB_IN_KIB + kib > int(limit.text or 0):
            raise VerbError(Code.MEMORY_PLUG, "The VM was started without room for that much memory.")
        if len(devices.findall("memory")) >= int(limit.get("slots") or 0):
            raise VerbError(Code.MEMORY_PLUG, "The VM has no slot for memory left.")
        dimm = SubElement(devices, "memory", {"model": "dimm"})
        target = SubElement(dimm, "target")
        SubElement(target, "size", {"unit": "KiB"}).text = str(kib)
        SubElement(target, "node").text = str(given.get("node") or 0)
        SubElement(dimm, "alias", {"name": alias})
        vm.memory_mib += kib // _MIB_IN_KIB
        _set_memory(root, vm.memory_mib)
        return self._keep(vm, root)

    async def vm_hotunplug_memory(self, vmID: str, params: Mapping[str, Any]) -> None:
        vm = self._running(vmID)
        given = params.get("memory")
        if not isinstance(given, Mapping):
            raise VerbError(Code.MISSING_PARAMETER, "params has no memory.")
        root, alias = fromstring(vm.xml), _alias(given)
        devices = root.find("devices")
        assert devices is not None
        for dimm in [d for d in devices.findall("memory") if _attribute(d, "alias", "name") == alias]:
            if self.faults().get("keep_memory"):
                raise VerbError(Code.MEMORY_UNPLUG, "The guest refused to let the device go.")
            devices.remove(dimm)
            vm.memory_mib -= int(dimm.findtext("target/size") or 0) // _MIB_IN_KIB
        _set_memory(root, vm.memory_mib)
        self._keep(vm, root)

    # -- guests --------------------------------------------------------------------------------------------------

    def _agent(self, vm_id: str) -> Any:
        vm = self._running(vm_id)
        if not vm.agent or vm.status != st.UP:
            raise VerbError(Code.GUEST_AGENT_SILENT, "The guest has no agent that answers.")
        return vm

    async def vm_freeze(self, vmID: str) -> None:
        vm = self._agent(vmID)
        if why := self.faults().get("fail_freeze"):
            raise VerbError(Code.FREEZE, str(why))
        root = fromstring(vm.xml)
        metadata = _metadata(root)
        if metadata.find(f"{{{_VM}}}frozen") is None:
            SubElement(metadata, f"{{{_VM}}}frozen").text = "true"
        self._keep(vm, root)

    async def vm_thaw(self, vmID: str) -> None:
        vm = self._agent(vmID)
        root = fromstring(vm.xml)
        metadata = _metadata(root)
        for found in metadata.findall(f"{{{_VM}}}frozen"):
            metadata.remove(found)
        self._keep(vm, root)

    def _beside(self, vm: Any, given: Mapping[str, Any]) -> dict[str, str]:
        """State of TPM and firmware: what VM.create brings, else new."""
        root = fromstring(vm.xml)
        there = {
            "tpm": root.find("devices/tpm/backend") is not None,
            "nvram": bool(root.findtext("os/nvram")),
        }
        new = base64.b64encode(os.urandom(12)).decode()
        return {kind: str(given.get(f"_X_{kind}data") or new) for kind, has in there.items() if has}

    async def vm_get_external_data(self, vmID: str, kind: str, lastHash: str | None = None) -> dict[str, str]:
        vm = self._vm(vmID)
        if kind not in ("tpm", "nvram"):
            raise VerbError(Code.INVALID_PARAMETER, "There is no such kind of data: tpm, nvram.")
        if kind not in vm.external:
            raise VerbError(Code.EXTERNAL_DATA, f"The VM has no {kind} data.")
        data = vm.external[kind]
        digest = hashlib.sha256(data.encode()).hexdigest()
        return {"hash": digest} if lastHash == digest else {"_X_data": data, "hash": digest}

    def _disk_figures(self, vm: Any) -> dict[str, dict[str, Any]]:
        """What statistics say of disks: steady rates of an invented load."""
        age = time.time() - vm.begun
        found = {}
        for number, (name, serial) in enumerate(_disks(vm.xml)):
            read, write = 40_000 + 1_000 * number, 20_000 + 1_000 * number
            found[name] = {
                "imageID": serial,
                "truesize": "0",
                "apparentsize": "0",
                "readBytes": str(round(age * read)),
                "writtenBytes": str(round(age * write)),
                "readOps": str(round(age * 10)),
                "writeOps": str(round(age * 5)),
                "readRate": str(read),
                "writeRate": str(write),
                "readLatency": "200000",
                "writeLatency": "300000",
                "flushLatency": "100000",
            }
        return found


def _alias(given: Mapping[str, Any]) -> str:
    return str(given.get("alias") or f"ua-{given.get('deviceId', '')}")


def _kib(given: Mapping[str, Any]) -> int:
    try:
        size = int(given["size"])
    except (KeyError, TypeError, ValueError) as err:
        raise VerbError(Code.MEMORY_PLUG, "memory needs a size in MiB.") from err
    if size <= 0:
        raise VerbError(Code.MEMORY_PLUG, "memory has a size above 0.")
    return size * _MIB_IN_KIB


def _set_memory(root: Element, mib: int) -> None:
    for tag in ("memory", "currentMemory"):
        found = root.find(tag)
        if found is not None:
            found.text = str(mib * _MIB_IN_KIB)
