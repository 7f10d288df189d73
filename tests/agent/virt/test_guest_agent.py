"""The guest agent's answers as VDSM's statistics."""

from ovis.agent.virt.guest_agent import guest_row

ASKED = {
    "guest-info": {"version": "7.2.22"},
    "guest-get-host-name": {"host-name": "web.example.org"},
    "guest-get-osinfo": {
        "id": "debian",
        "name": "Debian GNU/Linux",
        "version-id": "12",
        "machine": "x86_64",
        "kernel-release": "6.1.0",
    },
    "guest-get-fsinfo": [
        {"mountpoint": "/", "type": "ext4", "total-bytes": 1000, "used-bytes": 10, "disk": []},
        {"mountpoint": "/cd", "type": "iso9660", "disk": []},
    ],
    "guest-network-get-interfaces": [
        {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}]},
        {
            "name": "eth0",
            "hardware-address": "56:6f:00:00:00:01",
            "ip-addresses": [
                {"ip-address": "192.0.2.7", "ip-address-type": "ipv4", "prefix": 24},
                {"ip-address": "fe80::1", "ip-address-type": "ipv6", "prefix": 64},
                {"ip-address": "2001:db8::7", "ip-address-type": "ipv6", "prefix": 64},
            ],
        },
        {"name": "eth1"},
    ],
}


def test_addresses_leave_out_loopback_and_link_local() -> None:
    row = guest_row(ASKED)
    assert row["guestIPs"] == "192.0.2.7 2001:db8::7"
    assert row["netIfaces"][0] == {
        "name": "eth0",
        "hw": "56:6f:00:00:00:01",
        "inet": ["192.0.2.7"],
        "inet6": ["fe80::1", "2001:db8::7"],
    }
    assert [n["name"] for n in row["netIfaces"]] == ["eth0", "eth1"]


def test_names_system_disks_and_programs() -> None:
    row = guest_row(ASKED)
    assert (row["guestFQDN"], row["guestName"]) == ("web.example.org", "web")
    assert row["guestOsInfo"]["distribution"] == "Debian GNU/Linux" and row["guestOsInfo"]["type"] == "linux"
    assert row["disksUsage"] == [{"path": "/", "fs": "ext4", "total": 1000, "used": 10}]
    assert row["appsList"] == ["qemu-guest-agent-7.2.22", "kernel-6.1.0"]


def test_an_old_agent_that_knows_little_gives_a_whole_row() -> None:
    row = guest_row({})
    assert row["guestIPs"] == "" and row["netIfaces"] == [] and "guestOsInfo" not in row
