"""Smaller verbs of a simulated host: limits of disks and CPUs, networks by themselves, secrets, knobs, views of storage.

Does: answers with the shapes of a real host and the same refusals. Limits are kept as long as the agent runs.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import fromstring

from ovis.agent.simulated.rack import SimulatedRack
from ovis.contract import statuses as st
from ovis.contract.domain.chains import chains_of
from ovis.contract.errors import DONE, Code, VerbError

_KEYS = ("total_bytes_sec", "read_bytes_sec", "write_bytes_sec", "total_iops_sec", "read_iops_sec", "write_iops_sec")
_LEVELS = ("CRITICAL", "CRIT", "ERROR", "WARNING", "WARN", "INFO", "DEBUG")
_BLANK = "00000000-0000-0000-0000-000000000000"
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
_FACTS = ("format", "type", "voltype", "legality", "disktype", "description")


class SimulatedTuning:
    """Mixed into the driver."""

    rack: SimulatedRack
    spm: dict[str, int]
    host_ids: dict[str, int]
    tasks: dict[str, dict[str, Any]]
    jobs: dict[str, dict[str, Any]]
    vms: dict[str, Any]
    _running: Any
    _row: Any

    def _init_tuning(self) -> None:
        self._limits: dict[str, dict[str, dict[str, int]]] = {}  # VM -> target -> limits in force
        self._policies: dict[str, dict[str, dict[str, Any]]] = {}  # VM -> target -> row of its policy
        self._secrets: set[str] = set()
        self._besides: set[str] = set()
        self._tickets: dict[str, dict[str, Any]] = {}
        self._served: dict[str, str] = {}  # NBD server -> URL

    # -- limits --------------------------------------------------------------------------------------------------

    def _target(self, vm: Any, row: Mapping[str, Any], code: int) -> str:
        root = fromstring(vm.xml)
        for disk in root.findall("devices/disk"):
            target, source = disk.find("target"), disk.find("source")
            name = (target.get("dev") or "") if target is not None else ""
            file = source.get("file") if source is not None else None
            if name and (row.get("name") == name or (file and row.get("path") == file)):
                return name
        for chain in chains_of(root).values():
            if row.get("volumeID") in chain.volumes:
                return chain.target
        raise VerbError(code, "The VM has no such disk.")

    def _tuned(self, vm: Any) -> list[dict[str, Any]]:
        found = []
        for disk in fromstring(vm.xml).findall("devices/disk"):
            target, source = disk.find("target"), disk.find("source")
            if disk.get("device", "disk") != "disk" or target is None:
                continue
            name = target.get("dev") or ""
            limits: dict[str, int] = dict.fromkeys(_KEYS, 0) | self._limits.get(vm.vm_id, {}).get(name, {})
            path = (source.get("file") or "") if source is not None else ""
            found.append({"name": name, "path": path, "ioTune": limits})
        return found

    async def vm_set_io_tune(self, vmID: str, tunables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        vm = self._running(vmID)
        wanted = [(self._target(vm, row, Code.IO_TUNE), _limits(row.get("ioTune"), Code.IO_TUNE)) for row in tunables]
        self._limits.setdefault(vmID, {}).update(wanted)
        return dict(DONE)

    async def vm_get_io_tune(self, vmID: str) -> list[dict[str, Any]]:
        return self._tuned(self._running(vmID))

    async def vm_get_io_tune_policy(self, vmID: str) -> list[dict[str, Any]]:
        self._running(vmID)
        return list(self._policies.get(vmID, {}).values())

    async def host_get_all_vm_io_tune_policies(self) -> dict[str, Any]:
        running = [v for v in self.vms.values() if v.status != st.DOWN]
        return {
            v.vm_id: {"policy": list(self._policies.get(v.vm_id, {}).values()), "current_values": self._tuned(v)}
            for v in running
        }

    async def vm_update_vm_policy(self, vmID: str, params: Mapping[str, Any]) -> None:
        vm = self._running(vmID)
        if not params:
            raise VerbError(Code.MISSING_PARAMETER, "The policy is empty.")
        rows: dict[str, dict[str, Any]] = {}
        for row in params.get("ioTune") or ():
            name = self._target(vm, row, Code.VM_POLICY)
            parts = {k: _limits(row.get(k) or {}, Code.VM_POLICY) for k in ("guaranteed", "maximum")}
            rows[name] = {"name": name, "path": str(row.get("path") or ""), **parts}
        self._policies.setdefault(vmID, {}).update(rows)
        self._limits.setdefault(vmID, {}).update({n: dict(r["maximum"]) for n, r in rows.items()})

    async def vm_set_cpu_tune_quota(self, vmID: str, quota: Any) -> dict[str, Any]:
        self._running(vmID)
        return dict(DONE)

    async def vm_set_cpu_tune_period(self, vmID: str, period: Any) -> dict[str, Any]:
        self._running(vmID)
        return dict(DONE)

    async def vm_get_info(self, vmID: str) -> dict[str, Any]:
        vm = self._running(vmID)
        return dict(self._row(vm) | {"xml": vm.xml})

    async def vm_screenshot(self, vmID: str) -> dict[str, str]:
        self._running(vmID)
        return {"data": _DOT, "encoding": "base64", "mime_type": "image/png"}

    # -- guests --------------------------------------------------------------------------------------------------

    async def vm_change_floppy(self, vmID: str, driveSpec: Any) -> dict[str, Any]:
        vm = self._running(vmID)
        if not any(d.get("device") == "floppy" for d in fromstring(vm.xml).findall("devices/disk")):
            raise VerbError(Code.CHANGE_DISK, "The VM has no floppy drive.")
        return dict(self._row(vm))

    def _no_desktop(self, vm_id: str) -> None:
        self._running(vm_id)
        raise VerbError(Code.GUEST_AGENT_SILENT, "The VM has no channel of the oVirt guest agent.")

    async def vm_desktop_login(self, vmID: str) -> None:
        self._no_desktop(vmID)

    async def vm_desktop_lock(self, vmID: str) -> None:
        self._no_desktop(vmID)

    async def vm_desktop_logoff(self, vmID: str) -> None:
        self._no_desktop(vmID)

    async def vm_desktop_send_hc_command(self, vmID: str) -> None:
        self._no_desktop(vmID)

    async def vm_seal(self, vmID: str, job_id: str, images: Sequence[Mapping[str, Any]]) -> None:
        vm = self.vms.get(vmID)
        if vm is not None and vm.status != st.DOWN:
            raise VerbError(Code.UNEXPECTED, "A VM that runs on this host cannot be sealed.")
        for image in images:
            self.rack.volume(image["sd_id"], image["img_id"], image["vol_id"])
        row = {"id": job_id, "job_type": "virt", "description": "seal_vm", "status": "done", "progress": 100}
        self.jobs.setdefault(job_id, row)

    async def vm_refresh_disk(self, vmID: str, drive: Mapping[str, Any]) -> dict[str, int]:
        self._running(vmID)
        found = self._disk(drive)
        return {"apparentsize": int(found["capacity"]), "truesize": int(found.get("truesize", found["capacity"]))}

    async def vm_get_disk_alignment(self, vmID: str, disk: Mapping[str, Any]) -> dict[str, bool]:
        self._disk(disk)
        return {}

    def _disk(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        ids = [str(spec.get(n) or "") for n in ("domainID", "imageID", "volumeID")]
        if not all(ids):
            raise VerbError(Code.IMAGE_NOT_FOUND, "The VM has no such disk.")
        return self.rack.volume(*ids)

    # -- the host ------------------------------------------------------------------------------------------------

    async def host_echo(self, message: str) -> str:
        return str(message)

    async def host_get_network_capabilities(self) -> dict[str, Any]:
        names = ("networks", "bridges", "nics", "bondings", "vlans", "netConfigDirty", "nameservers", "supportsIPv6")
        capabilities = await self.host_get_capabilities()  # type: ignore[attr-defined]
        return {n: capabilities[n] for n in names}

    async def host_get_network_statistics(self) -> dict[str, Any]:
        stats = await self.host_get_stats()  # type: ignore[attr-defined]
        return {n: stats[n] for n in ("network", "rxDropped", "txDropped")}

    async def host_get_lldp(self, filter: Any = None) -> dict[str, Any]:
        given = filter.get("devices") if isinstance(filter, Mapping) else None
        return {n: {"enabled": "false", "tlvs": []} for n in ("eth0", "eth1") if not given or n in given}

    async def host_get_devices_visibility(self, guidList: Sequence[str]) -> dict[str, bool]:
        return {str(guid): False for guid in guidList}

    async def host_set_ksm_tune(self, tuningParams: Mapping[str, Any]) -> dict[str, Any]:
        for key, value in tuningParams.items():
            known = key in ("run", "sleep_millisecs", "pages_to_scan", "merge_across_nodes")
            if not known or not str(value).isdigit():
                raise VerbError(Code.INVALID_PARAMETER, f"KSM has no {key} of {value!r}.")
        return dict(DONE)

    async def host_set_mom_policy(self) -> None:
        raise VerbError(Code.MOM_POLICY, "This host has no memory policy engine; use Host.setKsmTune.")

    async def host_set_log_level(self, level: str, name: str = "") -> None:
        if str(level).upper() not in _LEVELS:
            raise VerbError(Code.INVALID_PARAMETER, f"Levels are {', '.join(_LEVELS)}.")

    async def host_register_secrets(self, secrets: Sequence[Mapping[str, Any]], clear: Any = False) -> None:
        if any(not row.get("uuid") or not row.get("usageID") for row in secrets):
            raise VerbError(Code.SECRET_WRONG, "A secret needs a uuid and a usageID.")
        if str(clear).lower() == "true":
            self._secrets.clear()
        self._secrets |= {str(row["uuid"]) for row in secrets}

    async def host_unregister_secrets(self, uuids: Sequence[str]) -> None:
        self._secrets -= {str(u) for u in uuids}

    async def host_hostdev_change_numvfs(self, deviceName: str) -> None:
        raise VerbError(Code.GENERAL, f"This host has no device {str(deviceName)[:80]}.")

    async def host_hostdev_reattach(self, deviceName: str) -> None:
        raise VerbError(Code.GENERAL, f"This host has no device {str(deviceName)[:80]}.")

    async def host_add_image_ticket(self, ticket: Mapping[str, Any]) -> None:
        if not ticket.get("uuid"):
            raise VerbError(Code.INVALID_PARAMETER, "The uuid of a ticket is no UUID.")
        self._tickets[str(ticket["uuid"])] = {"active": False, "transferred": 0, **ticket}

    async def host_get_image_ticket(self, uuid: str) -> dict[str, Any]:
        return dict(self._image_ticket(uuid))

    async def host_extend_image_ticket(self, uuid: str, timeout: Any) -> None:
        found = self._image_ticket(uuid)
        if not str(timeout).isdigit():
            raise VerbError(Code.INVALID_PARAMETER, "timeout is no number of seconds.")
        found["timeout"] = int(timeout)

    async def host_remove_image_ticket(self, uuid: str) -> None:
        self._tickets.pop(uuid, None)

    def _image_ticket(self, uuid: str) -> dict[str, Any]:
        if uuid not in self._tickets:
            raise VerbError(Code.IMAGE_TICKETS, f"No such ticket: {uuid}")
        return self._tickets[uuid]

    # -- storage -------------------------------------------------------------------------------------------------

    async def nbd_start_server(self, server_id: str, config: Mapping[str, Any]) -> str:
        self.rack.volume(config["sd_id"], config["img_id"], config["vol_id"])
        return self._served.setdefault(server_id, f"nbd:unix:/run/simulated/nbd/{server_id}.sock")

    async def nbd_stop_server(self, server_id: str) -> None:
        self._served.pop(server_id, None)

    async def host_get_connected_storage_pools(self) -> list[str]:
        return sorted(self.host_ids)

    async def host_get_all_tasks(self) -> dict[str, Any]:
        return {
            task_id: {
                "id": task_id,
                "verb": "",
                "tag": "spm",
                "state": row["taskState"],
                "code": row["code"],
                "message": row["message"],
                "taskResult": row["taskResult"],
            }
            for task_id, row in self.tasks.items()
        }

    async def host_start_monitoring_domain(self, sdUUID: str) -> None:
        self.rack.domain(sdUUID)
        self._besides.add(sdUUID)

    async def host_stop_monitoring_domain(self, sdUUID: str) -> None:
        self._besides.discard(sdUUID)

    async def storage_domain_get_file_stats(self, storagedomainID: str) -> dict[str, Any]:
        self.rack.domain(storagedomainID)
        raise VerbError(Code.FILE_STATS, "The storage domain is no ISO domain.")

    async def storage_domain_dump(self, sd_id: str) -> dict[str, Any]:
        images = self.rack.domain(sd_id)["images"]
        found: dict[str, Any] = {}
        for image, layers in images.items():
            for volume, row in layers.items():
                size = int(row["capacity"])
                found[volume] = {
                    "image": image,
                    "status": "OK",
                    "capacity": size,
                    "apparentsize": size,
                    "truesize": size,
                    "parent": row.get("parent", _BLANK),
                    **{k: row[k] for k in _FACTS if k in row},
                }
        return {"metadata": await self.storage_domain_get_info(sd_id), "volumes": found}  # type: ignore[attr-defined]

    async def storage_pool_get_domains_containing_image(self, storagepoolID: str, imageID: str) -> list[str]:
        domains = self.rack.state["domains"]
        return sorted(d for d, row in domains.items() if row.get("pool") == storagepoolID and imageID in row["images"])


def _limits(given: Any, code: int) -> dict[str, int]:
    if not isinstance(given, Mapping) or not given.keys() <= set(_KEYS):
        raise VerbError(code, f"Limits of a disk are {', '.join(_KEYS)}.")
    if any(not str(v).isdigit() for v in given.values()):
        raise VerbError(code, "A limit is a number.")
    return {k: int(v) for k, v in given.items()}
