"""Inside a network namespace of its own: a bridge with a guest's tap, the firewall hook, and frames that try to pass.

Run by `test_firewall` as `unshare -n python -m tests.hooks.bridge HOOKS`; prints JSON. Frames come from another port of
the bridge, so that they are forwarded, and from the host itself.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time

from ovis.agent.hooks.runner import Hooks
from tests.hooks.shipped import VM_ID

MAC = "56:6f:00:00:00:01"
DOMAIN = f"<domain><devices><interface type='bridge'><mac address='{MAC}'/></interface></devices></domain>"


def sh(*words: str) -> None:
    """Run a program."""
    subprocess.run(words, check=True, timeout=30)


def ruleset() -> str:
    """All rules of the namespace."""
    return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True, timeout=30).stdout


def port(name: str) -> socket.socket:
    """All frames of an interface."""
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    found.bind((name, 0))
    found.settimeout(0.2)
    return found


def packet(source: str, protocol: int, body: bytes) -> bytes:
    """An Ethernet frame with an IPv4 packet, to everybody."""
    head = bytearray(bytes.fromhex("45000000000040004000") + b"\0\0" + socket.inet_aton(source) + bytes([10, 0, 0, 2]))
    head[2:4] = (20 + len(body)).to_bytes(2, "big")
    head[9] = protocol
    total = sum(int.from_bytes(head[i : i + 2], "big") for i in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16)
    head[10:12] = (0xFFFF - ((total & 0xFFFF) + (total >> 16))).to_bytes(2, "big")
    return bytes.fromhex("ffffffffffff020000000001" + "0800") + bytes(head) + body


def udp(source: str, to: int, tag: bytes) -> bytes:
    """A datagram."""
    return packet(
        source, 17, (999).to_bytes(2, "big") + to.to_bytes(2, "big") + (8 + len(tag)).to_bytes(2, "big") + b"\0\0" + tag
    )


def tcp(source: str, to: int, tag: bytes, flags: int) -> bytes:
    """A segment. flags: 2 is SYN, 16 ACK."""
    head = (999).to_bytes(2, "big") + to.to_bytes(2, "big") + bytes(8) + bytes([0x50, flags]) + bytes(6)
    return packet(source, 6, head + tag)


FRAMES = {
    b"arp-----": bytes.fromhex("ffffffffffff020000000001" + "0806") + b"arp-----" * 6,
    b"udp53---": udp("10.0.0.9", 53, b"udp53---"),
    b"udp54---": udp("10.0.0.9", 54, b"udp54---"),
    b"tcp22in-": tcp("10.0.0.9", 22, b"tcp22in-", 2),
    b"tcp22out": tcp("192.0.2.9", 22, b"tcp22out", 2),
    b"tcpreply": tcp("192.0.2.9", 40000, b"tcpreply", 16),
    b"ping----": packet("10.0.0.9", 1, b"\x08\0\0\0ping----"),
}


def passes(guest: socket.socket, sender: socket.socket) -> list[str]:
    """Names of the frames that reach the guest. The last one always does, so that nothing is waited for in vain."""
    for frame in FRAMES.values():
        sender.send(frame)
    end = bytes.fromhex("ffffffffffff020000000001" + "0806") + b"the-end-" * 6
    sender.send(end)
    seen: set[bytes] = set()
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            data = guest.recv(2000)
        except TimeoutError:
            continue
        if b"the-end-" in data:
            return sorted(tag.decode().rstrip("-") for tag in seen)
        seen |= {tag for tag in FRAMES if tag in data}
    raise AssertionError("the last frame did not come")


async def main(folder: str) -> None:
    """Set up, try, tell."""
    hooks = Hooks(folder)
    told: dict[str, object] = {}

    async def domain(point: str, text: str, xml: str = DOMAIN) -> str:
        return await hooks.domain(point, xml, vm_id=VM_ID, custom={"firewall": text} if text else {})

    sh("ip", "link", "add", "br0", "type", "bridge")
    sh("ip", "link", "set", "br0", "up")
    changed = await domain("before_vm_start", "tcp/22@10.0.0.0/8,udp/50-53")
    tap = changed.split('dev="')[1].split('"')[0]
    told["tap"] = tap
    for name in (tap, "other"):
        sh("ip", "link", "add", name, "type", "veth", "peer", "name", f"p{name}"[:15])
        sh("ip", "link", "set", name, "master", "br0")
        sh("ip", "link", "set", name, "up")
        sh("ip", "link", "set", f"p{name}"[:15], "up")
    guest, other, host = port(f"p{tap}"[:15]), port("pother"), port("br0")
    told["listed"] = passes(guest, other)
    told["listed from the host"] = passes(guest, host)
    await domain("before_vm_migrate_destination", "none", changed)
    told["none"] = passes(guest, other)
    await domain("before_vm_start", "icmp,all@192.0.2.0/24")
    told["network"] = passes(guest, other)
    nic = DOMAIN.removeprefix("<domain><devices>").removesuffix("</devices></domain>").replace(":01'", ":02'")
    plugged = await domain("before_nic_hotplug", "icmp", nic)
    told["plugged"] = plugged.split('dev="')[1].split('"')[0]
    told["joined"] = str(told["plugged"]) in ruleset()
    await domain("after_vm_destroy", "icmp")
    told["gone"] = passes(guest, other)
    await domain("after_vm_destroy", "icmp")
    told["rules"] = ruleset()
    told["without"] = await domain("before_vm_start", "") == DOMAIN
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
