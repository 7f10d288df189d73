"""Sealing runs virt-sysprep on a VM's volumes, as a job; a program of the tests stands in for it."""

from pathlib import Path

import pytest

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import Link
from ovis.agent.virt.seal import SealVerbs
from ovis.contract.errors import Code, VerbError
from tests.agent.storage.conftest import host, make_host, pool, shared
from tests.agent.storage.lab import MIB, Host, Pool, new_id

__all__ = ["host", "make_host", "pool", "shared"]


def verbs(host: Host, tmp_path: Path, program: Path | None) -> SealVerbs:
    settings = AgentSettings(data=str(tmp_path / "guests"))
    guests = Guests(settings, Identity(settings.folder), Link("test:///default"), host.storage)
    return SealVerbs(guests, host.storage.core, lambda: str(program) if program else None)


def program(tmp_path: Path, body: str) -> Path:
    file = tmp_path / "virt-sysprep"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


async def test_every_volume_is_given_to_the_program_and_the_job_ends_well(
    host: Host, pool: Pool, tmp_path: Path
) -> None:
    image, volume = await pool.volume(MIB)
    said = tmp_path / "said"
    seal = verbs(host, tmp_path, program(tmp_path, f'echo "$@" >> {said}'))
    job = new_id()
    row = {"sd_id": pool.domain, "img_id": image, "vol_id": volume}
    for _ in range(2):  # the same call again is the same job
        await seal.vm_seal(new_id(), job, pool.id, [row])
    assert (await host.job(job))[0]["status"] == "done"
    (line,) = said.read_text().splitlines()
    assert line.startswith("-a /") and line.endswith(f"{image}/{volume}")


async def test_a_program_that_fails_is_told_in_the_job(host: Host, pool: Pool, tmp_path: Path) -> None:
    image, volume = await pool.volume(MIB)
    seal = verbs(host, tmp_path, program(tmp_path, "echo no operating system found >&2; exit 1"))
    job = new_id()
    await seal.vm_seal(new_id(), job, pool.id, [{"sd_id": pool.domain, "img_id": image, "vol_id": volume}])
    row, _ = await host.job(job)
    assert row["status"] == "failed" and "no operating system found" in row["error"]["message"]


async def test_without_the_program_or_a_disk_it_is_refused(host: Host, pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(VerbError, match="not installed"):
        await verbs(host, tmp_path, None).vm_seal(new_id(), new_id(), pool.id, [])
    seal = verbs(host, tmp_path, program(tmp_path, "exit 0"))
    gone = {"sd_id": pool.domain, "img_id": new_id(), "vol_id": new_id()}
    for images, code in (([], Code.MISSING_PARAMETER), ([gone], Code.VOLUME_NOT_FOUND)):
        with pytest.raises(VerbError) as caught:
            await seal.vm_seal(new_id(), new_id(), pool.id, images)
        assert caught.value.code == code
