"""A simulated host: capabilities, statistics and VMs of a state machine, under the real server.

Does: the life of VMs with the statuses, events and timing of a host; migration to other simulated hosts; faults on
demand (control file `faults.json` in its folder: slow, full, fail_start, refuse_incoming, partitioned, off). Guests
outlive a killed agent: each running VM is a file. Does not: run anything.
"""

import asyncio
import contextlib
import hashlib
import os
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec

from ovis.agent.driver import Publish
from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.simulated import reports
from ovis.agent.simulated.console import SimulatedConsoles
from ovis.agent.simulated.devices import SimulatedDevices
from ovis.agent.simulated.fence import SimulatedFence
from ovis.agent.simulated.hostdevs import host_devices
from ovis.agent.simulated.networks import NICS, SimulatedNetworks
from ovis.agent.simulated.rack import SimulatedRack
from ovis.agent.simulated.replicate import SimulatedReplication
from ovis.agent.simulated.snapshots import SimulatedSnapshots, with_chains
from ovis.agent.simulated.storage import SimulatedStorage
from ovis.agent.simulated.tuning import SimulatedTuning
from ovis.agent.simulated.volumes import SimulatedVolumes
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitCode, ExitReason

BOOT_SECONDS = 0.3
SHUTDOWN_SECONDS = 0.3
MIGRATION_SECONDS = 0.6
BUSY_SECONDS = 0.3  # before a full migration target is asked again
SAVE_SECONDS = 0.3
# Statuses without a domain of its own on this host: nothing to find again.
_PASSING = (st.DOWN, st.MIGRATION_DESTINATION)
_MEMORY_MIB = 512 * 1024
_CPUS = 64
_FLAGS = (
    "fpu,vme,de,pse,tsc,msr,pae,mce,cx8,apic,sep,mtrr,pge,mca,cmov,pat,pse36,clflush,mmx,fxsr,sse,sse2,ht,syscall,nx,"
    "pdpe1gb,rdtscp,lm,constant_tsc,pni,pclmulqdq,vmx,ssse3,fma,cx16,pcid,sse4_1,sse4_2,x2apic,movbe,popcnt,aes,xsave,avx,"
    "f16c,rdrand,hypervisor,lahf_lm,abm,fsgsbase,bmi1,hle,avx2,smep,bmi2,erms,invpcid,rtm,avx512f,md_clear,spec_ctrl,ssbd,"
    "arch_capabilities,model_Nehalem,model_Westmere,model_SandyBridge,model_IvyBridge,model_Haswell-noTSX,"
    "model_Broadwell-noTSX,model_Skylake-Client,model_Skylake-Server,model_Cascadelake-Server"
)


class SimulatedVm:
    """One VM on one host."""

    __slots__ = (
        "agent",
        "begun",
        "console_port",
        "exit_code",
        "exit_message",
        "exit_reason",
        "external",
        "hook", "host",
        "incoming_limit",
        "macs",
        "memory_mib",
        "merges",
        "name",
        "pause_code",
        "problem",
        "resume_as",
        "status",
        "status_time",
        "target",
        "task",
        "vcpus",
        "vm_id",
        "xml",
    )  # fmt: skip

    def __init__(self, vm_id: str, xml: str) -> None:
        root = ElementTree.fromstring(xml)
        self.vm_id, self.xml = vm_id, xml
        self.name = root.findtext("name") or vm_id
        self.memory_mib = int(root.findtext("memory") or 0) // 1024
        self.vcpus = int((root.find("vcpu").get("current") if root.find("vcpu") is not None else None) or 1)  # type: ignore[union-attr]
        self.macs = [m.get("address", "") for m in root.iter("mac")]
        self.agent = any("guest_agent" in (t.get("name") or "") for t in root.iter("target"))
        self.status = st.WAIT_FOR_LAUNCH
        self.status_time = self.begun = time.time()
        self.exit_code: int | None = None
        self.exit_reason: int | None = None
        self.exit_message = ""
        self.pause_code = "NOERR"
        self.console_port = 5900 + zlib.crc32(vm_id.encode()) % 1000
        self.target = self.problem = ""
        self.hook: dict[str, Any] | None = None
        self.incoming_limit = 2
        self.merges: dict[str, dict[str, Any]] = {}  # vmJobs
        self.resume_as = st.UP  # what an incoming guest becomes
        self.task: asyncio.Task[None] | None = None
        self.external: dict[str, str] = {}  # what VM.create brought: of the TPM, of the firmware


