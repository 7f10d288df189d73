"""What a domain is made of, before it is XML. Sizes are bytes."""

from msgspec import Struct, field

from ovis.contract.domain.hostdevs import HostDevice, MediatedDevice

CONTROLLERS = tuple("usb virtio-serial virtio-scsi balloon video rng console cdrom payload tpm sound".split())


class Disk(Struct, kw_only=True, frozen=True):
    """A plugged disk. interface: virtio, virtio_scsi, sata, ide."""

    id: str
    interface: str
    format: str
    bootable: bool = False
    read_only: bool = False
    shareable: bool = False
    discard: bool = False
    propagate_errors: bool = False
    cache: str = "none"
    pool_id: str = ""
    domain_id: str = ""
    image_id: str = ""
    volume_id: str = ""


class Nic(Struct, kw_only=True, frozen=True):
    """A plugged NIC. bridge: the network's name on hosts; None: no network. queues: 0: as the host does without being told.

    driver: vhost or qemu; empty: the host's choice. send_buffer: bytes of its tap; None: the host's choice.
    """

    id: str
    mac: str
    model: str = "virtio"
    bridge: str | None = None
    linked: bool = True
    mtu: int = 1500
    filter: str | None = None
    isolated: bool = False
    custom: dict[str, str] = field(default_factory=dict)
    mirrored: list[str] = field(default_factory=list)
    queues: int = 0
    driver: str = ""
    send_buffer: int | None = None


class Watchdog(Struct, kw_only=True, frozen=True):
    """A watchdog. action: none, reset, poweroff, dump, pause."""

    id: str
    model: str
    action: str


class NumaNode(Struct, kw_only=True, frozen=True):
    """A node of the guest. cpus: those that it starts with. pins: nodes of the host. mode: strict, interleave, preferred."""

    index: int
    cpus: list[int]
    memory: int
    mode: str = "interleave"
    pins: list[int] = field(default_factory=list)


class Domain(Struct, kw_only=True, frozen=True):
    """A whole VM. cpu: QEMU's words (`Nehalem,+spec-ctrl`), empty: the host's own model. payload: path -> base64.
    graphics: vnc, spice, both or none (headless). hugepages: KiB of one; 0: none. cpu_flags: besides the model's.
    pins: vCPU -> host CPUs. pin_policy: none, manual, dedicated, isolate_threads, siblings, resize_and_pin_numa.
    payload_scsi: guests without AHCI see the payload.
    """

    id: str
    name: str
    memory: int
    max_memory: int
    guaranteed: int
    sockets: int = 1
    cores: int = 1
    threads: int = 1
    machine: str = "q35"
    q35: bool = True
    firmware: str = "bios"
    nvram_template: str = ""
    hugepages: int = 0
    cpu_flags: list[str] = field(default_factory=list)
    cpu: str = ""
    level: str = "4.8"
    iothreads: int = 0
    boot: list[str] = field(default_factory=lambda: ["hd"])
    boot_menu: bool = False
    kernel: str | None = None
    initrd: str | None = None
    cmdline: str | None = None
    graphics: list[str] = field(default_factory=lambda: ["vnc"])
    keyboard: str | None = None
    file_transfer: bool = True
    copy_paste: bool = True
    smartcard: bool = False
    watchdog: Watchdog | None = None
    console: bool = False
    balloon: bool = True
    rng: str | None = "urandom"
    virtio_scsi: bool = True
    usb: bool = False
    disks: list[Disk] = field(default_factory=list)
    nics: list[Nic] = field(default_factory=list)
    host_devices: list[HostDevice] = field(default_factory=list)
    mediated_devices: list[MediatedDevice] = field(default_factory=list)
    cdrom: str = ""
    custom: dict[str, str] = field(default_factory=dict)
    payload: dict[str, str] = field(default_factory=dict)
    payload_volume: str = ""
    paused: bool = False
    resume: str = "auto_resume"
    serial_number: str = ""
    numa: list[NumaNode] = field(default_factory=list)
    pins: dict[int, str] = field(default_factory=dict)
    pin_policy: str = "none"
    shares: int = 0
    tpm: bool = False
    sound: bool = False
    payload_scsi: bool = False
    controllers: dict[str, str] = field(default_factory=dict)
