"""Payload images: files from the metadata as an ISO for the guest's CD-ROM.

Does: write the image once for the same content; remove images of a VM. Follows: cloud-init's config drive (label
`config-2`), sysprep's files.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from ovis.agent.virt.complete import Payload
from ovis.contract.errors import Code, VerbError

_PROGRAMS = (("genisoimage",), ("mkisofs",), ("xorriso", "-as", "mkisofs"))


def payload_path(run: Path, vm_id: str, payload: Payload) -> Path:
    """Where the image lies: its name says its content."""
    digest = hashlib.sha256(payload.label.encode())
    for path, content in sorted(payload.files.items()):
        digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
    return run / "payload" / f"{vm_id}.{digest.hexdigest()[:16]}.img"


def write_payload(run: Path, vm_id: str, payload: Payload) -> Path:
    """Make the image (blocks); CREATE_FAILED if a path leaves the image or no program makes ISOs."""
    target = payload_path(run, vm_id, payload)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with tempfile.TemporaryDirectory(prefix="payload-", dir=target.parent) as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        for name, content in payload.files.items():
            relative = PurePosixPath(name.lstrip("/"))
            if not relative.parts or ".." in relative.parts:
                raise VerbError(Code.CREATE_FAILED, f"A payload file cannot be called {name!r}.")
            file = tree.joinpath(*relative.parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        image = Path(folder, "image")
        _make_iso(tree, image, payload.label)
        image.chmod(0o600)
        os.replace(image, target)
    return target


def _make_iso(tree: Path, image: Path, label: str) -> None:
    options = ["-quiet", "-J", "-R", *(["-V", label] if label else []), "-o", str(image), str(tree)]
    for program in _PROGRAMS:
        try:
            done = subprocess.run([*program, *options], capture_output=True, text=True, timeout=60)
        except FileNotFoundError:
            continue
        except subprocess.TimeoutExpired as err:
            raise VerbError(Code.CREATE_FAILED, f"{program[0]} did not end") from err
        if done.returncode:
            raise VerbError(Code.CREATE_FAILED, f"The payload image cannot be made: {done.stderr.strip()[-300:]}")
        return
    raise VerbError(Code.CREATE_FAILED, "This host has no program that makes ISO images (genisoimage or xorriso).")


def remove_payloads(run: Path, vm_id: str) -> None:
    """Forget the images of a VM."""
    for image in (run / "payload").glob(f"{vm_id}.*.img"):
        image.unlink(missing_ok=True)
