"""Through the API on two real hosts: networks over VLANs over a bond, guests on them, and a set-up that cuts the host off.

VLANs and bonds are the kernel's where it has them, else Open vSwitch's in user space.
"""

import json
import re
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from ovis.cli.guest import Guest, NotBuilt, build
from tests.agent.hooks.scripts import Scene
from tests.agent.network.cables import Cables, no_switch
from tests.agent.rack import ROOT, Agent, Rack, console
from tests.engine.resources.lab import made
from tests.installation import until
from tests.real_rack import MIB, Place, real_place

pytestmark = [
    pytest.mark.skipif(bool(no_switch(Path("/"))), reason=no_switch(Path("/")) or "-"),
    pytest.mark.long,  # a rack, an engine and guests; hosts by themselves are in tests/agent/network
]
ADDRESSES = {"h1": "198.51.100.1", "h2": "198.51.100.2"}


@pytest.fixture(scope="module")
def image() -> Guest:
    try:
        return build(ROOT / "tools/make-guest-image.sh")
    except NotBuilt as err:
        pytest.skip(f"the Linux guest cannot be made here: {err}")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    found = Scene(tmp_path_factory.mktemp("hooks"))
    for point in ("before_network_setup", "after_network_setup", "after_network_setup_fail"):
        found.record(point)
    return found


def _three_nics(rack: Rack) -> None:
    rack.nics = 3


