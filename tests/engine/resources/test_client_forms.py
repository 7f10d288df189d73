"""What real clients ask, in their own words: the requests of playbooks, checks, fence agents and old SDKs, each with the answer
that the client needs."""

import json
import re
import socket
import ssl
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

from tests.engine.resources.lab import named
from tests.engine.resources.walk import Walker
from tests.installation import Installation, until


def xml(answer: httpx.Response) -> ET.Element:
    """A good answer's document."""
    assert answer.status_code == 200, answer.text
    return ET.fromstring(answer.content)


@pytest.fixture
def v3(walker: Walker) -> httpx.Client:
    """/api, XML."""
    return walker.client(3, "xml")


@pytest.fixture
def v4(walker: Walker) -> httpx.Client:
    """/ovirt-engine/api, XML."""
    return walker.client(4, "xml")


# -- playbooks ----------------------------------------------------------------------------------------------------


def test_a_playbook_looks_a_vm_up_by_name_with_all_content(v4: httpx.Client) -> None:
    answer = v4.get('/vms?search=name%3D"running"&all_content=true&follow=', headers={"All-Content": "true"})
    (vm,) = xml(answer)
    assert vm.findtext("name") == "running"
    rels = {link.get("rel") for link in vm.findall("link")}
    assert {"diskattachments", "nics", "numanodes", "graphicsconsoles", "cdroms", "tags", "statistics"} <= rels
    assert xml(v4.get("/vms?search=name%3Drunning and cluster%3DDefault&max=1")).findtext("vm/name") == "running"


def test_every_template_tells_its_version(v4: httpx.Client) -> None:
    templates = xml(v4.get("/templates"))
    assert len(templates) >= 2
    for template in templates:
        assert int(template.findtext("version/version_number") or 0) >= 1
        assert template.findtext("version/version_name")


@pytest.mark.parametrize("name", ["admin", "admin@internal", "admin@internal-authz", '"admin@internal-authz"', "adm*"])
def test_a_playbook_names_a_user_with_his_directory(v4: httpx.Client, name: str) -> None:
    found = xml(v4.get("/users", params={"search": f"usrname={name}"})).findall("user")
    assert [user.findtext("principal") for user in found] == ["admin"]
    assert not xml(v4.get("/users", params={"search": f"usrname!={name}"})).findall("user[principal='admin']")


def test_the_blank_template_is_in_every_data_center(v4: httpx.Client) -> None:
    def names(search: str) -> list[str | None]:
        return [t.findtext("name") for t in xml(v4.get("/templates", params={"search": search}))]

    assert names("name=Blank and datacenter=Default") == ["Blank"]
    assert "Blank" not in names("datacenter!=Default")


def test_a_playbook_finds_a_profile_by_its_network_below_the_data_center(v4: httpx.Client) -> None:
    center = xml(v4.get("/datacenters?search=name%3DDefault")).find("data_center")
    assert center is not None
    networks = xml(v4.get(f"/datacenters/{center.get('id')}/networks"))
    wanted = next(n.get("id") for n in networks if n.findtext("name") == "ovirtmgmt")
    profiles = xml(v4.get("/vnicprofiles"))
    assert wanted in [p.find("network").get("id") for p in profiles]  # type: ignore[union-attr]


def test_numbers_come_back_as_they_were_given(walker: Walker) -> None:
    client = walker.client(4, "json")
    body = {
        "name": "exact",
        "cluster": {"name": "Default"},
        "template": {"name": "Blank"},
        "memory": str(3 << 28),
        "memory_policy": {"guaranteed": str(1 << 28), "max": str(1 << 31)},
    }
    vm = client.post("/vms", json=body).json()
    assert vm["memory"] == str(3 << 28)
    assert vm["memory_policy"]["guaranteed"] == str(1 << 28)
    assert vm["memory_policy"]["max"] == str(1 << 31)
    assert client.delete(f"/vms/{vm['id']}").status_code == 200


# -- the v4 SDK's patterns ------------------------------------------------------------------------------------------


