"""State of TPM and firmware: packed, put back, refused where it is not what it should be."""

import base64
import io
import tarfile
from pathlib import Path

import pytest

from ovis.agent.virt.external import packed, put_back, unpack
from ovis.contract.errors import Code, VerbError


def domain(nvram: Path) -> str:
    return (
        f"<domain><os><nvram>{nvram}</nvram></os>"
        "<devices><tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices></domain>"
    )


def folder(path: Path) -> Path:
    (path / "tpm2").mkdir(parents=True)
    (path / "tpm2/tpm2-00.permall").write_bytes(b"secret")
    (path / "tpm2/.lock").write_bytes(b"")
    return path


def archive(name: str, *, link: bool = False) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        entry = tarfile.TarInfo(name)
        if link:
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            made.addfile(entry)
        else:
            entry.size = 1
            made.addfile(entry, io.BytesIO(b"x"))
    return out.getvalue()


async def test_what_was_packed_is_put_back_and_nothing_else_stays(tmp_path: Path) -> None:
    data, digest = packed(folder(tmp_path / "one"))
    assert packed(tmp_path / "one")[1] == digest, "the same files, the same hash"
    old = tmp_path / "tpms/vm"
    old.mkdir(parents=True)
    (old / "stale").write_bytes(b"old")
    nvram = tmp_path / "nvram/vm.fd"
    given = {"_X_tpmdata": base64.b64encode(data).decode(), "_X_nvramdata": base64.b64encode(b"vars").decode()}
    await put_back("vm", domain(nvram), given, tmp_path / "tpms")
    assert (old / "tpm2/tpm2-00.permall").read_bytes() == b"secret"
    assert not (old / "stale").exists() and not (old / "tpm2/.lock").exists()
    assert nvram.read_bytes() == b"vars" and nvram.stat().st_mode & 0o777 == 0o600
    assert packed(old)[1] == digest
    await put_back("vm", "<domain><devices/></domain>", given, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_folder_without_files_has_no_data(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        packed(tmp_path)


@pytest.mark.parametrize(
    "data",
    [b"no archive", b"", archive("../out"), archive("/etc/x"), archive("a/../../out"), archive("l", link=True)],
    ids=["garbage", "nothing", "above", "absolute", "winding", "link"],
)
def test_archives_that_reach_outside_or_are_none_change_nothing(tmp_path: Path, data: bytes) -> None:
    kept = folder(tmp_path / "tpms/vm")
    with pytest.raises(VerbError) as caught:
        unpack(data, kept)
    assert caught.value.code == Code.EXTERNAL_DATA
    assert (kept / "tpm2/tpm2-00.permall").read_bytes() == b"secret"
    assert not (tmp_path / "out").exists()


async def test_what_is_not_base64_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerbError):
        await put_back("vm", domain(tmp_path / "n"), {"_X_tpmdata": "***"}, tmp_path)
