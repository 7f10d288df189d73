"""docs/howto/write-a-hook.md: its files are written, its commands run, and what it says comes of them comes."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.hooks.shipped import FOLDER
from tests.installation import Installation, installation, until

PAGE = FOLDER.parent / "docs/howto/write-a-hook.md"
_FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block. kind: language; file: where its text belongs."""

    kind: str
    file: str
    text: str


def blocks() -> list[Block]:
    """All blocks of the page."""
    return [Block(m[1], m[2] or "", m[3]) for m in _FENCE.finditer(PAGE.read_text())]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "engine", hosts=1, storage=False) as made:
        yield made


def test_files_and_commands_do_what_the_page_says(tmp_path: Path, place: Installation) -> None:
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OVIS_DATA": str(place.folder),
        "HOOKSDIR": str(tmp_path / "on-host"),
    }
    last: subprocess.CompletedProcess[str] | None = None
    ran = checked = 0
    for block in blocks():
        if block.file:
            file = tmp_path / block.file
            file.parent.mkdir(exist_ok=True)
            file.write_text(block.text)
        elif block.kind == "sh":
            argv = ["bash", "-eu", "-o", "pipefail", "-c", block.text]
            last = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=180)
            assert last.returncode == 0, (block.text, last.stderr)
            ran += 1
        elif block.kind == "output":
            assert last is not None
            lines = [*last.stdout.splitlines(), *last.stderr.splitlines()]
            assert lines[: len(block.text.splitlines())] == block.text.splitlines()
            checked += 1
        elif block.kind == "python-sdk":
            _sdk(place, block.text)
        else:
            raise AssertionError(f"nothing is known of {block.kind}")
    assert (ran, checked) == (6, 4)
    assert (tmp_path / "on-host/before_vm_start/50_purpose").stat().st_mode & 0o777 == 0o755


def _sdk(place: Installation, text: str) -> None:
    """Its VM is there; it boots from the network of a simulated host."""
    with place.sdk() as system:
        from ovirtsdk4 import types as t

        boot = t.OperatingSystem(boot=t.Boot(devices=[t.BootDevice.NETWORK]))
        default = t.Cluster(name="Default")
        vm = system.vms_service().add(t.Vm(name="web1", cluster=default, template=t.Template(name="Blank"), os=boot))
        service = system.vms_service().vm_service(vm.id)
        (profile,) = system.vnic_profiles_service().list()
        service.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
        names: dict[str, Any] = {"system": system}
        exec(compile(text, str(PAGE), "exec"), names)
        assert [(p.name, p.value) for p in service.get().custom_properties] == [("purpose", "shop")]
        until(lambda: str(service.get().status) == "up", "the VM is up")


def test_it_names_what_there_is() -> None:
    text = PAGE.read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGE.parent / link).exists(), link
