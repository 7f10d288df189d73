"""External filter, weight and balancer calls against starting a bare interpreter, in one run. Goal: at most 1/5 of it.

Does: the real proxy with a module that does nothing but answer; calls over XML-RPC as the engine makes them, connections not
kept; the floor is `python3 -c pass` of the same interpreter, started by subprocess. Turns alternate. Does not: use the API.
"""

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
        while not xmlrpc.client.ServerProxy(url).discover()["filters"]:
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, proxy(Path(folder)) as url, xmlrpc.client.ServerProxy(url) as server:
        calls: dict[str, Callable[[list[str]], Any]] = {
            "filter": lambda hosts: server.runFiltersByUnit(["keep"], hosts, "vm", {}),
            "score": lambda hosts: server.runCostFunctionsByUnit([["keep", 1]], hosts, "vm", {}),
            "balance": lambda hosts: server.runLoadBalancing("keep", hosts, {}),
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
            floor = statistics.median(times.pop("bare"))
            for name, found in times.items():
                mine = statistics.median(found)
                print(
                    f"{name:8}{count:5} hosts: {mine * 1e3:6.2f} ms, bare interpreter {floor * 1e3:6.2f} ms: "
                    f"{mine / floor:.2f}x (goal {GOAL}x)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
