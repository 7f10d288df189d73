"""Payload images hold what the metadata says, and nothing outside of them is touched."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ovis.agent.virt.complete import Payload
from ovis.agent.virt.payload import payload_path, remove_payloads, write_payload
from ovis.contract.errors import VerbError

VM_ID = "5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001"
needs_iso = pytest.mark.skipif(
    not (shutil.which("genisoimage") or shutil.which("mkisofs") or shutil.which("xorriso")),
    reason="no program that makes ISO images is installed",
)


@needs_iso
def test_an_image_has_its_label_and_files(tmp_path: Path) -> None:
    content = b"unlikely-content-of-user-data"
    image = write_payload(tmp_path, VM_ID, Payload("sdb", "config-2", {"openstack/latest/user_data": content}))
    data = image.read_bytes()
    assert data[32769:32774] == b"CD001"
    assert data[32808:32840].decode().strip() == "config-2"
    assert content in data
    if shutil.which("isoinfo"):
        listed = subprocess.run(["isoinfo", "-R", "-f", "-i", str(image)], capture_output=True, text=True).stdout
        assert "/openstack/latest/user_data" in listed


@needs_iso
def test_the_same_content_is_the_same_image_and_only_ours_are_removed(tmp_path: Path) -> None:
    payload = Payload("sdb", "", {"a": b"1"})
    image = write_payload(tmp_path, VM_ID, payload)
    changed = image.stat().st_mtime_ns
    assert write_payload(tmp_path, VM_ID, payload) == image and image.stat().st_mtime_ns == changed
    other = write_payload(tmp_path, "other", payload)
    remove_payloads(tmp_path, VM_ID)
    assert not image.exists() and other.exists()
    assert oct(other.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/", ""])
def test_a_file_outside_the_image_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(VerbError, match="cannot be called"):
        write_payload(tmp_path, VM_ID, Payload("sdb", "", {name: b"x"}))
    assert not payload_path(tmp_path, VM_ID, Payload("sdb", "", {name: b"x"})).exists()