def test_a_correlation_id_finds_the_job_and_the_events(walker: Walker) -> None:
    client = walker.client(4, "json")
    vm = named(client, "vms", "running")["id"]
    answer = client.post(f"/vms/{vm}/reboot?correlation_id=wait-for-me", json={})
    assert answer.headers["correlation-id"] == "wait-for-me"
    events = client.get("/events?search=correlation_id%3Dwait-for-me").json()["event"]
    assert {e["correlation_id"] for e in events} == {"wait-for-me"}
    answer = client.get("/jobs?search=correlation_id%3Dwait-for-me")
    assert answer.status_code == 200
    (newest,) = client.get("/events?max=1").json()["event"]
    assert client.get(f"/events?from={newest['id']}").json().get("event", []) == []
    older = int(newest["id"]) - 2
    assert [int(e["id"]) > older for e in client.get(f"/events?from={older}").json()["event"]]


def test_the_sdk_follows_what_it_asked_for(lab: Installation) -> None:
    with lab.sdk() as system:
        (vm,) = system.vms_service().list(search="name=running", follow="nics,disk_attachments.disk,tags,cluster")
        assert [n.name for n in vm.nics] == ["nic1"]
        assert vm.disk_attachments[0].disk.provisioned_size == 1 << 30
        assert vm.cluster.name == "Default"
        assert [t.name for t in vm.tags] == ["blue"]
        assert system.options_service().option_service("MigrationPolicies").get().values
        levels = {level.id for level in system.cluster_levels_service().list()}
        assert "4.7" in levels


# -- fence_rhevm ----------------------------------------------------------------------------------------------------


def test_the_fence_agent_reads_ids_by_a_regular_expression(lab: Installation) -> None:
    with lab.client("/ovirt-engine/api", "xml", Filter="true") as client:
        root = client.get("/")
        assert root.status_code == 200
        assert "<title>Error</title>" not in root.text
        assert re.search(r"<api\b", root.text)
        shape = r"<status>(.*?)</status>"  # the first status in the text is the VM's own
        answer = until(  # another test may have rebooted it
            lambda: "<status>up<" in (text := client.get("/vms/?search=name%3Drunning").text) and text,
            "a VM that is up",
        )
        found = re.search(r'<vm(.*)id="(.*)"', answer)
        assert found is not None
        id_ = found.group(2)
        assert re.fullmatch(r"[0-9a-f-]{36}", id_)
        status = re.search(shape, answer)
        assert status is not None
        assert status.group(1) == "up"
        listed = client.get("/vms/").text.split("<vm ")[1:]
        names = [re.search(r"<name>(.*?)</name>", part).group(1) for part in listed]  # type: ignore[union-attr]
        assert {"running", "golden"} <= set(names)
        done = client.post(f"/vms/{id_}/start", content="<action />")
        assert done.status_code == 409  # it runs


# -- check_rhev3 and other readers of v3 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "one", "name"),
    [
        ("datacenters", "data_center", "Default"),
        ("clusters", "cluster", "Default"),
        ("storagedomains", "storage_domain", "data"),
        ("vms", "vm", "running"),
    ],
)
def test_a_check_finds_its_object(v3: httpx.Client, collection: str, one: str, name: str) -> None:
    found = xml(v3.get(f"/{collection}?search=name%3D{name}"))
    assert [o.findtext("name") for o in found.findall(one)] == [name]


