"""`ovis test` and `ovis lint`: the whole check, as CI runs it.

Does: install what tests need where it may, run every step even after one failed, print times. Does not: hide a skip:
what cannot run here is named with its reason.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ovis.cli import environment, generate, packages, web
from ovis.cli.faults import CliFault, MissingPackages

SLOWEST = 10


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _run(root: Path, *argv: str) -> bool:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile the same modules
    return subprocess.call(argv, cwd=root, stdin=subprocess.DEVNULL, env=environ) == 0


def lint_steps(root: Path) -> list[tuple[str, Callable[[], bool]]]:
    """Format, lint, types, import rules, generated files."""
    return [
        ("ruff format --check", lambda: _run(root, _program("ruff"), "format", "--check", ".", "ovis")),
        ("ruff check", lambda: _run(root, _program("ruff"), "check", ".", "ovis")),
        ("mypy --strict", lambda: _run(root, _program("mypy"))),
        ("lint-imports", lambda: _run(root, _program("lint-imports"))),
        ("ovis generate --check", lambda: generate.generate(root, check=True) == 0),
        ("web admin: types and lint", lambda: web.check(root, "types") and web.check(root, "lint")),
    ]


def lint(root: Path) -> int:
    """Everything but the tests."""
    return _all(lint_steps(root))


def test(root: Path, paths: Sequence[str], *, apt: bool) -> int:
    """The whole check; with paths, pytest on them alone."""
    if paths:
        arguments = [str(Path(path).absolute()) if Path(path.partition("::")[0]).exists() else path for path in paths]
        return 0 if _run(root, *pytest(), *arguments) else 1
    prepare(root, apt=apt)
    environment.compile_sources(root)
    return _all(
        [
            *lint_steps(root),
            ("web admin: unit tests and build", lambda: web.check(root, "test") and _web_built(root)),
            ("pytest", lambda: _tests(root)),
        ]
    )


def _web_built(root: Path) -> bool:
    """Build what the browser tests look at; true where there is no Node, which is said."""
    try:
        web.build(root)
    except web.NoNode as err:
        print(f"Not built, so its browser tests are skipped: {err}")
    except CliFault as err:
        print(err)
        return False
    return True


def _tests(root: Path) -> bool:
    """All tests, shared out; what failed among others is asked once more alone, and that is said."""
    if _run(root, *pytest(), *_shared_out()):
        return True
    print("== what failed runs once more, alone: two failures count", flush=True)
    return _run(root, *pytest(), "--last-failed", "--last-failed-no-failures", "none")


def _shared_out() -> list[str]:
    """Workers: one more than cores, since many tests wait for hosts. A file stays with one worker, with what it set up."""
    return ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile", "--no-loadscope-reorder"]


def pytest() -> list[str]:
    """How pytest is called: skips with their reasons, the slowest tests."""
    return [sys.executable, "-m", "pytest", "-q", "-rs", f"--durations={SLOWEST}"]


def prepare(root: Path, *, apt: bool) -> None:
    """What tests of real parts need; what cannot be had is said, and those tests skip."""
    wanted = {**packages.HOST, **packages.HOST_MAY, **packages.LIBVIRT_BUILD, **packages.GUEST, **packages.TESTS}
    missing = packages.absent(wanted)
    if missing and apt and packages.may_install():
        try:
            packages.install(missing, "for the tests")
        except MissingPackages as err:
            print(f"ovis: {err}", file=sys.stderr)
        missing = packages.absent(wanted)
    if missing:
        print(f"Missing, so tests that need them are skipped: {' '.join(missing)}\n  {packages.command(missing)}")
    for module, name in (("libvirt", "host"), ("ovirtsdk4", "clients")):
        if not environment.has(module):
            try:
                environment.install(root, name)
            except CliFault as err:
                print(f"Tests that need the module {module} are skipped. {err}")


def _all(steps: Sequence[tuple[str, Callable[[], bool]]]) -> int:
    """Run every step; 0 if all are well."""
    failed = []
    for name, step in steps:
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        good = step()
        print(f"== {name}: {'ok' if good else 'FAILED'}, {time.monotonic() - begun:.1f} s", flush=True)
        if not good:
            failed.append(name)
    print("All is well." if not failed else f"Failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0
