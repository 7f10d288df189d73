"""What a VM is when nobody says otherwise: Blank's values, completed for its cluster and operating system. Pure."""

from msgspec.structs import replace

from ovis.engine.model.enums import (
    Architecture,
    BiosType,
    BootDevice,
    DisplayType,
    InheritableBoolean,
    RngSource,
    SsoMethod,
    VmAffinity,
    VmStorageErrorResumeBehaviour,
    VmType,
)
from ovis.engine.model.types import (
    Bios,
    Boot,
    BootMenu,
    Cluster,
    Console,
    Cpu,
    CpuTopology,
    Display,
    HighAvailability,
    Io,
    MemoryPolicy,
    Method,
    MigrationOptions,
    OperatingSystem,
    RngDevice,
    Sso,
    TimeZone,
    Usb,
    VirtioScsi,
    Vm,
    VmBase,
    VmPlacementPolicy,
)

GIB = 1 << 30


def blank() -> VmBase:
    """The values of template Blank."""
    return VmBase(
        bios=Bios(boot_menu=BootMenu(enabled=False), type=BiosType.CLUSTER_DEFAULT),
        console=Console(enabled=False),
        cpu=Cpu(architecture=Architecture.X86_64, topology=CpuTopology(cores=1, sockets=1, threads=1)),
        cpu_shares=0,
        delete_protected=False,
        display=Display(
            allow_override=False,
            copy_paste_enabled=True,
            disconnect_action="LOCK_SCREEN",
            disconnect_action_delay=0,
            file_transfer_enabled=True,
            monitors=1,
            single_qxl_pci=False,
            smartcard_enabled=False,
            type=DisplayType.VNC,
        ),
        high_availability=HighAvailability(enabled=False, priority=0),
        io=Io(threads=1),
        memory=GIB,
        memory_policy=MemoryPolicy(ballooning=True, guaranteed=GIB, max=4 * GIB),
        migration=MigrationOptions(
            auto_converge=InheritableBoolean.INHERIT,
            compressed=InheritableBoolean.INHERIT,
            encrypted=InheritableBoolean.INHERIT,
        ),
        migration_downtime=-1,
        multi_queues_enabled=True,
        origin="ovirt",
        os=OperatingSystem(boot=Boot(devices=[BootDevice.HD]), type="other"),
        placement_policy=VmPlacementPolicy(affinity=VmAffinity.MIGRATABLE),
        rng_device=RngDevice(source=RngSource.URANDOM),
        soundcard_enabled=False,
        sso=Sso(methods=[Method(id=SsoMethod.GUEST_AGENT)]),
        start_paused=False,
        stateless=False,
        storage_error_resume_behaviour=VmStorageErrorResumeBehaviour.AUTO_RESUME,
        time_zone=TimeZone(name="Etc/GMT"),
        tpm_enabled=False,
        tunnel_migration=False,
        type=VmType.SERVER,
        usb=Usb(enabled=False),
        virtio_scsi=VirtioScsi(enabled=True),
        virtio_scsi_multi_queues_enabled=False,
    )


def bios_of(vm: VmBase, cluster: Cluster) -> BiosType:
    """The firmware and chipset a VM runs with."""
    own = vm.bios.type if vm.bios else None
    if own is not None and own is not BiosType.CLUSTER_DEFAULT:
        return own
    return cluster.bios_type or BiosType.Q35_SEA_BIOS


def settled(vm: Vm, cluster: Cluster) -> Vm:
    """With what the cluster decides."""
    cpu = vm.cpu or Cpu()
    arch = cluster.cpu.architecture if cluster.cpu else Architecture.X86_64
    bios = replace(vm.bios or Bios(), type=bios_of(vm, cluster))
    return replace(vm, cpu=replace(cpu, architecture=arch), bios=bios)
