"""What fault tests did and saw, kept in `tests/data/faults/`: docs/explanation/faults.md is written from it.

Does: with OVIS_TEST_WRITE_FAULTS=1 write what this run saw; without, fail if the page would say anything else. Numbers that
differ between runs are left out of what is compared.
"""

import os
import re
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent.parent / "data" / "faults"
_WRITE = bool(os.environ.get("OVIS_TEST_WRITE_FAULTS"))
_HINT = "run it with OVIS_TEST_WRITE_FAULTS=1, then `ovis generate`"


def _test() -> str:
    """The file of the test that runs."""
    return os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]


def _write(file: Path, row: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(row), indent=1) + b"\n")


def saw(name: str, *, fault: str, seen: str, do: str = "Nothing", real: bool = False) -> None:
    """One fault, what was seen of it, what an administrator does. real: on hosts with libvirt and QEMU."""
    row = {"fault": fault, "seen": seen, "do": do, "real": real, "test": _test()}
    file = FOLDER / f"{name}.json"
    if _WRITE:
        _write(file, row)
        return
    assert file.exists(), f"faults.md knows nothing of {name}: {_HINT}"
    known = msgspec.json.decode(file.read_bytes())
    assert _words(known) == _words(row), f"faults.md says something else of {name}: {_HINT}"


def _words(row: dict[str, Any]) -> dict[str, Any]:
    return {key: re.sub(r"\d+(\.\d+)?", "#", value) if key == "seen" else value for key, value in row.items()}


def deaths(kind: str, name: str, *, real: bool = False, **counts: Any) -> None:
    """How often something died at the calls or steps of an operation, and how that ended. Only whole runs are kept."""
    file = FOLDER / kind / f"{re.sub('[^a-z_.]+', '-', name.lower()).strip('-')}.json"
    if _WRITE:
        _write(file, {"operation": name, "real": real, "test": _test(), **counts})
        return
    assert file.exists(), f"faults.md knows nothing of {name}: {_HINT}"
