"""The engine's side of the protocol: with our proxy, with one that knows the original's four methods alone, and with nonsense."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from ovis.engine.resources.scheduler_proxy.client import Away, ProxyClient
from tests.installation import until
from tests.scheduler_proxy.proxy import HOSTS, VM, serving

MODULE = """
    class even:
        def do_filter(self, hosts, vm, params): return hosts[::2]
        def do_score(self, hosts, vm, params): return [(h, n) for n, h in enumerate(hosts[1:])]
        def do_balance(self, hosts, params): return "vm", hosts[:1]

    class broken:
        def do_filter(self, hosts, vm, params): raise ValueError("no")
        do_score = do_balance = do_filter
"""


@contextmanager
def answering(methods: dict[str, Any]) -> Iterator[ProxyClient]:
    """A client of another server: Python's own, which closes its connections and writes as it likes."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=False) as server:
        for name, function in methods.items():
            server.register_function(function, name)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        client = ProxyClient(f"http://127.0.0.1:{server.server_address[1]}/", 20, "{}:{}".format)
        try:
            yield client
        finally:
            client.close()
            server.shutdown()
            thread.join()


async def test_our_proxy(tmp_path: Path) -> None:
    with serving(tmp_path / "plugins", m=MODULE) as proxy:
        until(lambda: proxy.client().discover()["filters"], "units")
        client = ProxyClient(proxy.url, 20, "{}:{}".format)
        found = {u.id for u in await client.discover()}
        assert {"filter:even", "weight:even", "load_balancing:even"} <= found
        kept, failures = await client.filter(["even", "broken"], HOSTS, VM, {})
        assert kept == {"even": set(HOSTS[::2])}
        assert [f.unit for f in failures] == ["broken"]
        scores, failures = await client.score([("even", 7)], HOSTS, VM, {})
        assert (scores, failures) == ({"even": {h: n for n, h in enumerate(HOSTS[1:])}}, ())
        moved = await client.balance("even", HOSTS, {})
        assert (moved.vm, moved.hosts, moved.failures) == ("vm", (HOSTS[0],), ())
        client.close()


async def test_a_proxy_with_the_originals_methods_alone() -> None:
    asked: list[Any] = []

    def scores(units: Any, hosts: Any, vm: Any, params: Any) -> Any:
        asked.append((units, params))
        ((name, factor),) = units
        if name == "broken":
            return {"result_code": 1, "result": [], "errors": ["it did not work"]}
        return {"result_code": 0, "result": [[h, factor * len(h)] for h in hosts]}

    methods = {
        "discover": lambda: {"filters": {"even": ["doc", "most=[0-9]+"]}, "scores": {}, "balance": {}},
        "runFilters": lambda names, hosts, vm, params: {"result_code": 0, "result": hosts[: len(names)]},
        "runCostFunctions": scores,
        "runLoadBalancing": lambda name, hosts, params: ["vm", hosts[1:]] if name == "even" else {"result": ["", []]},
    }
    with answering(methods) as client:
        (unit,) = await client.discover()
        assert (unit.name, unit.kind, unit.parameters) == ("even", "filter", {"most": "[0-9]+"})
        assert await client.problems() == {}
        kept, failures = await client.filter(["even", "other"], HOSTS, VM, {})
        assert (kept, failures) == ({"even, other": frozenset(HOSTS[:2])}, ())
        found, failures = await client.score([("a", 5), ("broken", 2)], HOSTS, VM, {"most": "3"})
        assert found == {"a": {h: len(h) for h in HOSTS}, "broken": {}}
        assert [f.reason for f in failures] == ["it did not work"]
        assert asked == [([["a", 1]], {"most": "3"}), ([["broken", 1]], {"most": "3"})]
        assert (await client.balance("even", HOSTS, {})).hosts == tuple(HOSTS[1:])
        assert (await client.balance("other", HOSTS, {})).vm is None


@pytest.mark.parametrize("answer", ["11", "0x111", 5, ["11111"]])
async def test_answers_that_are_none(answer: Any) -> None:
    wrong = {"result_code": 0, "result": {"unit": answer}}
    methods = dict.fromkeys(("runFiltersByUnit", "runCostFunctionsByUnit", "runLoadBalancing"), lambda *_: wrong)
    with answering({**methods, "discover": lambda: {"filters": [1]}}) as client:
        for kept, failures in (
            await client.filter(["unit"], HOSTS, VM, {}),
            await client.score([("unit", 1)], HOSTS, VM, {}),
        ):
            assert not kept and [f.unit for f in failures] == [""]
        assert (await client.balance("unit", HOSTS, {})).failures
        with pytest.raises(Away):
            await client.discover()
