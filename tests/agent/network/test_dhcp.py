"""Messages of DHCP, of both kinds: what is said, what is read, and what makes no sense."""

import socket
import struct

from hypothesis import given, strategies as st

from ovis.agent.network import dhcp4, dhcp6
from ovis.agent.network.leases import Wanted, wanted
from ovis.agent.network.request import Net

MAC = "02:00:00:00:00:01"


def answer4(kind: int) -> bytes:
    options = {
        53: bytes([kind]),
        1: b"\xff\xff\xff\x00",
        51: struct.pack("!I", 120),
        3: b"\xc6\x33\x64\x01",
        54: b"\xc6\x33\x64\x02",
    }
    head = struct.pack(
        "!BBBBIHH4s4s4s4s", 2, 1, 6, 0, 7, 0, 0, bytes(4), socket.inet_aton("198.51.100.9"), bytes(4), bytes(4)
    )
    tail = b"\0" + b"".join(bytes([c, len(v)]) + v for c, v in options.items()) + b"\xff"
    return head + bytes(208) + b"\x63\x82\x53\x63" + tail


def test_a_lease_is_read_from_its_packet() -> None:
    found = dhcp4.read(answer4(dhcp4.ACK))
    assert found is not None and (found.kind, found.transaction) == (dhcp4.ACK, 7)
    lent = dhcp4.lent(found)
    assert lent is not None
    assert (lent.ip, lent.prefix, lent.valid, lent.renew, lent.gateway) == ("198.51.100.9", 24, 120, 60, "198.51.100.1")


def test_what_a_client_says_is_what_a_server_reads() -> None:
    asked = {50: socket.inet_aton("198.51.100.9")}
    whole = dhcp4.packet(dhcp4.message(dhcp4.REQUEST, 7, MAC, options=asked), "")
    assert dhcp4.payload(whole) == b""  # it goes to a server's port
    assert dhcp4._sum(whole[:20]) == 0
    data = whole[28:]
    assert (
        data[:4] == b"\x01\x01\x06\0"
        and data[28:34] == bytes.fromhex("020000000001")
        and data[236:240] == b"\x63\x82\x53\x63"
    )
    assert b"\x32\x04\xc6\x33\x64\x09" in data and b"\x35\x01\x03" in data
    six = dhcp6.message(dhcp6.SOLICIT, 5, MAC, name="eth0", ip="2001:db8::9")
    assert six[:4] == b"\x01\0\0\x05" and socket.inet_pton(socket.AF_INET6, "2001:db8::9") in six


def test_a_reply_of_ipv6_is_read() -> None:
    address = socket.inet_pton(socket.AF_INET6, "2001:db8::9") + struct.pack("!II", 60, 120)
    inner = struct.pack("!III", 1, 30, 60) + struct.pack("!HH", 5, 24) + address
    data = b"\x07\0\0\x05" + struct.pack("!HH", 2, 3) + b"srv" + struct.pack("!HH", 3, len(inner)) + inner
    found = dhcp6.read(data)
    assert found is not None and (found.ip, found.valid, found.server) == ("2001:db8::9", 120, b"srv")
    lent = dhcp6.lent(found)
    assert lent is not None and (lent.prefix, lent.renew) == (128, 30)


@given(st.binary(max_size=400), st.integers(0, 400))
def test_garbage_is_no_message(data: bytes, cut: int) -> None:
    for whole in (data, answer4(dhcp4.ACK)[:cut] + data):
        found = dhcp4.read(whole)
        if found is not None:
            dhcp4.lent(found)
        dhcp4.payload(whole)
    for kind in (b"", b"\x02", b"\x07"):
        six = dhcp6.read(kind + data)
        if six is not None:
            dhcp6.lent(six)


def test_networks_have_the_clients_they_ask_for() -> None:
    nets = [
        Net(name="a", nic="eth0", dhcp=True),
        Net(name="b", nic="eth1", vlan=5, bridged=False, dhcp=True, dhcp6=True, default_route=False),
        Net(name="c", nic="eth2", ip="192.0.2.1", prefix=24),
        Net(name="d", dhcp=True, nameservers=("192.0.2.53",)),
    ]
    assert wanted(nets) == {
        Wanted("a", 4, True, True),
        Wanted("eth1.5", 4, False, False),
        Wanted("eth1.5", 6),
        Wanted("d", 4, True, False),
    }
