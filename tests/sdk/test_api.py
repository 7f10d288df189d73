"""Scripts of the 3.x SDK: names, signatures, accessors and errors, against a real engine."""

import itertools
from typing import Any

import pytest

from ovirtsdk.api import API
from ovirtsdk.infrastructure import brokers
from ovirtsdk.infrastructure.errors import (
    AmbiguousQueryError,
    ConnectionError,
    DisconnectedError,
    FormatError,
    MissingParametersError,
    NoCertificatesError,
    RequestError,
    UnsecuredConnectionAttemptError,
)
from ovirtsdk.xml import params as typed
from tests.installation import Installation, until
from tests.sdk.conftest import session
from tests.sdk.servers import answering

params: Any = typed  # older scripts know no types
_numbers = itertools.count()


def vm(api: Any, **values: Any) -> Any:
    """A VM that can start."""
    boot = params.OperatingSystem(boot=[params.Boot(dev="network")])
    given = {"name": f"sdk{next(_numbers)}", "memory": 256 << 20, "os": boot, **values}
    made = params.VM(cluster=api.clusters.get(name="Default"), template=api.templates.get(name="Blank"), **given)
    return api.vms.add(made)


def test_the_entry_point(api: Any) -> None:
    assert api.get_product_info().get_name() == "oVirt Engine"
    assert api.get_product_info().get_version().get_major() >= 4
    assert api.get_summary().hosts.total == 2
    assert api.get_time().tzinfo is not None
    assert api.test()
    assert {link.rel for link in api.get_special_objects().link} == {"templates/blank", "tags/root"}


def test_a_vm_from_birth_to_end(api: Any) -> None:
    made = vm(api)
    assert isinstance(made, brokers.VM)
    assert isinstance(made, params.VM)
    assert (made.status.state, made.get_status().get_state()) == ("down", "down")
    nic = made.nics.add(params.NIC(name="nic1", network=params.Network(name="ovirtmgmt")))
    assert nic.get_mac().get_address().count(":") == 5
    assert [n.name for n in made.nics.list()] == ["nic1"]
    assert made.start().status.state == "complete"
    until(lambda: api.vms.get(id=made.id).status.state == "up", "VM up")
    found = api.vms.get(name=made.name)
    assert found is not None and found.host is not None
    assert found in api.vms.list(query=f"name={made.name}")
    found.description = "seen"
    assert found.update().description == "seen"
    made.stop(params.Action(**{"async": False}))
    until(lambda: api.vms.get(id=made.id).status.state == "down", "VM down")
    made.delete(**{"async": False})
    until(lambda: api.vms.get(id=made.id) is None, "no VM")
    assert api.vms.get(name=made.name) is None


def test_an_object_inside_another_is_a_reference(api: Any) -> None:
    cluster = api.clusters.get(name="Default")
    text = params.VM(name="x", cluster=cluster, memory=1).to_xml()
    assert text == f'<vm><name>x</name><cluster id="{cluster.id}"/><memory>1</memory></vm>'


def test_lists_are_narrowed_by_search_and_by_values(api: Any) -> None:
    one, two = vm(api, description="first"), vm(api, description="second")
    assert [v.name for v in api.vms.list(query=f"name={one.name} or name={two.name} sortby name")] == [
        one.name,
        two.name,
    ]
    assert [v.name for v in api.vms.list(description="second", name=two.name)] == [two.name]
    assert len(api.vms.list(max=1)) == 1
    assert {v.name for v in api.vms.stream()} >= {one.name, two.name}
    assert [v.name for v in api.vms.list(status="down", name=one.name)] == [one.name]
    assert one.statistics.get(name="memory.installed").values.value[0].datum == 256 << 20


def test_accessors_of_older_scripts() -> None:
    made = params.VM()
    made.set_name("x")
    made.set_os(params.OperatingSystem())
    made.get_os().add_boot(params.Boot(dev="hd"))
    assert made.to_xml() == '<vm><name>x</name><os><boot dev="hd"/></os></vm>'
    assert (made.get_memory(), made.get_os().get_boot()[0].get_dev(), params.Disks().get_disk()) == (None, "hd", [])
    action = params.Action(async_=True)
    assert (action.get_async(), action.to_xml()) == (True, "<action><async>true</async></action>")
    with pytest.raises(TypeError, match="no property 'colour'"):
        params.VM(colour="red")
    with pytest.raises(AttributeError):
        made.get_colour()


