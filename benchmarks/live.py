"""What open pages cost: changes at 1,000 a second with and without readers, an idle page, completion, dashboard.

Does: a store of 10,000 VMs in this process, followers that throw away what they read; ratios are against the same writes
without followers. Goals: an idle page 0.2 % of a core, a completion 80 ms.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ovis.engine import events
from ovis.engine.access.grants import seed
from ovis.engine.access.tables import TABLES as ACCESS_TABLES
from ovis.engine.commands import TABLES as COMMAND_TABLES
from ovis.engine.declare.call import Call, Principal
from ovis.engine.hostlink import TABLES as HOSTLINK_TABLES
from ovis.engine.hostlink.live import Live
from ovis.engine.model.enums import VmStatus
from ovis.engine.model.types import Cluster, DataCenter, Template, Vm
from ovis.engine.resources import RESOURCES, TABLES, cross_search
from ovis.engine.resources.completion.propose import Completion
from ovis.engine.resources.dashboard import facts
from ovis.engine.resources.stream.changes import Changes
from ovis.engine.resources.stream.follower import Follower
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.store import Store
from ovis.engine.wire.codecs import Codecs

_VMS, _RATE, _SECONDS, _IDLE = 10_000, 1000, 5, 20
_ADMIN = Principal(user_id="admin", name="admin@internal", administrator=True)
_CALL = Call(principal=_ADMIN, now=datetime.now(UTC))


async def _filled(folder: str) -> Store:
    tables = (*events.TABLES, *ACCESS_TABLES, *COMMAND_TABLES, *HOSTLINK_TABLES, *TABLES)
    store = Store(f"sqlite:///{Path(folder) / 'engine.db'}", tables)
    store.create_tables()

    def fill(tx: Tx) -> None:
        seed(tx)
        tx.insert(DataCenter(id="d", name="Default"))
        tx.insert(Template(id="t", name="Blank"))
        tx.insert(Cluster(id="c", name="Default", data_center=DataCenter(id="d")))
        for n in range(_VMS):
            name = f"web-{n:05}"
            tx.insert(Vm(id=f"v{n}", name=name, cluster=Cluster(id="c"), template=Template(id="t"), status=VmStatus.UP))

    store.start(asyncio.get_running_loop())
    await store.write(fill)
    return store


async def _alive() -> Principal:
    return _ADMIN


async def _read(follower: Follower, size: list[int]) -> None:
    async for chunk in follower.messages():
        size[0] += len(chunk)


async def _writes(store: Store) -> float:
    """CPU seconds of the whole process for _SECONDS of changes."""
    begun, until = time.process_time(), time.monotonic() + _SECONDS
    turn = 0
    while time.monotonic() < until:
        started = time.monotonic()

        def write(tx: Tx, turn: int = turn) -> None:
            for n in range(_RATE // 10):
                vm = tx.need(Vm, f"v{(turn * 100 + n) % _VMS}")
                status = VmStatus.UP if vm.status is VmStatus.DOWN else VmStatus.DOWN
                tx.update(replace(vm, status=status))

        await store.write(write)
        turn += 1
        await asyncio.sleep(max(0.0, 0.1 - (time.monotonic() - started)))
    return time.process_time() - begun


async def _idle(live: Live) -> float:
    """CPU seconds of _IDLE seconds in which a hundred VMs report as often as they do."""
    begun, until, turn = time.process_time(), time.monotonic() + _IDLE, 0
    while time.monotonic() < until:
        for n in range(7):
            vm = f"v{(turn * 7 + n) % 100}"
            live.vm_row("h", vm, {"cpuUser": (turn + n) % 90, "cpuSys": 0, "memUsage": 50, "vcpuCount": 1})
        turn += 1
        await asyncio.sleep(1)
    return time.process_time() - begun


def _milliseconds(run: Callable[[], Any], rounds: int = 30) -> float:
    spent = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1000


async def _measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await _filled(folder)
        live = Live()
        source = Changes(store, live, Codecs(RESOURCES), RESOURCES, {})
        alone = await _writes(store)
        quiet = await _idle(live)
        print(f"{_RATE} changes a second, nobody follows: {100 * alone / _SECONDS:.0f} % of a core")
        for readers in (1, 50):
            size = [0]
            followers = [Follower(source, _ADMIN, _alive, restricted=False) for _ in range(readers)]
            tasks = [asyncio.create_task(_read(f, size)) for f in followers]
            spent = await _writes(store)
            rate = size[0] / readers / _SECONDS / 1024
            print(f"  {readers} follow: {spent / alone:.2f}x, {rate:.0f} KiB a second for each")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        follower = Follower(source, _ADMIN, _alive, restricted=False)
        follower.narrow(None, [f"v{n}" for n in range(100)])
        task = asyncio.create_task(_read(follower, [0]))
        busy = await _idle(live)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        print(f"an idle page with 100 VMs in sight: {100 * (busy - quiet) / _IDLE:.2f} % of a core")
        searches = {c: w for c, w in cross_search.KNOWN.items() if c not in ("cluster_networks", "vnics")}
        for text in ("Vms: sta", "Vms: name = web-09", 'Vms: status = up and cluster = "Def', "Vms: name = "):

            def complete(rd: Reader, text: str = text) -> object:
                return Completion(rd, _CALL, searches, 30).answer(text, len(text), "")

            spent = _milliseconds(partial(store.read_now, complete))
            print(f"completion of {text!r}: {spent:.1f} ms")
        print(
            f"dashboard: {_milliseconds(lambda: store.read_now(lambda rd: facts.read(rd, _CALL, live.usages))):.1f} ms"
        )
        source.close()
        await asyncio.to_thread(store.close)


def main() -> None:
    """Run it."""
    asyncio.run(_measure())


if __name__ == "__main__":
    main()
