"""Host networks by the real SDK on simulated hosts: set up, shown, in sync or not, synced, removed, refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

from ovis.engine.resources.hosts.setup_networks import SetupParams, has
from tests.engine.resources.lab import is_status, made
from tests.installation import Installation, installation, until


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("networks")
    with installation(folder, hosts=1) as found:
        with found.client() as client:
            center = client.get("/datacenters?search=name%3DDefault").json()["data_center"][0]["id"]
            cluster = client.get("/clusters?search=name%3DDefault").json()["cluster"][0]["id"]
            for name, vlan in (("blue", None), ("green", 7), ("foreign", 9)):
                body: dict[str, Any] = {"name": name, "data_center": {"id": center}}
                network = made(client.post("/networks", json=body | ({"vlan": {"id": vlan}} if vlan else {})))["id"]
                if name != "foreign":
                    made(client.post(f"/clusters/{cluster}/networks", json={"id": network, "required": False}))
        yield found


@pytest.fixture
def host(place: Installation) -> Iterator[Any]:
    with place.sdk() as system:
        hosts = system.hosts_service()
        yield hosts.host_service(hosts.list()[0].id)


def attached(host: Any) -> dict[str, Any]:
    """Attachments by the network's name."""
    found = {}
    for row in host.network_attachments_service().list(follow="network"):
        found[row.network.name] = row
    return found


def nic(host: Any, name: str) -> Any:
    return next(n for n in host.nics_service().list() if n.name == name)


def attachment(network: str, device: str, address: str = "") -> types.NetworkAttachment:
    given = types.IpAddressAssignment(
        assignment_method=types.BootProtocol.STATIC, ip=types.Ip(address=address, netmask="255.255.255.0")
    )
    return types.NetworkAttachment(
        network=types.Network(name=network),
        host_nic=types.HostNic(name=device),
        ip_address_assignments=[given] if address else None,
    )


def test_networks_and_a_bond_are_set_up_and_taken_away(host: Any) -> None:
    host.setup_networks(
        modified_network_attachments=[attachment("blue", "eth1", "192.0.2.5"), attachment("green", "eth1")],
        check_connectivity=True,
        connectivity_timeout=30,
        commit_on_success=True,
    )
    found = attached(host)
    assert set(found) == {"ovirtmgmt", "blue", "green"} and all(a.in_sync for a in found.values())
    assert found["blue"].ip_address_assignments[0].ip.address == "192.0.2.5"
    assert found["green"].host_nic.id == nic(host, "eth1").id
    assert nic(host, "eth1.7").vlan.id == 7
    host.setup_networks(
        removed_network_attachments=[types.NetworkAttachment(id=found[n].id) for n in ("blue", "green")]
    )
    assert set(attached(host)) == {"ovirtmgmt"} and [n.name for n in host.nics_service().list()] == ["eth0", "eth1"]
    host.commit_net_config()


def test_a_changed_network_is_out_of_sync_until_it_is_synced(host: Any, place: Installation) -> None:
    attachments = host.network_attachments_service()
    attachments.add(attachment("green", "eth1"))
    with place.client() as client:
        network = client.get("/networks?search=name%3Dgreen").json()["network"][0]["id"]
        assert client.put(f"/networks/{network}", json={"mtu": 9000}).status_code == 200
        stale = attached(host)["green"]
        wrong = [(r.name, r.actual_value, r.expected_value) for r in stale.reported_configurations if not r.in_sync]
        assert stale.in_sync is False and wrong == [("mtu", "1500", "9000")]
        host.sync_all_networks()
        assert attached(host)["green"].in_sync is True
        with pytest.raises(ovirtsdk4.Error, match="in sync"):
            host.sync_all_networks()
        assert client.put(f"/networks/{network}", json={"mtu": 0}).status_code == 200
    below = host.nics_service().nic_service(nic(host, "eth1").id).network_attachments_service()
    row = attached(host)["green"]
    assert [a.id for a in below.list()] == [row.id]
    below.attachment_service(row.id).update(
        types.NetworkAttachment(ip_address_assignments=attachment("green", "eth1", "192.0.2.9").ip_address_assignments)
    )
    assert attached(host)["green"].ip_address_assignments[0].ip.address == "192.0.2.9"
    below.attachment_service(row.id).remove()
    assert "green" not in attached(host)


