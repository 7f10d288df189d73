"""One installation on this machine: its data folder, what was asked for, and its processes.

Does: know the layout below DATA, keep the choices of `up` for later calls, say the JSON contract. Does not: start
anything.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ovis.cli.faults import CliFault
from ovis.cli.processes import Processes

USER = "admin@internal"
PROXY = "scheduler-proxy"


def proxy_url(port: int) -> str:
    """Where the scheduler proxy of a port answers."""
    return f"http://127.0.0.1:{port}/"


@dataclass(slots=True)
class Choices:
    """What `up` was asked for, kept so that a later call need not say it again.

    hosts: `local`, `none` or `simulated:HxV`. seeded: which `hosts` already got their objects. base_port: first port of
    the simulated hosts, 0 if there are none.
    """

    listen: str = ""
    port: int = 0
    db: str = ""
    hosts: str = ""
    base_port: int = 0
    seeded: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Instance:
    """The data folder of an installation."""

    def __init__(self, data: Path) -> None:
        self.data = data.resolve()
        self.processes = Processes(self.data / "run", self.data / "logs")
        self._file = self.data / "run" / "choices"
        self.choices = self._read()

    @property
    def known(self) -> bool:
        """Whether `up` was ever called for this folder."""
        return bool(self.choices.port)

    @property
    def password_file(self) -> Path:
        """The admin's first password."""
        return self.data / "admin-password"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients trust."""
        return self.data / "pki" / "ca.pem"

    @property
    def url(self) -> str:
        """Where clients on this machine reach the engine; the loopback address if it listens on all."""
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.choices.listen, self.choices.listen)
        return f"https://{f'[{address}]' if ':' in address else address}:{self.choices.port}"

    @property
    def hooks_dir(self) -> Path:
        """Hook scripts of this installation's own hosts."""
        return self.data / "hooks"

    def folder(self, *names: str) -> Path:
        """A folder below DATA, made if it is missing."""
        found = self.data.joinpath(*names)
        found.mkdir(parents=True, exist_ok=True)
        return found

    def engine_flags(self) -> list[str]:
        """Flags of every `ovis-engine` call for this installation."""
        flags = ["--data", str(self.data)]
        return [*flags, "--db", self.choices.db] if self.choices.db else flags

    def save(self) -> None:
        """Keep the choices; readable by the owner alone, a database URL may hold a password."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(asdict(self.choices), out, indent=1)
        os.replace(temporary, self._file)

    def _read(self) -> Choices:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return Choices()
        except (OSError, ValueError) as err:
            raise CliFault(f"{self._file} cannot be read: {err}. Remove it and call `ovis up` again.") from err
        return Choices(**found)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `up` or `down` at a time."""
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.data / "up.lock").open("w", encoding="ascii")
        except OSError as err:
            raise CliFault(f"{self.data} cannot be written: {err.strerror}. Name another folder with --data.") from err
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise CliFault(f"Another `ovis up` or `down` is at work on {self.data}.") from err
            self.choices = self._read()
            yield

    def contract(self) -> dict[str, Any]:
        """The object that `up --json` prints; scheduler_proxy_url is None while no proxy runs."""
        proxy = self.processes.find(PROXY)
        alive = [self.processes.find(name) for name in self.processes.names()]
        return {
            "url": self.url,
            "api_v3": self.url + "/api",
            "api_v4": self.url + "/ovirt-engine/api",
            "webadmin": self.url + "/ovirt-engine/webadmin/",
            "ca_file": str(self.ca_file),
            "user": USER,
            "password_file": str(self.password_file),
            "data": str(self.data),
            "ui_plugins_dir": str(self.folder("ui-plugins")),
            "ui_plugins_config_dir": str(self.folder("etc", "ui-plugins")),
            "scheduler_plugins_dir": str(self.folder("scheduler-plugins")),
            "scheduler_proxy_url": proxy_url(self.choices.facts["scheduler_proxy_port"]) if proxy else None,
            "hooks_dir": str(self.folder("hooks")),
            "pids": {found.name: found.pid for found in alive if found},
        }
