"""Host.setupNetworks: the request's rules, and bridges made, taken back and kept on a real host."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.network.request import Bond, Net, plan
from ovis.contract.errors import VerbError
from tests.agent.hooks.scripts import PYTHON, Scene
from tests.agent.rack import Agent, Client, Lab, Rack, connect, create, domain, missing, nic

# -- pure ---------------------------------------------------------------------------------------------------------


def test_a_request_as_the_engine_sends_it() -> None:
    found = plan(
        {
            "net1": {"bridged": "true", "nic": "eth1", "mtu": "9000", "vlan": "10", "STP": "no"},
            "net2": {"bridged": False, "bonding": "bond0", "ipaddr": "192.0.2.5", "netmask": "255.255.255.0"},
            "net3": {"remove": "true"},
        },
        {"bond0": {"nics": ["eth2", "eth3"], "options": "mode=4 miimon=100"}, "bond1": {"remove": True}},
    )
    assert found.networks == (
        Net(name="net1", nic="eth1", mtu=9000, vlan=10),
        Net(name="net2", bridged=False, nic="bond0", bond=True, ip="192.0.2.5", prefix=24),
    )
    assert found.removed == ("net3",) and found.removed_bonds == ("bond1",)
    assert found.bonds == (Bond(name="bond0", nics=("eth2", "eth3"), mode=4, options={"miimon": "100"}),)


@pytest.mark.parametrize(
    ("networks", "bondings", "code"),
    [
        ([], {}, 21),
        ({"a": 1}, {}, 21),
        ({"name-that-is-too-long": {}}, {}, 21),
        ({"a/b": {}}, {}, 21),
        ({"a": {"vlan": 5000}}, {}, 21),
        ({"a": {"mtu": "big"}}, {}, 21),
        ({"a": {"switch": "ovs"}}, {}, 21),
        ({"a": {"ipaddr": "1.2.3"}}, {}, 22),
        ({"a": {"ipaddr": "192.0.2.1", "netmask": "1.2.3.4"}}, {}, 22),
        ({"a": {"gateway": "x"}}, {}, 22),
        ({}, {"b": {}}, 21),
        ({}, {"b": {"nics": "eth0"}}, 21),
    ],
)
def test_requests_that_make_no_sense_are_refused(networks: Any, bondings: Any, code: int) -> None:
    with pytest.raises(VerbError) as caught:
        plan(networks, bondings)
    assert caught.value.code == code


# -- real ---------------------------------------------------------------------------------------------------------

UNCHECKED = {"connectivityCheck": False}


async def networks_of(client: Client) -> dict[str, Any]:
    return dict((await client("Host.getCapabilities"))["networks"])


async def setup(client: Client, networks: Any, bondings: Any = None, **options: Any) -> Any:
    return await client("Host.setupNetworks", networks=networks, bondings=bondings or {}, options=options or UNCHECKED)


async def test_a_vm_network_is_made_used_and_removed(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        await setup(client, {"blue": {"nic": "eth1", "bridged": True, "ipaddr": "198.51.100.4", "prefix": "24"}})
        try:
            found = (await networks_of(client))["blue"]
            assert (found["bridged"], found["ports"], found["addr"]) == (True, ["eth1"], "198.51.100.4")
            vm_id, xml = domain(nics=[nic("blue")])
            await create(client, vm_id, xml)
            await client.until(vm_id, "Powering up")
            with pytest.raises(VerbError, match="used by running VMs") as caught:
                await setup(client, {"blue": {"remove": True}})
            assert caught.value.code == 27
            assert "blue" in await networks_of(client)
            await client("VM.destroy", vmID=vm_id)
        finally:
            await setup(client, {"blue": {"remove": True}})
        caps = await client("Host.getCapabilities")
        assert "blue" not in caps["networks"] and caps["nics"]["eth1"]["addr"] == "198.51.100.4"
        with pytest.raises(VerbError, match="no network blue"):
            await setup(client, {"blue": {"remove": True}})
        _clean(lab)


def _clean(lab: Lab) -> None:
    lab.rack.hostlab("exec", "h1", "--", "ip", "addr", "flush", "dev", "eth1")


async def test_without_a_confirmation_everything_is_as_before(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        wanted = {"blue": {"nic": "eth1", "mtu": 1400}}
        with pytest.raises(VerbError, match="taken back") as caught:
            await setup(client, wanted, connectivityCheck=True, connectivityTimeout=1)
        assert caught.value.code == 10
        assert "blue" not in await networks_of(client)
        going = asyncio.create_task(setup(client, wanted, connectivityCheck="true", connectivityTimeout="20"))
        while not going.done():
            await client("Host.confirmConnectivity")
            await asyncio.sleep(0.1)
        assert going.result() is True
        assert "blue" in await networks_of(client)
        await setup(client, {"blue": {"remove": True}})


@pytest.mark.parametrize(
    ("networks", "bondings", "codes"),
    [
        ({"ok1": {"nic": "eth1"}, "bad": {"nic": "eth9"}}, {}, {23}),
        ({"ok1": {"nic": "eth1"}, "bad": {"nic": "eth0"}}, {}, {24}),
        ({"ok1": {"nic": "eth1"}, "bad": {"nic": "eth1", "bootproto": "dhcp"}}, {}, {22, 24}),
    ],
)
async def test_one_bad_part_takes_all_back(lab: Lab, networks: Any, bondings: Any, codes: set[int]) -> None:
    async with lab.clients("h1") as (client,):
        before = (await client("Host.getCapabilities"))["nics"]
        with pytest.raises(VerbError) as caught:
            await setup(client, networks, bondings)
        assert caught.value.code in codes
        caps = await client("Host.getCapabilities")
        assert set(caps["networks"]) == {"ovirtmgmt"} and caps["nics"] == before


async def test_vlans_and_bonds_work_or_the_kernels_reason_is_told(lab: Lab) -> None:
    async with lab.clients("h1") as (client,):
        tries: tuple[tuple[Any, Any, int], ...] = (
            ({"red": {"nic": "eth1", "vlan": 10}}, {}, 26),
            ({"red": {"bonding": "bond0"}}, {"bond0": {"nics": ["eth1"], "options": "mode=1"}}, 25),
        )
        for networks, bondings, code in tries:
            refused: VerbError | None = None
            try:
                await setup(client, networks, bondings)
            except VerbError as err:
                refused = err
            there = "red" in await networks_of(client)
            assert there is (refused is None)
            if refused is not None:
                assert refused.code == code and "kernel" in refused.message
            else:
                await setup(client, {"red": {"remove": True}}, {n: {"remove": True} for n in bondings})


async def test_what_was_committed_is_there_after_a_reboot(lab: Lab) -> None:
    agent = lab.agents["h1"]
    async with lab.clients("h1") as (client,):
        await setup(client, {"blue": {"nic": "eth1"}}, connectivityCheck=False, commitOnSuccess=True)
        assert (await client("Host.getStats"))["netConfigDirty"] == "False"
        agent.stop()
        lab.rack.hostlab("exec", "h1", "--", "ip", "link", "del", "blue")
        agent.start()
        again = await connect(agent)
        try:
            assert "blue" in await networks_of(again)
            await setup(again, {"blue": {"remove": True}}, connectivityCheck=False, commitOnSuccess=True)
            assert json.loads((agent.data / "networks.json").read_text())["networks"] == {}
        finally:
            await again.close()


async def test_the_management_bridge_is_made_at_start_and_takes_the_address() -> None:
    why = missing()
    if why:
        pytest.skip(why)
    rack = Rack(1)
    try:
        rack.up("--bridge", "")
        agent = Agent(rack, "h1", "--ensure-bridge", "ovirtmgmt=eth0")
        agent.start()
        try:
            for _ in range(2):  # the second start finds it
                client = await connect(agent)
                found = (await networks_of(client))["ovirtmgmt"]
                assert found["ports"] == ["eth0"] and found["addr"] == agent.address and found["gateway"]
                await client.close()
                agent.stop()
                agent.start()
        finally:
            agent.stop()
    finally:
        rack.down()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Agent, Scene]]:
    """One host with scripts of its own, not yet started."""
    why = missing()
    if why:
        pytest.skip(why)
    rack = Rack(1)
    scene = Scene(tmp_path)
    try:
        rack.up()
        agent = Agent(rack, "h1", "--hooks", str(scene.hooks))
        try:
            yield agent, scene
        finally:
            agent.stop()
    finally:
        rack.down()


async def test_an_agent_that_is_killed_in_mid_set_up_comes_back_to_what_was(alone: tuple[Agent, Scene]) -> None:
    agent, _ = alone
    agent.start()
    client = await connect(agent)
    before = await client("Host.getCapabilities")
    going = asyncio.create_task(
        setup(client, {"blue": {"nic": "eth1", "mtu": 1400}}, connectivityCheck=True, connectivityTimeout=600)
    )
    while "blue" not in agent_links(agent):
        assert not going.done(), going.result()
        await asyncio.sleep(0.1)
    agent.kill()
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    await client.close()
    assert "blue" in agent_links(agent)
    agent.start()
    client = await connect(agent)
    after = await client("Host.getCapabilities")
    assert set(after["networks"]) == {"ovirtmgmt"}
    assert {n: x["mtu"] for n, x in after["nics"].items()} == {n: x["mtu"] for n, x in before["nics"].items()}
    assert after["netConfigDirty"] == "False" and not (agent.data / "networks.open.json").exists()
    await client.close()


def agent_links(agent: Agent) -> set[str]:
    found = json.loads(agent.rack.hostlab("exec", "h1", "--", "ip", "-j", "link"))
    return {x["ifname"] for x in found}


async def test_what_was_not_committed_is_taken_back_at_the_next_start(alone: tuple[Agent, Scene]) -> None:
    agent, _ = alone
    agent.start()
    client = await connect(agent)
    await setup(client, {"kept": {"nic": "eth1", "ipaddr": "198.51.100.4", "prefix": 24}}, connectivityCheck=False,
                commitOnSuccess=True)  # fmt: skip
    await setup(client, {"kept": {"nic": "eth1", "ipaddr": "198.51.100.9", "prefix": 24}, "loose": {}})
    caps = await client("Host.getCapabilities")
    assert caps["networks"]["kept"]["ipv4addrs"] == ["198.51.100.9/24"] and "loose" in caps["networks"]
    assert caps["netConfigDirty"] == "True"
    await client.close()
    agent.stop()
    agent.start()
    client = await connect(agent)
    caps = await client("Host.getCapabilities")
    assert set(caps["networks"]) == {"ovirtmgmt", "kept"}
    assert caps["networks"]["kept"]["ipv4addrs"] == ["198.51.100.4/24"] and caps["netConfigDirty"] == "False"
    await client.close()


async def test_hooks_run_around_a_set_up_and_change_or_stop_it(alone: tuple[Agent, Scene]) -> None:
    agent, scene = alone
    scene.record("after_network_setup")
    scene.record("after_network_setup_fail")
    scene.put(
        "before_network_setup",
        "20_mtu",
        f"#!{PYTHON}\nimport sys, hooking\nd = hooking.read_json()\nn = d['request']['networks']\n"
        "'stop' in n and sys.exit(2)\nfor x in n.values():\n    x['mtu'] = 1300\nhooking.write_json(d)\n",
    )
    agent.start()
    client = await connect(agent)
    await setup(client, {"blue": {}})
    assert (await networks_of(client))["blue"]["mtu"] == "1300"
    assert scene.points() == ["after_network_setup"]
    with pytest.raises(VerbError):
        await setup(client, {"stop": {}})
    assert "stop" not in await networks_of(client) and scene.points() == ["after_network_setup"]
    with pytest.raises(VerbError) as caught:
        await setup(client, {"red": {"nic": "eth0"}})
    assert caught.value.code == 24
    assert scene.points() == ["after_network_setup", "after_network_setup_fail"]
    assert set(await networks_of(client)) == {"ovirtmgmt", "blue"}
    await client.close()
