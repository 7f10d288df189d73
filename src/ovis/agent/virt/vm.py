"""One VM of this host: what is known of it, and the part that outlives the agent.

Does: hold values, read them from the live XML. Does not: change anything by itself (guests, events, life do).
"""

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, fromstring, tostring

import msgspec
from msgspec import Struct, field

from ovis.agent.hooks.documents import custom_of
from ovis.agent.virt.complete import metadata_text
from ovis.contract import statuses as st

NO_PAUSE = "NOERR"


class Ids(NamedTuple):
    """A volume."""

    pool: str
    domain: str
    image: str
    volume: str


class Merge(Struct, kw_only=True):
    """A layer that is being merged into the one below it. id: the job's. resume: the guest is held for the pivot and is
    to run on afterwards. cur, end: bytes."""

    id: str
    domain: str
    image: str
    base: str
    top: str
    target: str
    resume: bool = False
    cur: int = 0
    end: int = 0


class Replica(Struct, kw_only=True):
    """A disk that is being mirrored into another storage domain. file: the new volume's. resume: as in a merge; cur, end:
    bytes."""

    source: Ids
    target: Ids
    device: str
    file: str
    resume: bool = False
    cur: int = 0
    end: int = 0


class Record(Struct, kw_only=True):
    """What is kept in a file. booted: the guest was Up in this run. images: volumes it uses. asked: who wanted
    the end ("admin", "reboot" or ""). origin: "create", "restore" or "migration". begun, status_time: Unix seconds.
    """

    vm_id: str
    name: str = ""
    status: str = st.WAIT_FOR_LAUNCH
    status_time: float = 0.0
    begun: float = 0.0
    booted: bool = False
    pause_code: str = NO_PAUSE
    exit_code: int | None = None
    exit_reason: int | None = None
    exit_message: str = ""
    images: list[Ids] = field(default_factory=list)
    asked: str = ""
    origin: str = "create"
    merges: list[Merge] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)


class Display(Struct, frozen=True):
    """A graphics console as it listens."""

    type: str
    port: int
    tls_port: int
    address: str


class Devices(Struct, frozen=True, kw_only=True):
    """What the live XML says. nics: target -> MAC. disks: target -> (file, serial)."""

    hash: str = ""
    displays: tuple[Display, ...] = ()
    nics: dict[str, str] = {}
    disks: dict[str, tuple[str, str]] = {}
    memory_kib: int = 0
    vcpus: int = 1
    agent: bool = False
    guaranteed_kib: int = 0


class Migration(Struct, kw_only=True):
    """A migration of this VM. moving: it counts for the outgoing limit. cancelled: by a verb. message: how it ended."""

    target: str = ""
    begun: float = 0.0
    progress: int = 0
    downtime: int = 0
    iteration: int = 0
    code: int = 0
    message: str = "Migration in progress"
    cancelled: bool = False
    in_libvirt: bool = False
    moving: bool = False
    params: dict[str, Any] = field(default_factory=dict)


class Vm:
    """A VM on this host."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.devices = Devices()
        self.xml = ""
        self.custom: dict[str, str] = {}  # its custom properties
        self.guest: dict[str, Any] = {}
        self.agent_at = 0.0  # monotonic time of its last answer
        self.rebooted_at = 0.0
        self.started_at = time.monotonic()  # of this boot, for the wait for its guest
        self.migration: Migration | None = None
        self.io_error = ""
        self.hook_turn = asyncio.Lock()  # hooks after libvirt's events run one after another
        self.hook: dict[str, Any] | None = None  # the script that runs for it now, and since when
        self.hook_told = False
        self.early_end: tuple[int, int] | None = None  # a stop that came while it was being started
        self.task: asyncio.Task[None] | None = None  # create, restore, shutdown, save or migration
        self.follower: asyncio.Task[None] | None = None
        self.release: asyncio.Task[None] | None = None
        self.in_libvirt = False  # the task is in a call that cannot be taken back
        self.destroying = False
        self.held = 0  # what holds the guest for a moment: its pauses are not told
        self.followed: list[Merge] = []
        self.shutdown_detail = -1
        self.client_ip = ""
        self.watchdog: dict[str, Any] | None = None  # when it fired last, and what QEMU did then
        self.stats: dict[str, Any] = {}
        self.monitor_ok = True
        self.removals: dict[str, asyncio.Future[bool]] = {}  # alias -> whether its device went

    @property
    def id(self) -> str:
        """The VM's id, which is the domain's UUID."""
        return self.record.vm_id

    @property
    def status(self) -> str:
        """VDSM's word."""
        return self.record.status

    @property
    def down(self) -> bool:
        """Whether the run has ended."""
        return self.record.status == st.DOWN

    def learn(self, xml: str) -> None:
        """Take over what the live XML says."""
        root = fromstring(xml)
        self.xml = xml
        self.custom = custom_of(root)
        self.record.name = root.findtext("name") or self.record.name
        self.devices = read_devices(root)


