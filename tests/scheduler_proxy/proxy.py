"""A scheduler proxy for tests: the real program on a free port, with modules written by the test."""

import subprocess
import sys
import textwrap
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOSTS = [f"1c0f2a50-0000-4000-8000-{n:012d}" for n in range(5)]
VM = "9a0f2a50-0000-4000-8000-000000000001"


@dataclass
class Proxy:
    """A running one."""

    folder: Path
    url: str
    process: "subprocess.Popen[str]"
    log_file: Path

    def client(self) -> Any:
        """A plain XML-RPC client."""
        return xmlrpc.client.ServerProxy(self.url)

    def add(self, name: str, text: str) -> None:
        """A module in its folder."""
        write(self.folder, name, text)

    def log(self) -> str:
        """What it said."""
        return self.log_file.read_text()


def write(folder: Path, name: str, text: str) -> None:
    """A module, whole from the first look on."""
    hidden = folder / f".{name}.new"
    hidden.write_text(textwrap.dedent(text))
    hidden.rename(folder / f"{name}.py")


@contextmanager
def serving(folder: Path, *flags: str, port: int = 0, **modules: str) -> Iterator[Proxy]:
    """A proxy over `folder`, with modules by name."""
    folder.mkdir(exist_ok=True, parents=True)
    for name, text in modules.items():
        write(folder, name, text)
    log_file = folder.parent / "proxy.log"
    argv = [sys.executable, "-m", "ovis.scheduler_proxy.program", "--plugins", str(folder), "--port", str(port), *flags]
    with log_file.open("a") as log:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, log_file.read_text()
        yield Proxy(folder, url, process, log_file)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        if process.stdout is not None:
            process.stdout.close()