def test_a_check_reads_a_host(v3: httpx.Client) -> None:
    host = xml(v3.get("/hosts"))[0]
    assert host.findtext("status/state") == "up"
    assert host.find("cluster").get("href", "").startswith("/api/clusters/")  # type: ignore[union-attr]
    rows = xml(v3.get(f"/hosts/{host.get('id')}/statistics"))
    values = {s.findtext("name"): s.findtext("values/value/datum") for s in rows}
    wanted = (
        "cpu.load.avg.5m cpu.current.idle cpu.current.user cpu.current.system ksm.cpu.current memory.total memory.used "
        "memory.free memory.buffers memory.cached swap.total swap.used"
    ).split()
    assert [w for w in wanted if values.get(w) is None] == []
    assert float(values["memory.total"] or 0) > 0
    assert float(values["swap.total"] or 0) > 0
    nic = xml(v3.get(f"/hosts/{host.get('id')}/nics"))[0]
    rows = xml(v3.get(f"/hosts/{host.get('id')}/nics/{nic.get('id')}/statistics"))
    names = {s.findtext("name") for s in rows}
    assert {"data.current.rx", "data.current.tx", "errors.total.rx", "errors.total.tx"} <= names
    assert rows[0].findtext("type") in ("GAUGE", "COUNTER")
    values_of = rows[0].find("values")
    assert values_of is not None
    assert values_of.get("type") in {"INTEGER", "DECIMAL"}


def test_an_active_storage_domain_has_its_status_below_the_data_center(v3: httpx.Client, v4: httpx.Client) -> None:
    for client, state in ((v3, "status/state"), (v4, "status")):
        (domain,) = xml(client.get("/storagedomains?search=name%3Ddata"))
        assert domain.find("status") is None
        assert int(domain.findtext("available") or 0) > 0
        assert int(domain.findtext("used") or 0) >= 0
        assert domain.findtext("type") == "data"
        center = xml(client.get("/datacenters?search=name%3DDefault"))[0].get("id")
        attached = xml(client.get(f"/datacenters/{center}/storagedomains"))
        assert attached[0].findtext(state) == "active"


def test_vms_are_counted_by_cluster_and_host(v3: httpx.Client) -> None:
    assert len(xml(v3.get("/vms?search=cluster%3DDefault"))) >= 2
    host = xml(v3.get("/hosts"))[0]
    assert xml(v3.get(f"/vms?search=host%3D{host.findtext('name')}")).tag == "vms"
    assert xml(v3.get("/vmpools?search=name%3Dnone")).tag == "vmpools"
    assert xml(v3.get("/vms/")).tag == "vms"


# -- rbovirt ----------------------------------------------------------------------------------------------------------


def test_ruby_clients_ask_with_details_in_accept_and_a_data_center_in_each_search(lab: Installation) -> None:
    accept = "application/xml; detail=disks; detail=nics; detail=hosts"
    with lab.client("/api", "xml", Accept=accept, Version="3") as client:
        for collection, least in (("templates", 1), ("hosts", 2), ("clusters", 1), ("storage_domains", 1), ("vms", 2)):
            path = collection.replace("_", "")
            found = xml(client.get(f"/{path}?search=%20datacenter%3D%22Default%22"))
            assert found.tag == collection
            assert len(found) >= least, collection
            assert len(xml(client.get(f"/{path}?search=%20datacenter%3D%22Nowhere%22"))) == 0
            assert len(xml(client.get(f"/{path}?search=%20datacenter%3D%22Default%22%20page%20900;max=50"))) == 0
        template = xml(client.get("/templates?search=name%3Dtpl"))[0]
        assert template.findtext("type")
        assert int(template.findtext("memory") or 0) > 0
        assert template.find("cpu/topology").get("sockets")  # type: ignore[union-attr]
        assert template.find("os").get("type")  # type: ignore[union-attr]
        assert template.find("version/base_template").get("id")  # type: ignore[union-attr]
        assert template.findtext("version/version_number") == "1"
        vm = xml(client.get("/vms?search=name%3Drunning"))[0]
        disk = xml(client.get(f"/vms/{vm.get('id')}/disks"))[0]
        assert int(disk.findtext("size") or 0) == 1 << 30
        assert disk.findtext("name")
        done = client.post(f"/vms/{vm.get('id')}/ticket", content="<action/>")
        assert (ET.fromstring(done.content).findtext("status/state") or "").upper() == "COMPLETE"
        major = xml(client.get("/")).find("product_info/version").get("major")  # type: ignore[union-attr]
        assert major == "4"


# -- SDK 3 and ovirt-shell ----------------------------------------------------------------------------------------------


