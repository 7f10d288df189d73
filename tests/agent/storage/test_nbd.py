"""Volumes served by qemu-nbd, read and written through its socket by QEMU's own tools."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovis.agent.storage.nbd import NbdVerbs, arguments, running
from ovis.contract.errors import Code, VerbError
from tests.agent.storage.lab import MIB, Host, Pool, new_id

pytestmark = pytest.mark.skipif(shutil.which("qemu-nbd") is None, reason="qemu-nbd is not installed (qemu-utils)")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: sockets lie below it."""
    made = Path(tempfile.mkdtemp(prefix="ovn"))
    yield made
    for file in made.glob("*.pid"):
        pid = running(file, file.with_suffix(".sock"))
        if pid:
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(made, ignore_errors=True)


def ids(pool: Pool, image: str, volume: str, **more: object) -> dict[str, object]:
    return {"sd_id": pool.domain, "img_id": image, "vol_id": volume, **more}


def io(url: str, *commands: str, readonly: bool = False) -> str:
    given = [part for command in commands for part in ("-c", command)]
    options = ["-r"] if readonly else []
    done = subprocess.run(
        ["qemu-io", "-f", "raw", *options, *given, url.replace("nbd:unix:", "nbd+unix:///?socket=")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


async def test_a_volume_is_written_and_read_and_the_server_ends(host: Host, pool: Pool, folder: Path) -> None:
    image, volume = await pool.volume(MIB)
    verbs, server = NbdVerbs(host.storage.core, folder), new_id()
    url = await verbs.nbd_start_server(server, ids(pool, image, volume))
    assert url == f"nbd:unix:{folder}/{server}.sock"
    assert "wrote 65536" in io(url, "write -P 0x5a 0 64k")
    again = NbdVerbs(host.storage.core, folder)  # the agent was started anew
    assert await again.nbd_start_server(server, ids(pool, image, volume)) == url
    assert "Pattern verification failed" not in io(url, "read -P 0x5a 0 64k")
    await again.nbd_stop_server(server)
    await again.nbd_stop_server(server)
    assert list(folder.iterdir()) == []
    file = str(pool.file(image, volume))
    done = await asyncio.to_thread(
        subprocess.run,
        ["qemu-io", "-r", "-f", "qcow2", "-c", "read -P 0x5a 0 64k", file],
        capture_output=True,
        timeout=60,
    )
    assert b"read 65536" in done.stdout and b"failed" not in done.stdout + done.stderr


async def test_a_reader_does_not_write(host: Host, pool: Pool, folder: Path) -> None:
    image, volume = await pool.volume(MIB)
    verbs, server = NbdVerbs(host.storage.core, folder), new_id()
    url = await verbs.nbd_start_server(server, ids(pool, image, volume, readonly="true"))
    assert "wrote" not in io(url, "write 0 64k")
    assert "read 65536" in io(url, "read -P 0 0 64k", readonly=True)
    await verbs.nbd_stop_server(server)


async def test_one_writer_a_volume(host: Host, pool: Pool, folder: Path) -> None:
    image, volume = await pool.volume(MIB)
    verbs, first, second = NbdVerbs(host.storage.core, folder), new_id(), new_id()
    await verbs.nbd_start_server(first, ids(pool, image, volume))
    with pytest.raises(VerbError) as caught:
        await verbs.nbd_start_server(second, ids(pool, image, volume))
    assert caught.value.code == Code.VOLUME_BUSY
    assert not (folder / f"{second}.sock").exists()
    await verbs.nbd_stop_server(first)


async def test_a_number_that_another_program_has_now_is_left_alone(host: Host, folder: Path) -> None:
    server = new_id()
    (folder / f"{server}.pid").write_text(str(os.getpid()))
    await NbdVerbs(host.storage.core, folder).nbd_stop_server(server)
    assert list(folder.iterdir()) == []


async def test_what_is_not_there_is_refused(host: Host, pool: Pool, folder: Path) -> None:
    verbs = NbdVerbs(host.storage.core, folder)
    with pytest.raises(VerbError) as caught:
        await verbs.nbd_start_server(new_id(), ids(pool, new_id(), new_id()))
    assert caught.value.code == Code.VOLUME_NOT_FOUND
    for bad in ("../x", "", "x" * 300):
        with pytest.raises(VerbError):
            await verbs.nbd_stop_server(bad)
    deep = NbdVerbs(host.storage.core, folder / ("d" * 100))
    image, volume = await pool.volume(MIB)
    with pytest.raises(VerbError, match="too long"):
        await deep.nbd_start_server(new_id(), ids(pool, image, volume))


def test_command_lines() -> None:
    path, sock, pid = Path("/v"), Path("/s"), Path("/p")
    bitmap = str(uuid.uuid4())
    config = {"readonly": True, "bitmap": bitmap, "backing_chain": False}
    line = arguments(path, "qcow2", config, sock, pid)
    assert "--read-only" in line and f"--bitmap={bitmap}" in line
    assert line[-1].startswith("json:") and '"backing": null' in line[-1]
    line = arguments(path, "raw", {"discard": "true", "detect_zeroes": True}, sock, pid)
    assert line[-2:] == ["--format=raw", "/v"] and "--discard=unmap" in line and "--detect-zeroes=unmap" in line
    with pytest.raises(VerbError, match="no bitmaps"):
        arguments(path, "raw", {"bitmap": bitmap}, sock, pid)
    with pytest.raises(VerbError):
        arguments(path, "qcow2", {"bitmap": "--x"}, sock, pid)
