"""Searches by what hosts report, and by what other objects are."""

import httpx
import pytest

from tests.engine.resources.lab import named
from tests.engine.resources.walk import Walker
from tests.installation import until


@pytest.fixture
def api(walker: Walker) -> httpx.Client:
    return walker.client(4, "json")


def found(api: httpx.Client, path: str, query: str) -> set[str]:
    """Names of what a search finds."""
    answer = api.get(path, params={"search": query})
    assert answer.status_code == 200, answer.text
    return {str(o.get("name") or o["id"]) for o in next(iter(answer.json().values()), ())}


def test_what_is_reported_is_searched(api: httpx.Client) -> None:
    # The numbers are written down within a second or two.
    until(lambda: "running" in found(api, "/vms", "cpu_usage > 0 and mem_usage = 40"), "the running VM's numbers")
    assert "golden" not in found(api, "/vms", "cpu_usage >= 0")
    assert "running" not in found(api, "/vms", "cpu_usage > 100")
    hosts = found(api, "/hosts", "")
    until(lambda: found(api, "/hosts", "load > 0.0 and mem_usage > 0") == hosts, "the hosts' numbers")
    assert found(api, "/hosts", "cpus > 1 and cpu_speed > 2599.5") == hosts
    assert found(api, "/hosts", "cpu_speed > 2601") == set()
    by_spm = [found(api, "/hosts", f"spm_id = {n}") for n in range(1, 4)]
    assert set().union(*by_spm) == hosts
    assert all(len(of_number) <= 1 for of_number in by_spm)
    assert found(api, "/storagedomains", "total_size > 1 and low_space_threshold = 10") == {"data"}
    assert found(api, "/storagedomains", "wipe_after_delete = true") == set()
    assert "running" in found(api, "/vms", "architecture = x86_64")
    assert found(api, "/networks", "label = blue") == {"blue-net"}


def test_other_objects_are_asked(api: httpx.Client) -> None:
    place = api.get(f"/vms/{named(api, 'vms', 'running')['id']}").json()["host"]["id"]
    host = api.get(f"/hosts/{place}").json()["name"]
    assert found(api, "/hosts", "vm.name = running") == found(api, "/hosts", "vm.status = up") == {host}
    assert "running" in found(api, "/vms", f"host.name = {host}")
    assert found(api, "/vms", "user.usrname = jane@internal") == {"running"}
    assert found(api, "/vms", "vnic.network_name = ovirtmgmt and name = running") == {"running"}
    mac = api.get(f"/vms/{named(api, 'vms', 'running')['id']}/nics").json()["nic"][0]["mac"]["address"]
    assert found(api, "/vms", f'vnic.mac = "{mac}"') == {"running"}
    assert found(api, "/templates", "vm.name = running") == {"Blank"}
    assert found(api, "/templates", f"host.name = {host}") == {"Blank"}
    assert found(api, "/users", "vm.name = running") == {"jane"}
    assert found(api, "/clusters", "storage.name = data") == {"Default"}
    assert found(api, "/clusters", "cluster_network.network_name = blue-net") == {"Default"}
    assert found(api, "/datacenters", "storage.name = data and network.name = blue-net") == {"Default"}
    assert "running_disk" in found(api, "/disks", "storage.type = posixfs and datacenter.name = Default")
    assert found(api, "/disks", "datacenter.name = nowhere") == set()
    assert found(api, "/events", "vm.name = running and host.name = nobody") == set()
    assert len(found(api, "/events", "vm.status = up")) > 1