@pytest.fixture(scope="module")
def place(image: Guest, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("networks")
    with real_place(folder, options=("--hooks", str(scene.hooks)), before=_three_nics) as found:
        Cables(found.rack, found.agents).join()
        with found.engine.client() as client:
            center = client.get("/datacenters?search=name%3DDefault").json()["data_center"][0]["id"]
            cluster = client.get("/clusters?search=name%3DDefault").json()["cluster"][0]["id"]
            for name, vlan in (("red", 10), ("blue", 20)):
                body = {"name": name, "data_center": {"id": center}, "vlan": {"id": vlan}}
                network = made(client.post("/networks", json=body))["id"]
                made(client.post(f"/clusters/{cluster}/networks", json={"id": network, "required": False}))
        yield found


@pytest.fixture
def system(place: Place) -> Iterator[Any]:
    with place.engine.sdk() as found:
        yield found


def host_service(system: Any, name: str) -> Any:
    hosts = system.hosts_service()
    return hosts.host_service(hosts.list(search=f"name={name}")[0].id)


def attached(host: Any) -> dict[str, Any]:
    return {row.network.name: row for row in host.network_attachments_service().list(follow="network")}


def on(network: str, device: str, **more: Any) -> Any:
    nic = types.HostNic(name=device)
    return types.NetworkAttachment(network=types.Network(name=network), host_nic=nic, **more)


def profile(system: Any, network: str) -> Any:
    found = system.networks_service().list(search=f"name={network}")[0]
    profiles = system.networks_service().network_service(found.id).vnic_profiles_service().list()
    return types.VnicProfile(id=profiles[0].id)


class Shell:
    """Root's shell on a guest's serial port."""

    def __init__(self, agent: Agent, vm_id: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(1)
        self._socket.connect(str(console(agent, vm_id)))
        self._count = 0

    def close(self) -> None:
        self._socket.close()

    def run(self, command: str, limit: float = 20) -> str:
        """What it prints; asks again while the guest still starts."""
        end = time.monotonic() + limit
        self._count += 1
        mark = f"done{self._count}"
        data = b""
        while time.monotonic() < end:
            self._socket.sendall(f"{command}; echo {mark[:4]}''{mark[4:]}\n".encode())
            try:
                while part := self._socket.recv(4096):
                    data += part
                    if f"\n{mark}".encode() in data:
                        return data.decode("utf-8", "replace")
            except TimeoutError:
                continue
        raise AssertionError(f"the guest's shell does not answer: {data[-300:]!r}")

    def reaches(self, address: str) -> bool:
        """Whether one ping is answered."""
        return " 0% packet loss" in self.run(f"ping -c 1 -W 1 {address}")


def _guest(system: Any, image: Guest, name: str, host: str) -> str:
    vms = system.vms_service()
    vm = vms.add(
        types.Vm(
            name=name,
            cluster=types.Cluster(name="Default"),
            template=types.Template(name="Blank"),
            memory=128 * MIB,
            memory_policy=types.MemoryPolicy(max=128 * MIB, guaranteed=64 * MIB),
            console=types.Console(enabled=True),
            os=types.OperatingSystem(
                kernel=str(image.kernel), initrd=str(image.initrd), cmdline="console=ttyS0 quiet panic=5",
                boot=types.Boot(devices=[types.BootDevice.NETWORK]),
            ),
            placement_policy=types.VmPlacementPolicy(hosts=[types.Host(name=host)]),
        )
    )  # fmt: skip
    service = vms.vm_service(vm.id)
    service.nics_service().add(types.Nic(name="nic1", vnic_profile=profile(system, "red")))
    service.start()
    return str(vm.id)


def test_networks_of_a_bond_are_set_up_on_both_hosts_with_their_hooks(place: Place, system: Any, scene: Scene) -> None:
    bond = types.HostNic(
        name="bond0",
        bonding=types.Bonding(
            options=[types.Option(name="mode", value="1"), types.Option(name="miimon", value="100")],
            slaves=[types.HostNic(name="eth1"), types.HostNic(name="eth2")],
        ),
    )
    options = [types.Property(name="bridge_opts", value="ageing_time=12000")]
    for name in ADDRESSES:
        host = host_service(system, name)
        host.setup_networks(
            modified_bonds=[bond],
            modified_network_attachments=[on("red", "bond0", properties=options), on("blue", "bond0")],
            check_connectivity=True,
            connectivity_timeout=60,
            commit_on_success=True,
        )
        found = attached(host)
        assert set(found) == {"ovirtmgmt", "red", "blue"} and all(a.in_sync for a in found.values())
        nics = {n.name: n for n in host.nics_service().list()}
        assert {"bond0", "bond0.10", "bond0.20", "eth0", "eth1", "eth2"} == set(nics)
        assert {s.id for s in nics["bond0"].bonding.slaves} == {nics["eth1"].id, nics["eth2"].id}
        assert nics["bond0.10"].vlan.id == 10 and found["red"].host_nic.id == nics["bond0"].id
        assert "12000" in place.rack.hostlab("exec", name, "--", "cat", "/sys/class/net/red/bridge/ageing_time")
    records = scene.records()
    assert [r["point"] for r in records] == ["before_network_setup", "after_network_setup"] * 2
    assert {r["environment"]["OVIS_AGENT_ADDRESS"] for r in records} == {a.address for a in place.agents.values()}
    request = json.loads(records[0]["document"])["request"]
    assert request["networks"]["red"]["custom"] == {"bridge_opts": "ageing_time=12000"}
    assert request["bondings"]["bond0"]["nics"] == ["eth1", "eth2"]


def _runs(service: Any) -> bool:
    return str(service.get().status) in ("up", "powering_up")


@pytest.mark.long  # two Linux guests boot by emulation
def test_guests_reach_each_other_on_their_vlan_alone_whatever_cable_is_cut(
    place: Place, system: Any, image: Guest
) -> None:
    vms = {host: _guest(system, image, f"guest-{host}", host) for host in ADDRESSES}
    shells: dict[str, Shell] = {}
    try:
        for host, vm in vms.items():
            until(partial(_runs, system.vms_service().vm_service(vm)), "a guest that runs")
            shells[host] = Shell(place.agents[host], vm)
        for host, shell in shells.items():
            shell.run(f"ip link set eth0 up; ip addr add {ADDRESSES[host]}/24 dev eth0", limit=120)
        until(lambda: shells["h1"].reaches(ADDRESSES["h2"]), "a guest of the same VLAN")
        services = [system.vms_service().vm_service(vm) for vm in vms.values()]
        until(lambda: all(str(s.get().status) == "up" for s in services), "guests whose agents answer", 120)

        nics = system.vms_service().vm_service(vms["h2"]).nics_service()
        nic = nics.nic_service(nics.list()[0].id)
        nic.update(types.Nic(vnic_profile=profile(system, "blue")))
        assert not shells["h1"].reaches(ADDRESSES["h2"])
        nic.update(types.Nic(vnic_profile=profile(system, "red")))
        until(lambda: shells["h1"].reaches(ADDRESSES["h2"]), "the guest, back on its VLAN")

        cables = Cables(place.rack, place.agents)
        for number in (1, 2):
            cables.cable("h1", number, "down")
            until(lambda: shells["h1"].reaches(ADDRESSES["h2"]), "the guest, by the other cable")
            cables.cable("h1", number, "up")
    finally:
        for shell in shells.values():
            shell.close()
        for vm in vms.values():
            system.vms_service().vm_service(vm).stop()


def test_a_set_up_that_cuts_the_host_off_is_taken_back(place: Place, system: Any, scene: Scene) -> None:
    scene.forget()
    host = host_service(system, "h1")
    before = attached(host)
    for row in ("red", "blue"):
        assert before[row].in_sync
    with pytest.raises(ovirtsdk4.Error, match="did not reach this host within 5 s"):
        host.setup_networks(
            modified_network_attachments=[on("ovirtmgmt", "bond0")], check_connectivity=True, connectivity_timeout=5
        )
    until(lambda: str(host.get().status) == "up", "the host up again")
    after = attached(host)
    assert {n: (a.host_nic.id, a.in_sync) for n, a in after.items()} == {
        n: (a.host_nic.id, a.in_sync) for n, a in before.items()
    }
    assert scene.points() == ["before_network_setup", "after_network_setup_fail"]
    ports = place.rack.hostlab("exec", "h1", "--", "ip", "-o", "link", "show", "master", "ovirtmgmt")
    assert re.findall(r"^\d+: (\w+)", ports, re.MULTILINE) == ["eth0"]
