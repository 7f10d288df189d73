"""A hook's folder put in its places on a host, and taken away again.

Does: scripts into their points, helper modules beside them, sudo rules for the agent's user, a record for its removal.
All is checked before anything is written. Does not: edit what it installs, or restart anything.
Follows: the layout of VDSM's hooks: a folder NAME with POINT.py (installed as POINT/50_NAME) or POINT/NN_NAME (as it is),
README, sudoers (installed as SUDOERS/50_vdsm_hook_NAME, mode 0440), helper modules (installed as data).
"""

import hashlib
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ovis.agent.hooks.points import POINTS
from ovis.agent.hooks.scripts import speaks_python

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NUMBERED = re.compile(r"[0-9]+_.+")
_SCRIPT_SUFFIXES = ("", ".py", ".sh", ".pl")
_RECORDS = ".installed"


class Refused(Exception):
    """A folder that cannot be installed, or a hook that cannot be removed. reasons: all of them."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class Copy(Struct, frozen=True):
    """A file to be. mode: 0755 scripts, 0644 data, 0440 sudo rules."""

    source: str
    target: str
    mode: int


class Plan(Struct, frozen=True):
    """What an installation would do. left: files of the folder that have no place on a host."""

    name: str
    copies: tuple[Copy, ...]
    left: tuple[str, ...]


class Installed(Struct, frozen=True):
    """The record of a hook: its files with their checksums."""

    name: str
    files: dict[str, str]


def plan(
    folder: Path, hooks_dir: Path, sudoers_dir: Path, *, number: int = 50, shared: Mapping[str, Sequence[str]] = {}
) -> Plan:
    """Where each file goes. shared: file name -> points that it serves. Refused with all that is wrong."""
    if not folder.is_dir():
        raise Refused(f"{folder} is no folder.")
    name = folder.resolve().name
    problems = [] if _NAME.fullmatch(name) else [f"{name!r} cannot be a hook's name: letters, digits, _ - . only."]
    scripts: list[Copy] = []
    helpers: list[Path] = []
    others: list[Copy] = []
    left: list[str] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_symlink():
            problems.append(f"{entry.name} is a link: what it points at may change.")
        elif entry.is_dir():
            scripts += _numbered(entry, hooks_dir, problems, left)
        elif entry.name in shared:
            for point in shared[entry.name]:
                if point not in POINTS:
                    problems.append(f"{entry.name}: there is no point {point}.")
                scripts.append(_script(entry, hooks_dir / point / f"{number}_{name}", problems))
        elif (point := _point_of(entry)) in POINTS:
            scripts.append(_script(entry, hooks_dir / point / f"{number}_{name}", problems))
        elif point.startswith(("before_", "after_")) and entry.suffix in _SCRIPT_SUFFIXES:
            problems.append(f"{entry.name}: there is no point {point} (see `ovis-agent hooks list --points`).")
        elif entry.name == "sudoers" or entry.name.startswith("sudoers."):
            if entry.suffix == ".in":
                left.append(entry.name)
                continue
            _check_sudoers(entry, problems)
            others.append(Copy(str(entry), str(sudoers_dir / f"50_vdsm_hook_{name}"), 0o440))
        elif entry.name.upper().startswith("README"):
            others.append(Copy(str(entry), str(hooks_dir / _RECORDS / name / entry.name), 0o644))
        elif entry.suffix == ".py" and not entry.name.startswith("test_"):
            helpers.append(entry)
        else:
            left.append(entry.name)
    problems += [f"There is no file {file} to share." for file in shared if not (folder / file).is_file()]
    if not scripts and not problems:
        problems.append(f"{folder} has no scripts: files named by a point, or folders of a point with NN_name in them.")
    beside = sorted({Path(script.target).parent for script in scripts})
    data = [Copy(str(helper), str(where / helper.name), 0o644) for where in beside for helper in helpers]
    if problems:
        raise Refused(*problems)
    return Plan(name, (*scripts, *data, *others), tuple(left))


def _point_of(file: Path) -> str:
    return file.stem if file.suffix in _SCRIPT_SUFFIXES else file.name


def _numbered(folder: Path, hooks_dir: Path, problems: list[str], left: list[str]) -> Iterator[Copy]:
    """Scripts of a folder that is named by a point, with what else lies there."""
    if folder.name not in POINTS:
        if folder.name.startswith(("before_", "after_")):
            problems.append(f"{folder.name}: there is no such point.")
        else:
            left.append(folder.name + "/")
        return
    for entry in sorted(folder.iterdir()):
        if not entry.is_file() or entry.is_symlink() or entry.name.startswith("."):
            continue
        target = hooks_dir / folder.name / entry.name
        if _NUMBERED.fullmatch(entry.name):
            yield _script(entry, target, problems)
        else:
            yield Copy(str(entry), str(target), 0o644)


def _script(file: Path, target: Path, problems: list[str]) -> Copy:
    """A script as it will lie there, executable; the shell runs one without `#!`, unless it is seen to be Python."""
    try:
        begin = file.open("rb").read(2)
    except OSError as err:
        problems.append(f"{file.name} cannot be read: {err.strerror}.")
        begin = b"#!"
    if not begin:
        problems.append(f"{file.name} is empty.")
    elif begin != b"#!" and file.suffix == ".py" and not speaks_python(str(file)):
        problems.append(
            f"{file.name} has no `#!` line: a shell would run it, not Python. Begin with #!/usr/bin/python3."
        )
    return Copy(str(file), str(target), 0o755)


def _check_sudoers(file: Path, problems: list[str]) -> None:
    """A broken file in sudoers.d breaks sudo for everybody."""
    visudo = shutil.which("visudo", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if visudo is None:
        return
    done = subprocess.run([visudo, "-cf", str(file)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        problems.append(f"{file.name} is no valid sudo rule: {(done.stderr or done.stdout).strip()}")


def install(done: Plan, hooks_dir: Path) -> None:
    """Write what was planned; what an earlier version left goes. Refused if a file there is somebody else's."""
    old = record(hooks_dir, done.name)
    ours = set(old.files) if old is not None else set()
    foreign = [c.target for c in done.copies if Path(c.target).exists() and c.target not in ours]
    if foreign:
        raise Refused(*(f"{path} is there already and is not of this hook." for path in foreign))
    written: list[Path] = []
    try:
        for copy in done.copies:
            target = Path(copy.target)
            new = not target.exists()
            _put(Path(copy.source), target, copy.mode)
            written += [target] if new else []
        files = {c.target: _checksum(Path(c.target)) for c in done.copies}
        kept = _record_file(hooks_dir, done.name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.format(msgspec.json.encode(Installed(done.name, files)), indent=1))
    except OSError as err:
        for file in written:
            file.unlink(missing_ok=True)
        raise Refused(f"{err.filename or hooks_dir} cannot be written: {err.strerror}. Nothing was installed.") from err
    for path in ours - {c.target for c in done.copies}:
        Path(path).unlink(missing_ok=True)


