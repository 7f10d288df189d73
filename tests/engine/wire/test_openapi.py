"""The OpenAPI description of version 4: valid, complete, with the names that links into documentation have."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from ovis.engine.declare.resource import Resource
from ovis.engine.http.router import Router
from ovis.engine.resources import RESOURCES
from ovis.engine.wire.openapi import Description4
from ovis.engine.wire.services4 import service

VERSION = (4, 5, 6, 0)


@cache
def document() -> Any:
    return Description4(RESOURCES, VERSION).document()


def operations() -> Iterator[tuple[str, str, Any]]:
    for path, at in document()["paths"].items():
        yield from ((path, method, o) for method, o in at.items() if method != "parameters")


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _part(*paths: str) -> Any:
    """The description of a few paths, with what they refer to: validating all takes a minute."""
    whole = document()
    made = {**whole, "paths": {p: whole["paths"][p] for p in paths}}
    made["components"] = {"securitySchemes": whole["components"]["securitySchemes"]}
    waiting = _references(made)
    while waiting:
        _, parts, kind, name = waiting.pop().split("/")
        found = made[parts].setdefault(kind, {})
        if name not in found:
            found[name] = whole[parts][kind][name]
            waiting |= _references(found[name])
    return made


def test_what_describes_a_few_resources_is_openapi() -> None:
    OpenAPIV31SpecValidator(_part("/bookmarks", "/bookmarks/{bookmarkId}", "/networkfilters")).validate()


@pytest.mark.long
def test_what_describes_all_resources_is_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_every_operation_has_a_name_of_its_own_and_every_reference_a_target() -> None:
    names = [o["operationId"] for _, _, o in operations()]
    assert len(set(names)) == len(names)
    assert {"listVms", "getVm", "addVm", "updateVm", "removeVm", "startVm", "addVmDiskAttachment"} <= set(names)
    for reference in _references(document()):
        _, parts, kind, name = reference.split("/")
        assert name in document()[parts][kind], reference


def test_paths_are_those_that_the_engine_serves() -> None:
    router = Router(RESOURCES, 4)
    for path, method, o in operations():
        segments = [part for part in path.split("/") if part]
        if not segments:
            continue
        found = router.find(["x" if part.startswith("{") else part for part in segments])
        assert found is not None, path
        route = found[0]
        declared = {"add": route.resource.add, "list": route.resource.list}.get(o["x-method"])
        assert declared is not None or route.place in ("object", "action"), (method, path)
        named = [p["name"] for p in document()["paths"][path].get("parameters", [])]
        assert [part[1:-1] for part in segments if part.startswith("{")] == named


def test_bodies_say_what_must_be_in_them() -> None:
    body = document()["paths"]["/vms"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    first, *wanted = body["allOf"]
    assert first == {"$ref": "#/components/schemas/Vm"}
    assert {"required": ["name"]} in wanted
    assert any(
        {"required": ["cluster"], "properties": {"cluster": {"required": [key]}}} in w.get("anyOf", [])
        for w in wanted
        for key in ("id", "name")
    )
    action = document()["paths"]["/vms/{vmId}/start"]["post"]["requestBody"]["content"]["application/xml"]["schema"]
    assert {"pause", "vm", "async"} <= set(action["properties"])
    assert action["xml"] == {"name": "action"}


# Names as links into oVirt's documentation have them.
KNOWN = {
    "/vms": "vms",
    "/vms/nics": "vm_nics",
    "/vms/diskattachments": "disk_attachments",
    "/vms/permissions": "assigned_permissions",
    "/vms/tags": "assigned_tags",
    "/vms/snapshots": "snapshots",
    "/vms/graphicsconsoles": "vm_graphics_consoles",
    "/templates/diskattachments": "template_disk_attachments",
    "/hosts/nics": "host_nics",
    "/hosts/numanodes": "host_numa_nodes",
    "/hosts/fenceagents": "fence_agents",
    "/storagedomains/disks": "storage_domain_disks",
    "/datacenters/storagedomains": "attached_storage_domains",
    "/datacenters/storagedomains/disks": "attached_storage_domain_disks",
    "/datacenters/clusters": "clusters",
    "/clusters/networks": "cluster_networks",
    "/clusters/affinitygroups/vms": "affinity_group_vms",
    "/clusters/cpuprofiles": "assigned_cpu_profiles",
    "/users/groups": "domain_user_groups",
    "/permissions": "system_permissions",
}


def test_services_have_the_names_of_the_api_guide() -> None:
    found: dict[str, tuple[str, str]] = {}

    def walk(resources: Sequence[Resource], chain: tuple[Resource, ...]) -> None:
        for resource in resources:
            here = (*chain, resource)
            path = "/" + "/".join(r.collection for r in here)
            found[path] = service(here, one=False), service(here, one=True)
            walk(resource.subs, here)

    walk(RESOURCES, ())
    assert {path: found[path][0] for path in KNOWN} == KNOWN
    assert [found[p][1] for p in ("/vms/permissions", "/vms/nics", "/schedulingpolicies")] == [
        "permission",
        "vm_nic",
        "scheduling_policy",
    ]


def test_the_same_declarations_make_the_same_document() -> None:
    again = Description4(RESOURCES, VERSION).document()
    assert json.dumps(again) == json.dumps(document())
