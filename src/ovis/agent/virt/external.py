"""What a VM keeps beside its disks on the host that runs it: the state of its TPM, the variables of its firmware.

Does: hand both out (VM.getExternalData) while the VM is known, down or not, and put them where libvirt looks before a
start. Does not: store them; the engine does, so that they follow the VM to another host.
Follows: VDSM's verb: kinds `tpm` and `nvram`, data in base64, absent when `lastHash` is still right; `_X_tpmdata` and
`_X_nvramdata` of VM.create.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import io
import os
import pwd
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from ovis.agent.virt import complete as documents
from ovis.agent.virt.guests import Guests
from ovis.contract.errors import Code, VerbError

TPM_FOLDER = Path("/var/lib/libvirt/swtpm")
_LIMIT = 8 << 20  # bytes of either
_OWNER = "tss"


def nvram_of(root: Element) -> Path | None:
    """The file with the firmware's variables, of a domain that has one. Pure."""
    found = (root.findtext("os/nvram") or "").strip()
    return Path(found) if found.startswith("/") else None


def has_tpm(root: Element) -> bool:
    """Whether a domain has an emulated TPM. Pure."""
    return any(b.get("type") == "emulator" for b in root.findall("devices/tpm/backend"))


def packed(folder: Path) -> tuple[bytes, str]:
    """(an archive of a folder's files, their hash). The same files give the same hash. FileNotFoundError: there are none."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and not f.is_symlink() and f.name != ".lock")
    if not files:
        raise FileNotFoundError(folder)
    digest, out, total = hashlib.sha256(), io.BytesIO(), 0
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for file in files:
            data, name = file.read_bytes(), str(file.relative_to(folder))
            total += len(data)
            if total > _LIMIT:
                raise VerbError(Code.EXTERNAL_DATA, f"{folder} holds more than {_LIMIT} bytes.")
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue(), digest.hexdigest()


def unpack(data: bytes, folder: Path) -> None:
    """Let a folder hold an archive's files and nothing else. EXTERNAL_DATA if it is no archive of plain files."""
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    total = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for entry in archive:
                total += entry.size
                inside = new / entry.name
                plain = entry.isfile() and not Path(entry.name).is_absolute() and ".." not in Path(entry.name).parts
                source = archive.extractfile(entry) if plain and total <= _LIMIT else None
                if source is None:
                    raise VerbError(Code.EXTERNAL_DATA, f"The TPM's data has what it may not have: {entry.name[:80]}")
                inside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                inside.write_bytes(source.read())
    except (tarfile.TarError, OSError, EOFError, ValueError) as err:
        shutil.rmtree(new, ignore_errors=True)
        raise VerbError(Code.EXTERNAL_DATA, f"The TPM's data cannot be unpacked: {err}") from err
    _give(new)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def _give(folder: Path) -> None:
    """To the user that libvirt runs the TPM's process as."""
    with contextlib.suppress(KeyError, PermissionError):
        owner = pwd.getpwnam(_OWNER)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(file.name + ".new")
    new.write_bytes(data)
    new.chmod(0o600)
    new.replace(file)


def _decoded(text: Any) -> bytes:
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as err:
        raise VerbError(Code.EXTERNAL_DATA, "What the VM kept beside its disks is not base64.") from err
    if len(data) > _LIMIT:
        raise VerbError(Code.EXTERNAL_DATA, f"What the VM kept beside its disks is more than {_LIMIT} bytes.")
    return data


async def put_back(vm_id: str, whole: str, given: Mapping[str, Any], tpms: Path = TPM_FOLDER) -> None:
    """Before a start: what VM.create brings goes where the domain (complete) will look for it."""
    root = documents.read(whole)
    nvram = nvram_of(root)
    if given.get("_X_nvramdata") and nvram is not None:
        await asyncio.to_thread(_put, nvram, _decoded(given["_X_nvramdata"]))
    if given.get("_X_tpmdata") and has_tpm(root):
        await asyncio.to_thread(unpack, _decoded(given["_X_tpmdata"]), tpms / vm_id)


class ExternalVerbs:
    """The verb."""

    def __init__(self, guests: Guests, tpms: Path = TPM_FOLDER) -> None:
        self._guests, self._tpms = guests, tpms

    async def vm_get_external_data(
        self, vmID: str, kind: str, lastHash: str | None = None, forceUpdate: Any = True
    ) -> dict[str, str]:
        """The data with its hash; the hash alone where `lastHash` is the same."""
        vm = self._guests.vm(vmID)
        if kind not in ("tpm", "nvram"):
            raise VerbError(Code.INVALID_PARAMETER, f"There is no kind of data {str(kind)[:40]!r}: tpm, nvram.")
        root = documents.read(vm.xml) if vm.xml else None
        try:
            if kind == "tpm" and root is not None and has_tpm(root):
                data, digest = await asyncio.to_thread(packed, self._tpms / vm.id)
            elif kind == "nvram" and root is not None and (file := nvram_of(root)) is not None:
                data = await asyncio.to_thread(file.read_bytes)
                digest = hashlib.sha256(data).hexdigest()
            else:
                raise VerbError(Code.EXTERNAL_DATA, f"The VM has no {kind} data.")
        except OSError as err:
            raise VerbError(Code.EXTERNAL_DATA, f"The VM's {kind} data cannot be read: {err.strerror}") from err
        if lastHash and lastHash == digest:
            return {"hash": digest}
        return {"_X_data": base64.b64encode(data).decode(), "hash": digest}