def test_a_label_brings_its_networks_along_and_takes_them_with_it(host: Any, place: Installation) -> None:
    with place.client() as client:
        network = client.get("/networks?search=name%3Dblue").json()["network"][0]["id"]
        made(client.post(f"/networks/{network}/networklabels", json={"id": "sea"}))
    labels = host.nics_service().nic_service(nic(host, "eth1").id).network_labels_service()
    labels.add(types.NetworkLabel(id="sea"))
    assert [x.id for x in labels.list()] == ["sea"] and "blue" in attached(host)
    labels.label_service("sea").remove()
    assert labels.list() == [] and "blue" not in attached(host)


BOND = types.HostNic(
    name="bond0", bonding=types.Bonding(slaves=[types.HostNic(name="eth0"), types.HostNic(name="eth1")])
)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"modified_network_attachments": [attachment("blue", "eth9")]}, "no network interface eth9"),
        ({"modified_network_attachments": [attachment("nowhere", "eth1")]}, "no network or attachment nowhere"),
        ({"modified_network_attachments": [attachment("foreign", "eth1")]}, "not in the host's cluster"),
        ({"modified_network_attachments": [attachment("blue", "eth0")]}, "eth0 is used by"),
        ({"modified_network_attachments": [attachment("blue", "eth1")] * 2}, "named twice"),
        ({"modified_bonds": [BOND]}, "eth0 is in bond bond0"),
        ({"removed_bonds": [types.HostNic(name="eth1")]}, "no bond"),
        ({"removed_labels": [types.NetworkLabel(id="none")]}, "has the label none"),
        ({"connectivity_timeout": 0}, "1 to 3600"),
    ],
    ids=["nic", "network", "cluster", "in-use", "twice", "enslaved", "bond", "label", "timeout"],
)
def test_what_cannot_be_is_refused_and_changes_nothing(host: Any, wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(ovirtsdk4.Error, match=words):
        host.setup_networks(**wanted)
    assert set(attached(host)) == {"ovirtmgmt"}


def test_the_management_network_stays(host: Any) -> None:
    row = attached(host)["ovirtmgmt"]
    with pytest.raises(ovirtsdk4.Error, match="management network"):
        host.network_attachments_service().attachment_service(row.id).remove()


def test_a_host_without_a_required_network_is_non_operational_until_it_has_it(place: Installation, host: Any) -> None:
    with place.client() as client:
        cluster = client.get("/clusters?search=name%3DDefault").json()["cluster"][0]["id"]
        network = client.get("/networks?search=name%3Dblue").json()["network"][0]["id"]
        path = f"/hosts/{host.get().id}"
        role = f"/clusters/{cluster}/networks/{network}"
        assert client.put(role, json={"required": True}).status_code == 200
        made(client.post(f"{path}/refresh", json={}))
        is_status(client, path, "non_operational")
        told = [e["description"] for e in client.get("/events?max=20").json()["event"]]
        assert any("lacks the required networks blue" in text for text in told)
        host.setup_networks(modified_network_attachments=[attachment("blue", "eth1")])
        is_status(client, path, "up")
        assert client.put(role, json={"required": False}).status_code == 200
    host.setup_networks(removed_network_attachments=[types.NetworkAttachment(id=attached(host)["blue"].id)])
    until(lambda: "blue" not in attached(host), "the network gone")


def test_properties_resolvers_and_addresses_of_both_kinds_reach_the_host(host: Any) -> None:
    given = attachment("blue", "eth1", "192.0.2.7")
    given.properties = [types.Property(name="bridge_opts", value="priority=7")]
    six = types.IpAddressAssignment(
        assignment_method=types.BootProtocol.STATIC,
        ip=types.Ip(address="2001:db8::7", netmask="64", version=types.IpVersion.V6),
    )
    given.ip_address_assignments.append(six)
    given.dns_resolver_configuration = types.DnsResolverConfiguration(name_servers=["192.0.2.53"])
    given.qos = types.Qos(outbound_average_linkshare=5, outbound_average_upperlimit=100)
    host.setup_networks(modified_network_attachments=[given])
    row = attached(host)["blue"]
    seen = {r.name: (r.actual_value, r.expected_value) for r in row.reported_configurations}
    assert row.in_sync is True, {n: v for n, v in seen.items() if v[0] != v[1]}
    assert seen["ipv6_address"] == ("2001:db8::7",) * 2 and seen["ipv6_prefix"] == ("64", "64")
    assert seen["out_average_upperlimit"] == ("100", "100") and seen["out_average_linkshare"] == ("5", "5")
    assert [(p.name, p.value) for p in row.properties] == [("bridge_opts", "priority=7")]
    assert row.dns_resolver_configuration.name_servers == ["192.0.2.53"]
    for name, value, code in (("no_such", "1", "KEYS"), ("bridge_opts", "", "VALUES")):
        given.properties = [types.Property(name=name, value=value)]
        with pytest.raises(ovirtsdk4.Error, match="no_such" if code == "KEYS" else "bridge_opts"):
            host.setup_networks(modified_network_attachments=[given])
    assert [p.value for p in attached(host)["blue"].properties] == ["priority=7"]
    host.setup_networks(removed_network_attachments=[types.NetworkAttachment(id=row.id)])


def test_version_3_sets_nics_up_in_one_picture_or_one_by_one(host: Any, place: Installation) -> None:
    host_id = host.get().id
    with place.client() as client:

        def ask(path: str, body: str, status: int = 200) -> str:
            url = f"{client.base_url.scheme}://{client.base_url.netloc.decode()}/api/hosts/{host_id}/nics{path}"
            head = {"Content-Type": "application/xml", "Accept": "application/xml", "Version": "3"}
            answer = client.post(url, content=f"<action>{body}</action>", headers=head)
            assert answer.status_code == status, answer.text
            return answer.text

        eth0 = "<host_nic><name>eth0</name><network><name>ovirtmgmt</name></network></host_nic>"
        blue = '<ip address="192.0.2.8" netmask="255.255.255.0"/><boot_protocol>static</boot_protocol>'
        both = f"<host_nic><name>eth1</name><network><name>blue</name></network>{blue}</host_nic>"
        said = ask(
            "/setupnetworks", f"<host_nics>{eth0}{both}</host_nics><check_connectivity>true</check_connectivity>"
        )
        assert "<state>complete</state>" in said
        assert attached(host)["blue"].ip_address_assignments[0].ip.address == "192.0.2.8"
        vlan = "<host_nic><name>eth1.7</name><base_interface>eth1</base_interface><network><name>green</name></network></host_nic>"
        ask("/setupnetworks", f"<host_nics>{eth0}<host_nic><name>eth1</name></host_nic>{vlan}</host_nics>")
        assert set(attached(host)) == {"ovirtmgmt", "green"}  # what the picture does not show is gone
        assert "host_nics" in ask("/setupnetworks", "", 400)
        ask("/setupnetworks", "<host_nics/>", 409)  # the management network stays
        nic_id = nic(host, "eth1").id
        ask(f"/{nic_id}/attach", "<network><name>blue</name></network>")
        assert set(attached(host)) == {"ovirtmgmt", "green", "blue"}
        ask(f"/{nic_id}/detach", "<network><name>green</name></network>")
        ask(f"/{nic_id}/detach", "")
        assert set(attached(host)) == {"ovirtmgmt"}
        ask(f"/{nic_id}/detach", "", 400)


def test_what_a_host_has_is_compared_with_what_was_asked() -> None:
    caps = {
        "networks": {"blue": {"southbound": "bond0.7", "ports": ["bond0.7"], "vlan": 7, "mtu": "9000"}},
        "bondings": {"bond0": {"slaves": ["eth2", "eth1"]}},
        "vlans": {"bond0.7": {"iface": "bond0"}},
        "nics": {"eth0": {}, "eth1": {}, "eth2": {}},
    }
    blue = {"bonding": "bond0", "vlan": "7", "mtu": "9000"}
    bond = {"nics": ["eth1", "eth2"]}

    def there(networks: Any, bondings: Any) -> bool:
        return has(caps, SetupParams(host_id="h", networks=networks, bondings=bondings))

    assert there({"blue": blue, "gone": {"remove": "true"}}, {"bond0": bond, "bond1": {"remove": "true"}})
    for networks, bondings in (
        ({"blue": {"remove": "true"}}, {}),
        ({"green": blue}, {}),
        ({"blue": blue | {"vlan": "8"}}, {}),
        ({"blue": blue | {"mtu": "1500"}}, {}),
        ({"blue": {"nic": "eth0", "vlan": "7", "mtu": "9000"}}, {}),
        ({}, {"bond0": {"nics": ["eth1"]}}),
        ({}, {"bond0": {"remove": "true"}}),
    ):
        assert not there(networks, bondings)
