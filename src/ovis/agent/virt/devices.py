"""Changes of a running VM: tickets, NICs, disks, CDs, CPUs, balloon, disk sizes, a picture of its screen.

Does: take the engine's hot-plug documents, complete them, hand them to libvirt, keep the metadata in step.
Follows: flows, sections 10 and 12; domain XML facts, section 6.
"""

import asyncio
import base64
import copy
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

import libvirt
import structlog

from ovis.agent.hooks.calls import changed_device
from ovis.agent.hooks.documents import alone, custom_of_device
from ovis.agent.network.bridges import ensure_dummy
from ovis.agent.virt import complete as documents
from ovis.agent.virt.complete import DUMMY_BRIDGE, VM
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import in_thread
from ovis.agent.virt.prepare import pdiv, volume, volumes_used
from ovis.agent.virt.stats import StatsVerbs
from ovis.agent.virt.vm import Ids, Vm
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_UNPLUG_SECONDS = 30.0
_VNC_PASSWORD = 8  # characters that the protocol uses
_PREFIX = {"ide": "hd", "sata": "sd", "scsi": "sd", "virtio": "vd", "fdc": "fd"}
_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


def ticket_xml(live: Element, kind: str, password: str, seconds: int, action: str, now: float) -> str:
    """The `<graphics>` with a password that lasts. INVALID_PARAMETER if the VM has no such console. Pure."""
    graphics = next((g for g in live.findall("devices/graphics") if g.get("type") == kind), None)
    if graphics is None:
        raise VerbError(Code.TICKET_FAILED, f"The VM has no {kind} console.")
    found = copy.deepcopy(graphics)
    found.set("passwd", password[:_VNC_PASSWORD] if kind == "vnc" else password)
    found.set("passwdValidTo", time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + seconds)))
    found.set("connected", "keep" if kind == "vnc" else action)
    return tostring(found, encoding="unicode")


def device_of(xml: Any, tag: str) -> tuple[Element, Element]:
    """(the document, its one device). INVALID_PARAMETER if it has none. Pure."""
    if not isinstance(xml, str):
        raise VerbError(Code.MISSING_PARAMETER, "params has no xml.")
    root = documents.read(xml)
    device = root.find(f"devices/{tag}")
    if device is None:
        raise VerbError(Code.INVALID_PARAMETER, f"The document has no {tag}.")
    return root, device


def _alias(device: Element) -> str:
    found = device.find("alias")
    return (found.get("name") or "") if found is not None else ""


def _attribute(device: Element, tag: str, name: str) -> str:
    found = device.find(tag)
    return (found.get(name) or "") if found is not None else ""


def find_nic(live: Element, wanted: Element) -> Element | None:
    """The live NIC with that alias, or MAC. Pure."""
    nics = live.findall("devices/interface")
    alias, mac = _alias(wanted), _attribute(wanted, "mac", "address").lower()
    by_alias = next((n for n in nics if alias and _alias(n) == alias), None)
    return by_alias or next((n for n in nics if mac and _attribute(n, "mac", "address").lower() == mac), None)


def find_disk(live: Element, wanted: Element) -> Element | None:
    """The live disk with that alias, or serial. Pure."""
    disks = live.findall("devices/disk")
    alias, serial = _alias(wanted), wanted.findtext("serial")
    by_alias = next((d for d in disks if alias and _alias(d) == alias), None)
    return by_alias or next((d for d in disks if serial and d.findtext("serial") == serial), None)


def place_disk(live: Element, disk: Element) -> str:
    """Give a disk a target, and a SCSI unit, that nobody has; returns the target. Pure."""
    target = disk.find("target")
    if target is None:
        raise VerbError(Code.INVALID_PARAMETER, "The disk has no target.")
    taken = {_attribute(d, "target", "dev") for d in live.findall("devices/disk")}
    name = target.get("dev") or ""
    if name in taken or not name:
        prefix = _PREFIX.get(target.get("bus") or "virtio", "vd")
        name = next(prefix + chr(97 + i) for i in range(26) if prefix + chr(97 + i) not in taken)
        target.set("dev", name)
    address = disk.find("address")
    if address is not None and address.get("type") == "drive":
        key = ("controller", "bus", "target", "unit")
        used = {
            tuple(a.get(k, "0") for k in key)
            for d in live.findall("devices/disk")
            if d.find("target").get("bus") == target.get("bus")  # type: ignore[union-attr]
            for a in d.findall("address")
        }
        if tuple(address.get(k, "0") for k in key) in used:
            disk.remove(address)
    return name


