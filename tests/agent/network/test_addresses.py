"""Addresses of real networks: by DHCP, of both kinds, of routers, fixed; resolvers, options and shares with them."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ovis.contract.errors import VerbError
from tests.agent.network.cables import until
from tests.agent.rack import Client, Lab

SERVER = """port=0
interface=eth1
bind-interfaces
dhcp-range=198.51.77.50,198.51.77.60,2m
dhcp-option=option:router,198.51.77.1
dhcp-option=option:dns-server,198.51.77.53
dhcp-range=2001:db8:77::50,2001:db8:77::60,slaac,64,2m
enable-ra
ra-param=eth1,4,600
"""


@pytest.fixture
def server(lab: Lab, tmp_path: Path) -> Iterator[None]:
    """dnsmasq on the second host, for the segment of eth1."""
    lab.rack.hostlab("exec", "h2", "--", "ip", "addr", "add", "198.51.77.1/24", "dev", "eth1")
    lab.rack.hostlab("exec", "h2", "--", "ip", "addr", "add", "2001:db8:77::1/64", "dev", "eth1", "nodad")
    file = tmp_path / "dnsmasq.conf"
    file.write_text(SERVER + f"dhcp-leasefile={tmp_path}/leases\n", encoding="ascii")
    netns = str(lab.rack.host("h2")["netns"])
    command = ["ip", "netns", "exec", netns, "dnsmasq", "--keep-in-foreground", f"--conf-file={file}", "--user=root"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        try:
            yield
        finally:
            run.terminate()
            lab.rack.hostlab("exec", "h2", "--", "ip", "addr", "flush", "dev", "eth1")


@pytest.fixture
async def client(lab: Lab) -> AsyncIterator[Client]:
    async with lab.clients("h1") as (found,):
        yield found
        await setup(found, {n: {"remove": True} for n in ("dyn", "fix") if n in (await caps(found))["networks"]})
    lab.rack.hostlab("exec", "h1", "--", "ip", "addr", "flush", "dev", "eth1")


async def setup(client: Client, networks: Any, **options: Any) -> None:
    await client("Host.setupNetworks", networks=networks, bondings={}, options={"connectivityCheck": False, **options})


async def caps(client: Client) -> dict[str, Any]:
    return dict(await client("Host.getNetworkCapabilities"))


def ip(lab: Lab, *words: str) -> Any:
    return json.loads(lab.rack.hostlab("exec", "h1", "--", "ip", "-j", *words) or "[]")


async def test_by_dhcp_of_both_kinds_and_by_routers(lab: Lab, client: Client, server: None) -> None:
    route = ip(lab, "route", "show", "default")
    wish = {"nic": "eth1", "bootproto": "dhcp", "dhcpv6": True, "ipv6autoconf": True, "defaultRoute": False}
    await setup(client, {"dyn": wish})
    row = (await caps(client))["networks"]["dyn"]
    assert row["dhcpv4"] is True and row["addr"].startswith("198.51.77.") and row["netmask"] == "255.255.255.0"
    assert ip(lab, "route", "show", "default") == route  # it is not the host's default route
    lent = next(a for a in ip(lab, "addr", "show", "dev", "dyn")[0]["addr_info"] if a["local"] == row["addr"])
    assert lent["dynamic"] is True and 60 < lent["valid_life_time"] <= 120

    async def six() -> dict[str, Any]:
        return dict((await caps(client))["networks"]["dyn"])

    for _ in range(200):
        row = await six()
        if any(a.endswith("/128") for a in row["ipv6addrs"]) and any(a.endswith("/64") for a in row["ipv6addrs"]):
            break
    assert row["dhcpv6"] is True and row["ipv6autoconf"] is True and row["ipv6gateway"].startswith("fe80")
    assert any(a.startswith(("2001:db8:77::5", "2001:db8:77::60")) for a in row["ipv6addrs"])

    before = row["addr"]
    await setup(client, {"dyn": {**wish, "defaultRoute": True}})  # another client: the same address, its resolvers too
    row = (await caps(client))["networks"]["dyn"]
    assert row["addr"] == before and row["gateway"] == "198.51.77.1"
    assert (await caps(client))["nameservers"] == ["198.51.77.53"]
    gateway = route[0]["gateway"]
    lab.rack.hostlab("exec", "h1", "--", "ip", "route", "replace", "default", "via", gateway, "dev", "ovirtmgmt")

    await setup(client, {"dyn": {"nic": "eth1", "bootproto": "none"}})
    row = (await caps(client))["networks"]["dyn"]
    assert row["addr"] == "" and row["ipv6addrs"] == [] and not row["dhcpv4"] and not row["dhcpv6"]


def _still(row: dict[str, Any]) -> dict[str, Any]:
    """Without what STP changes for a while when a port comes or goes."""
    return {**row, "opts": {k: v for k, v in row["opts"].items() if k != "ageing_time"}}


async def test_fixed_ones_with_resolvers_options_and_shares(lab: Lab, client: Client) -> None:
    route = ip(lab, "route", "show", "default")
    wish = {
        "nic": "eth1",
        "ipaddr": "198.51.78.4",
        "netmask": "255.255.255.0",
        "gateway": "198.51.78.1",
        "defaultRoute": False,
        "ipv6addr": "2001:db8:78::4/64",
        "STP": "yes",
        "custom": {"bridge_opts": "priority=1234 hello_time=300", "colour": "blue"},
        "hostQos": {"out": {"ls": {"m2": 50_000_000}, "ul": {"m2": 80_000_000}}},
    }
    await setup(client, {"fix": wish})
    found = await caps(client)
    row = found["networks"]["fix"]
    assert (row["addr"], row["gateway"], row["ipv6addrs"]) == ("198.51.78.4", "198.51.78.1", ["2001:db8:78::4/64"])
    assert (row["stp"], row["opts"]["priority"], row["opts"]["hello_time"]) == ("on", "1234", "300")
    assert row["hostQos"] == wish["hostQos"] and found["nics"]["eth1"]["qos"] == [
        {"hostQos": row["hostQos"], "vlan": -1}
    ]
    queue = lab.rack.hostlab("exec", "h1", "--", "tc", "class", "show", "dev", "eth1")
    assert "80Mbit" in queue
    # What asks at its address is answered by its own gateway; the host's default route is another's.
    assert ip(lab, "route", "show", "default") == route
    assert ip(lab, "route", "get", "203.0.113.9", "from", "198.51.78.4")[0]["gateway"] == "198.51.78.1"

    for more, code, words in (
        ({"custom": {"bridge_opts": "priority"}}, 21, "NAME=VALUE"),
        ({"custom": {"bridge_opts": "no_such=1"}}, 27, "no option"),
        ({"custom": {"bridge_opts": "hello_time=999999"}}, 27, "not taken"),
        ({"custom": {"ethtool_opts": "--offload eth0 tx off"}}, 21, "names no NIC of the network"),
        ({"nameservers": ["one"]}, 22, "one"),
    ):
        with pytest.raises(VerbError, match=words) as caught:
            await setup(client, {"fix": {**wish, "ipaddr": "198.51.78.5", **more}})
        assert caught.value.code == code
        assert _still((await caps(client))["networks"]["fix"]) == _still(row)

    if shutil.which("ethtool", path="/usr/sbin:/sbin"):
        await setup(client, {"fix": {**wish, "custom": {"ethtool_opts": "--offload * tx off gso off -K eth1 gro on"}}})
        shown = lab.rack.hostlab("exec", "h1", "--", "ethtool", "-k", "eth1")
        assert "generic-segmentation-offload: off" in shown and "generic-receive-offload: on" in shown
        with pytest.raises(VerbError, match="ethtool --offload eth1 no_such on") as caught:
            await setup(client, {"fix": {**wish, "custom": {"ethtool_opts": "--offload eth1 no_such on"}}})
        assert caught.value.code == 23

    main = {"nic": "eth1", "ipaddr": "198.51.78.4", "netmask": "255.255.255.0", "nameservers": ["198.51.78.53", "::53"]}
    await setup(client, {"fix": main})
    found = await caps(client)
    row = found["networks"]["fix"]
    assert found["nameservers"] == ["198.51.78.53", "::53"] and row["stp"] == "off" and row["ipv6addrs"] == []
    assert "5a5a" not in lab.rack.hostlab("exec", "h1", "--", "tc", "qdisc", "show", "dev", "eth1")
    assert ip(lab, "rule", "show") and not [r for r in ip(lab, "rule", "show") if r.get("src") == "198.51.78.4"]
    until(lambda: ip(lab, "route", "show", "default") == route, "the default route as before")
