"""Users at work: threads that add disks, VMs and templates, start, migrate, suspend, stop and remove them, by chance.

Does: seeded random operations through the API; refusals and a dead engine are part of life. Does not: judge (invariants).
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from tests.installation import Installation

MIB = 1 << 20
Document = dict[str, Any]


def disk_body(name: str, *, size_mib: int = 64) -> Document:
    """A new disk on the installation's storage domain."""
    return {
        "name": name,
        "format": "cow",
        "provisioned_size": str(size_mib * MIB),
        "storage_domains": {"storage_domain": [{"name": "data"}]},
    }


class Workload:
    """Some users. stop() ends it; counts: operation and answer, for reports."""

    def __init__(self, place: Installation, seed: int, *, users: int = 6, most_vms: int = 14) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self._place = place
        self._most = most_vms
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._user, args=(random.Random(f"{seed}/{n}"), n), daemon=True)
            for n in range(users)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all users; whatever they asked for goes on."""
        self._ending.set()
        for thread in self._threads:
            thread.join(90)

    def _user(self, rng: random.Random, number: int) -> None:
        with self._place.client() as client:
            client.timeout = httpx.Timeout(30)
            count = 0
            while not self._ending.is_set():
                count += 1
                try:
                    self._act(client, rng, f"w{number}-{rng.randrange(1 << 24):06x}")
                except httpx.HTTPError:
                    time.sleep(0.1)  # the engine is away

    def _act(self, client: httpx.Client, rng: random.Random, name: str) -> None:
        vms = client.get("/vms").json().get("vm", [])
        act: Callable[[], httpx.Response | None]
        if not vms or (len(vms) < self._most and rng.random() < 0.3):
            act = self._creations(client, rng, name, vms)
        else:
            act = self._changes(client, rng, rng.choice(vms), name)
        answer = act()
        if answer is not None:
            what = f"{answer.request.method} {_shape(answer.request.url.path)} {answer.status_code}"
            self.counts[what] += 1
            if answer.status_code >= 500:
                self.faults.append(f"{what}: {answer.text[:500]}")

    def _creations(self, client: httpx.Client, rng: random.Random, name: str, vms: list[Document]) -> Any:
        body = {"name": name, "cluster": {"name": "Default"}, "memory": str(256 * MIB)}
        kinds = [
            lambda: client.post("/vms", json=body | {"template": {"name": "base"}}),
            lambda: client.post("/vms", json=body | {"template": {"name": "base"}}),
            lambda: client.post("/vms?clone=true", json=body | {"template": {"name": "base"}}),
            lambda: client.post("/vms", json=body | {"template": {"name": "Blank"}}),
            lambda: client.post("/disks", json=disk_body(name)),
        ]
        down = [vm for vm in vms if vm["status"] == "down"]
        if down:
            kinds.append(lambda: client.post("/templates", json={"name": name, "vm": {"id": rng.choice(down)["id"]}}))
        return rng.choice(kinds)

    def _changes(self, client: httpx.Client, rng: random.Random, vm: Document, name: str) -> Any:
        path = f"/vms/{vm['id']}"

        def action(verb: str) -> Any:
            return lambda: client.post(f"{path}/{verb}", json={})

        up = [*(action(v) for v in ("migrate", "suspend", "stop", "shutdown", "reboot", "cancelmigration", "migrate"))]
        down = [action("start")] * 5 + [
            lambda: client.delete(path),
            lambda: client.delete(path),
            lambda: client.post(
                f"{path}/diskattachments", json={"disk": disk_body(name), "interface": "virtio", "bootable": "false"}
            ),
            lambda: self._grow(client, rng, path),
        ]
        for snapped in (up, down):
            snapped += [
                lambda: client.post(f"{path}/snapshots", json={"description": name}),
                lambda: client.post(f"{path}/snapshots", json={"description": name}),
                lambda: self._with_snapshot(client, rng, path, name),
                lambda: self._with_snapshot(client, rng, path, name),
                lambda: client.post(f"{path}/clone", json={"vm": {"name": name}, "async": "true"}),
            ]
        down += [
            action("undosnapshot"),
            action("commitsnapshot"),
            lambda: client.post(f"{path}/start", json={"vm": {"stateless": "true"}}),
        ]
        other = [
            lambda: self._remove_something(client, rng, "templates", "template", ("Blank", "base")),
            lambda: self._remove_something(client, rng, "disks", "disk", ()),
        ]
        chosen = {"up": up, "down": down, "suspended": [action("start"), action("start"), action("stop")]}
        found = chosen.get(vm["status"], [action(v) for v in ("stop", "start", "cancelmigration", "migrate")])
        return rng.choice([*found, rng.choice(other)])

    def _grow(self, client: httpx.Client, rng: random.Random, path: str) -> httpx.Response | None:
        rows = client.get(f"{path}/diskattachments").json().get("disk_attachment", [])
        if not rows:
            return None
        id_ = rng.choice(rows)["id"]
        return client.put(f"{path}/diskattachments/{id_}", json={"disk": {"provisioned_size": str(2048 * MIB)}})

    def _with_snapshot(self, client: httpx.Client, rng: random.Random, path: str, name: str) -> httpx.Response | None:
        """Something with a snapshot, or the end of a preview."""
        rows = client.get(f"{path}/snapshots").json().get("snapshot", [])
        if any(r["snapshot_status"] == "in_preview" for r in rows):
            return client.post(f"{path}/{rng.choice(('undosnapshot', 'commitsnapshot'))}", json={})
        regular = [r["id"] for r in rows if r["snapshot_type"] == "regular"]
        if not regular:
            return None
        id_ = rng.choice(regular)
        memory = {"restore_memory": str(rng.random() < 0.5).lower()}
        body = {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}, "snapshots": [{"id": id_}]}
        kinds = [
            lambda: client.delete(f"{path}/snapshots/{id_}?async=true"),
            lambda: client.delete(f"{path}/snapshots/{id_}?async=true"),
            lambda: client.post(f"{path}/previewsnapshot", json={"snapshot": {"id": id_}, **memory}),
            lambda: client.post(f"{path}/snapshots/{id_}/restore", json=memory),
            lambda: client.post("/vms?clone=true", json=body),
        ]
        return rng.choice(kinds)()

    def _remove_something(
        self, client: httpx.Client, rng: random.Random, collection: str, member: str, spared: tuple[str, ...]
    ) -> httpx.Response | None:
        rows = [r for r in client.get(f"/{collection}").json().get(member, []) if r.get("name") not in spared]
        return client.delete(f"/{collection}/{rng.choice(rows)['id']}") if rows else None


def _shape(path: str) -> str:
    parts = path.removeprefix("/ovirt-engine/api/").split("/")
    return "/".join("ID" if len(p) == 36 and p.count("-") == 4 else p for p in parts)


def furnish(place: Installation) -> None:
    """The template that the workload makes VMs from."""
    from tests.engine.resources.lab import add_vm, is_status, made

    with place.client() as client:
        origin = add_vm(client, "origin")
        template = made(client.post("/templates", json={"name": "base", "vm": {"id": origin}}))["id"]
        is_status(client, f"/templates/{template}", "ok")
        assert client.delete(f"/vms/{origin}").status_code in (200, 202)
