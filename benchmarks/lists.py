"""A list of 10,000 VMs, as ratios to joining rows that are ready.

Does: fill a store, ask the engine's ASGI application itself (no sockets, no TLS), count CPU; the floor is joining rows of
the same size, a hundred at a time. Cached: rows encoded before. Cold: documents in memory. From disk: nothing in memory.
"""

import asyncio
import base64
import tempfile
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.ids import BLANK_TEMPLATE
from ovis.engine.main.composition import Engine, open_store
from ovis.engine.main.settings import load
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Cluster, Cpu, CpuTopology, Template, Vm
from ovis.engine.resources.vms import defaults
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.session import Tx
from tests.installation import Installation, free_port

COUNT = 10_000
_REPEATS = 5


def fill(folder: Path, count: int = COUNT) -> None:
    """VMs as POST /vms makes them, straight into the store."""
    store = open_store(load({"data": str(folder)}))
    store.start()

    def write(tx: Tx) -> None:
        cluster = tx.select(Cluster)[0]
        base = defaults.settled(
            Vm(**{f: getattr(defaults.blank(), f) for f in defaults.blank().__struct_fields__}), cluster
        )
        for number in range(count):
            id_ = f"00000000-0000-4000-8000-{number:012d}"
            tx.insert(
                replace(
                    base,
                    id=id_,
                    name=f"vm-{number:05d}",
                    description="",
                    comment="",
                    cluster=Cluster(id=cluster.id),
                    template=Template(id=BLANK_TEMPLATE),
                    original_template=Template(id=BLANK_TEMPLATE),
                    cpu=Cpu(topology=CpuTopology(sockets=2, cores=1, threads=1), architecture=base.cpu.architecture),  # type: ignore[union-attr]
                    status=VmStatus.DOWN,
                )
            )
            tx.insert(VmRuntime(id=id_))

    store.write_now(write)
    store.close()


def floor(total: int, rows: int) -> float:
    """CPU seconds of joining `rows` ready rows of `total` bytes, a hundred at a time."""
    ready = [bytes([65 + i % 26]) * (total // rows) for i in range(rows)]
    rounds = 50
    begun = time.process_time()
    for _ in range(rounds):
        for start in range(0, rows, 100):
            b"".join(ready[start : start + 100])
    return (time.process_time() - begun) / rounds


async def _list(app: Any, password: str, fmt: str) -> tuple[float, int]:
    """CPU seconds and bytes of GET /vms, asked of the ASGI application itself."""
    basic = base64.b64encode(f"admin@internal:{password}".encode())
    headers = [
        (b"authorization", b"Basic " + basic),
        (b"accept", f"application/{fmt}".encode()),
        (b"host", b"localhost"),
    ]
    path = "/ovirt-engine/api/vms"
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    size = status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal size, status
        status = message.get("status", status)
        size += len(message.get("body", b""))

    begun = time.process_time()
    await app(scope, receive, send)
    spent = time.process_time() - begun
    assert status == 200, status
    return spent, size


async def _measure(folder: Path) -> None:
    settings = load({"data": str(folder)})
    password = (folder / "admin-password").read_text().strip()
    for fmt, cold_goal in (("xml", 60), ("json", 12)):
        engine = Engine(settings, "benchmark")
        engine.store.start(asyncio.get_running_loop())
        try:
            await _list(engine.app, password, fmt)  # signs in, compiles writers and SQL
            engine.app.forget_rows()
            engine.store.cache.clear()
            unread, size = await _list(engine.app, password, fmt)
            engine.app.forget_rows()
            cold, _ = await _list(engine.app, password, fmt)
            cached = sorted([(await _list(engine.app, password, fmt))[0] for _ in range(_REPEATS)])[_REPEATS // 2]
            base = floor(size, COUNT)
            print(
                f"{fmt:5} {size / 1e6:5.1f} MB  floor {base * 1e3:5.2f} ms  "
                f"cached {cached * 1e3:5.0f} ms {cached / base:5.1f}x (goal 3x)  "
                f"cold {cold * 1e3:5.0f} ms {cold / base:5.1f}x (goal {cold_goal}x)  "
                f"from disk {unread * 1e3:5.0f} ms {unread / base:5.1f}x"
            )
        finally:
            await asyncio.to_thread(engine.store.close)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        made = Installation(Path(name), port=free_port())
        made.set_up()
        fill(made.folder)
        print(f"{COUNT} VMs, the ASGI application alone: CPU per list, x = over joining ready rows")
        asyncio.run(_measure(made.folder))


if __name__ == "__main__":
    main()