def jobs_of(vm: Vm) -> dict[str, Any]:
    """vmJobs of a VM's row. A mirror has its disk's image for a name: nobody else gave it one."""
    merges: list[tuple[str, str, str, Merge | Replica]] = [(m.id, "commit", m.image, m) for m in vm.record.merges]
    copies: list[tuple[str, str, str, Merge | Replica]] = [
        (r.target.image, "copy", r.target.image, r) for r in vm.record.replicas
    ]
    return {
        id_: {
            "id": id_,
            "jobType": "block",
            "blockJobType": kind,
            "bandwidth": 0,
            "cur": job.cur,
            "end": job.end,
            "imgUUID": image,
        }
        for id_, kind, image, job in [*merges, *copies]
    }


def read_devices(root: Element) -> Devices:
    """Devices of a live XML."""
    devices = root.find("devices")
    if devices is None:
        return Devices()
    stable = b"".join(
        tostring(d) for d in devices if d.tag not in ("graphics",)
    )  # tickets change graphics, devices do not follow
    vcpu = root.find("vcpu")
    maximum = int((vcpu.text or "1").strip()) if vcpu is not None else 1
    current = int(vcpu.get("current") or maximum) if vcpu is not None else 1
    guaranteed = metadata_text(root, "minGuaranteedMemoryMb", "0")
    return Devices(
        hash=hashlib.md5(stable, usedforsecurity=False).hexdigest(),
        displays=tuple(_display(g) for g in devices.findall("graphics")),
        nics={t: m for t, m in (_nic(n) for n in devices.findall("interface")) if t},
        disks={t: v for t, v in (_disk(d) for d in devices.findall("disk")) if t},
        memory_kib=int(root.findtext("memory") or 0),
        vcpus=current,
        agent=any(c.get("name") == "org.qemu.guest_agent.0" for c in devices.findall("channel/target")),
        guaranteed_kib=int(guaranteed) * 1024 if guaranteed.isdigit() else 0,
    )


def _display(graphics: Element) -> Display:
    listen = graphics.find("listen")
    address = (listen.get("address") if listen is not None else None) or graphics.get("listen") or ""
    return Display(
        graphics.get("type") or "vnc", int(graphics.get("port") or -1), int(graphics.get("tlsPort") or -1), address
    )


def _nic(nic: Element) -> tuple[str, str]:
    target, mac = nic.find("target"), nic.find("mac")
    return (target.get("dev") or "") if target is not None else "", (
        (mac.get("address") or "") if mac is not None else ""
    )


def _disk(disk: Element) -> tuple[str, tuple[str, str]]:
    target, source = disk.find("target"), disk.find("source")
    file = (source.get("file") or source.get("dev") or "") if source is not None else ""
    return (target.get("dev") or "") if target is not None else "", (file, disk.findtext("serial") or "")


# -- files --------------------------------------------------------------------------------------------------------


def save(folder: Path, record: Record) -> None:
    """Keep a record; replaced in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{record.vm_id}.json"
    temporary = file.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(record))
    temporary.replace(file)


def forget(folder: Path, vm_id: str) -> None:
    """Drop a record."""
    (folder / f"{vm_id}.json").unlink(missing_ok=True)


def kept(folder: Path) -> dict[str, Record]:
    """All records; a file that cannot be read is left out."""
    found = {}
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            record = msgspec.json.decode(file.read_bytes(), type=Record)
        except (msgspec.DecodeError, OSError):
            continue
        found[record.vm_id] = record
    return found
