"""External filter, weight and balancer calls against starting a bare interpreter, in one run. Goal: at most 1/5 of it.

Does: the real proxy with a module that does nothing but answer, called by the engine's client and, for filters, by Python's own
XML-RPC client; the floor is `python3 -c pass` of the same interpreter, started by subprocess. Turns alternate, medians are told.
Does not: use the API.
"""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ovis.engine.resources.scheduler_proxy.client import ProxyClient

RUNS = 40
SIZES = (10, 100, 500, 3000)
GOAL = 0.2
MODULE = """
class keep:
    def do_filter(self, hosts, vm, params): return hosts
    def do_score(self, hosts, vm, params): return [(host, 1) for host in hosts]
    def do_balance(self, hosts, params): return vm_of(hosts)
def vm_of(hosts): return hosts[0], hosts[1:]
"""


def timed(work: Callable[[], Any]) -> float:
    """Seconds of it."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def bare() -> None:
    """Start an interpreter that does nothing."""
    subprocess.run([sys.executable, "-c", "pass"], check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def proxy(folder: Path) -> Any:
    """A running proxy; its address."""
    (folder / "keep.py").write_text(MODULE)
    argv = [sys.executable, "-m", "ovis.scheduler_proxy.program", "--plugins", str(folder), "--port", "0"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        client: Any = xmlrpc.client.ServerProxy(url)
        while not client.discover()["filters"]:
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _tell(count: int, times: dict[str, list[float]]) -> None:
    floor = statistics.median(times.pop("bare"))
    for name, found in times.items():
        mine = statistics.median(found)
        print(
            f"{name:16}{count:5} hosts: {mine * 1e3:6.2f} ms, bare interpreter {floor * 1e3:6.2f} ms: "
            f"{mine / floor:.2f}x (goal {GOAL}x)",
            flush=True,
        )


def measure(url: str) -> None:
    """All sizes; every call once before it counts."""
    client = ProxyClient(url, 60.0, "{}:{}".format)
    with asyncio.Runner() as runner, xmlrpc.client.ServerProxy(url) as plain:
        calls: dict[str, Callable[[list[str]], Any]] = {
            "filter": lambda hosts: runner.run(client.filter(["keep"], hosts, "vm", {})),
            "score": lambda hosts: runner.run(client.score([("keep", 1)], hosts, "vm", {})),
            "balance": lambda hosts: runner.run(client.balance("keep", hosts, {})),
            "filter, original": lambda hosts: plain.runFilters(["keep"], hosts, "vm", {}),
        }
        for count in SIZES:
            hosts = [f"1c0f2a50-0000-4000-8000-{n:012d}" for n in range(count)]
            times: dict[str, list[float]] = {name: [] for name in (*calls, "bare")}
            for call in calls.values():
                call(hosts)
            for _ in range(RUNS):
                times["bare"].append(timed(bare))
                for name, call in calls.items():
                    times[name].append(timed(partial(call, hosts)))
            _tell(count, times)
    client.close()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, proxy(Path(folder)) as url:
        measure(url)


if __name__ == "__main__":
    main()
