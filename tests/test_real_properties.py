"""Custom properties from the engine's command line, over the real SDK, to shipped hooks on a real host.

Seen: the domain that runs, and frames: one with a forged MAC address leaves a Linux guest only where a hook allows it; a
packet reaches a guest only as its property says.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from ovis.cli.guest import Guest, NotBuilt, build
from tests.agent.rack import MIB, ROOT, missing
from tests.hooks.bridge import udp
from tests.hooks.shipped import FOLDER, make
from tests.installation import program, until
from tests.real_rack import Place, real_place

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.long,  # a rack, an engine and Linux guests; hooks on real hosts are in test_real_hooks.py
]
BRIDGE = "ovirtmgmt"
FORGED = "02:be:ef:00:00:0{}"
TRUE = "^(true|false)$"


@pytest.fixture(scope="module")
def guest() -> Guest:
    """Linux that can be told what to send."""
    try:
        return build(ROOT / "tools/make-guest-image.sh")
    except NotBuilt as err:
        pytest.skip(f"the Linux guest cannot be made here: {err}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    base = tmp_path_factory.mktemp("shipped")
    for name in ("macspoof", "ifacemacspoof", "firewall"):
        make(name, base)
    hooks = base / "hooks"
    command = [program("ovis-agent"), "hooks", "install", str(FOLDER / "qemucmdline"), "--hooks-dir", str(hooks)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with real_place(tmp_path_factory.mktemp("real"), 1, ("--hooks", str(hooks))) as made:
        config(made, "UserDefinedVMProperties", f"macspoof={TRUE};firewall=.*;qemu_cmdline=.*")
        config(made, "CustomDeviceProperties", f"{{type=interface;prop={{ifacemacspoof={TRUE};queues=[1-9]}}}}")
        yield made


def config(place: Place, name: str, value: str) -> None:
    """What an administrator types; the engine goes on running."""
    command = [program("ovis-engine"), "config", "merge", name, value, "--data", str(place.engine.folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def in_host(place: Place, *words: str) -> list[str]:
    """A command inside the host's network."""
    pid = json.loads((place.rack.dir / "h1/init.json").read_text())["pid"]
    return ["nsenter", "-t", str(pid), "-n", "--", *words]


class Sniffer:
    """What guests send, seen on interfaces of the host."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def counts(self) -> dict[str, dict[str, int]]:
        """{interface: {source: frames}}."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("now\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def sniffer(place: Place, *interfaces: str) -> Iterator[Sniffer]:
    command = in_host(place, sys.executable, str(ROOT / "tests/hooks/sniff.py"), *interfaces)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield Sniffer(process)
        finally:
            process.communicate("end\n", timeout=30)


