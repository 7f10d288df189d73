"""The SDK beside oVirt's own (ovirtsdk4): `list()` of 1,000 and 10,000 VMs of one engine, and what importing costs.

Does: fill an engine, list by each in processes of their own, by turns; CPU of the client and memory it grew by, as ratios to
ovirtsdk4's in the same run. Import: CPU of a process with and without it. Does not: count the engine's work.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.lists import fill
from ovis.cli import environment
from tests.installation import Installation, free_port

_REPEATS = 3
_OURS = """
from ovirtsdk.api import API
api = API(url + "/api", "admin@internal", password, ca_file=ca)
api.vms.list(max=1)
def run():
    return api.vms.list()
def look(vm):
    return vm.name, vm.status.state, vm.memory, vm.cluster.id, vm.cpu.topology.sockets
"""
_THEIRS = """
import ovirtsdk4 as sdk
c = sdk.Connection(url + "/ovirt-engine/api", "admin@internal", password, ca_file=ca)
vms = c.system_service().vms_service()
vms.list(max=1)
def run():
    return vms.list()
def look(vm):
    return vm.name, vm.status.value, vm.memory, vm.cluster.id, vm.cpu.topology.sockets
"""
_MEASURE = """
import json, resource, sys, time
url, password, ca = sys.argv[1:]
{setup}
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
before = resident()
begun = time.process_time()
found = run()
spent = time.process_time() - begun
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
kept = resident()
begun = time.process_time()
seen = [look(vm) for vm in found]
reading = time.process_time() - begun
print(json.dumps([len(found), spent, kept - before, peak - before, spent + reading, resident() - before]))
"""


def _listed(made: Installation, setup: str) -> list[float]:
    script = _MEASURE.format(setup=setup)
    words = [sys.executable, "-c", script, made.url, made.password, made.ca]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=300)
    return list(json.loads(done.stdout))


def compiled() -> None:
    """Bytecode as an installer leaves it: a checkout may be told not to write any."""
    import ovirtsdk

    folder = Path(str(ovirtsdk.__file__)).parents[1]
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)


def cpu_of(*words: str, repeats: int = 7) -> float:
    """CPU seconds of a process, the median."""
    found = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(words, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(found)


def imports() -> None:
    """CPU that `import ovirtsdk.api` adds to a bare interpreter, and the same for ovirtsdk4."""
    bare = cpu_of(sys.executable, "-c", "pass")
    ours = cpu_of(sys.executable, "-c", "import ovirtsdk.api") - bare
    theirs = cpu_of(sys.executable, "-c", "import ovirtsdk4") - bare if environment.has("ovirtsdk4") else None
    print(
        f"import ovirtsdk.api {ours * 1e3:4.0f} ms CPU beyond a bare interpreter's {bare * 1e3:.0f} ms (goal 150 ms)",
        end="",
    )
    print(f"; ovirtsdk4 {theirs * 1e3:.0f} ms, {ours / theirs:.2f}x" if theirs else "")


def lists(count: int) -> None:
    """One line: CPU, memory kept and at most, and both when five properties of each VM are read."""
    with tempfile.TemporaryDirectory() as name:
        made = Installation(Path(name), port=free_port())
        made.set_up()
        fill(made.folder, count)
        made.start_engine()
        try:
            rows: dict[str, list[list[float]]] = {"ours": [], "theirs": []}
            for _ in range(_REPEATS):
                rows["ours"].append(_listed(made, _OURS))
                rows["theirs"].append(_listed(made, _THEIRS))
        finally:
            made.stop_engine()
    ours, theirs = ([median(c) for c in zip(*rows[who], strict=True)] for who in ("ours", "theirs"))
    assert ours[0] == theirs[0] == count, (ours[0], theirs[0])
    shown = (
        (1, "CPU", "s", 1.0),
        (2, "kept", "MB", 1e-6),
        (3, "most", "MB", 1e-6),
        (4, "CPU with five properties of each read", "s", 1.0),
        (5, "kept then", "MB", 1e-6),
    )
    parts = [
        f"{what} {ours[at] * scale:.3g}/{theirs[at] * scale:.3g} {unit} {ours[at] / max(theirs[at], 1e-9):.2f}x"
        for at, what, unit, scale in shown
    ]
    print(f"list of {count:6}: " + ", ".join(parts) + " (goal 0.7x)")


def main() -> None:
    """Measure and print."""
    compiled()
    imports()
    if not environment.has("ovirtsdk4"):
        print("ovirtsdk4 is not installed here, so lists are not compared: ./ovis test installs it")
        return
    print("ours/ovirtsdk4, medians of processes by turns:")
    for count in (1_000, 10_000):
        lists(count)


if __name__ == "__main__":
    main()
