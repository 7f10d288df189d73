"""The protocol of the original, over the wire."""

import http.client
import os
import signal
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ovis.contract.xmlrpc import call, read_answer
from tests.installation import until
from tests.scheduler_proxy.proxy import HOSTS, VM, Proxy, serving

GOOD = '''
    """A module of both kinds."""
    import sys
    print("printing while it is imported is harmless")

    class prints:
        """As in 2014."""
        properties_validation = "most=[0-9]+;name=[a-z]*"

        def do_filter(self, hosts_ids, vm_id, args_map):
            print("a warning", file=sys.stderr)
            print(hosts_ids[:int(args_map["most"])][::-1])

    class returns:
        def do_filter(self, hosts, vm, params):
            return set(hosts[1:])

    class ends:
        def do_filter(self, hosts, vm, params):
            print(hosts)
            sys.exit(3)

    class by_place:
        def do_score(self, hosts, vm, params):
            return [(host, place + 0.5) for place, host in enumerate(hosts)]

    class flat:
        def do_score(self, hosts, vm, params):
            print([(host, 1) for host in hosts])

    class mover:
        def do_balance(self, hosts, params):
            return "9a0f2a50-0000-4000-8000-000000000001", hosts[2:]

    class resting:
        def do_balance(self, hosts, params):
            return None

    class _hidden(prints):
        pass
'''


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving(tmp_path_factory.mktemp("proxy") / "plugins", good=GOOD) as found:
        until(lambda: found.client().discover()["filters"], "units")
        yield found


def test_discover(proxy: Proxy) -> None:
    found = proxy.client().discover()
    assert set(found) == {"filters", "scores", "balance"}
    assert set(found["filters"]) == {"prints", "returns", "ends"}
    assert found["filters"]["prints"] == ["As in 2014.", "most=[0-9]+;name=[a-z]*"]
    assert set(found["scores"]) == {"by_place", "flat"}
    assert set(found["balance"]) == {"mover", "resting"}


def test_filters_keep_the_order_of_hosts(proxy: Proxy) -> None:
    answer = proxy.client().runFilters(["prints", "returns", "ends"], HOSTS, VM, {"most": "3"})
    assert answer == {"result_code": 0, "result": HOSTS[1:3]}


def test_filters_by_unit(proxy: Proxy) -> None:
    answer = proxy.client().runFiltersByUnit(["returns", "prints"], HOSTS, VM, {"most": "2"})
    assert answer["result"] == {"returns": "01111", "prints": "11000"}


def test_scores_are_integers_multiplied_and_summed(proxy: Proxy) -> None:
    answer = proxy.client().runCostFunctions([["by_place", 2], ["flat", 10]], HOSTS, VM, {})
    assert answer == {"result_code": 0, "result": [[h, 2 * (n + 1) + 10] for n, h in enumerate(HOSTS)]}


def test_scores_by_unit(proxy: Proxy) -> None:
    answer = proxy.client().runCostFunctionsByUnit([["by_place", 2], ["flat", 10]], HOSTS[:2], VM, {})
    assert answer["result"] == {"by_place": "1 2", "flat": "1 1"}


def test_balancers(proxy: Proxy) -> None:
    client = proxy.client()
    assert client.runLoadBalancing("mover", HOSTS, {})["result"] == [VM, HOSTS[2:]]
    assert client.runLoadBalancing("resting", HOSTS, {}) == {"result_code": 0, "result": ["", []]}


def test_an_unknown_unit_is_named(proxy: Proxy) -> None:
    answer = proxy.client().runFilters(["prints", "nowhere"], HOSTS, VM, {"most": "1"})
    assert answer == {
        "result_code": 1,
        "result": HOSTS[:1],
        "plugin_errors": {"nowhere": ["there is no such unit"]},
    }


def test_more_than_100000_hosts(proxy: Proxy) -> None:
    hosts = [f"1c0f2a50-0000-4000-8000-{n:012d}" for n in range(100_500)]
    where = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    connection.request("POST", "/", call("runFilters", (["returns"], hosts, VM, {})), {"Content-Type": "text/xml"})
    answer = read_answer(connection.getresponse().read())  # Python's own reader takes seconds
    connection.close()
    assert answer == ({"result_code": 0, "result": hosts[1:]},)


