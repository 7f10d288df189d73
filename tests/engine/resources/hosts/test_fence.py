"""Decisions about lost hosts, fence agents' parameters, sealed passwords, and messages of crash dumps."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ovis.engine.access.sealed import Secrets, Unreadable, key_of
from ovis.engine.model.types import Agent, FencingPolicy, Option, SkipIfConnectivityBroken
from ovis.engine.resources.hosts.fence_agents import FenceAgent
from ovis.engine.resources.hosts.fence_flow import Case, next_step
from ovis.engine.resources.hosts.fence_kinds import parameters
from ovis.engine.resources.hosts.kdump import is_message
from ovis.engine.resources.hosts.power import groups
from ovis.engine.resources.hosts.trouble import Failure, too_many

CASE = Case(
    policy=FencingPolicy(
        enabled=True, skip_if_connectivity_broken=SkipIfConnectivityBroken(enabled=True, threshold=50)
    ),
    since_start=900,
    quiet_after_start=300,
    broken=20,
    lost_for=60,
    soft=70,
    ssh=True,
    agents=True,
    listens=False,
    dumps=False,
    fenced=None,
    quiet=180,
    proxies=True,
)


@pytest.mark.parametrize(
    ("case", "step"),
    [
        (CASE, "fence"),
        (replace(CASE, since_start=299), "wait"),
        (replace(CASE, policy=FencingPolicy(enabled=False)), "disabled"),
        (replace(CASE, broken=50), "island"),
        (replace(CASE, broken=50, policy=FencingPolicy(enabled=True)), "fence"),
        (replace(CASE, soft=None), "soft"),
        (replace(CASE, soft=None, agents=False), "soft"),
        (replace(CASE, soft=59), "wait"),
        (replace(CASE, soft=None, ssh=False), "fence"),
        (replace(CASE, agents=False), "no_power"),
        (replace(CASE, listens=True, dumps=True, lost_for=5), "kdump"),
        (replace(CASE, listens=True, lost_for=29), "wait"),
        (replace(CASE, listens=True, lost_for=31), "fence"),
        (replace(CASE, fenced=179), "wait"),
        (replace(CASE, fenced=181), "fence"),
        (replace(CASE, proxies=False), "no_proxy"),
    ],
)
def test_what_is_next_for_a_lost_host(case: Case, step: str) -> None:
    assert next_step(case) == step


def test_the_apis_names_become_those_of_the_agents_program() -> None:
    apc = Agent(
        type="apc",
        address="pdu",
        port=2222,
        options=[Option(name="slot", value="7"), Option(name="secure", value="true")],
    )
    assert parameters(apc) == {"addr": "pdu", "port": 2222, "agent": "apc", "secure": True, "options": "port=7\n"}
    drac = parameters(Agent(type="drac7", address="bmc"))
    assert drac["agent"] == "ipmilan"
    assert drac["options"] == "privlvl=OPERATOR\nlanplus=1\ndelay=10\n"
    snmp = parameters(Agent(type="apc_snmp", address="pdu", port=3))
    assert (snmp["port"], snmp["options"]) == (0, "port=3\n")


def test_concurrent_agents_of_one_order_go_together() -> None:
    def row(name: str, order: int, concurrent: bool) -> FenceAgent:
        return FenceAgent(id=name, host_id="h", order=order, agent=Agent(concurrent=concurrent))

    found = groups([row("a", 1, True), row("b", 1, True), row("c", 2, False), row("d", 3, True)])
    assert [[r.id for r in rows] for rows in found] == [["a", "b"], ["c"], ["d"]]


def test_a_host_is_to_blame_for_vms_that_run_elsewhere_or_for_different_ones() -> None:
    assert not too_many([Failure("v", 1, False)] * 5)
    assert not too_many([Failure("v", 1, True)] * 2)
    assert too_many([Failure("v", 1, True)] * 3)
    assert too_many([Failure(name, 1, False) for name in "abc"])


def test_a_sealed_text_opens_with_its_key_for_its_row_alone(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert key_of(tmp_path) == key and len(key) == 32
    assert (tmp_path / "secrets.key").stat().st_mode & 0o777 == 0o600
    box = Secrets(key)
    sealed = box.seal("s3cret", "row")
    assert "s3cret" not in sealed and box.seal("s3cret", "row") != sealed
    assert box.open(sealed, "row") == "s3cret"
    for other, text, row in ((box, sealed, "other"), (Secrets(b"x" * 32), sealed, "row"), (box, "s3cret", "row")):
        with pytest.raises(Unreadable):
            other.open(text, row)


def test_messages_of_crash_dumps_are_known_in_either_byte_order() -> None:
    assert is_message(struct.pack("<II", 0x1B302A40, 1)) and is_message(struct.pack(">II", 0x1B302A40, 1) + b"more")
    assert not is_message(struct.pack("<II", 0x1B302A40, 2)) and not is_message(b"")