def remove(hooks_dir: Path, name: str, *, force: bool = False) -> list[str]:
    """Take a hook away; the files that went. Refused if somebody changed one, unless forced."""
    found = record(hooks_dir, name)
    if found is None:
        known = ", ".join(names(hooks_dir)) or "none"
        raise Refused(f"There is no hook {name} that `hooks install` put there; there are: {known}.")
    changed = [p for p, c in found.files.items() if Path(p).is_file() and _checksum(Path(p)) != c]
    if changed and not force:
        raise Refused(*(f"{path} was changed since it was installed (--force removes it)." for path in changed))
    gone = []
    try:
        for path in found.files:
            if Path(path).exists():
                Path(path).unlink()
                gone.append(path)
        _record_file(hooks_dir, name).unlink(missing_ok=True)
        shutil.rmtree(hooks_dir / _RECORDS / name, ignore_errors=True)
    except OSError as err:
        raise Refused(f"{err.filename} cannot be removed: {err.strerror}.") from err
    return gone


def names(hooks_dir: Path) -> list[str]:
    """Hooks that were installed by this program."""
    return sorted(file.stem for file in (hooks_dir / _RECORDS).glob("*.json"))


def record(hooks_dir: Path, name: str) -> Installed | None:
    """The record of a hook; None if there is none."""
    try:
        return msgspec.json.decode(_record_file(hooks_dir, name).read_bytes(), type=Installed)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as err:
        raise Refused(f"The record of {name} cannot be read: {err}") from err


def _record_file(hooks_dir: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} is no hook's name.")
    return hooks_dir / _RECORDS / f"{name}.json"


def _put(source: Path, target: Path, mode: int) -> None:
    """A file in one step, with its mode from the beginning."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.new"
    temporary.unlink(missing_ok=True)
    try:
        temporary.touch(mode=0o600)
        temporary.write_bytes(source.read_bytes())
        temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