class Serial:
    """A guest's root shell."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(1)
        until(lambda: not self._socket.connect_ex(str(path)), "the serial console")

    def __call__(self, command: str, sign: str, seconds: float = 90) -> None:
        """Type a command until its output has a sign."""
        end = time.monotonic() + seconds
        seen = b""
        while time.monotonic() < end:
            self._socket.sendall(command.encode() + b"\n")
            pause = time.monotonic() + 5
            while time.monotonic() < pause:
                with contextlib.suppress(TimeoutError):
                    seen += self._socket.recv(4096)
                if sign.encode() in seen:
                    return
        raise AssertionError(f"the guest does not answer {command!r}: {seen[-1000:]!r}")

    def forge(self, interface: str, mac: str) -> None:
        """Send frames with another source address."""
        self(
            f"ip link set {interface} address {mac}; ip addr add 10.66.0.1/24 dev {interface} 2>/dev/null;"
            f"ip link set {interface} up; (arping -c 8 -I {interface} 10.66.0.9 >/dev/null 2>&1 &) ; echo fo''rged",
            "forged",
        )


def live(place: Place, name: str) -> Element:
    """The domain that runs."""
    return fromstring(place.rack.virsh("h1", "dumpxml", name))


def nics(place: Place, name: str) -> dict[str, tuple[str, list[str]]]:
    """{MAC: (tap, filters)} of a running domain."""
    found = {}
    for each in live(place, name).findall("devices/interface"):
        mac, target = each.find("mac"), each.find("target")
        assert mac is not None
        assert target is not None
        filters = [str(f.get("filter")) for f in each.findall("filterref")]
        found[str(mac.get("address"))] = (str(target.get("dev")), filters)
    return found


def default_profile(system: Any) -> Any:
    """The profile that was born with the network: with the filter against forged addresses."""
    return next(p for p in system.vnic_profiles_service().list() if p.name == BRIDGE)


def linux(system: Any, guest: Guest, name: str, custom: dict[str, str]) -> Any:
    """A VM that boots Linux, with a NIC of the default profile; its service."""
    from ovirtsdk4 import types as t

    memory = 192 * MIB
    vm = system.vms_service().add(
        t.Vm(
            name=name,
            cluster=t.Cluster(name="Default"),
            template=t.Template(name="Blank"),
            memory=memory,
            memory_policy=t.MemoryPolicy(guaranteed=memory, max=memory),
            console=t.Console(enabled=True),
            os=t.OperatingSystem(
                kernel=str(guest.kernel),
                initrd=str(guest.initrd),
                cmdline="console=ttyS0 quiet panic=5",
                boot=t.Boot(devices=[t.BootDevice.NETWORK]),
            ),
            custom_properties=[t.CustomProperty(name=n, value=v) for n, v in custom.items()] or None,
        )
    )
    service = system.vms_service().vm_service(vm.id)
    profile = default_profile(system)
    service.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
    return service


def forged_frames(place: Place, serial: Serial, interface: str, tap: str, mac: str) -> int:
    """How many frames with a forged address came through, of those that were surely sent."""
    with sniffer(place, tap, BRIDGE) as seen:
        serial.forge(interface, mac)
        until(lambda: seen.counts()[tap].get(mac, 0) >= 4, f"frames of {mac} on {tap}", 120)
        return seen.counts()[BRIDGE].get(mac, 0)


def test_a_forged_address_passes_only_where_a_hook_allows_it(place: Place, guest: Guest) -> None:
    if shutil.which("ebtables", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        pytest.skip("network filters need ebtables")
    from ovirtsdk4 import types as t

    with place.engine.sdk() as system:
        default = default_profile(system)
        free = system.vnic_profiles_service().add(
            t.VnicProfile(
                name="free",
                network=t.Network(id=default.network.id),
                custom_properties=[t.CustomProperty(name="ifacemacspoof", value="true")],
            )
        )
        assert [(p.name, p.value) for p in free.custom_properties] == [("ifacemacspoof", "true")]

        service = linux(system, guest, "strict", {})
        service.start()
        until(lambda: str(service.get().status) == "up", "a guest that is up", 240)
        (first,) = nics(place, "strict").items()
        assert first[1][1] == ["vdsm-no-mac-spoofing"]
        serial = Serial(place.agents["h1"].run_dir / "consoles" / f"{service.get().id}.sock")
        with sniffer(place, first[1][0], BRIDGE) as seen:
            serial("(arping -c 4 -I eth0 10.66.0.9 >/dev/null 2>&1 &); echo ho''nest", "honest")
            until(lambda: seen.counts()[BRIDGE].get(first[0], 0) >= 2, "frames with its own address", 120)
        assert forged_frames(place, serial, "eth0", first[1][0], FORGED.format(1)) == 0

        service.nics_service().add(t.Nic(name="nic2", vnic_profile=t.VnicProfile(id=free.id)))
        (second,) = (row for row in nics(place, "strict").items() if row[0] != first[0])
        assert second[1][1] == []
        assert forged_frames(place, serial, "eth1", second[1][0], FORGED.format(2)) >= 4
        service.stop()

        service = linux(system, guest, "loose", {"macspoof": "true"})
        service.start()
        until(lambda: str(service.get().status) == "up", "a guest that is up", 240)
        (own,) = nics(place, "loose").values()
        assert own[1] == []
        serial = Serial(place.agents["h1"].run_dir / "consoles" / f"{service.get().id}.sock")
        assert forged_frames(place, serial, "eth0", own[0], FORGED.format(3)) >= 4
        service.stop()


@pytest.mark.long  # Linux guests boot by emulation
def test_a_packet_reaches_a_guest_only_as_its_property_says(place: Place) -> None:
    if shutil.which("nft", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        pytest.skip("needs nft")
    from ovirtsdk4 import types as t

    with place.engine.client() as client, place.engine.sdk() as system:
        vm = place.add_guest(client, "walled")
        service = system.vms_service().vm_service(vm)
        profile = default_profile(system)
        service.nics_service().add(t.Nic(name="nic1", vnic_profile=t.VnicProfile(id=profile.id)))
        service.update(t.Vm(custom_properties=[t.CustomProperty(name="firewall", value="udp/53")]))
        place.start(client, vm)
        ((mac, (tap, _)),) = nics(place, "walled").items()
        assert tap.startswith("fw")
        assert passing(place, tap, mac) == ["53"]
        service.stop()
        until(lambda: place.status(client, vm) == "down", "a VM that is down")
        rules = subprocess.run(in_host(place, "nft", "list", "ruleset"), capture_output=True, text=True, timeout=60)
        assert vm.replace("-", "_") not in rules.stdout

        once = t.Vm(custom_properties=[t.CustomProperty(name="firewall", value="udp/54")])
        service.start(vm=once)
        until(lambda: place.status(client, vm) in ("powering_up", "up"), "a running VM")
        assert passing(place, tap, mac) == ["54"]
        assert [p.value for p in service.get().custom_properties] == ["udp/53"]
        service.stop()
        until(lambda: place.status(client, vm) == "down", "a VM that is down")


SEND = """
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); out.bind((sys.argv[1], 0))
seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); seen.bind((sys.argv[2], 0)); seen.settimeout(1)
frames = [bytes.fromhex(f) for f in sys.argv[3:]]
found, end = set(), time.monotonic() + 30
while time.monotonic() < end and b"arp-----" not in found:
    for frame in frames:
        out.send(frame)
    try:
        while True:
            data = seen.recv(2000)
            found |= {tag for tag in (b"to-53---", b"to-54---", b"arp-----") if tag in data}
            if b"arp-----" in found:
                break
    except TimeoutError:
        pass