def test_introspection(proxy: Proxy) -> None:
    assert {"discover", "runFilters", "runCostFunctions", "runLoadBalancing"} <= set(
        proxy.client().system.listMethods()
    )


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("runFilters", (["prints"], HOSTS, VM)),
        ("runFilters", ("prints", HOSTS, VM, {})),
        ("runFilters", (["prints"], [1], VM, {})),
        ("runFilters", (["prints"], HOSTS, 5, {})),
        ("runCostFunctions", ([["flat", "x"]], HOSTS, VM, {})),
        ("runCostFunctions", ([["flat"]], HOSTS, VM, {})),
        ("runLoadBalancing", (["mover"], HOSTS, {})),
        ("nothing", ()),
    ],
)
def test_wrong_calls_are_faults(proxy: Proxy, method: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(xmlrpc.client.Fault) as told:
        getattr(proxy.client(), method)(*arguments)
    assert told.value.faultCode == 1
    assert "Traceback" not in told.value.faultString


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Host": "elsewhere.example"}, 403),
        ({"Content-Length": "9999999999"}, 413),
    ],
)
def test_browsers_and_floods_are_refused(proxy: Proxy, headers: dict[str, str], status: int) -> None:
    where = urlsplit(proxy.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    connection.putrequest("POST", "/", skip_host="Host" in headers)
    body = b"<methodCall><methodName>discover</methodName></methodCall>"
    for name, value in {"Content-Length": str(len(body)), "Content-Type": "text/xml", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    assert connection.getresponse().status == status
    connection.close()


def test_triples_for_engines_since_41(tmp_path: Path) -> None:
    with serving(tmp_path / "plugins", "--triples", good=GOOD) as proxy:
        until(lambda: proxy.client().discover()["scores"], "units")
        assert proxy.client().runCostFunctions([["flat", 3]], HOSTS[:1], VM, {})["result"] == [[HOSTS[0], 1, "flat"]]


def test_the_folder_is_watched(tmp_path: Path) -> None:
    with serving(tmp_path / "plugins") as proxy:
        client = proxy.client()
        assert client.discover() == {"filters": {}, "scores": {}, "balance": {}}
        proxy.add("one", "from beside import KEEP\nclass one:\n    def do_filter(self, h, v, p): return h[:KEEP]\n")
        proxy.add("beside", "KEEP = 1\n")
        until(lambda: "one" in client.discover()["filters"], "a new unit")
        assert client.runFilters(["one"], HOSTS, VM, {})["result"] == HOSTS[:1]
        proxy.add("beside", "KEEP = 2  # what it imports has changed\n")
        until(lambda: client.runFilters(["one"], HOSTS, VM, {})["result"] == HOSTS[:2], "the changed module")
        (proxy.folder / "one.py").unlink()
        until(lambda: "one" not in client.discover()["filters"], "no unit")


def test_two_files_with_one_name_of_a_unit(tmp_path: Path) -> None:
    unit = "class twin:\n    def do_filter(self, h, v, p): return h[:%d]\n"
    with serving(tmp_path / "plugins", a=unit % 1, b=unit % 2) as proxy:
        until(lambda: "b.py" in proxy.client().problems(), "the second is named")
        assert "a.py" in proxy.client().problems()["b.py"]
        assert proxy.client().runFilters(["twin"], HOSTS, VM, {})["result"] == HOSTS[:1]


def test_a_killed_keeper_comes_back(tmp_path: Path) -> None:
    text = """
    import os
    class pid:
        def do_score(self, h, v, p): return [(h[0], os.getppid())]
    """
    with serving(tmp_path / "plugins", m=text) as proxy:
        client = proxy.client()
        until(lambda: client.discover()["scores"], "units")
        ((_, keeper),) = client.runCostFunctions([["pid", 1]], HOSTS, VM, {})["result"]
        os.kill(keeper, signal.SIGKILL)

        def again() -> bool:
            result = client.runCostFunctions([["pid", 1]], HOSTS, VM, {})["result"]
            return bool(result) and result[0][1] != keeper

        until(again, "another keeper")


def test_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    text = """
    import os, subprocess
    class leaves:
        def do_score(self, h, v, p):
            child = subprocess.Popen(["sleep", "600"], start_new_session=True)
            return [(h[0], child.pid)]
    """
    with serving(tmp_path / "plugins", m=text) as proxy:
        client = proxy.client()
        until(lambda: client.discover()["scores"], "units")
        ((_, pid),) = client.runCostFunctions([["leaves", 1]], HOSTS, VM, {})["result"]
        until(lambda: not Path(f"/proc/{pid}").exists(), "what a run left is ended")
