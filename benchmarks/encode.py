"""Encoding 10,000 VM-like documents, as ratios to joining rows that are ready.

Does: write structs with the engine's codecs (XML and JSON, both dialects), and send rows through the row cache, counting
CPU. The floor, measured in the same run, joins rows of the same size a hundred at a time. Does not: use a store or HTTP.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from ovis.engine.declare.call import Call, Principal
from ovis.engine.declare.resource import Action as Verb, Resource
from ovis.engine.http.rows import Rows
from ovis.engine.model import enums as e, types as t
from ovis.engine.store.tables import Table
from ovis.engine.wire.codecs import Codecs, Format
from ovis.engine.wire.dialect3 import Context

COUNT = 10_000
REPEATS = 3
_BASE = "/ovirt-engine/api"
_ACTIONS = "start stop shutdown reboot reset suspend migrate cancelmigration ticket export clone logon"
_LINKS = (
    "diskattachments nics snapshots statistics tags cdroms graphicsconsoles reporteddevices applications permissions "
    "hostdevices sessions"
)


def _nothing(*_: object) -> None:
    """The declarations below are only written, never run."""


VMS = Resource(
    type=t.Vm,
    collection="vms",
    table=Table(name="vms", type=t.Vm),
    actions=tuple(Verb(name=name, run=_nothing) for name in _ACTIONS.split()),
    subs=tuple(Resource(type=t.Statistic, collection=name) for name in _LINKS.split()),
)
RESOURCES = (
    VMS,
    Resource(type=t.Cluster, collection="clusters"),
    Resource(type=t.Template, collection="templates"),
    Resource(type=t.Host, collection="hosts"),
    Resource(type=t.CpuProfile, collection="cpuprofiles"),
    Resource(type=t.Icon, collection="icons"),
)


def vm(n: int) -> t.Vm:
    """A VM as the engine stores it: about 60 values."""
    made = datetime(2024, 3, 5, 8, 15, 30, tzinfo=UTC) + timedelta(minutes=n)
    return t.Vm(
        id=f"00000000-0000-4000-8000-{n:012d}",
        name=f"vm-{n:05d}",
        description=f"machine number {n}",
        comment="",
        bios=t.Bios(boot_menu=t.BootMenu(enabled=False), type=e.BiosType.Q35_SEA_BIOS),
        cluster=t.Cluster(id="00000000-0000-4000-8000-00000000000c"),
        console=t.Console(enabled=False),
        cpu=t.Cpu(architecture=e.Architecture.X86_64, topology=t.CpuTopology(cores=2, sockets=1 + n % 4, threads=1)),
        cpu_profile=t.CpuProfile(id="00000000-0000-4000-8000-00000000000d"),
        cpu_shares=0,
        creation_time=made,
        custom_properties=[t.CustomProperty(name="sap_agent", value="true")],
        delete_protected=False,
        display=t.Display(
            allow_override=False,
            copy_paste_enabled=True,
            disconnect_action="LOCK_SCREEN",
            file_transfer_enabled=True,
            monitors=1,
            smartcard_enabled=False,
            type=e.DisplayType.VNC,
        ),
        fqdn=f"vm-{n:05d}.example.test",
        high_availability=t.HighAvailability(enabled=False, priority=1),
        host=t.Host(id=f"00000000-0000-4000-8000-{n % 50:012d}"),
        io=t.Io(threads=1),
        large_icon=t.Icon(id="00000000-0000-4000-8000-00000000000e"),
        memory=(1 + n % 8) << 30,
        memory_policy=t.MemoryPolicy(ballooning=True, guaranteed=1 << 30, max=4 << 30),
        migration=t.MigrationOptions(
            auto_converge=e.InheritableBoolean.INHERIT,
            compressed=e.InheritableBoolean.INHERIT,
            encrypted=e.InheritableBoolean.INHERIT,
        ),
        migration_downtime=-1,
        multi_queues_enabled=True,
        next_run_configuration_exists=False,
        origin="ovirt",
        os=t.OperatingSystem(type="rhel_9x64", boot=t.Boot(devices=[e.BootDevice.HD])),
        placement_policy=t.VmPlacementPolicy(affinity=e.VmAffinity.MIGRATABLE),
        small_icon=t.Icon(id="00000000-0000-4000-8000-00000000000f"),
        start_paused=False,
        start_time=made,
        stateless=False,
        status=e.VmStatus.UP,
        stop_time=made,
        storage_error_resume_behaviour=e.VmStorageErrorResumeBehaviour.AUTO_RESUME,
        template=t.Template(id="00000000-0000-0000-0000-000000000000"),
        time_zone=t.TimeZone(name="Etc/GMT"),
        type=e.VmType.SERVER,
        usb=t.Usb(enabled=False),
        virtio_scsi_multi_queues_enabled=False,
    )


def cpu(run: Callable[[], int]) -> tuple[float, int]:
    """The least CPU seconds of a few runs, and what the run returns (bytes)."""
    best, size = 1e9, 0
    for _ in range(REPEATS):
        begun = time.process_time()
        size = run()
        best = min(best, time.process_time() - begun)
    return best, size


def floor(size: int) -> float:
    """CPU seconds of joining ready rows of `size` bytes together, a hundred at a time."""
    ready = [bytes([65 + n % 26]) * (size // COUNT) for n in range(COUNT)]

    def run() -> int:
        for _ in range(10):
            for start in range(0, COUNT, 100):
                b"".join(ready[start : start + 100])
        return 0

    return cpu(run)[0] / 10


def _call(dialect: int) -> Call:
    who = Principal(user_id="u", name="admin@internal", administrator=True)
    return Call(principal=who, dialect=dialect, base=_BASE if dialect == 4 else "/api", now=datetime.now(UTC))


def _cached(codecs: Codecs, fmt: Format, fragments: dict[str, bytes]) -> int:
    """Bytes of a list whose rows are all kept, as an answer takes them."""
    rows, call = Rows(codecs), _call(4)
    found = [(id_, 1, None) for id_ in fragments]

    async def run() -> int:
        size = 0
        async for chunk in rows.collection(
            call, fmt, VMS, f"{_BASE}/vms", found, Context(), cacheable=True, ready=fragments
        ):
            size += len(chunk)
        return size

    return asyncio.run(run())


def _peers(vms: list[t.Vm], least: float, cold: float) -> str:
    """What C encoders need for the bare values, without links, references and numbers as strings."""
    encode = msgspec.json.Encoder().encode
    bare, _ = cpu(lambda: sum(len(encode(o)) for o in vms))
    plain = [msgspec.to_builtins(o) for o in vms]
    library, _ = cpu(lambda: sum(len(json.dumps(o)) for o in plain))
    return f"  (bare values by msgspec {bare / least:.1f}x, by json.dumps {library / least:.1f}x: ours {cold / library:.2f} of it)"


def measure(vms: list[t.Vm]) -> Iterator[str]:
    """A line for each form."""
    codecs = Codecs(RESOURCES)
    forms: tuple[tuple[int, Format, str], ...] = (
        (4, "xml", "60x"),
        (4, "json", "60x"),
        (3, "xml", "none"),
        (3, "json", "none"),
    )
    for dialect, fmt, goal in forms:
        base = _BASE if dialect == 4 else "/api"

        def one(o: t.Vm, dialect: int = dialect, fmt: Format = fmt, base: str = base) -> bytes:
            return codecs.fragment(
                o,
                fmt=fmt,
                dialect=dialect,
                base=base,
                href=f"{base}/vms/{o.id}",
                resource=VMS,
                indent="  " if fmt == "xml" else "",
            )

        one(vms[0])  # compiles
        cold, size = cpu(lambda one=one: sum(len(one(o)) for o in vms))  # type: ignore[misc]
        least = floor(size)
        line = (
            f"v{dialect} {fmt:4}  {size / COUNT:5.0f} B/row  floor {least / COUNT * 1e6:5.2f} us  "
            f"cold {cold / COUNT * 1e6:6.1f} us {cold / least:6.1f}x (goal {goal})"
        )
        if dialect == 4:
            if fmt == "json":
                line += _peers(vms, least, cold)
            ready = {str(o.id): one(o) for o in vms}
            cached, _ = cpu(lambda fmt=fmt, ready=ready: _cached(codecs, fmt, ready))  # type: ignore[misc]
            line += f"  cached {cached / COUNT * 1e6:5.2f} us {cached / least:5.1f}x (goal 3x)"
        yield line


def main() -> None:
    """Measure and print."""
    vms = [vm(n) for n in range(COUNT)]
    print(f"{COUNT} VM-like documents: CPU a row, x = over joining ready rows in the same run")
    for line in measure(vms):
        print(line, flush=True)


if __name__ == "__main__":
    main()
