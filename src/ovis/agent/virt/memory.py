"""Memory of a running VM: DIMMs plugged and unplugged.

Does: VM.hotplugMemory and VM.hotunplugMemory. A DIMM is known by its alias, so the same plug again is no error. Does not:
choose sizes (the engine) or take memory that was there from the start.
Follows: domain XML facts, section 6; a guest may refuse to let memory go (it is in use), and then keeps it.
"""

import copy
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import libvirt

from ovis.agent.hooks.calls import changed_device
from ovis.agent.hooks.documents import alone
from ovis.agent.virt.complete import VM
from ovis.agent.virt.devices import unplug, without_namespace
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.stats import StatsVerbs
from ovis.agent.virt.vm import Vm
from ovis.contract.errors import Code, VerbError

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


def dimm(given: Any, code: int) -> Element:
    """The `<memory>` of a verb's `memory` (size in MiB). VerbError `code` if it is none. Pure."""
    if not isinstance(given, Mapping):
        raise VerbError(Code.MISSING_PARAMETER, "params has no memory.")
    try:
        size, node = int(given["size"]), int(given.get("node") or 0)
    except (KeyError, TypeError, ValueError) as err:
        raise VerbError(code, "memory needs a size in MiB, and its node is a number.") from err
    if size <= 0 or node < 0:
        raise VerbError(code, "memory has a size above 0 and a node that is not below 0.")
    alias = alias_of(given)
    if not alias:
        raise VerbError(code, "memory needs a deviceId.")
    found = Element("memory", {"model": "dimm"})
    target = SubElement(found, "target")
    SubElement(target, "size", {"unit": "KiB"}).text = str(size * 1024)
    SubElement(target, "node").text = str(node)
    SubElement(found, "alias", {"name": alias})
    return found


def alias_of(given: Mapping[str, Any]) -> str:
    """The alias of a verb's `memory`: its own, or of its deviceId; "" without either. Pure."""
    if given.get("alias"):
        return str(given["alias"])
    return f"ua-{given['deviceId']}" if given.get("deviceId") else ""


def find_dimm(live: Element, alias: str) -> Element | None:
    """The live DIMM with that alias. Pure."""
    for found in live.findall("devices/memory"):
        name = found.find("alias")
        if name is not None and alias and name.get("name") == alias:
            return found
    return None


def promised(live: Element, mib: int) -> str:
    """The VM's metadata with another guaranteed size. Pure."""
    vm = live.find(f"metadata/{{{VM}}}vm")
    found = copy.deepcopy(vm) if vm is not None else Element(f"{{{VM}}}vm")
    size = found.find(f"{{{VM}}}minGuaranteedMemoryMb")
    if size is None:
        size = SubElement(found, f"{{{VM}}}minGuaranteedMemoryMb", {"type": "int"})
    size.text = str(mib)
    return tostring(without_namespace(found), encoding="unicode")


class MemoryVerbs:
    """The verbs."""

    def __init__(self, guests: Guests, stats: StatsVerbs) -> None:
        self._guests, self._stats = guests, stats

    async def vm_hotplug_memory(self, vmID: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Plug a DIMM; the same DIMM again is no error."""
        guests = self._guests
        vm = guests.running(vmID)
        wanted = dimm(params.get("memory"), Code.MEMORY_PLUG)
        live = await self._live(vm, Code.MEMORY_PLUG)
        name = wanted.find("alias")
        if find_dimm(live, (name.get("name") or "") if name is not None else "") is None:
            changed = await changed_device(guests.hooks, "before_memory_hotplug", wanted, vm.id, None, {})
            xml = alone(changed)
            await guests.ask(vm, Code.MEMORY_PLUG, lambda d: d.attachDeviceFlags(xml, _LIVE))
            await guests.hooks.domain("after_memory_hotplug", xml, vm_id=vm.id)
        return await self._changed(vm, params)

    async def vm_hotunplug_memory(self, vmID: str, params: Mapping[str, Any]) -> None:
        """Unplug a DIMM; one that is not there is no error. Answers when the guest let it go, or why it did not."""
        guests = self._guests
        vm = guests.running(vmID)
        given = params.get("memory")
        if not isinstance(given, Mapping) or not alias_of(given):
            raise VerbError(Code.MISSING_PARAMETER, "params has no memory with an alias or a deviceId.")
        live = await self._live(vm, Code.MEMORY_UNPLUG)
        found = find_dimm(live, alias_of(given))
        if found is not None:
            await unplug(guests, vm, found, Code.MEMORY_UNPLUG)
        await self._changed(vm, params)

    async def _live(self, vm: Vm, code: int) -> Element:
        xml = await self._guests.ask(vm, code, lambda d: d.XMLDesc(0))
        return fromstring(xml)

    async def _changed(self, vm: Vm, params: Mapping[str, Any]) -> dict[str, Any]:
        """The promise is kept where the balloon's limits are read; the new hash is told."""
        guests = self._guests
        size = params.get("memGuaranteedSize")
        if size is not None and str(size).isdigit():
            text = promised(await self._live(vm, Code.UNEXPECTED), int(size))
            kind, flags = libvirt.VIR_DOMAIN_METADATA_ELEMENT, _LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
            await guests.ask(vm, Code.UNEXPECTED, lambda d: d.setMetadata(kind, text, "ovirt-vm", VM, flags))
        await guests.refresh(vm)
        guests.tell(vm)
        return self._stats.row(vm)