def test_ruby_clients_read_the_disks_inside_a_list_of_vms(lab: Installation) -> None:
    with lab.client("/api", "xml", Accept="application/xml; detail=disks; detail=nics; detail=hosts") as client:
        (vm,) = xml(client.get("/vms?search=name%3Drunning"))
        disks = vm.findall("disks/disk")
        alone = {d.get("id"): d for d in xml(client.get(f"/vms/{vm.get('id')}/disks"))}
    assert disks
    for disk in disks:
        for word in ("name", "size", "status/state", "interface", "bootable"):
            assert disk.findtext(word), word
            assert disk.findtext(word) == alone[disk.get("id")].findtext(word)


def test_a_vm_has_numa_nodes_of_its_own_kind(v3: httpx.Client, v4: httpx.Client) -> None:
    for client in (v3, v4):
        (vm,) = xml(client.get("/vms?search=name%3Drunning"))
        assert xml(client.get(f"/vms/{vm.get('id')}/numanodes")).tag == "vm_numa_nodes"


def test_the_oldest_word_for_any_system_is_taken(v3: httpx.Client) -> None:
    (vm,) = xml(v3.get("/vms?search=name%3Drunning"))
    answer = v3.put(f"/vms/{vm.get('id')}", content='<vm><os type="unassigned"/></vm>')
    system = xml(answer).find("os")
    assert system is not None
    assert system.get("type") == "other"


def test_the_old_entry_point(v3: httpx.Client) -> None:
    for path in ("", "/"):
        api = xml(v3.get(path))
        assert api.tag == "api"
        assert api.find("link").get("rel") == "capabilities"  # type: ignore[union-attr]
        version = api.find("product_info/version")
        assert version is not None
        assert {"major", "minor", "build", "revision"} <= set(version.attrib)
        assert api.findtext("product_info/full_version")
        links = {link.get("rel"): link.get("href") for link in api.findall("special_objects/link")}
        assert links["templates/blank"] == "/api/templates/00000000-0000-0000-0000-000000000000"
        assert links["tags/root"] == "/api/tags/00000000-0000-0000-0000-000000000000"
        assert {k.tag for k in api.find("summary")} == {"hosts", "storage_domains", "users", "vms"}  # type: ignore[union-attr]
        assert api.findtext("summary/vms/total")
        assert "clusterlevels" not in {link.get("rel") for link in api.findall("link")}


def test_the_old_capabilities(walker: Walker, v3: httpx.Client) -> None:
    document = xml(v3.get("/capabilities"))
    assert document.tag == "capabilities"
    versions = document.findall("version")
    assert [(v.get("major"), v.get("minor")) for v in versions][-1] == ("4", "8")
    assert [v.findtext("current") for v in versions].count("true") == 1
    one = versions[-1]
    cpu = one.find("cpus/cpu")
    assert cpu is not None
    assert cpu.get("id")
    assert int(cpu.findtext("level") or 0) >= 1
    assert "run_vm" in [p.findtext("name") for p in one.findall("permits/permit")]
    assert "up" in [s.text for s in one.findall("vm_states/vm_state")]
    assert {"hd", "cdrom", "network"} <= {d.text for d in one.findall("boot_devices/boot_device")}
    assert one.find("power_managers/power_management").get("type")  # type: ignore[union-attr]
    assert one.find("custom_properties/custom_property").get("name")  # type: ignore[union-attr]
    assert xml(v3.get(f"/capabilities/{one.get('id')}")).tag == "version"
    assert walker.client(4, "xml").get("/capabilities").status_code == 404


def test_the_shell_tries_a_name_as_an_id_first(v3: httpx.Client) -> None:
    assert v3.get("/vms/running").status_code == 404
    assert xml(v3.get("/vms;case_sensitive=True?search=name%3Drunning")).find("vm") is not None
    assert len(xml(v3.get("/vms;max=1"))) == 1