print(b",".join(sorted(found)).decode())
"""


def passing(place: Place, tap: str, mac: str) -> list[str]:
    """Ports of the packets, sent by another port of the bridge, that go out by the guest's tap."""
    to = bytes.fromhex(mac.replace(":", ""))
    for words in (
        ("ip", "link", "add", "extra0", "type", "veth", "peer", "name", "extra1"),
        ("ip", "link", "set", "extra0", "master", BRIDGE),
        ("ip", "link", "set", "extra0", "up"),
        ("ip", "link", "set", "extra1", "up"),
    ):
        subprocess.run(in_host(place, *words), check=True, timeout=60)
    frames = [udp("10.0.0.9", port, f"to-{port}---".encode()) for port in (53, 54)]
    frames.append(bytes.fromhex("ffffffffffff020000000001" + "0806") + b"arp-----" * 6)
    sent = [(to + frame[6:]).hex() for frame in frames]
    try:
        done = subprocess.run(
            in_host(place, sys.executable, "-c", SEND, "extra1", tap, *sent),
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        subprocess.run(in_host(place, "ip", "link", "del", "extra0"), check=True, timeout=60)
    found = done.stdout.split()[0].split(",")
    assert "arp-----" in found
    return [tag.strip("to-") for tag in found if tag.startswith("to-")]


def test_what_the_engine_understands_and_what_qemu_is_told(place: Place) -> None:
    with place.engine.client() as client:
        vm = place.add_guest(client, "told")
        arguments = '["-fw_cfg", "name=opt/org.ovis/word,string=seen"]'
        custom = {"viodiskcache": "writeback", "qemu_cmdline": arguments, "sndbuf": "1048576"}
        body = {"custom_properties": {"custom_property": [{"name": n, "value": v} for n, v in custom.items()]}}
        assert client.put(f"/vms/{vm}", json=body).status_code == 200
        profile = next(p["id"] for p in client.get("/vnicprofiles").json()["vnic_profile"] if p["name"] == BRIDGE)
        assert client.post(f"/vms/{vm}/nics", json={"name": "n", "vnic_profile": {"id": profile}}).status_code < 300
        place.start(client, vm)
        domain = live(place, "told")
        driver = domain.find("devices/disk[@device='disk']/driver")
        assert driver is not None
        assert driver.get("cache") == "writeback"
        assert domain.findtext("devices/interface/tune/sndbuf") == "1048576"
        line = domain.findall(".//{http://libvirt.org/schemas/domain/qemu/1.0}arg")
        assert [a.get("value") for a in line] == json.loads(arguments)
        kept = domain.find(".//{http://ovirt.org/vm/1.0}custom")
        assert kept is not None
        assert {e.tag.split("}")[1]: e.text for e in kept} == custom
        client.post(f"/vms/{vm}/stop", json={})


def test_the_host_shows_its_hooks(place: Place) -> None:
    with place.engine.sdk() as system:
        (host,) = system.hosts_service().list()
        found = {
            (h.event_name, h.name): h.md5 for h in system.hosts_service().host_service(host.id).hooks_service().list()
        }
    assert ("before_vm_start", "50_macspoof") in found
    assert ("before_device_create", "50_ifacemacspoof") in found
    assert all(found.values())
