"""200 starts at once on a cluster that has room for a few dozen: exactly those that fit run."""

import asyncio
import ssl
from collections import Counter
from typing import Any

import httpx

from tests.engine.resources.lab import add_vm, made
from tests.installation import Installation, until

GIB = 1 << 30
STARTS, MEMORY = 200, 40 * GIB
NEED = MEMORY + 64 * (GIB >> 10) + MEMORY // 512 + 8 * (GIB >> 10)  # with its process and one CPU
NETWORK = {"boot": {"devices": {"device": ["network"]}}}


async def _at_once(place: Installation) -> list[httpx.Response]:
    async with httpx.AsyncClient(
        base_url=f"{place.url}/ovirt-engine/api",
        auth=("admin@internal", place.password),
        headers={"Accept": "application/json"},
        verify=ssl.create_default_context(cafile=place.ca),
        timeout=300,
        limits=httpx.Limits(max_connections=STARTS),
    ) as client:

        async def create(number: int) -> str:
            body: dict[str, Any] = {"name": f"burst{number}", "cluster": {"name": "Default"}}
            body |= {"template": {"name": "burst"}, "memory": str(MEMORY), "os": NETWORK}
            return str(made(await client.post("/vms", json=body))["id"])

        ids = await asyncio.gather(*map(create, range(STARTS)))
        return list(await asyncio.gather(*(client.post(f"/vms/{i}/start", json={}) for i in ids)))


def exactly_those_that_fit_run(place: Installation, client: httpx.Client) -> None:
    """Start them, on hosts where nothing runs; look where they are."""
    hosts = [h for h in client.get("/hosts").json()["host"] if h["status"] == "up"]
    fit = {str(h["id"]): int(h["max_scheduling_memory"]) // NEED for h in hosts}
    assert 1 < sum(fit.values()) < STARTS // 2
    model = add_vm(client, "model", disk=False, os=NETWORK)
    template = made(client.post("/templates", json={"name": "burst", "vm": {"id": model}}))["id"]
    until(lambda: client.get(f"/templates/{template}").json()["status"] == "ok", "a template")
    answers = asyncio.run(_at_once(place))
    refused = [a for a in answers if not a.is_success]
    assert (len(answers) - len(refused), {a.status_code for a in refused}) == (sum(fit.values()), {409})
    for host in hosts:
        assert all(f"{host['name']}: it has" in a.text and "(filter Memory)" in a.text for a in refused)

    def up() -> list[dict[str, Any]]:
        found = client.get(f"/vms?search=name%3Dburst*%20and%20status%3Dup&max={STARTS}").json().get("vm", ())
        return [dict(vm) for vm in found]

    until(lambda: len(up()) == sum(fit.values()), "all that were accepted are up")
    assert Counter(vm["host"]["id"] for vm in up()) == fit
