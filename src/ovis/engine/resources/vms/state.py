"""What the engine knows of a VM beyond the API's document, and which moves its status may make.

Does: private structs and tables, the table of moves. Does not: decide or write anything.
Follows: status matrix of engine 4.5, `transitions.vm`. `migrating` stands for both directions, as in the API.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Cdrom, GraphicsConsole, Nic, Vm
from ovis.engine.store.tables import Column, Table, name_columns

S = VmStatus
_RUNNING = (
    S.UP,
    S.POWERING_UP,
    S.PAUSED,
    S.MIGRATING,
    S.REBOOT_IN_PROGRESS,
    S.POWERING_DOWN,
    S.NOT_RESPONDING,
    S.WAIT_FOR_LAUNCH,
    S.SAVING_STATE,
    S.RESTORING_STATE,
)
RUNNING = frozenset(_RUNNING)  # a domain exists, or is about to, on some host
ON_HOST = RUNNING | {S.UNKNOWN}

MOVES: Mapping[VmStatus, frozenset[VmStatus]] = {
    S.DOWN: frozenset({S.WAIT_FOR_LAUNCH, S.IMAGE_LOCKED, S.SUSPENDED}),
    S.WAIT_FOR_LAUNCH: frozenset(
        {
            S.POWERING_UP,
            S.UP,
            S.RESTORING_STATE,
            S.PAUSED,
            S.DOWN,
            S.SUSPENDED,
            S.NOT_RESPONDING,
            S.UNKNOWN,
            S.POWERING_DOWN,
        }
    ),
    S.RESTORING_STATE: frozenset({S.POWERING_UP, S.UP, S.PAUSED, S.DOWN, S.SUSPENDED, S.UNKNOWN}),
    S.POWERING_UP: frozenset(
        {
            S.UP,
            S.DOWN,
            S.POWERING_DOWN,
            S.REBOOT_IN_PROGRESS,
            S.MIGRATING,
            S.PAUSED,
            S.NOT_RESPONDING,
            S.UNKNOWN,
            S.SAVING_STATE,
        }
    ),
    S.UP: frozenset(
        {
            S.POWERING_DOWN,
            S.DOWN,
            S.REBOOT_IN_PROGRESS,
            S.PAUSED,
            S.MIGRATING,
            S.SAVING_STATE,
            S.NOT_RESPONDING,
            S.UNKNOWN,
            S.POWERING_UP,
        }
    ),
    S.POWERING_DOWN: frozenset(
        {S.DOWN, S.UP, S.POWERING_UP, S.REBOOT_IN_PROGRESS, S.NOT_RESPONDING, S.UNKNOWN, S.PAUSED}
    ),
    S.REBOOT_IN_PROGRESS: frozenset({S.POWERING_UP, S.UP, S.DOWN, S.MIGRATING, S.NOT_RESPONDING, S.UNKNOWN, S.PAUSED}),
    S.PAUSED: frozenset(
        {S.UP, S.POWERING_UP, S.DOWN, S.POWERING_DOWN, S.MIGRATING, S.SAVING_STATE, S.UNKNOWN, S.NOT_RESPONDING}
    ),
    S.MIGRATING: frozenset(
        {S.UP, S.POWERING_UP, S.PAUSED, S.DOWN, S.UNKNOWN, S.NOT_RESPONDING, S.REBOOT_IN_PROGRESS, S.POWERING_DOWN}
    ),
    S.SAVING_STATE: frozenset({S.SUSPENDED, S.UP, S.PAUSED, S.DOWN, S.UNKNOWN, S.NOT_RESPONDING}),
    S.SUSPENDED: frozenset({S.WAIT_FOR_LAUNCH, S.DOWN, S.RESTORING_STATE}),
    S.NOT_RESPONDING: frozenset(set(_RUNNING) | {S.DOWN, S.UNKNOWN}),
    S.UNKNOWN: frozenset(set(_RUNNING) | {S.DOWN, S.SUSPENDED}),
    S.IMAGE_LOCKED: frozenset({S.DOWN, S.SUSPENDED}),
    S.UNASSIGNED: frozenset({S.DOWN}),
}

# VDSM's words for a VM's status, and what the API calls them.
FROM_HOST: Mapping[str, VmStatus] = {
    "Down": S.DOWN,
    "Up": S.UP,
    "Paused": S.PAUSED,
    "WaitForLaunch": S.WAIT_FOR_LAUNCH,
    "Powering up": S.POWERING_UP,
    "Powering down": S.POWERING_DOWN,
    "RebootInProgress": S.REBOOT_IN_PROGRESS,
    "Migration Source": S.MIGRATING,
    "Migration Destination": S.MIGRATING,
    "Saving State": S.SAVING_STATE,
    "Restoring state": S.RESTORING_STATE,
}


class ConsoleAt(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Where a graphics console listens. protocol: vnc or spice."""

    protocol: str
    address: str
    port: int | None = None
    tls_port: int | None = None