def changed_nic(live: Element, wanted: Element) -> str:
    """The live NIC with the link, network, filter and bandwidth that are wanted. Pure."""
    found = copy.deepcopy(live)
    for tag in ("link", "source", "filterref", "bandwidth", "port"):
        new = wanted.find(tag)
        for old in found.findall(tag):
            if new is not None or tag in ("filterref", "bandwidth", "port"):
                found.remove(old)
        if new is not None:
            found.append(copy.deepcopy(new))
    return tostring(found, encoding="unicode")


def without_namespace(element: Element) -> Element:
    """Metadata as libvirt's setMetadata takes it: it adds the namespace itself. Pure."""
    found = copy.deepcopy(element)
    for part in found.iter():
        part.tag = part.tag.partition("}")[2] or part.tag
    return found


def merged_metadata(live: Element, more: Element | None, drop: Callable[[Element], bool] | None = None) -> str:
    """The VM's metadata with a hot-plug document's devices added, or some dropped. Pure."""
    vm = live.find(f"metadata/{{{VM}}}vm")
    found = copy.deepcopy(vm) if vm is not None else Element(f"{{{VM}}}vm")
    new = list(more.findall(f"metadata/{{{VM}}}vm/{{{VM}}}device")) if more is not None else []
    keys = [("name", d.get("name")) if d.get("name") else ("mac_address", d.get("mac_address")) for d in new]
    for device in found.findall(f"{{{VM}}}device"):
        if (drop is not None and drop(device)) or any(value and device.get(key) == value for key, value in keys):
            found.remove(device)
    found.extend(new)
    return tostring(without_namespace(found), encoding="unicode")


