"""What a running VM may use: limits of its disks and of its CPU time.

Does: set and read libvirt's disk limits; keep the policy of a VM in its metadata, where it survives restarts and
migrations, and put it in force. Does not: move limits with the host's load, as VDSM's policy engine did between
`guaranteed` and `maximum`: the maximum holds.
Follows: VDSM's verbs and its `qos` metadata; a CPU limit is per cent of all CPUs of the host.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import libvirt
import structlog

from ovis.agent.virt.complete import TUNE, volumes_of
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.vm import Vm
from ovis.contract.errors import DONE, Code, VerbError

log = structlog.get_logger(__name__)
KEYS = ("total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec")
PERIOD = 100_000  # microseconds
_IDS = ("poolID", "domainID", "imageID", "volumeID")
_MOST = 1 << 62
_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_KEPT = _LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG


def limits(given: Any, code: int) -> dict[str, int]:
    """Limits as numbers. VerbError `code` for unknown names and what is no number. Pure."""
    if not isinstance(given, Mapping) or not given.keys() <= set(KEYS):
        raise VerbError(code, f"Limits of a disk are {', '.join(KEYS)}.")
    found = {}
    for key, value in given.items():
        text = str(value)
        if not (text.isascii() and text.isdigit()) or int(text) > _MOST:
            raise VerbError(code, f"{key} is no number: {text[:40]!r}")
        found[key] = int(text)
    for unit in ("bytes", "iops"):
        if found.get(f"total_{unit}_sec") and (found.get(f"read_{unit}_sec") or found.get(f"write_{unit}_sec")):
            raise VerbError(code, f"A total of {unit} goes with none for reading or writing.")
    return found


def disks(live: Element) -> dict[str, str]:
    """Target -> path of the disks that hold data. Pure."""
    found = {}
    for disk in live.findall("devices/disk"):
        target, source = disk.find("target"), disk.find("source")
        if disk.get("device", "disk") == "disk" and target is not None:
            place = source if source is not None else Element("source")
            found[target.get("dev") or ""] = place.get("file") or place.get("dev") or place.get("name") or ""
    return found


def target_of(live: Element, spec: Mapping[str, Any], code: int) -> str:
    """The disk that a name, a path or four ids mean. VerbError `code` if there is none. Pure."""
    known = disks(live)
    if spec.get("name") in known:
        return str(spec["name"])
    for target, path in known.items():
        if path and spec.get("path") == path:
            return target
    if all(spec.get(i) for i in _IDS):
        for ref in volumes_of(live):
            if (ref.image, ref.volume) == (spec["imageID"], spec["volumeID"]):
                return ref.target
    raise VerbError(
        code, f"The VM has no disk {str(spec.get('name') or spec.get('path') or spec.get('imageID'))[:200]!r}."
    )


# -- the policy in the metadata -----------------------------------------------------------------------------------


def _plain(root: Element) -> Element:
    for part in root.iter():
        part.tag = part.tag.rpartition("}")[2]
    return root


def read_policy(xml: str) -> tuple[int | None, list[dict[str, Any]]]:
    """(CPU limit, rows of disk limits) of a `qos` element; nothing of an empty one. Pure."""
    if not xml:
        return None, []
    root = _plain(fromstring(xml))
    text = (root.findtext("vcpuLimit") or "").strip()
    rows = []
    for device in root.findall("ioTune/device"):
        row: dict[str, Any] = {k: device.get(k) for k in ("name", "path") if device.get(k)}
        for kind in ("guaranteed", "maximum"):
            part = device.find(kind)
            row[kind] = {e.tag: int(e.text or 0) for e in (part if part is not None else ())}
        rows.append(row)
    return (int(text) if text.lstrip("-").isdigit() else None), rows


def write_policy(limit: int | None, rows: Iterable[Mapping[str, Any]]) -> str:
    """That element. Pure."""
    root = Element("qos")
    if limit is not None:
        SubElement(root, "vcpuLimit").text = str(limit)
    tune = Element("ioTune")
    for row in rows:
        device = SubElement(tune, "device", {k: str(row[k]) for k in ("name", "path") if row.get(k)})
        for kind in ("guaranteed", "maximum"):
            part = SubElement(device, kind)
            for key, value in row.get(kind, {}).items():
                SubElement(part, key).text = str(value)
    if len(tune):
        root.append(tune)
    return tostring(root, encoding="unicode")


def quota_of(limit: int, cpus: int, vcpus: int) -> int:
    """Microseconds of a period that each of the VM's CPUs may run; -1: no limit. limit: per cent of the host. Pure."""
    if not 0 < limit < 100:
        return -1
    return max(1000, PERIOD * limit * cpus // (100 * max(1, vcpus)))


def shown(xml: str) -> dict[str, Any]:
    """What a VM's row of statistics says of its limits, from its live XML. Pure."""
    root = fromstring(xml)
    paths, rows = disks(root), []
    for disk in root.findall("devices/disk"):
        target, tune = disk.find("target"), disk.find("iotune")
        name = (target.get("dev") or "") if target is not None else ""
        if name in paths:
            values = {k: int((tune.findtext(k) or 0) if tune is not None else 0) for k in KEYS}
            rows.append({"name": name, "path": paths[name], "ioTune": values})
    limit = (root.findtext(f"metadata/{{{TUNE}}}qos/{{{TUNE}}}vcpuLimit") or "").strip()
    return {"ioTune": rows} | ({"vcpuUserLimit": int(limit)} if limit.isdigit() else {})


class TuneVerbs:
    """The verbs."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def _live(self, vm: Vm, code: int) -> Element:
        return fromstring(await self._guests.ask(vm, code, lambda d: d.XMLDesc(0)))

    # -- disks ---------------------------------------------------------------------------------------------------

    async def vm_set_io_tune(self, vmID: str, tunables: Any) -> dict[str, Any]:
        """Limit disks, each by name or path; all are checked before the first is changed."""
        vm = self._guests.running(vmID)
        live = await self._live(vm, Code.IO_TUNE)
        wanted = [
            (target_of(live, row, Code.IO_TUNE), limits(row.get("ioTune"), Code.IO_TUNE)) for row in tunables if row
        ]
        await self._limit(vm, wanted, Code.IO_TUNE)
        return dict(DONE)

    async def _limit(self, vm: Vm, wanted: Iterable[tuple[str, dict[str, int]]], code: int) -> None:
        for target, values in wanted:
            # An old total beside a new part, or the other way round, is refused: what is not named is lifted.
            whole = dict.fromkeys(KEYS, 0) | values
            await self._guests.ask(vm, code, lambda d, t=target, w=whole: d.setBlockIoTune(t, w, _LIVE))
        await self._guests.refresh(vm)

    async def vm_get_io_tune(self, vmID: str) -> list[dict[str, Any]]:
        """The limits in force, a row a disk."""
        vm = self._guests.running(vmID)
        return await self._guests.ask(vm, Code.IO_TUNE, _read_limits)

    async def vm_get_io_tune_policy(self, vmID: str) -> list[dict[str, Any]]:
        """The limits that the VM's policy names."""
        vm = self._guests.running(vmID)
        return (await self._policy(vm))[1]

    async def host_get_all_vm_io_tune_policies(self) -> dict[str, Any]:
        """Policy and limits in force of every running VM."""
        found = {}
        for vm in [v for v in self._guests.vms.values() if not v.down]:
            try:
                policy = (await self._policy(vm))[1]
                values = await self._guests.ask(vm, Code.IO_TUNE, _read_limits)
            except VerbError as err:
                log.info("a VM's disk limits were not read", vm=vm.id, error=err.message)
                continue
            found[vm.id] = {"policy": policy, "current_values": values}
        return found

    # -- policy and CPU ------------------------------------------------------------------------------------------

    async def _policy(self, vm: Vm) -> tuple[int | None, list[dict[str, Any]]]:
        return read_policy(await self._guests.ask(vm, Code.VM_POLICY, _read_qos))

    async def vm_update_vm_policy(self, vmID: str, params: Mapping[str, Any]) -> None:
        """Keep a CPU limit and disk limits with the VM, and put them in force. What is not named stays."""
        vm = self._guests.running(vmID)
        if not params:
            raise VerbError(Code.MISSING_PARAMETER, "The policy is empty.")
        limit, rows = await self._policy(vm)
        if params.get("vcpuLimit") is not None:
            limit = _percent(params["vcpuLimit"])
        given = [row for row in params.get("ioTune") or [] if row]
        live = await self._live(vm, Code.VM_POLICY)
        paths, wanted = disks(live), []
        for row in given:
            target = target_of(live, row, Code.VM_POLICY)
            values = {k: limits(row.get(k) or {}, Code.VM_POLICY) for k in ("guaranteed", "maximum")}
            rows = [r for r in rows if r.get("name") != target]
            rows.append({"name": target, "path": paths[target], **values})
            wanted.append((target, values["maximum"]))
        text = write_policy(limit, rows)
        kind = libvirt.VIR_DOMAIN_METADATA_ELEMENT
        await self._guests.ask(vm, Code.VM_POLICY, lambda d: d.setMetadata(kind, text, "ovirt-tune", TUNE, _KEPT))
        await self._limit(vm, wanted, Code.VM_POLICY)
        if params.get("vcpuLimit") is not None and limit is not None:
            quota = quota_of(limit, os.cpu_count() or 1, vm.devices.vcpus)
            try:
                await self._schedule(vm, {"vcpu_period": PERIOD, "vcpu_quota": quota})
            except VerbError as err:  # the limit is kept; a host without cgroups cannot hold it
                log.warning("the CPU limit is not in force", vm=vm.id, error=err.message)

    async def vm_set_cpu_tune_quota(self, vmID: str, quota: Any) -> dict[str, Any]:
        """Microseconds of a period that each of the VM's CPUs may run; below zero: no limit."""
        await self._schedule(self._guests.running(vmID), {"vcpu_quota": _whole(quota, "quota")})
        return dict(DONE)

    async def vm_set_cpu_tune_period(self, vmID: str, period: Any) -> dict[str, Any]:
        """Microseconds of a period."""
        await self._schedule(self._guests.running(vmID), {"vcpu_period": _whole(period, "period")})
        return dict(DONE)

    async def _schedule(self, vm: Vm, values: dict[str, int]) -> None:
        await self._guests.ask(vm, Code.CPU_TUNE, lambda d: d.setSchedulerParametersFlags(values, _LIVE))


def _whole(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as err:
        raise VerbError(Code.INVALID_PARAMETER, f"{name} is no number of microseconds: {str(value)[:40]!r}") from err


def _percent(value: Any) -> int:
    text = str(value)
    if not text.isdigit() or int(text) > 100_000:
        raise VerbError(Code.VM_POLICY, f"vcpuLimit is no per cent: {text[:40]!r}")
    return int(text)


def _read_limits(domain: Any) -> list[dict[str, Any]]:
    found = []
    for target, path in disks(fromstring(domain.XMLDesc(0))).items():
        values = domain.blockIoTune(target, _LIVE)
        found.append({"name": target, "path": path, "ioTune": {k: int(values.get(k, 0)) for k in KEYS}})
    return found


def _read_qos(domain: Any) -> str:
    try:
        return str(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, TUNE, _LIVE))
    except libvirt.libvirtError as err:
        if err.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            return ""
        raise
