"""A rack of two hosts with three NICs each for tests of networks: what frames do, seen from inside the hosts.

Does: join the switch's second and third segment, so that a bond's NICs lead to the same place; ping from a host; cut and
mend cables. NIC k of each host hangs on segment k.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.network.ovs import OpenVSwitch
from tests.agent.rack import Agent, Rack, missing

LIMIT = 40.0


class Cables:
    """The rack, with its agents."""

    def __init__(self, rack: Rack, agents: dict[str, Agent]) -> None:
        self.rack, self.agents = rack, agents

    def run(self, host: str, *command: str, check: bool = True) -> str:
        """A command's output in a host's network."""
        netns = str(self.rack.host(host)["netns"])
        done = subprocess.run(["ip", "netns", "exec", netns, *command], capture_output=True, text=True, timeout=60)
        assert not check or not done.returncode, (command, done.stdout, done.stderr)
        return done.stdout

    def links(self, host: str) -> dict[str, Any]:
        """`ip link` by name."""
        return {x["ifname"]: x for x in json.loads(self.run(host, "ip", "-j", "addr"))}

    def join(self, first: int = 1, second: int = 2) -> None:
        """One segment out of two."""
        switch = next(n for n in _namespaces() if n.endswith("-sw") and n.startswith(self._prefix))
        subprocess.run(["ip", "-n", switch, "link", "add", "j1", "type", "veth", "peer", "name", "j2"], check=True)
        for name, bridge in (("j1", f"br{first}"), ("j2", f"br{second}")):
            subprocess.run(["ip", "-n", switch, "link", "set", name, "master", bridge, "up"], check=True)

    @property
    def _prefix(self) -> str:
        return str(self.rack.host("h1")["netns"]).rpartition("-")[0]

    def cable(self, host: str, nic: int, state: str) -> None:
        """up or down."""
        self.rack.hostlab("link", host, state, "--nic", str(nic))

    def reaches(self, host: str, address: str, device: str = "") -> bool:
        """Whether a ping is answered."""
        program = ["ping"] if shutil.which("ping") else ["busybox", "ping"]
        where = ["-I", device] if device else []
        command = [*program, "-c", "1", "-W", "1", *where, address]
        netns = str(self.rack.host(host)["netns"])
        done = subprocess.run(["ip", "netns", "exec", netns, *command], capture_output=True, text=True, timeout=20)
        return " 0% packet loss" in done.stdout

    def await_reach(self, host: str, address: str) -> None:
        """Until it answers."""
        until(lambda: self.reaches(host, address), f"{address} reached from {host}")


def _namespaces() -> list[str]:
    return [x["name"] for x in json.loads(subprocess.run(["ip", "-j", "netns"], capture_output=True, text=True, check=True).stdout or "[]")]  # fmt: skip


def until(done: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
    """What `done` gives, once it is true."""
    end = time.monotonic() + limit
    while not (found := done()):
        assert time.monotonic() < end, f"not seen in {limit:g} s: {what}"
        time.sleep(0.2)
    return found


def no_switch(folder: Path) -> str:
    """Why Open vSwitch cannot be tried here; "" if it can."""
    return missing() or OpenVSwitch(folder, folder).missing()


@contextmanager
def cabled(*options: str, hosts: int = 2) -> Iterator[Cables]:
    """The rack; skips with the reason where there can be none."""
    why = missing()
    if why:
        pytest.skip(why)
    rack = Rack(hosts)
    found: Cables | None = None
    try:
        rack.nics = 3
        rack.up()
        found = Cables(rack, {h["name"]: Agent(rack, h["name"], *options) for h in rack.report["hosts"]})
        yield found
    finally:
        for agent in found.agents.values() if found is not None else ():
            agent.stop()
        rack.down()
