"""Admission of an installation's own hosts: a token for those that have not joined, then waiting until they are up.

Does: what an administrator would with `ovis-engine host-token` and the API. Does not: start agents.
"""

import time

from ovis.cli.api import Client, Document
from ovis.cli.engine import run_engine
from ovis.cli.faults import CliFault
from ovis.cli.instance import Instance
from ovis.cli.processes import Child


def token(instance: Instance, uses: int) -> str:
    """A token by which `uses` hosts may join within the hour."""
    return run_engine("host-token", *instance.engine_flags(), "--uses", str(uses), "--hours", "1")


def await_hosts(client: Client, count: int, child: Child | None, limit: float) -> list[Document]:
    """Until `count` hosts are up; CliFault with how the others stand after `limit` seconds, or if their agent ends."""
    deadline = time.monotonic() + limit
    while True:
        if child is not None:
            child.require_alive()
        hosts = client.list("/hosts")
        if sum(host["status"] == "up" for host in hosts) >= count:
            return hosts
        if time.monotonic() > deadline:
            others = sorted(f"{host['name']}: {host['status']}" for host in hosts if host["status"] != "up")
            raise CliFault(
                f"Only {len(hosts) - len(others)} of {count} hosts are up after {limit:.0f} s; {', '.join(others[:8])}. "
                "See `ovis logs`."
            )
        time.sleep(0.2)
