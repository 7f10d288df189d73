"""Creating and starting many VMs at once on simulated hosts, as `ovis up --hosts simulated:50x20` does. Goal: all up in 20 s.

Does: a whole installation on SQLite; the VMs of a template through the API, then their starts; the engine's CPU for each of
both against the floor: one durable one-row commit of SQLite, in the same run.
Takes HOSTSxVMS from OVIS_BENCH_RACK (default 50x20).
"""

import os
import sqlite3
import tempfile
import time
from pathlib import Path

from ovis.cli.api import Client, at_once
from ovis.cli.objects import GIB, template, vm_with_disk
from ovis.cli.simulated import CALLS
from tests.installation import Installation, installation

_COMMITS = 500
_GOAL = 20.0
_LONGEST = 300.0


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def floor(folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one row that is inserted and committed durably."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY, doc BLOB)")
    wall, cpu = time.monotonic(), time.process_time()
    for number in range(_COMMITS):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (?, ?)", (str(number), b"x" * 1000))
        connection.execute("COMMIT")
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    connection.close()
    return wall / _COMMITS, cpu / _COMMITS


def _await_status(client: Client, status: str, count: int) -> None:
    deadline = time.monotonic() + _LONGEST
    while True:
        rows = client.list("/vms", search=f"name=bench-* and status={status}", max=str(count + 1))
        if len(rows) >= count:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(rows)} of {count} VMs are {status}")
        time.sleep(0.3)


def _measure(place: Installation, count: int) -> None:
    assert place.engine is not None
    pid = place.engine.pid
    wall, cpu = floor(place.folder)
    client = Client(place.url, Path(place.ca), "admin@internal", place.password)
    client.login()
    disk = {"name": "tiny", "format": "cow", "sparse": True, "provisioned_size": GIB}
    disk |= {"storage_domains": {"storage_domain": [{"name": "data"}]}}
    template(client, "tiny", vm_with_disk(client, "model", memory=GIB // 4, disk=disk), "")

    def create(number: int) -> str:
        body = {"name": f"bench-{number:04d}", "cluster": {"name": "Default"}, "template": {"name": "tiny"}}
        return str(client.post("/vms", body)["id"])

    def one(verb: str, seconds: float, spent: float) -> str:
        each = spent / count
        return (
            f"{verb} {seconds:.1f} s, {count / seconds:.0f}/s; engine CPU {each * 1e3:.1f} ms each, "
            f"{each / cpu:.0f}x a durable one-row commit"
        )

    begun, before = time.monotonic(), cpu_of(pid)
    ids = at_once(create, range(count), CALLS)
    _await_status(client, "down", count)
    print(f"floor: a durable commit of one row {wall * 1e3:.2f} ms, {cpu * 1e3:.2f} ms of CPU")
    print(one("created, disks there:", time.monotonic() - begun, cpu_of(pid) - before), flush=True)
    begun, before = time.monotonic(), cpu_of(pid)
    at_once(lambda id_: client.post(f"/vms/{id_}/start"), ids, CALLS)
    asked = time.monotonic() - begun
    _await_status(client, "up", count)
    took = time.monotonic() - begun
    print(one("first start to all up:", took, cpu_of(pid) - before) + f"; asked in {asked:.1f} s (goal {_GOAL:.0f} s)")


def main() -> None:
    """Measure and print."""
    hosts, each = (int(n) for n in os.environ.get("OVIS_BENCH_RACK", "50x20").split("x"))
    print(f"{hosts * each} VMs on {hosts} simulated hosts, everything on this machine")
    with tempfile.TemporaryDirectory() as name, installation(Path(name), hosts=hosts, storage=True) as place:
        _measure(place, hosts * each)


if __name__ == "__main__":
    main()
