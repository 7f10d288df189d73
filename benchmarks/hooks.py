"""One hook run against the bare start of the same interpreter: what the agent adds, as ratios in one run.

Does: start a script that does nothing by the agent's runner, one that imports `hooking`, and one that reads and writes the
document; the floor is `python3 SCRIPT` started by subprocess in the same thread. Turns alternate, so that a busy machine
is busy for all. Does not: use libvirt or the wire.
"""

import asyncio
import contextlib
import logging
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import structlog

from ovis.agent.hooks import Hooks
from ovis.agent.hooks.runner import library

RUNS = 60
GOAL = 1.3
_DOMAIN = "<domain><name>x</name>" + "<devices><interface type='bridge'/></devices>" * 50 + "</domain>"
_WORDS = {
    "nothing": "",
    "import": "import hooking\n",
    "document": "import hooking\nd = hooking.read_domxml()\nhooking.write_domxml(d)\n",
}
_FLOORS = {
    "document": "import os, xml.dom.minidom as m\nf = os.environ['F']\nd = m.parse(f)\nopen(f, 'wb').write(d.toxml(encoding='utf-8'))\n"
}


def bare(script: Path, document: Path) -> float:
    """Seconds of one bare start."""
    env = {"PYTHONPATH": library(), "F": str(document), "PATH": "/usr/bin:/bin"}
    begun = time.perf_counter()
    subprocess.run(
        [str(script)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=env,
        check=True,
    )
    return time.perf_counter() - begun


async def hook(hooks: Hooks) -> float:
    """Seconds of one run of a point."""
    begun = time.perf_counter()
    await hooks.domain(
        "before_vm_start", _DOMAIN, vm_id="5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001", custom={"macspoof": "true"}
    )
    return time.perf_counter() - begun


async def measure(folder: Path, python: str) -> None:
    """Print a line for each kind of script, and what a point without scripts costs."""
    empty = Hooks(str(folder / "none"))
    begun = time.perf_counter()
    for _ in range(1000):
        await empty.domain("before_vm_start", _DOMAIN)
    print(f"a point without scripts: {(time.perf_counter() - begun) * 1000:.1f} us")
    for name, words in _WORDS.items():
        script = folder / name / "before_vm_start" / "50_x"
        script.parent.mkdir(parents=True)
        floor = folder / f"{name}.floor"
        document = folder / "document.xml"
        document.write_text(_DOMAIN)
        for file, text in ((script, words), (floor, _FLOORS.get(name, ""))):
            file.write_text(f"#!{python}\n{text}")
            file.chmod(0o755)
        hooks = Hooks(str(folder / name))
        for _ in range(3):  # the interpreter's caches, the file system's
            bare(floor, document)
            await hook(hooks)
        floors, runs = [], []
        for _ in range(RUNS):
            floors.append(bare(floor, document))
            runs.append(await hook(hooks))
        least, mine = statistics.median(floors), statistics.median(runs)
        goal = f" (goal {GOAL}x)" if name == "nothing" else ""
        against = "bare start" if name != "document" else "bare start that does the same with minidom alone"
        print(
            f"{name:9} hook run {mine * 1e3:5.1f} ms, {against} {least * 1e3:5.1f} ms: {mine / least:.2f}x{goal}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin")
    if python is None:
        print("needs a system's python3")
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(f"medians of {RUNS} alternating runs of {python}")
    with contextlib.closing(asyncio.new_event_loop()) as loop, tempfile.TemporaryDirectory() as folder:
        loop.run_until_complete(measure(Path(folder), python))


if __name__ == "__main__":
    main()
