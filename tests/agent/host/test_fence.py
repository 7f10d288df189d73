"""Fence agents as programs: a real one of the fence-agents package, and what any of them is handed."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.host.fence import FenceVerbs
from ovis.contract.errors import VerbError

RECORDER = """#!/bin/sh
{ tr '\\0' ' ' < /proc/$$/cmdline; echo; cat; } > "$RECORD"
"""


def verbs(*, alive: bool = False) -> FenceVerbs:
    async def lives(leases: Mapping[str, Any]) -> bool:
        return alive and dict(leases) == {"domain": 2}

    return FenceVerbs(lives)


def about(power: Path, action: str, **more: Any) -> dict[str, Any]:
    whole = {"addr": "bmc", "port": 0, "agent": "dummy", "username": "admin", "password": "open-sesame"}
    return whole | {"action": action, "options": f"status_file={power}\n"} | more


@pytest.mark.skipif(shutil.which("fence_dummy") is None, reason="fence_dummy is not installed (package fence-agents)")
async def test_a_real_agent_switches_a_power_and_tells_it(tmp_path: Path) -> None:
    agent, power = verbs(), tmp_path / "power"

    async def told() -> str:
        return str((await agent.host_fence_node(**about(power, "status")))["power"])

    assert (await agent.host_fence_node(**about(power, "on")))["operationStatus"] == "initiated"
    assert await told() == "on"
    assert (await agent.host_fence_node(**about(power, "off")))["operationStatus"] == "initiated"
    assert await told() == "off"
    with pytest.raises(VerbError, match="failed"):
        await agent.host_fence_node(**about(power, "off", options="type=fail\n"))


async def test_everything_goes_by_standard_input_and_nothing_into_the_list_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fence_recorder"
    program.write_text(RECORDER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("RECORD", str(tmp_path / "seen"))
    await verbs().host_fence_node(**about(tmp_path / "power", "off", agent="recorder", port=623))
    command, *given = (tmp_path / "seen").read_text().splitlines()
    assert "sesame" not in command and "bmc" not in command
    assert given[:5] == ["ipaddr=bmc", "login=admin", "passwd=open-sesame", "action=off", "ipport=623"]
    with pytest.raises(VerbError, match="one line"):
        await verbs().host_fence_node(**about(tmp_path, "off", agent="recorder", password="a\naction=on"))


async def test_a_host_that_is_seen_to_live_is_spared_and_strange_agents_are_refused(tmp_path: Path) -> None:
    policy = {"storageDomainHostIdMap": {"domain": 2}}
    asked = about(tmp_path / "power", "off", policy=policy, agent="dummy")
    if shutil.which("fence_dummy"):
        assert (await verbs(alive=True).host_fence_node(**asked))["operationStatus"] == "skipped"
        assert (await verbs().host_fence_node(**asked))["operationStatus"] == "initiated"
    for agent in ("hammer", "../../bin/sh", ""):
        with pytest.raises(VerbError, match="not installed"):
            await verbs().host_fence_node(**about(tmp_path, "off", agent=agent))