class DeviceVerbs:
    """The verbs."""

    def __init__(self, guests: Guests, stats: StatsVerbs) -> None:
        self._guests, self._stats = guests, stats

    async def _live(self, vm: Vm, code: int) -> Element:
        xml = await self._guests.ask(vm, code, lambda d: d.XMLDesc(0))
        return fromstring(xml)

    async def _changed(self, vm: Vm) -> dict[str, Any]:
        """After a change: the new hash is told."""
        await self._guests.refresh(vm)
        self._guests.tell(vm)
        return self._stats.row(vm)

    async def _metadata(self, vm: Vm, text: str) -> None:
        kind, flags = libvirt.VIR_DOMAIN_METADATA_ELEMENT, _LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
        await self._guests.ask(vm, Code.UNEXPECTED, lambda d: d.setMetadata(kind, text, "ovirt-vm", VM, flags))

    # -- consoles ------------------------------------------------------------------------------------------------

    async def vm_update_device(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """deviceType graphics: a ticket; interface: link, network, filter."""
        vm = self._guests.running(vmID)
        kind = params.get("deviceType")
        if kind == "graphics":
            await self._ticket(
                vm,
                str(params.get("graphicsType") or "vnc"),
                str(params.get("password") or ""),
                params.get("ttl"),
                str(params.get("existingConnAction") or "disconnect"),
                params.get("params"),
            )
            return self._stats.row(vm)
        if kind == "interface":
            custom = params.get("custom")
            return await self._update_nic(vm, params.get("xml"), custom if isinstance(custom, Mapping) else {})
        raise VerbError(Code.UPDATE_DEVICE, f"Devices of type {str(kind)[:40]!r} cannot be changed.")

    async def vm_set_ticket(
        self, vmID: str, password: str, ttl: Any, existingConnAction: str = "disconnect", params: Any = None
    ) -> None:
        """The older way: of the VM's first console."""
        vm = self._guests.running(vmID)
        live = await self._live(vm, Code.TICKET_FAILED)
        graphics = live.find("devices/graphics")
        kind = (graphics.get("type") or "vnc") if graphics is not None else "vnc"
        await self._ticket(vm, kind, password, ttl, existingConnAction, params)

    async def _ticket(self, vm: Vm, kind: str, password: str, ttl: Any, action: str, params: Any) -> None:
        try:
            seconds = int(ttl)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.TICKET_FAILED, "ttl is no number of seconds.") from err
        if not password:
            raise VerbError(Code.TICKET_FAILED, "A ticket needs a password.")
        live = await self._live(vm, Code.TICKET_FAILED)
        if action not in ("keep", "disconnect", "fail"):
            action = "disconnect"
        xml = ticket_xml(live, kind, password, seconds, action, time.time())
        hooks, env = self._guests.hooks, {str(k): str(v) for k, v in (params or {}).items()}
        await hooks.domain("before_vm_set_ticket", vm.xml, vm_id=vm.id, env=env)
        await self._guests.ask(vm, Code.TICKET_FAILED, lambda d: d.updateDeviceFlags(xml, _LIVE))
        await hooks.domain("after_vm_set_ticket", vm.xml, vm_id=vm.id, env=env)

    async def vm_screenshot(self, vmID: str) -> dict[str, str]:
        """What its first screen shows."""
        vm = self._guests.running(vmID)
        kind, data = await self._guests.ask(vm, Code.UNEXPECTED, _screenshot)
        return {"data": base64.b64encode(data).decode(), "encoding": "base64", "mime_type": kind}

    # -- NICs ----------------------------------------------------------------------------------------------------

    async def _complete_nic(self, nic: Element, code: int) -> None:
        if _attribute(nic, "source", "bridge") == DUMMY_BRIDGE:
            await in_thread(ensure_dummy)
        notes: list[str] = []
        try:
            documents.complete_nic(nic, await self._guests.facts(), notes)
        except VerbError as err:
            raise VerbError(code, err.message) from err
        for note in notes:
            log.info("NIC changed for this host", what=note)

    async def vm_hotplug_nic(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Plug a NIC; the same NIC again is no error."""
        vm = self._guests.running(vmID)
        root, nic = device_of(params.get("xml"), "interface")
        live = await self._live(vm, Code.NIC_PLUG)
        if find_nic(live, nic) is None:
            await self._complete_nic(nic, Code.NIC_PLUG)
            custom = custom_of_device(root, nic)
            nic = await changed_device(self._guests.hooks, "before_nic_hotplug", nic, vm.id, None, custom)
            async with self._hooked(vm, "nic_hotplug", nic, custom, fail=True):
                xml = alone(nic)
                await self._guests.ask(vm, Code.NIC_PLUG, lambda d: d.attachDeviceFlags(xml, _LIVE))
        await self._metadata(vm, merged_metadata(live, root))
        return await self._changed(vm)

    async def vm_hotunplug_nic(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Unplug a NIC; one that is not there is no error."""
        vm = self._guests.running(vmID)
        _, nic = device_of(params.get("xml"), "interface")
        live = await self._live(vm, Code.NIC_UNPLUG)
        found = find_nic(live, nic)
        if found is not None:
            custom = custom_of_device(live, found)
            await self._guests.hooks.domain("before_nic_hotunplug", alone(found), vm_id=vm.id, device=custom)
            async with self._hooked(vm, "nic_hotunplug", found, custom, fail=True):
                await unplug(self._guests, vm, found, Code.NIC_UNPLUG)
            mac = _attribute(found, "mac", "address").lower()
            live = await self._live(vm, Code.NIC_UNPLUG)
            await self._metadata(vm, merged_metadata(live, None, lambda d: (d.get("mac_address") or "").lower() == mac))
        return await self._changed(vm)

    async def _update_nic(self, vm: Vm, xml: Any, more: Mapping[str, Any]) -> dict[str, Any]:
        root, nic = device_of(xml, "interface")
        live = await self._live(vm, Code.UPDATE_DEVICE)
        found = find_nic(live, nic)
        if found is None:
            raise VerbError(Code.UPDATE_DEVICE, "The VM has no such NIC.")
        await self._complete_nic(nic, Code.UPDATE_DEVICE)
        custom = custom_of_device(root, nic) | {str(k): str(v) for k, v in more.items()}
        nic = await changed_device(self._guests.hooks, "before_update_device", nic, vm.id, None, custom)
        changed = changed_nic(found, nic)
        async with self._hooked(vm, "update_device", nic, custom, fail=True):
            await self._guests.ask(vm, Code.UPDATE_DEVICE, lambda d: d.updateDeviceFlags(changed, _LIVE))
        await self._metadata(vm, merged_metadata(live, root))
        return await self._changed(vm)

    @asynccontextmanager
    async def _hooked(
        self, vm: Vm, what: str, element: Element, custom: Mapping[str, str], *, fail: bool = False
    ) -> AsyncIterator[None]:
        """Around what libvirt does: after_WHAT if it went well, else after_WHAT_fail where there is such a point."""
        hooks = self._guests.hooks
        try:
            yield
        except VerbError:
            if fail:
                await hooks.domain(f"after_{what}_fail", alone(element), vm_id=vm.id, device=custom)
            raise
        await hooks.domain(f"after_{what}", alone(element), vm_id=vm.id, device=custom)

    # -- disks ---------------------------------------------------------------------------------------------------

    async def vm_hotplug_disk(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Plug a disk; the same disk again is no error."""
        vm = self._guests.running(vmID)
        root, disk = device_of(params.get("xml"), "disk")
        live = await self._live(vm, Code.DISK_PLUG)
        if find_disk(live, disk) is not None:
            return await self._changed(vm)
        images: list[Ids] = []
        for ref in documents.volumes_of(root):
            documents.set_volume(disk, await volume(self._guests, ref, vm.id, disk=disk))
            images.append(Ids(*ref.ids))
        name = place_disk(live, disk)
        for block in root.findall(f"metadata/{{{VM}}}vm/{{{VM}}}device"):
            block.set("name", name)
        custom = custom_of_device(root, disk)
        disk = await changed_device(self._guests.hooks, "before_disk_hotplug", disk, vm.id, None, custom)
        async with self._hooked(vm, "disk_hotplug", disk, custom):
            xml = alone(disk)
            await self._guests.ask(vm, Code.DISK_PLUG, lambda d: d.attachDeviceFlags(xml, _LIVE))
        vm.record.images += [i for i in images if i not in vm.record.images]
        self._guests.keep(vm)
        await self._metadata(vm, merged_metadata(live, root))
        return await self._changed(vm)

    async def vm_hotunplug_disk(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Unplug a disk; one that is not there is no error."""
        vm = self._guests.running(vmID)
        root, disk = device_of(params.get("xml"), "disk")
        live = await self._live(vm, Code.DISK_UNPLUG)
        found = find_disk(live, disk)
        if found is not None:
            custom = custom_of_device(live, found)
            await self._guests.hooks.domain("before_disk_hotunplug", alone(found), vm_id=vm.id, device=custom)
            async with self._hooked(vm, "disk_hotunplug", found, custom):
                await unplug(self._guests, vm, found, Code.DISK_UNPLUG)
            name = _attribute(found, "target", "dev")
            live = await self._live(vm, Code.DISK_UNPLUG)
            await self._metadata(
                vm,
                merged_metadata(live, None, lambda d: d.get("devtype") == "disk" and d.get("name") == name),
            )
            gone = volumes_used(root)
            vm.record.images = [i for i in vm.record.images if i not in gone]
            self._guests.keep(vm)
            for ids in gone:
                await self._guests.storage.release(*ids)
        return await self._changed(vm)

    async def vm_change_cd(self, vmID: str, driveSpec: Any) -> dict[str, Any]:
        """Another CD, or none (an empty path)."""
        vm = self._guests.running(vmID)
        if not isinstance(driveSpec, Mapping):
            driveSpec = {"path": driveSpec}
        live = await self._live(vm, Code.CHANGE_DISK)
        drive = _cd_drive(live, driveSpec)
        found = copy.deepcopy(drive)
        for old in found.findall("source"):
            found.remove(old)
        what = driveSpec.get("drive_spec", driveSpec.get("path"))
        if isinstance(what, Mapping):
            prepared = await volume(self._guests, pdiv(what), vm.id, disk=found)
            documents.set_volume(found, prepared)
            found.find("driver").set("type", "raw")  # type: ignore[union-attr]
        elif what:
            path = _cd_path(str(what), (await self._guests.facts()).repository)
            if not await asyncio.to_thread(os.path.isfile, path):
                raise VerbError(Code.CHANGE_DISK, f"There is no file {path} on this host.")
            found.set("type", "file")
            found.insert(0, Element("source", {"file": path}))
        xml = tostring(found, encoding="unicode")
        flags = _LIVE | libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE
        await self._guests.ask(vm, Code.CHANGE_DISK, lambda d: d.updateDeviceFlags(xml, flags))
        return await self._changed(vm)

    async def vm_disk_size_extend(self, vmID: str, driveSpecs: Any, newSize: Any) -> dict[str, str]:
        """Let a disk grow under a running guest."""
        vm = self._guests.running(vmID)
        try:
            size = int(newSize)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, f"newSize is no number: {newSize!r}") from err
        ref = pdiv(driveSpecs if isinstance(driveSpecs, Mapping) else {})
        live = await self._live(vm, Code.UNEXPECTED)
        target = next((v.target for v in documents.volumes_of(live) if v.volume == ref.volume), None)
        if target is None:
            raise VerbError(Code.IMAGE_NOT_FOUND, "The VM has no such disk.")
        now = await self._guests.ask(vm, Code.UNEXPECTED, lambda d: d.blockInfo(target))
        if size < now[0]:
            raise VerbError(Code.INVALID_PARAMETER, f"The disk has {now[0]} bytes already: it cannot shrink.")
        flags = libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES
        await self._guests.ask(vm, Code.UNEXPECTED, lambda d: d.blockResize(target, size, flags), timeout=120)
        await self._guests.storage.grown(*ref.ids, size)
        await self._guests.refresh(vm)
        return {"size": str(size)}

    # -- CPUs and memory -----------------------------------------------------------------------------------------

    async def vm_set_number_of_cpus(self, vmID: str, numberOfCpus: Any) -> dict[str, Any]:
        """Plug CPUs. Fewer than there are is refused: guests do not let them go reliably."""
        vm = self._guests.running(vmID)
        try:
            wanted = int(numberOfCpus)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, f"numberOfCpus is no number: {numberOfCpus!r}") from err
        if wanted < vm.devices.vcpus:
            raise VerbError(Code.SET_CPUS, f"The VM has {vm.devices.vcpus} CPUs; they are not unplugged while it runs.")
        if wanted != vm.devices.vcpus:
            await self._guests.hooks.domain("before_set_num_of_cpus", "")
            await self._guests.ask(vm, Code.SET_CPUS, lambda d: d.setVcpusFlags(wanted, _LIVE))
            await self._guests.hooks.domain("after_set_num_of_cpus", "")
        return await self._changed(vm)

    async def vm_set_balloon_target(self, vmID: str, target: Any) -> None:
        """How much memory (KiB) the balloon leaves to the guest."""
        vm = self._guests.running(vmID)
        try:
            kib = int(target)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, f"target is no number: {target!r}") from err
        await self._guests.ask(vm, 53, lambda d: d.setMemoryFlags(kib, _LIVE))