def test_an_old_sdk_puts_the_whole_object_back(v3: httpx.Client) -> None:
    vm = xml(v3.get("/vms?search=name%3Dgolden"))[0]
    url = f"/vms/{vm.get('id')}"
    assert vm.findtext("status/state") == "down"
    vm.find("status/state").text = "up"  # type: ignore[union-attr]
    ET.SubElement(vm, "comment").text = "sent back"
    answer = xml(v3.put(url, content=ET.tostring(vm)))
    assert answer.findtext("status/state") == "down"
    assert answer.findtext("comment") == "sent back"
    assert answer.find("os/boot").get("dev")  # type: ignore[union-attr]


def test_an_old_session_lives_by_its_cookie_alone(lab: Installation) -> None:
    prefer = {"Prefer": "persistent-auth"}
    with lab.client("/api", "xml") as client:
        first = client.get("/", headers=prefer)
        cookie = first.headers["set-cookie"]
        assert re.match(r"JSESSIONID=[^;]+; ", cookie)
        client.auth = httpx.Auth()  # none
        assert client.get("/vms", headers=prefer).status_code == 200
        client.get("/")  # without Prefer: the session ends
        assert client.get("/vms", headers=prefer).status_code == 401


# -- JSON clients ------------------------------------------------------------------------------------------------------


def test_json_numbers_are_strings_dates_are_numbers_and_nothing_is_an_empty_object(walker: Walker) -> None:
    client = walker.client(4, "json")
    root = client.get("").json()
    assert isinstance(root["product_info"]["version"]["major"], str)
    vm = client.get("/vms?max=101&search=name%3Drunning").json()["vm"][0]
    assert isinstance(vm["memory"], str)
    assert isinstance(vm["creation_time"], int)
    assert vm["stateless"] == "false"
    assert client.get("/vms?search=name%3Dnobody").json() == {}
    rows = client.get(f"/vms/{vm['id']}/statistics").json()["statistic"]
    data = [v["datum"] for s in rows for v in s["values"]["value"] if "datum" in v]
    assert data
    assert all(isinstance(d, int | float) and not isinstance(d, bool) for d in data)
    for query in ("sortby%20time%20desc", "severity%3Enormal%20sortby%20time%20desc", "type%3D163%20or%20type%3D196"):
        assert client.get(f"/events?max=201&search={query}").status_code == 200
    fault = json.loads(client.post("/vms", json={}).content)
    assert set(fault) == {"reason", "detail"}


def test_kcli_follows_two_steps(walker: Walker) -> None:
    profiles = walker.client(4, "json").get("/vnicprofiles?follow=network.data_center").json()["vnic_profile"]
    assert {p["network"]["data_center"]["name"] for p in profiles} >= {"Default"}
    assert "ovirtmgmt" in {p["network"]["name"] for p in profiles}


# -- libgovirt ---------------------------------------------------------------------------------------------------------


def test_a_get_that_announces_a_body_and_never_sends_it_is_answered(lab: Installation) -> None:
    context = ssl.create_default_context(cafile=lab.ca)
    request = b"GET /ovirt-engine/api HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 17\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", lab.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        secure.sendall(request)
        answer = secure.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 401")
    assert "www-authenticate: basic" in answer.lower()


def test_a_console_client_finds_its_way_from_the_entry_point(lab: Installation) -> None:
    headers = {"All-Content": "true", "Filter": "false", "Prefer": "persistent-auth"}
    with lab.client("/ovirt-engine/api", "xml", **headers) as client:
        client.headers.pop("Content-Type")
        links: dict[str | None, Any] = {e.get("rel"): e.get("href") for e in xml(client.get("")).findall("link")}
        href = links["vms/search"].replace("{query}", "name%3Drunning")
        (vm,) = xml(client.get(lab.url + href))
        assert vm.findtext("status") == "up"
        assert vm.findtext("display/type")
        assert vm.find("description") is None or vm.findtext("description")
        actions = {e.get("rel"): e.get("href") for e in vm.findall("actions/link")}
        done = client.post(lab.url + str(actions["ticket"]), content="<action><async>false</async></action>")
        action = xml(done)
        assert action.findtext("ticket/value")
        assert action.findtext("ticket/expiry")
        assert action.findtext("status") == "complete"