def test_a_document_becomes_its_object() -> None:
    text = '<vm id="1" href="/api/vms/1"><name>a&amp;b</name><status><state>up</state></status><unknown/></vm>'
    found = params.parseString(text)
    assert (found.id, found.name, found.status.state) == ("1", "a&b", "up")
    assert params.parseString(found.to_xml()).name == "a&b"


def test_refusals_carry_the_engines_words(api: Any) -> None:
    made = vm(api)
    with pytest.raises(RequestError) as caught:
        made.reboot()
    assert caught.value.status == 409
    assert made.name in caught.value.detail
    with pytest.raises(RequestError) as caught:
        api.vms.add(
            params.VM(name=made.name, cluster=params.Cluster(name="Default"), template=params.Template(name="Blank"))
        )
    assert caught.value.status == 409
    with pytest.raises(RequestError) as caught:
        api.vms.add(params.VM(name="x"))
    assert caught.value.status == 400
    with pytest.raises(MissingParametersError, match="id, name"):
        api.vms.get()
    assert api.vms.get(id="nothing") is None


def test_names_that_are_not_unique_are_ambiguous(api: Any) -> None:
    storage = params.StorageDomains(storage_domain=[params.StorageDomain(id=api.storagedomains.list()[0].id)])
    for _ in range(2):
        disk = params.Disk(
            alias="twin", provisioned_size=1 << 20, format="cow", interface="virtio", storage_domains=storage
        )
        api.disks.add(disk)
    with pytest.raises(AmbiguousQueryError, match="twin"):
        api.disks.get(name="twin")


def test_signing_in_wrongly(place: Installation) -> None:
    with pytest.raises(RequestError) as caught:
        session(place, password="wrong")
    assert (caught.value.status, caught.value.reason) == (401, "Unauthorized")
    with pytest.raises(NoCertificatesError):
        session(place, ca_file=None)
    with pytest.raises(ConnectionError, match=r"(?i)certificate"):
        session(place, ca_file=_another_ca())
    assert session(place, ca_file=None, insecure=True).test()


def _another_ca() -> str:
    import ssl

    return str(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")


def test_nobody_there() -> None:
    with pytest.raises(ConnectionError):
        API("https://127.0.0.1:1/api", "a@internal", "x", insecure=True, timeout=5)
    with pytest.raises(ConnectionError, match="no address"):
        API("nonsense://", "a", "b")


def test_http_against_https_says_so(place: Installation) -> None:
    with pytest.raises((UnsecuredConnectionAttemptError, ConnectionError)):
        API(f"http://127.0.0.1:{place.port}/api", "a@internal", "x", timeout=5)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 21\r\n\r\n<html>a proxy</html>x", FormatError),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<html>a proxy</html>", FormatError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<api><product_info>", ConnectionError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<api><p", FormatError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FormatError),
        (b"HTTP/1.1 503 Unavailable\r\nContent-Length: 4\r\n\r\nbusy", RequestError),
        (b"garbage\r\n\r\n", (ConnectionError, UnsecuredConnectionAttemptError)),
    ],
)
def test_answers_that_are_none(answer: bytes, error: Any) -> None:
    with answering(answer) as port, pytest.raises(error):
        API(f"http://127.0.0.1:{port}/api", "a@internal", "x", timeout=5)


def test_after_disconnecting_nothing_answers(place: Installation) -> None:
    api: Any = session(place)
    cluster = api.clusters.get(name="Default")
    token = api.session_id
    assert token
    assert session(place, username=None, password=None, session_id=token).test()
    api.disconnect()
    api.disconnect()
    with pytest.raises(DisconnectedError):
        api.vms.list()
    with pytest.raises(DisconnectedError):
        cluster.networks.list()
    with pytest.raises(RequestError):
        session(place, username=None, password=None, session_id=token)


def test_ten_thousand_members_and_names(api: Any) -> None:
    tags = params.Tags(tag=[params.Tag(name=f"t{n}") for n in range(10_000)])
    assert len(params.parseString(tags.to_xml()).tag) == 10_000


def test_an_address_without_a_path_is_the_api(place: Installation) -> None:
    api = API(f"https://127.0.0.1:{place.port}", "admin@internal", place.password, ca_file=str(place.ca))
    assert api.clusters.get(name="Default") is not None
