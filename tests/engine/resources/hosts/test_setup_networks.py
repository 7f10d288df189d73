"""Host networks by the real SDK on simulated hosts: set up, shown, in sync or not, synced, removed, refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types

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