class GuestNic(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A NIC as the guest agent reports it."""

    name: str
    mac: str = ""
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()


class MemoryImage(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Saved memory of a VM: two volumes, as (pool, domain, image, volume). shared: a snapshot's, which keeps it."""

    memory: tuple[str, str, str, str]
    configuration: tuple[str, str, str, str]
    size: int = 0
    shared: bool = False


class Dimm(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Memory that was plugged while the VM runs. size: bytes."""

    id: str
    size: int


class VmRuntime(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The life of a VM on its host. id: the VM's.

    host_id: where its domain is. target_id: where it is migrating to. previous_host_id: where it ran last.
    stopping: the user asked for the end, so its coming is no failure. run_once: values of this run only.
    restart_at: when a highly available VM is started again after a failure; restarts: how often that was tried.
    dimms: memory that was plugged in this run. watchdog_at: when it fired last, as the host told. started: the `started` event of this run was written. exit_code, exit_message: how the last run ended.
    """

    id: str
    host_id: str | None = None
    target_id: str | None = None
    previous_host_id: str | None = None
    stopping: bool = False
    run_once: Vm | None = None
    started: bool = False
    exit_code: int | None = None
    exit_message: str | None = None
    boot_time: datetime | None = None
    consoles: tuple[ConsoleAt, ...] = ()
    guest_nics: tuple[GuestNic, ...] = ()
    device_hash: str = ""
    saved: MemoryImage | None = None
    client_ip: str = ""
    console_user: str = ""
    pause_code: str = ""
    attempts: tuple[str, ...] = ()
    restart_at: datetime | None = None
    restarts: int = 0
    dimms: tuple[Dimm, ...] = ()
    watchdog_at: str = ""
    watchdog_action: str = ""


class VmNextRun(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the VM becomes at its next cold start."""

    id: str
    vm: Vm


class VmNic(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of vm_nics: the API's document and the VM it belongs to."""

    id: str
    vm_id: str
    nic: Nic


class VmCdrom(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The CD-ROM of a VM. current: what is in the drive of the running VM, when it differs."""

    id: str
    vm_id: str
    cdrom: Cdrom
    current: str | None = None


class VmConsole(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A graphics console of a VM: id is the protocol's name in hex, as clients know it from the engine."""

    id: str
    vm_id: str
    console: GraphicsConsole


def _enum(path: str) -> Column:
    return Column(name=path.replace(".", "_"), path=path, index=False)


TABLE = Table(
    name="vms",
    type=Vm,
    columns=(
        *name_columns(),
        Column(name="cluster_id", path="cluster.id", references="clusters"),
        Column(name="template_id", path="template.id", references="templates"),
        Column(name="host_id", path="host.id"),
        Column(name="status"),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="os_type", path="os.type", index=False),
        Column(name="type", index=False),
        Column(name="fqdn", index=False),
        Column(name="memory", kind="int", index=False),
        Column(name="guaranteed_memory", path="memory_policy.guaranteed", kind="int", index=False),
        Column(name="creation_time", kind="time", index=False),
        Column(name="start_time", kind="time", index=False),
        Column(
            name="vcpus",
            value=lambda vm: _vcpus(vm),
            kind="int",
            index=False,
        ),
        _enum("bios.type"),
        _enum("custom_emulated_machine"),
        _enum("custom_cpu_model"),
        _enum("cpu_pinning_policy"),
        Column(name="next_run", path="next_run_configuration_exists", kind="bool", index=False),
        Column(name="architecture", path="cpu.architecture", index=False),
        Column(name="custom_level", value=lambda vm: _level(vm), index=False),
        Column(name="vm_pool_id", path="vm_pool.id", index=False),
        Column(name="quota_id", path="quota.id", index=False),
        Column(name="high_availability", path="high_availability.enabled", kind="bool", index=False),
    ),
)


def _level(vm: Vm) -> str | None:
    version = vm.custom_compatibility_version
    return f"{version.major}.{version.minor}" if version and version.major is not None else None


def _vcpus(vm: Vm) -> int:
    topology = vm.cpu.topology if vm.cpu else None
    if topology is None:
        return 1
    return (topology.cores or 1) * (topology.sockets or 1) * (topology.threads or 1)


def vcpus(vm: Vm) -> int:
    """Virtual CPUs that the VM starts with."""
    return _vcpus(vm)


def _once_memory(runtime: VmRuntime) -> int | None:
    """Bytes that this run alone is promised, where they differ."""
    once = runtime.run_once
    if once is None:
        return None
    return (once.memory_policy.guaranteed if once.memory_policy else None) or once.memory


RUNTIME = Table(
    name="vm_runtime",
    type=VmRuntime,
    columns=(
        Column(name="host_id"),
        Column(name="target_id"),
        Column(name="restart_at", kind="time"),
        Column(name="once_memory", value=lambda r: _once_memory(r), kind="int", index=False),
        Column(
            name="addresses", value=lambda r: " ".join(a for n in r.guest_nics for a in n.ipv4 + n.ipv6), index=False
        ),
    ),
)
NEXT_RUN = Table(name="vm_next_runs", type=VmNextRun)
NICS = Table(
    name="vm_nics",
    type=VmNic,
    columns=(
        Column(name="vm_id", references="vms", on_delete="cascade"),
        Column(name="name_key", path="nic.name", key=True),
        Column(name="mac_key", path="nic.mac.address", key=True),
        Column(name="vnic_profile_id", path="nic.vnic_profile.id", references="vnic_profiles"),
    ),
    unique=(("vm_id", "name_key"),),
)
CDROMS = Table(
    name="vm_cdroms", type=VmCdrom, columns=(Column(name="vm_id", references="vms", on_delete="cascade", unique=True),)
)
CONSOLES = Table(
    name="vm_consoles", type=VmConsole, columns=(Column(name="vm_id", references="vms", on_delete="cascade"),)
)
TABLES = (TABLE, RUNTIME, NEXT_RUN, NICS, CDROMS, CONSOLES)