class SimulatedDriver(
    SimulatedConsoles,
    SimulatedDevices,
    SimulatedFence,
    SimulatedNetworks,
    SimulatedReplication,
    SimulatedSnapshots,
    SimulatedStorage,
    SimulatedTuning,
    SimulatedVolumes,
):
    """One simulated host."""

    recovering = False

    @property
    def parts(self) -> tuple[object, ...]:
        """This one object serves everything."""
        return (self,)

    def __init__(self, settings: AgentSettings, identity: Identity, rack: SimulatedRack, name: str = "sim") -> None:
        self._init_storage(rack)
        self._init_tuning()
        self._init_consoles()
        self.settings, self.identity, self.name = settings, identity, name
        self.vms: dict[str, SimulatedVm] = {}
        self._publish: Publish = lambda event_id, body: None
        self._folder = Path(settings.data) / "vms"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._init_networks(Path(settings.data), settings.address)
        self._faults_file = Path(settings.data) / "faults.json"
        self._faults: tuple[float, dict[str, Any]] = (0.0, {})
        self._boot = time.time()
        self.dead = False
        rack.drivers[name] = self

    async def start(self, publish: Publish) -> None:
        """Find the VMs of the last run again: guests outlive their agent."""
        self._publish = publish
        for file in self._folder.glob("*.json"):
            kept = msgspec.json.decode(file.read_bytes())
            vm = SimulatedVm(file.stem, kept["xml"])
            vm.begun = kept["begun"]
            vm.external = kept.get("external", {})
            if kept["status"] == st.MIGRATION_SOURCE and self._arrived_elsewhere(file.stem):
                file.unlink()
                continue
            self.vms[vm.vm_id] = vm
            self._go_on(vm, kept["status"])
            self._mirrors_again(vm)

    def _arrived_elsewhere(self, vm_id: str) -> bool:
        """Whether the guest runs on the host that it was moving to: what is left here is nothing."""
        others = self._folder.parent.parent.glob(f"*/vms/{vm_id}.json")
        return any(file.parent != self._folder for file in others)

    def _go_on(self, vm: SimulatedVm, status: str) -> None:
        """A guest does not notice that its agent was away; what the agent was doing with it has ended."""
        loop = asyncio.get_running_loop()
        if status in (st.WAIT_FOR_LAUNCH, st.RESTORING_STATE, st.POWERING_UP, st.REBOOT_IN_PROGRESS):
            vm.status = st.POWERING_UP
            vm.task = loop.create_task(self._boot_up(vm))
        elif status == st.POWERING_DOWN:
            vm.task = loop.create_task(self._shut_down(vm))
        else:
            vm.status = st.PAUSED if status == st.PAUSED else st.UP

    async def stop(self) -> None:
        """Guests go on without their agent."""
        await self._end_consoles()
        for vm in self.vms.values():
            if vm.task is not None:
                vm.task.cancel()

    def die(self) -> None:
        """The agent is killed: from now on nothing is written, told or cleared up. Guests and storage stay as they are."""
        self.dead = True
        vms, self.vms = self.vms, {}
        for vm in vms.values():
            if vm.task is not None:
                vm.task.cancel()

    def power_cut(self) -> None:
        """Every guest dies at once; nobody is told."""
        for vm in list(self.vms.values()):
            if vm.task is not None:
                vm.task.cancel()
            self._forget(vm)
        self.spm.clear()
        self.tasks.clear()
        self.jobs.clear()
        self.host_ids.clear()

    def _remember(self, vm: SimulatedVm) -> None:
        """Write the guest down in one step, or forget its file when it is not here any more."""
        if self.dead:
            return
        file = self._folder / f"{vm.vm_id}.json"
        if vm.status in _PASSING:
            file.unlink(missing_ok=True)
            return
        temporary = file.with_suffix(".new")
        temporary.write_bytes(
            msgspec.json.encode({"status": vm.status, "begun": vm.begun, "xml": vm.xml, "external": vm.external})
        )
        os.replace(temporary, file)

    def _forget(self, vm: SimulatedVm) -> None:
        if self.vms.get(vm.vm_id) is vm:
            del self.vms[vm.vm_id]
            (self._folder / f"{vm.vm_id}.json").unlink(missing_ok=True)

    def faults(self) -> dict[str, Any]:
        """Faults that are switched on now.

        slow: seconds that statistics take. full: no space. fail_start, refuse_incoming: why. hook: {point, script, since}:
        starts hang in it.
        migration_seconds: how long a migration from here takes. partitioned, off: see rack. caps, stats: what the host
        reports instead of what it would.
        """
        try:
            changed = self._faults_file.stat().st_mtime
        except OSError:
            self.full, self._faults = False, (0.0, {})
            return {}
        if changed != self._faults[0]:
            with contextlib.suppress(msgspec.DecodeError):
                self._faults = (changed, msgspec.json.decode(self._faults_file.read_bytes()))
        self.full = bool(self._faults[1].get("full"))
        return self._faults[1]

    # -- host ----------------------------------------------------------------------------------------------------

    async def host_ping(self) -> None:
        return None

    async def host_ping2(self) -> None:
        return None

    async def host_get_capabilities(self) -> dict[str, Any]:
        nic = {"hwaddr": "", "mtu": "1500", "speed": 10000, "addr": "", "netmask": "", "dhcpv4": False}
        return {
            "uuid": self.identity.uuid(),
            "kvmEnabled": "true",
            "cpuCores": str(_CPUS // 2),
            "cpuThreads": str(_CPUS),
            "cpuSockets": "2",
            "cpuSpeed": "2600.000",
            "cpuModel": "Simulated Xeon @ 2.60GHz",
            "cpuFlags": _FLAGS,
            "version_name": "Snow Man",
            "software_version": "4.50.6",
            "software_revision": "1",
            "supportedENGINEs": ["4.2", "4.3", "4.4", "4.5"],
            "clusterLevels": ["4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8"],
            **reports.capabilities(_CPUS, self._network_rows(), {n: nic | {"hwaddr": self._mac(n)} for n in NICS}),
            "bondings": self._bond_rows(nic | {"hwaddr": self._mac("bond")}),
            "vlans": self._vlan_rows(nic),
            "nameservers": self._network_resolvers(),
            "hooks": {},
            "operatingSystem": {"name": "RHEL", "version": "9", "release": "5", "pretty_name": "Simulated Linux 9"},
            "packages2": {
                "kernel": {"version": "5.14.0", "release": "1.el9"},
                "qemu-kvm": {"version": "9.1.0", "release": "1.el9"},
                "libvirt": {"version": "10.10.0", "release": "1.el9"},
                "vdsm": {"version": "4.50.6", "release": "1.el9"},
            },
            "memSize": str(_MEMORY_MIB),
            "reservedMem": "321",
            "guestOverhead": "65",
            "emulatedMachines": ["pc", "q35", "pc-q35-rhel9.6.0", "pc-q35-rhel8.6.0", "pc-i440fx-rhel7.6.0"],
            "rngSources": ["random", "hwrng"],
            "vmTypes": ["kvm"],
            "liveSnapshot": "true",
            "liveMerge": "true",
            "kdumpStatus": 0,
            "selinux": {"mode": "1"},
            "numaNodes": {"0": {"cpus": [*range(_CPUS)], "totalMemory": str(_MEMORY_MIB), "hugepages": {}}},
            "autoNumaBalancing": 1,
            "ISCSIInitiatorName": f"iqn.2026-01.org.ovis:{self.name}",
            "HBAInventory": {"FC": [], "iSCSI": []},
            "additionalFeatures": [],
            "hostedEngineDeployed": False,
            "hugepages": [2048, 1048576],
            "kernelArgs": "",
            "nestedVirtualization": False,
            "backupEnabled": True,
            "coldBackupEnabled": True,
            "fipsEnabled": False,
            "netConfigDirty": str(self._networks_dirty),
            "domain_versions": [0, 2, 3, 4, 5],
            "supported_block_size": {"LOCALFS": [512], "NFS": [512], "POSIXFS": [512]},
            **self.faults().get("caps", {}),
        }

    def _mac(self, nic: str) -> str:
        digest = hashlib.sha256(f"{self.name}/{nic}".encode()).hexdigest()
        return "02:" + ":".join(digest[i : i + 2] for i in range(0, 10, 2))

    async def host_get_hardware_info(self) -> dict[str, Any]:
        return {
            "systemManufacturer": "Ovis",
            "systemProductName": "Simulated Host",
            "systemVersion": "1",
            "systemSerialNumber": self.name,
            "systemUUID": self.identity.uuid().upper(),
            "systemFamily": "Simulation",
        }

    async def host_get_stats(self) -> dict[str, Any]:
        wait = self.faults().get("slow")
        if wait:
            await asyncio.sleep(float(wait))
        running = [v for v in self.vms.values() if v.status != st.DOWN]
        load = min(95.0, 1 + sum(v.vcpus for v in running) * 0.4)
        used = min(95, round(100 * sum(v.memory_mib for v in running) / _MEMORY_MIB) + 2)
        now = time.time()
        interface = {
            "rx": str(round((now - self._boot) * 1000)),
            "tx": str(round((now - self._boot) * 800)),
            "rxErrors": "0",
            "txErrors": "0",
            "rxDropped": "0",
            "txDropped": "0",
            "speed": "10000",
            "state": "up",
            "sampleTime": now,
        }
        return {
            "cpuUser": f"{load * 0.8:.2f}",
            "cpuSys": f"{load * 0.2:.2f}",
            "cpuIdle": f"{100 - load:.2f}",
            "cpuLoad": f"{load / 100 * _CPUS:.2f}",
            "memUsed": str(used),
            **reports.stats(
                load,
                _CPUS,
                round(_MEMORY_MIB * (100 - used) / 100),
                {
                    "incoming": sum(v.status == st.MIGRATION_DESTINATION for v in running),
                    "outgoing": sum(v.status == st.MIGRATION_SOURCE for v in running),
                },
            ),
            "memAvailable": str(round(_MEMORY_MIB * (100 - used) / 100)),
            "memCommitted": sum(v.memory_mib + 65 for v in running),
            "memShared": 0,
            "swapTotal": 4096,
            "swapFree": 4096,
            "anonHugePages": "0",
            "vmCount": len(running),
            "vmActive": sum(v.status == st.UP for v in running),
            "vmMigrating": sum(v.status == st.MIGRATION_SOURCE for v in running),
            "bootTime": str(round(self._boot)),
            "elapsedTime": str(round(now - self._boot)),
            "dateTime": time.strftime("%Y-%m-%dT%H:%M:%S GMT", time.gmtime(now)),
            "network": {n: interface | {"name": n} for n in self._network_names()},
            "storageDomains": self._repo_stats(),
            "ksmState": False,
            "ksmPages": 100,
            "ksmCpu": 0,
            "momStatus": "active",
            "haScore": 0,
            "netConfigDirty": str(self._networks_dirty),
            **self.faults().get("stats", {}),
        }

    async def host_get_device_list(self) -> list[Any]:
        return []

    async def host_get_storage_domains(self) -> list[str]:
        return list(self.rack.state["domains"])

    async def host_hostdev_list_by_caps(self) -> dict[str, Any]:
        return host_devices(self.name)

    async def host_set_mom_policy_parameters(self, key_value_store: Any = None) -> None:
        return None

    # -- VMs -----------------------------------------------------------------------------------------------------

    def _vm(self, vm_id: str) -> SimulatedVm:
        vm = self.vms.get(vm_id)
        if vm is None:
            raise VerbError(Code.NO_SUCH_VM, "Virtual machine does not exist")
        return vm

    def _running(self, vm_id: str) -> SimulatedVm:
        vm = self._vm(vm_id)
        if vm.status == st.DOWN:
            raise VerbError(Code.VM_IS_DOWN, "Virtual machine is down")
        return vm

    def _set(self, vm: SimulatedVm, status: str) -> None:
        vm.status, vm.status_time = status, time.time()
        if self.vms.get(vm.vm_id) is not vm:
            return  # destroyed meanwhile: nobody is to hear of it
        self._remember(vm)
        self._publish(f"|virt|VM_status|{vm.vm_id}", {vm.vm_id: self._short(vm)})

    def _down(self, vm: SimulatedVm, code: ExitCode, reason: ExitReason, message: str) -> None:
        vm.exit_code, vm.exit_reason, vm.exit_message = int(code), int(reason), message
        self._set(vm, st.DOWN)

    def _short(self, vm: SimulatedVm) -> dict[str, Any]:
        row: dict[str, Any] = {"status": vm.status, "vmId": vm.vm_id, "timeOffset": "0"}
        if vm.hook:
            row["hook"] = vm.hook
        if vm.status == st.DOWN:
            row |= {"exitCode": vm.exit_code, "exitReason": vm.exit_reason, "exitMessage": vm.exit_message}
        else:
            row |= {
                "hash": str(zlib.crc32(vm.xml.encode())),
                "displayInfo": [
                    {"type": "vnc", "port": str(vm.console_port), "tlsPort": "-1", "ipAddress": "127.0.0.1"}
                ],
                "pauseCode": vm.pause_code,
                "clientIp": self._client_ip(vm),
            }
            if vm.status == st.UP:
                row |= self._guest(vm)
        return row

    def _guest(self, vm: SimulatedVm) -> dict[str, Any]:
        if not vm.agent:
            return {}
        octets = zlib.crc32(vm.vm_id.encode())
        address = f"10.{octets >> 16 & 255}.{octets >> 8 & 255}.{octets & 255 or 1}"
        nics = [
            {"name": f"eth{i}", "hw": mac, "inet": [address] if i == 0 else [], "inet6": []}
            for i, mac in enumerate(vm.macs)
        ]
        return {
            "guestIPs": address if vm.macs else "",
            "guestFQDN": f"{vm.name}.simulated",
            "guestName": vm.name,
            "guestOs": "5.14.0",
            "netIfaces": nics,
            "appsList": ["qemu-guest-agent-9.1.0", "kernel-5.14.0"],
            "username": "None",
            "session": "Unknown",
        }

    def _row(self, vm: SimulatedVm) -> dict[str, Any]:
        row = self._short(vm) | {"vmName": vm.name, "statusTime": str(round(vm.status_time * 1000)), "vmType": "kvm"}
        if vm.status == st.DOWN:
            return row
        now = time.time()
        age = now - vm.begun
        return (
            reports.ROW
            | row
            | {
                "elapsedTime": str(round(age)),
                "cpuUser": f"{3 + zlib.crc32(vm.vm_id.encode()) % 20}.00",
                "cpuSys": "1.00",
                "cpuUsage": str(round(age * 1e7)),
                "memUsage": "40",
                "vcpuCount": str(vm.vcpus),
                "monitorResponse": "0",
                "memoryStats": {
                    "mem_total": str(vm.memory_mib * 1024),
                    "mem_free": str(vm.memory_mib * 600),
                    "mem_unused": "0",
                    **reports.MEMORY,
                },
                "balloonInfo": {"balloon_cur": str(vm.memory_mib * 1024), "balloon_max": str(vm.memory_mib * 1024)},
                "network": {
                    f"vnet{i}": {
                        "macAddr": mac,
                        "name": f"vnet{i}",
                        "rx": str(round(age * 100)),
                        "tx": str(round(age * 90)),
                        "rxErrors": "0",
                        "txErrors": "0",
                        "rxDropped": "0",
                        "txDropped": "0",
                        "state": "unknown",
                        "speed": "1000",
                        "sampleTime": now,
                    }
                    for i, mac in enumerate(vm.macs)
                },
                "disks": self._disk_figures(vm),
                "displayPort": str(vm.console_port),
                "displaySecurePort": "-1",
                "vmJobs": dict(vm.merges),
                "migrationProgress": 50 if vm.status == st.MIGRATION_SOURCE else 0,
            }
        )

    async def host_get_all_vm_stats(self) -> list[dict[str, Any]]:
        return [self._row(vm) for vm in self.vms.values()]

    async def host_get_vm_list(self, fullStatus: Any = True, vmList: Any = ()) -> list[Any]:
        return [{"vmId": v.vm_id, "status": v.status} if fullStatus is True else v.vm_id for v in self.vms.values()]

    async def host_get_vm_full_list(self, vmList: Any = ()) -> list[Any]:
        return [self._row(v) | {"xml": v.xml} for v in self.vms.values() if not vmList or v.vm_id in vmList]

    async def host_dumpxmls(self, vmList: Any = ()) -> dict[str, str]:
        return {vm_id: with_chains(self.rack, self._vm(vm_id).xml) for vm_id in vmList or self.vms}

    async def vm_get_stats(self, vmID: str) -> list[dict[str, Any]]:
        return [self._row(self._vm(vmID))]

    async def vm_create(self, vmID: str, vmParams: Mapping[str, Any]) -> dict[str, Any]:
        known = self.vms.get(vmID)
        if known is not None:
            if known.status == st.DOWN:
                raise VerbError(Code.VM_EXISTS, "Virtual machine already exists")
            return {"vmId": vmID, "status": known.status}  # the same call again
        try:
            vm = SimulatedVm(vmID, vmParams["xml"])
        except (KeyError, ElementTree.ParseError) as err:
            raise VerbError(Code.CREATE_FAILED, f"The domain XML cannot be read: {err}") from err
        vm.external = self._beside(vm, vmParams)
        self.vms[vmID] = vm
        restoring = bool(vmParams.get("memoryDumpVolume"))
        if restoring:
            vm.status = st.RESTORING_STATE
        self._remember(vm)
        vm.task = asyncio.get_running_loop().create_task(self._life(vm, paused="launchPaused>true" in vm.xml))
        return {"vmId": vmID, "status": vm.status}

    async def _life(self, vm: SimulatedVm, *, paused: bool) -> None:
        await asyncio.sleep(0.02)
        while hook := self.faults().get("hook"):  # as long as it is there, that script runs
            vm.hook = hook
            await asyncio.sleep(0.1)
        vm.hook = None
        why = self.faults().get("fail_start")
        if why:
            self._down(vm, ExitCode.ERROR, ExitReason.GENERIC_ERROR, str(why))
            return
        if paused:
            self._set(vm, st.PAUSED)
            return
        await self._boot_up(vm)

    async def _boot_up(self, vm: SimulatedVm) -> None:
        self._set(vm, st.POWERING_UP)
        await asyncio.sleep(BOOT_SECONDS)
        self._set(vm, st.UP)

    def _later(self, vm: SimulatedVm, life: Any) -> None:
        if vm.task is not None:
            vm.task.cancel()
        vm.task = asyncio.get_running_loop().create_task(life)

    async def vm_destroy(self, vmID: str) -> None:
        vm = self._vm(vmID)
        if vm.task is not None:
            vm.task.cancel()
        self._forget(vm)

    async def vm_shutdown(
        self, vmID: str, delay: Any = 0, reboot: Any = False, message: str = "", force: Any = False
    ) -> None:
        vm = self._running(vmID)
        self._later(vm, self._reboot(vm) if reboot in (True, "true") else self._shut_down(vm))

    async def _shut_down(self, vm: SimulatedVm) -> None:
        self._set(vm, st.POWERING_DOWN)
        await asyncio.sleep(SHUTDOWN_SECONDS)
        self._down(vm, ExitCode.NORMAL, ExitReason.USER_SHUTDOWN, "User shut down from within the guest")

    async def _reboot(self, vm: SimulatedVm) -> None:
        self._set(vm, st.REBOOT_IN_PROGRESS)
        await asyncio.sleep(SHUTDOWN_SECONDS)
        await self._boot_up(vm)

    async def vm_reset(self, vmID: str) -> None:
        vm = self._running(vmID)
        self._later(vm, self._reboot(vm))

    async def vm_pause(self, vmID: str) -> dict[str, Any]:
        self._set(self._running(vmID), st.PAUSED)
        return {"vmList": {}}

    async def vm_cont(self, vmID: str) -> dict[str, Any]:
        vm = self._running(vmID)
        vm.pause_code = "NOERR"
        self._set(vm, vm.resume_as if vm.status == st.MIGRATION_DESTINATION else st.UP)
        return {"vmList": {}}

    async def vm_hibernate(self, vmID: str, hibernationVolHandle: Any) -> None:
        vm = self._running(vmID)

        async def save() -> None:
            self._set(vm, st.SAVING_STATE)
            await asyncio.sleep(SAVE_SECONDS)
            self._down(vm, ExitCode.NORMAL, ExitReason.SAVE_STATE_SUCCEEDED, "SaveState succeeded")

        self._later(vm, save())

    async def vm_migrate(self, vmID: str, params: Mapping[str, Any]) -> None:
        vm = self._running(vmID)
        if vm.status == st.MIGRATION_SOURCE:
            raise VerbError(Code.MIGRATION_IN_PROGRESS, "Migration in progress")
        if vm.status not in (st.UP, st.POWERING_UP, st.PAUSED, st.REBOOT_IN_PROGRESS):
            raise VerbError(Code.MIGRATION_FAILED, f"The VM is {vm.status}")
        vm.target, vm.problem = str(params.get("dst", "")), ""
        vm.incoming_limit = int(params.get("incomingLimit") or 2)
        before = vm.status if vm.status == st.PAUSED else st.UP
        if vm.task is not None:
            vm.task.cancel()
        self._set(vm, st.MIGRATION_SOURCE)
        vm.task = asyncio.get_running_loop().create_task(self._migrate(vm, before))

    async def _migrate(self, vm: SimulatedVm, before: str) -> None:
        from ovis.agent.rpc.client import AgentClient

        host, _, port = vm.target.rpartition(":")
        client: AgentClient | None = None
        try:
            client = await AgentClient.connect(host, int(port or 54321), self.identity.client_context(), 5)
            handed = {"xml": vm.xml, "status": before, "begun": vm.begun, "external": vm.external}
            await self._hand_over(client, vm, handed)
            seconds = float(self.faults().get("migration_seconds") or MIGRATION_SECONDS)
            for step in range(1, 4):
                await asyncio.sleep(seconds / 3)
                progress = {vm.vm_id: {"progress": step * 33}}
                self._publish(f"|virt|VM_migration_status|{vm.vm_id}", progress)
            await client.call("VM.cont", {"vmID": vm.vm_id}, 10)
            self._down(vm, ExitCode.NORMAL, ExitReason.MIGRATION_SUCCEEDED, "Migration succeeded")
        except (VerbError, ValueError, OSError) as err:
            vm.problem = str(err)
            self._set(vm, before)
        except asyncio.CancelledError:
            if client is not None and not self.dead:
                with contextlib.suppress(VerbError):
                    await client.call("VM.destroy", {"vmID": vm.vm_id}, 5)
            vm.problem = "canceled by client"
            self._set(vm, before)
        finally:
            if client is not None:
                await client.close()

    async def _hand_over(self, client: Any, vm: SimulatedVm, handed: Mapping[str, Any]) -> None:
        """Announce the guest to its target; one that takes no more now is asked again."""
        call = {"vmID": vm.vm_id, "params": handed, "incomingLimit": vm.incoming_limit}
        while True:
            try:
                await client.call("VM.migrationCreate", call, 20)
                return
            except VerbError as err:
                if err.code != Code.TOO_MANY_MIGRATIONS:
                    raise
            await asyncio.sleep(BUSY_SECONDS)

    async def vm_migration_create(self, vmID: str, params: Mapping[str, Any], incomingLimit: Any = 2) -> dict[str, Any]:
        why = self.faults().get("refuse_incoming")
        if why:
            raise VerbError(Code.MIGRATION_FAILED, str(why))
        if vmID in self.vms:
            raise VerbError(Code.VM_EXISTS, "Virtual machine already exists")
        if sum(v.status == st.MIGRATION_DESTINATION for v in self.vms.values()) >= int(incomingLimit):
            raise VerbError(Code.TOO_MANY_MIGRATIONS, "Too many incoming migrations")
        vm = SimulatedVm(vmID, params["xml"])
        vm.status = st.MIGRATION_DESTINATION
        vm.resume_as, vm.begun = str(params.get("status") or st.UP), float(params.get("begun") or vm.begun)
        vm.external = dict(params.get("external") or {})
        self.vms[vmID] = vm
        self._publish(f"|virt|VM_status|{vmID}", {vmID: self._short(vm)})
        return {"params": {"vmId": vmID}, "migrationPort": 0}

    async def vm_migrate_cancel(self, vmID: str) -> None:
        vm = self._running(vmID)
        if vm.status != st.MIGRATION_SOURCE or vm.task is None:
            raise VerbError(Code.MIGRATION_FAILED, "The VM is not migrating")
        if not vm.problem:  # once: a second call must not cut short what follows the first
            vm.problem = "canceled by client"
            await asyncio.sleep(0)  # a task cancelled before its first step would never clear up
            vm.task.cancel()

    async def vm_get_migration_status(self, vmID: str) -> dict[str, Any]:
        vm = self._vm(vmID)
        status = (
            {"code": int(Code.MIGRATION_FAILED), "message": vm.problem}
            if vm.problem
            else {"code": 0, "message": "Done"}
        )
        return {"status": status, "progress": 0, "downtime": 12, "vmStatus": vm.status}

    async def vm_disk_size_extend(self, vmID: str, driveSpecs: Mapping[str, Any], newSize: Any) -> dict[str, Any]:
        self._running(vmID)
        found = self.rack.volume(driveSpecs["domainID"], driveSpecs["imageID"], driveSpecs["volumeID"])
        found["capacity"] = str(max(int(newSize), int(found["capacity"])))
        self.rack.changed()
        return {"size": found["capacity"]}

    async def vm_set_destroy_on_reboot(self, vmID: str) -> None:
        self._running(vmID)
