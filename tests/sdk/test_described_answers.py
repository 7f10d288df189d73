"""What a running engine answers is what its OpenAPI description says: nothing unsaid, nothing of another kind."""

import copy
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from ovirtsdk.api import API
from ovirtsdk.xml import params as typed
from tests.installation import Installation

params: Any = typed
MOST = 1  # objects of a collection whose own and sub-collections' answers are read


def strict(description: Any) -> Any:
    """The schemas, with numbers and truths as answers have them, and no property beyond those that are named."""
    schemas = copy.deepcopy(description["components"]["schemas"])
    schemas["Integer"] = {"type": "string", "pattern": "^-?[0-9]+$"}
    schemas["Boolean"] = {"enum": ["true", "false"]}
    schemas["Decimal"], schemas["Date"] = {"type": "number"}, {"type": "integer"}

    def close(value: Any) -> None:
        if isinstance(value, dict):
            if value.get("type") == "object":
                value["additionalProperties"] = False
            for inner in value.values():
                close(inner)

    close(schemas)
    return schemas


def test_answers_are_as_described(place: Installation, api: API) -> None:
    boot = params.OperatingSystem(boot=[params.Boot(dev="network")])
    vm: Any = api.vms.add(
        params.VM(
            name="described", os=boot, cluster=params.Cluster(name="Default"), template=params.Template(name="Blank")
        )
    )
    vm.nics.add(params.NIC(name="nic1", network=params.Network(name="ovirtmgmt")))
    with httpx.Client(
        base_url=place.url + "/ovirt-engine/api",
        auth=("admin@internal", place.password),
        verify=False,
        headers={"Accept": "application/json"},
        timeout=60,
    ) as client:
        description = client.get("/openapi.json").json()
        schemas, paths = strict(description), description["paths"]
        wrong: list[str] = []
        seen = 0

        def depth(path: str) -> int:
            """Of what is right below."""
            return path.count("/") + 1

        def look(template: str, path: str) -> Any:
            nonlocal seen
            answer = client.get(path)
            if answer.status_code == 404:
                return {}
            assert answer.status_code == 200, (path, answer.text)
            schema = paths[template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            checker = Draft202012Validator({**schema, "components": {"schemas": schemas}})
            seen += 1
            wrong.extend(f"{path} {e.json_path}: {e.message[:200]}" for e in checker.iter_errors(answer.json()))
            return answer.json()

        def walk(template: str, path: str) -> None:
            members: Any = next(iter(look(template, path).values()), [])
            one: str = next((p for p in paths if p.startswith(template + "/{") and p.count("/") == depth(template)), "")
            for member in members[:MOST] if one and isinstance(members, list) else ():
                here = f"{path}/{member['id']}"
                if "get" in paths[one]:
                    look(one, here)
                for below in [p for p in paths if p.startswith(f"{one}/") and p.count("/") == depth(one)]:
                    if "get" in paths[below]:
                        walk(below, here + below.removeprefix(one))

        look("/", "/")
        for template in [p for p in paths if p.count("/") == 1 and p != "/" and "get" in paths[p]]:
            walk(template, template)
        assert wrong == []
        assert seen > 100
    vm.delete()
