"""Hook scripts that tests put into points: one that records what it got, and does as it is told.

Does: write scripts, read their records. A script's interpreter is the system's Python, with nothing of ours but what the
runner gives it.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

PYTHON = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin") or ""

RECORDER = """#!{python}
import json, os, sys, time
point = os.path.basename(os.path.dirname(sys.argv[0]))
base = os.path.dirname(os.path.dirname(os.path.dirname(sys.argv[0])))
path = os.environ.get("_hook_json") or os.environ["_hook_domxml"]
with open(path, "rb") as file:
    document = file.read()
entry = {{
    "point": point,
    "script": os.path.basename(sys.argv[0]),
    "arguments": sys.argv[1:],
    "document": document.decode(),
    "environment": dict(os.environ),
    "mode": oct(os.stat(path).st_mode & 0o777),
    "path": path,
}}
name = os.path.join(base, "records", "%d-%s" % (time.time_ns(), point))
with open(name + ".new", "w") as file:
    json.dump(entry, file)
os.rename(name + ".new", name + ".json")
order = os.path.join(base, "orders", point)
if os.path.exists(order):
    with open(order) as file:
        wish = json.load(file)
    if "replace" in wish:
        document = document.decode().replace(*wish["replace"]).encode()
    if "write" in wish:
        document = wish["write"].encode("utf-8", "surrogateescape")
    with open(path, "wb") as file:
        file.write(document)
    sys.stderr.write(wish.get("say", ""))
    sys.stderr.flush()
    if "hang" in wish:
        time.sleep(wish["hang"])
    sys.exit(wish.get("exit", 0))
"""


class Scene:
    """A folder of hooks with what its recorders wrote: BASE/hooks/POINT, BASE/records, BASE/orders."""

    def __init__(self, base: Path) -> None:
        if not PYTHON:
            pytest.skip("hook scripts of these tests need a system's python3")
        self.base = base
        self.seen: set[str] = set()  # points of records that were dropped
        for name in ("hooks", "records", "orders"):
            (base / name).mkdir(parents=True, exist_ok=True)

    @property
    def hooks(self) -> Path:
        """What an agent takes as its hooks."""
        return self.base / "hooks"

    def put(self, point: str, name: str, text: str | bytes, mode: int = 0o755) -> Path:
        """A script (or a file that is none)."""
        file = self.hooks / point / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
        return file

    def record(self, point: str, name: str = "10_record") -> None:
        """A recorder at a point."""
        self.put(point, name, RECORDER.format(python=PYTHON))

    def order(self, point: str, **wish: Any) -> None:
        """Let a point's recorder do something: exit, say, replace, write, hang. Nothing: no more."""
        file = self.base / "orders" / point
        if wish:
            file.write_text(json.dumps(wish))
        else:
            file.unlink(missing_ok=True)

    def records(self, point: str | None = None) -> list[dict[str, Any]]:
        """Records in their order."""
        found = [json.loads(f.read_text()) for f in sorted((self.base / "records").glob("*.json"))]
        return [f for f in found if point is None or f["point"] == point]

    def points(self) -> list[str]:
        """Points of the records in their order."""
        return [f["point"] for f in self.records()]

    def forget(self) -> None:
        """Drop the records."""
        self.seen.update(self.points())
        for file in (self.base / "records").iterdir():
            file.unlink()
