"""A real installation for tests: an engine, and a rack of hosts with real agents, libvirt and QEMU in them.

Does: join the agents, shared storage, a disk with the ticking guest. Needs what `tests.agent.rack.missing` says.
"""

import glob
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.agent.rack import Agent, Rack, boot_sector
from tests.installation import Installation, free_port, program, until

MIB = 1 << 20


@dataclass
class Place:
    """An installation and its rack; agents by host name."""

    engine: Installation
    rack: Rack
    agents: dict[str, Agent]

    def vm_path(self, vm: str) -> str:
        """Path of a VM below the API."""
        return f"/vms/{vm}"

    def add_guest(self, client: httpx.Client, name: str, memory: int = 64 * MIB) -> str:
        """A VM with the ticking guest on its disk, down; its id."""
        body = {
            "name": name,
            "cluster": {"name": "Default"},
            "template": {"name": "Blank"},
            "memory": memory,
            "memory_policy": {"max": memory, "guaranteed": memory},
            "console": {"enabled": True},
        }
        vm = str(_ok(client.post("/vms", json=body))["id"])
        disk = {
            "name": f"{name}-disk",
            "format": "raw",
            "provisioned_size": 2 * MIB,
            "storage_domains": {"storage_domain": [{"name": "data"}]},
        }
        attachment = {"interface": "virtio", "bootable": True, "active": True, "disk": disk}
        disk_id = str(_ok(client.post(f"/vms/{vm}/diskattachments", json=attachment))["id"])
        found = until(
            lambda: (d := client.get(f"/disks/{disk_id}").json()).get("status") == "ok" and d, "a disk that is ok"
        )
        (path,) = glob.glob(f"{self.rack.shared}/data/*/images/*/{found['image_id']}")
        with Path(path).open("r+b") as volume:
            volume.write(boot_sector())
        return vm

    def start(self, client: httpx.Client, vm: str, host: str = "") -> None:
        """Start it (on a host by name) and wait until it runs."""
        body: dict[str, Any] = {"vm": {"placement_policy": {"hosts": {"host": [{"name": host}]}}}} if host else {}
        _ok(client.post(f"/vms/{vm}/start", json=body))
        until(lambda: self.status(client, vm) in ("powering_up", "up"), "a running VM")

    def status(self, client: httpx.Client, vm: str) -> str:
        """The VM's status."""
        return str(client.get(f"/vms/{vm}").json()["status"])

    def host_of(self, client: httpx.Client, vm: str) -> str:
        """Name of the host that runs it."""
        id_ = client.get(f"/vms/{vm}").json()["host"]["id"]
        return str(client.get(f"/hosts/{id_}").json()["name"])

    def domains(self, host: str) -> list[str]:
        """Names of domains that libvirt runs on a host."""
        return [n for n in self.rack.virsh(host, "list", "--name").split() if n]

    def event(self, client: httpx.Client, code: int) -> str:
        """Text of the newest event with a code."""
        return str(
            until(
                lambda: next(
                    (e["description"] for e in client.get("/events?max=50").json()["event"] if int(e["code"]) == code),
                    "",
                ),
                f"event {code}",
            )
        )


def _ok(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


@contextmanager
def real_place(
    folder: Path, hosts: int = 2, options: Sequence[str] = (), before: Callable[[Rack], None] = lambda rack: None
) -> Iterator[Place]:
    """Everything up, with an active storage domain `data` on the rack's shared folder. before: what is done to the rack
    before its hosts get power."""
    rack = Rack(hosts)
    made = Installation(
        folder, port=free_port(), settings={"OVIS_HOST_GRACE_SECONDS": "4", "OVIS_VDS_REFRESH_SECONDS": "1"}
    )
    agents: dict[str, Agent] = {}
    try:
        before(rack)
        rack.up()
        made.set_up()
        made.start_engine()
        command = [program("ovis-engine"), "host-token", "--data", str(folder), "--uses", str(hosts)]
        token = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()[-1]
        for host in rack.report["hosts"]:
            name, address = str(host["name"]), str(host["address"])
            command = [program("ovis-agent"), "join", made.url, token, "--data", str(rack.dir / f"{name}a")]
            subprocess.run(
                [*command, "--name", name, "--address", address], check=True, capture_output=True, timeout=60
            )
            agents[name] = Agent(rack, name, *options)
            agents[name].start()
        made.hosts_up(hosts)
        shared = rack.shared / "data"
        shared.mkdir(parents=True, exist_ok=True)
        made.add_storage("data", path=str(shared))
        yield Place(made, rack, agents)
    finally:
        if made.engine is not None and made.engine.poll() is None:
            made.stop_engine()
        for agent in agents.values():
            agent.stop()
        rack.down()
        shutil.rmtree(rack.dir, ignore_errors=True)
