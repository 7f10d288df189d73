"""One installation with simulated hosts on which things go wrong on demand."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.engine.resources.lab import add_vm, made
from tests.faults.invariants import observe, violations
from tests.installation import Installation, until

Document = dict[str, Any]


@dataclass
class Rack:
    """The installation, a client, and its hosts by name."""

    place: Installation
    client: httpx.Client

    def host(self, vm: str) -> str:
        """The name of the host that a VM is on."""
        found = self.client.get(f"/vms/{vm}").json()
        return str(self.client.get(f"/hosts/{found['host']['id']}").json()["name"])

    def host_id(self, name: str) -> str:
        """The id of a host."""
        return next(str(h["id"]) for h in self.hosts() if h["name"] == name)

    def hosts(self) -> list[Document]:
        """All hosts."""
        return list(self.client.get("/hosts").json()["host"])

    def status(self, vm: str) -> str:
        """A VM's status."""
        return str(self.client.get(f"/vms/{vm}").json()["status"])

    def becomes(self, vm: str, *statuses: str) -> str:
        """Wait until the VM has one of the statuses."""
        return str(until(lambda: self.status(vm) in statuses and self.status(vm), f"VM {' or '.join(statuses)}"))

    def host_becomes(self, name: str, status: str) -> None:
        """Wait for a host's status."""
        until(lambda: any(h["name"] == name and h["status"] == status for h in self.hosts()), f"{name} {status}")

    def act(self, vm: str, action: str, **body: Any) -> httpx.Response:
        """An action on a VM."""
        return self.client.post(f"/vms/{vm}/{action}", json=body)

    def add(self, name: str, **values: Any) -> str:
        """A VM without a disk, which boots from the network."""
        boot = {"boot": {"devices": {"device": ["network"]}}}
        return add_vm(self.client, name, disk=False, os=boot, **values)

    def up(self, name: str, **values: Any) -> str:
        """A VM that is up."""
        vm = self.add(name, **values)
        made(self.act(vm, "start"))
        self.becomes(vm, "up")
        return vm

    def alive(self, vm: str) -> list[str]:
        """Hosts on which the guest really runs."""
        return observe(self.place).alive.get(vm, [])

    def texts(self, vm: str, code: int) -> list[str]:
        """Events of a kind about a VM, newest first."""
        rows = self.client.get("/events?max=300").json().get("event", [])
        return [e["description"] for e in rows if int(e["code"]) == code and (e.get("vm") or {}).get("id") == vm]

    @contextlib.contextmanager
    def faulty(self, *names: str, **faults: Any) -> Iterator[None]:
        """Faults on some hosts, for a while."""
        files = [self.place.folder / "rack" / name / "faults.json" for name in names]
        for file in files:
            file.write_text(json.dumps(faults))
        try:
            yield
        finally:
            for file in files:
                file.unlink()

    def at_rest(self) -> None:
        """Everything is as it must be."""
        assert violations(self.place) == []

    def clean(self) -> None:
        """No VM is left."""
        for name in (h["name"] for h in self.hosts()):
            self.host_becomes(name, "up")
        for vm in self.client.get("/vms").json().get("vm", []):
            self.act(vm["id"], "stop", **{"async": "false"})
            self.becomes(vm["id"], "down")
            self.client.delete(f"/vms/{vm['id']}")