async def unplug(guests: Guests, vm: Vm, gone_device: Element, code: int) -> None:
    """Ask the guest to let a device go, and wait until it did."""
    alias = _alias(gone_device)
    gone: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    vm.removals[alias] = gone
    xml = alone(gone_device)
    try:
        await guests.ask(vm, code, lambda d: d.detachDeviceFlags(xml, _LIVE))
        async with asyncio.timeout(_UNPLUG_SECONDS):
            went = await gone
    except TimeoutError as err:
        raise VerbError(code, f"The guest did not let the device go in {_UNPLUG_SECONDS:g} s.") from err
    finally:
        vm.removals.pop(alias, None)
    if not went:
        raise VerbError(code, "The guest refused to let the device go.")


def _cd_drive(live: Element, spec: Mapping[str, Any]) -> Element:
    drives = [d for d in live.findall("devices/disk") if d.get("device") == "cdrom"]
    index = str(spec.get("index", ""))
    if index.isdigit() and int(index) < 26:
        name = _PREFIX.get(str(spec.get("iface")), "sd") + chr(97 + int(index))
        for drive in drives:
            if _attribute(drive, "target", "dev") == name:
                return drive
    for drive in drives:
        if _attribute(drive, "target", "dev").endswith("c"):
            return drive
    raise VerbError(Code.CHANGE_DISK, "The VM has no such CD drive.")


def _cd_path(path: str, repository: str) -> str:
    prefix = "/rhev/data-center/"
    return f"{repository}/{path.removeprefix(prefix)}" if repository and path.startswith(prefix) else path


def _screenshot(domain: Any) -> tuple[str, bytes]:
    stream = domain.connect().newStream()
    kind = domain.screenshot(stream, 0, 0)
    data = b""
    while part := stream.recv(65536):
        data += part
        if len(data) > 64 << 20:
            stream.abort()
            raise VerbError(Code.UNEXPECTED, "The screenshot is too large.")
    stream.finish()
    return str(kind), data
