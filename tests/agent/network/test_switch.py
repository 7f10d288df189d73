"""VLANs and bonds by Open vSwitch between two real hosts: what frames do, and what is there after things died."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ovis.contract.errors import VerbError
from tests.agent.network.cables import Cables, cabled, no_switch, until
from tests.agent.rack import Client, connect

pytestmark = pytest.mark.long  # proved through the API by test_real_networks
SHARE = {"out": {"ls": {"m2": 5}, "ul": {"m2": 90_000_000}}}
BOND = {"nics": ["eth1", "eth2"], "options": "mode=1 miimon=100"}


@pytest.fixture(scope="module")
def cables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cables]:
    why = no_switch(tmp_path_factory.mktemp("switch"))
    if why:
        pytest.skip(why)
    with cabled("--network-backend", "ovs") as found:
        found.join()
        for agent in found.agents.values():
            agent.start()
        yield found


@pytest.fixture
async def clients(cables: Cables) -> AsyncIterator[dict[str, Client]]:
    found = {name: await connect(agent) for name, agent in cables.agents.items()}
    yield found
    for client in found.values():
        await client.close()


async def setup(client: Client, networks: Any, bondings: Any = None, **options: Any) -> None:
    given = {"connectivityCheck": False, **options}
    await client("Host.setupNetworks", networks=networks, bondings=bondings or {}, options=given)


def net(host: str, subnet: int, **values: Any) -> dict[str, Any]:
    return {"ipaddr": f"198.51.{subnet}.{host[-1]}", "netmask": "255.255.255.0", **values}


async def test_networks_over_vlans_over_a_bond(cables: Cables, clients: dict[str, Client]) -> None:
    for host, client in clients.items():
        networks = {
            "plain": net(host, 100, bonding="bond0"),
            "red": net(host, 110, bonding="bond0", vlan="10", mtu="1400", hostQos=SHARE),
            "blue": net(host, 120, bonding="bond0", vlan="20", bridged="false"),
        }
        await setup(client, networks, {"bond0": BOND}, commitOnSuccess=True)
        caps = await client("Host.getCapabilities")
        assert caps["bondings"]["bond0"]["slaves"] == ["eth1", "eth2"]
        assert caps["bondings"]["bond0"]["opts"] == {"mode": "1", "miimon": "100"}
        assert caps["bondings"]["bond0"]["active_slave"] in ("eth1", "eth2")
        assert caps["networks"]["red"]["ports"] == ["bond0.10"] and caps["networks"]["red"]["mtu"] == "1400"
        assert caps["networks"]["blue"]["iface"] == "bond0.20" and caps["networks"]["blue"]["vlan"] == 20
        assert caps["vlans"]["bond0.20"]["iface"] == "bond0" and set(caps["nics"]) == {"eth0", "eth1", "eth2"}
    for subnet in (100, 110, 120):
        cables.await_reach("h1", f"198.51.{subnet}.2")
    queues = "".join(cables.run("h1", "tc", "-s", "class", "show", "dev", nic) for nic in ("eth1", "eth2"))
    assert any(int(n) for n in re.findall(r"class \w+ 5a5a:2 .*\n Sent (\d+) bytes", queues)), queues  # by its tag
    # The same address on another VLAN is another place.
    await setup(clients["h2"], {"red": net("h2", 110, bonding="bond0", vlan="30")})
    assert not cables.reaches("h1", "198.51.110.2")
    await setup(clients["h2"], {"red": net("h2", 110, bonding="bond0", vlan="10")})
    cables.await_reach("h1", "198.51.110.2")

    for nic in (1, 2):
        cables.cable("h1", nic, "down")
        cables.await_reach("h1", "198.51.110.2")
        other = f"eth{3 - nic}"
        caps = await clients["h1"]("Host.getCapabilities")
        assert caps["bondings"]["bond0"]["active_slave"] == other
        stats = (await clients["h1"]("Host.getStats"))["network"]
        assert (stats[f"eth{nic}"]["state"], stats["bond0"]["state"], stats["bond0.10"]["state"]) == (
            "down",
            "up",
            "up",
        )
        cables.cable("h1", nic, "up")


async def test_a_bonds_nics_and_mode_are_changed_and_taken_back(cables: Cables, clients: dict[str, Client]) -> None:
    client = clients["h1"]
    await setup(client, {}, {"bond0": {**BOND, "nics": ["eth2"]}})
    caps = await client("Host.getCapabilities")
    assert caps["bondings"]["bond0"]["slaves"] == ["eth2"]
    cables.await_reach("h1", "198.51.110.2")
    with pytest.raises(VerbError, match="taken back") as caught:
        await setup(client, {"extra": {"nic": "eth1", "vlan": "9"}}, {"bond0": {"nics": ["eth2"], "options": "mode=4"}},
                    connectivityCheck=True, connectivityTimeout=1)  # fmt: skip
    assert caught.value.code == 10
    for bad, words in (("mode=0", "mode 0"), ("mode=1 arp_interval=5", "arp_interval")):
        with pytest.raises(VerbError, match=words) as caught:
            await setup(client, {}, {"bond0": {**BOND, "options": bad}})
        assert caught.value.code == 25
    caps = await client("Host.getCapabilities")
    assert caps["bondings"]["bond0"]["slaves"] == ["eth2"] and caps["bondings"]["bond0"]["opts"]["mode"] == "1"
    assert "extra" not in caps["networks"] and "eth1.9" not in caps["vlans"]
    with pytest.raises(VerbError, match="used by network") as caught:
        await setup(client, {}, {"bond0": {"remove": True}})
    assert caught.value.code == 31
    await setup(client, {}, {"bond0": BOND}, commitOnSuccess=True)
    cables.await_reach("h1", "198.51.110.2")


async def test_the_switch_outlives_the_agent_and_is_revived(cables: Cables, clients: dict[str, Client]) -> None:
    agent = cables.agents["h1"]
    await setup(clients["h1"], {"loose": {"bonding": "bond0", "vlan": "40"}})
    await clients["h1"].close()
    agent.kill()
    cables.await_reach("h1", "198.51.110.2")
    agent.start()
    client = clients["h1"] = await connect(agent)
    assert (await client("Host.getCapabilities"))["bondings"]["bond0"]["slaves"] == ["eth1", "eth2"]
    assert not {"loose", "bond0.40"} & set(cables.links("h1"))  # nobody had agreed to it
    pids = [_outside(agent.run_dir, p) for p in ("ovs-vswitchd", "ovsdb-server")]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(not Path(f"/proc/{p}").exists() or _outside(agent.run_dir, n) != p for p, n in zip(pids, ("ovs-vswitchd", "ovsdb-server"), strict=True)), "other processes")  # fmt: skip
    cables.await_reach("h1", "198.51.110.2")
    # A reboot: the kernel has forgotten all of it, the agent's folder has not.
    await client.close()
    agent.stop()
    cables.rack.hostlab("power", "h1", "cycle")
    agent.start()
    client = clients["h1"] = await connect(agent)
    assert (await client("Host.getCapabilities"))["networks"]["red"]["ports"] == ["bond0.10"]
    cables.await_reach("h1", "198.51.110.2")


def _outside(run: Path, program: str) -> int:
    """A host's process, by the machine's number; 0 if it is not there."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                own = (entry / "status").read_text()
            except OSError:
                continue
            if os.path.basename(words[0]) == program.encode() and any(str(run).encode() in w for w in words):
                inner = own.split("NSpid:")[1].split("\n")[0].split()[-1]
                if (run / "ovs" / f"{program}.pid").read_text().strip() == inner:
                    return int(entry.name)
    return 0


def _ended(run: Path) -> bool:
    return not _outside(run, "ovs-vswitchd")


async def test_all_of_it_goes_again(cables: Cables, clients: dict[str, Client]) -> None:
    for host, client in clients.items():
        gone = {n: {"remove": True} for n in ("plain", "red", "blue")}
        await setup(client, gone, {"bond0": {"remove": True}}, commitOnSuccess=True)
        caps = await client("Host.getCapabilities")
        assert set(caps["networks"]) == {"ovirtmgmt"} and caps["bondings"] == {} and caps["vlans"] == {}
        assert set(cables.links(host)) - {"lo", ";vdsmdummy;"} == {"eth0", "eth1", "eth2", "ovirtmgmt"}
        await asyncio.to_thread(until, partial(_ended, cables.agents[host].run_dir), "its end")
        assert "ovis_switch" not in cables.run(host, "nft", "list", "ruleset")
