"""Modules that do everything wrong: each is named, none holds up the others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ovis.scheduler_proxy.limits import PROCESSES, descendants
from tests.installation import until
from tests.scheduler_proxy.proxy import HOSTS, VM, Proxy, serving, write

BROKEN = """
    import os, sys, time

    class good:
        def do_filter(self, h, v, p): return h[:2]
        def do_score(self, h, v, p): return [(x, 1) for x in h]

    class Loop:
        def run(self, *a):
            while True:
                pass
        do_filter = do_score = do_balance = run

    class Sleep:
        def run(self, *a): time.sleep(600)
        do_filter = do_score = do_balance = run

    class Bomb:
        def run(self, *a):
            while True:
                try:
                    os.fork()
                except OSError:
                    pass
        do_filter = do_score = do_balance = run

    class Flood:
        def run(self, *a):
            for _ in range(1024):
                print("x" * (1 << 20))
        do_filter = do_score = do_balance = run

    class FloodErrors:
        def run(self, *a):
            for _ in range(1024):
                sys.stderr.write("x" * (1 << 20))
        do_filter = do_score = do_balance = run

    class Memory:
        def run(self, *a): return bytearray(1 << 40)
        do_filter = do_score = do_balance = run

    class Raises:
        def run(self, *a): raise RuntimeError("it is \\x01 broken")
        do_filter = do_score = do_balance = run

    class Exits:
        def run(self, *a): os._exit(7)
        do_filter = do_score = do_balance = run

    class Dies:
        def run(self, *a): os.kill(os.getpid(), 11)
        do_filter = do_score = do_balance = run

    class Garbage:
        def run(self, *a): print("]]] \\x00 no answer")
        do_filter = do_score = do_balance = run

    class Types:
        def run(self, *a): return 3.5
        do_filter = do_score = do_balance = run

    class Arguments:
        def do_filter(self): pass
        do_score = do_balance = do_filter

    class Init:
        def __init__(self): raise ValueError("not today")
        def do_filter(self, *a): pass
        do_score = do_balance = do_filter

    class Deep:
        def run(self, *a):
            found = []
            for _ in range(100000):
                found = [found]
            return found
        do_filter = do_score = do_balance = run
"""
BAD = [
    ("Flood", "more than 32 MiB"),
    ("FloodErrors", "more than 32 MiB"),
    ("Memory", "MemoryError"),
    ("Raises", "RuntimeError: it is ? broken (line"),
    ("Exits", "status 7"),
    ("Dies", "signal 11"),
    ("Garbage", "no Python value"),
    ("Types", "3.5"),
    ("Arguments", "TypeError"),
    ("Init", "ValueError: not today"),
    ("Deep", ""),
]


def started(folder: Path, seconds: int) -> Iterator[Proxy]:
    with serving(folder, "--seconds", str(seconds), broken=BROKEN) as found:
        until(lambda: found.client().discover()["filters"], "units")
        yield found


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    yield from started(tmp_path_factory.mktemp("broken") / "plugins", 30)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    yield from started(tmp_path_factory.mktemp("endless") / "plugins", 2)


def call(client: Any, kind: str, unit: str) -> Any:
    """One unit."""
    if kind == "filter":
        return client.runFilters([unit], HOSTS, VM, {})
    if kind == "score":
        return client.runCostFunctions([[unit, 1]], HOSTS, VM, {})
    return client.runLoadBalancing(unit, HOSTS, {})


def named(answer: Any, unit: str, why: str, nothing: object) -> None:
    """The answer says who failed and why, and decides nothing."""
    assert answer["result"] == nothing
    assert answer["result_code"] == 1
    (text,) = answer["plugin_errors"][unit]
    assert text.startswith("broken.py: ")
    assert why in text


@pytest.mark.parametrize(("kind", "nothing"), [("filter", HOSTS), ("score", []), ("balance", ["", []])])
def test_each_is_named_and_changes_nothing(proxy: Proxy, kind: str, nothing: object) -> None:
    with ThreadPoolExecutor(len(BAD)) as pool:
        answers = list(pool.map(lambda bad: call(proxy.client(), kind, bad[0]), BAD))
    for (unit, why), answer in zip(BAD, answers, strict=True):
        named(answer, unit, why, nothing)
    good = proxy.client().runFilters(["good"], HOSTS, VM, {})
    assert good == {"result_code": 0, "result": HOSTS[:2]}


def test_a_broken_one_beside_a_good_one(proxy: Proxy) -> None:
    answer = proxy.client().runFilters(["Raises", "good"], HOSTS, VM, {})
    assert answer["result"] == HOSTS[:2]
    assert set(answer["plugin_errors"]) == {"Raises"}
    scores = proxy.client().runCostFunctions([["Raises", 3], ["good", 4]], HOSTS, VM, {})
    assert scores["result"] == [[h, 4] for h in HOSTS]
    assert set(scores["plugin_errors"]) == {"Raises"}


def test_endless_ones_of_each_kind_are_killed_and_a_fork_bomb_is_bounded(impatient: Proxy) -> None:
    endless = {"Loop": ("filter", HOSTS), "Sleep": ("balance", ["", []]), "Bomb": ("score", [])}
    most = 0
    with ThreadPoolExecutor(len(endless)) as pool:
        calls = {unit: pool.submit(call, impatient.client(), kind, unit) for unit, (kind, _) in endless.items()}
        while not calls["Bomb"].done():
            most = max(most, len(descendants(impatient.process.pid)))
        for unit, (_, nothing) in endless.items():
            named(calls[unit].result(), unit, "within 2 s", nothing)
    assert PROCESSES // 2 < most <= PROCESSES + 2
    until(lambda: len(descendants(impatient.process.pid)) == 1, "only the keeper is left")
    until(lambda: call(impatient.client(), "filter", "good")["result"] == HOSTS[:2], "the good one answers")


UNLOADABLE = {
    "syntax": ("def x(:", "SyntaxError"),
    "imports": ("import nothing_of_this_name", "ModuleNotFoundError"),
    "ends": ("raise SystemExit(3)", "SystemExit"),
    "ends_hard": ("import os; os._exit(5)", "ended while it was loaded"),
    "loops": ("while True: pass", "not loaded within 2 s"),
    "bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", ""),
    "memory": ("x = bytearray(1 << 40)", "MemoryError"),
    "zero": ("\0", ""),
    "pattern": (
        "class a:\n    properties_validation = 5\n    def do_filter(self, h, v, p): pass",
        "properties_validation",
    ),
}


def test_files_that_cannot_be_loaded_are_named_and_loaded_when_mended(tmp_path: Path) -> None:
    good = "class good:\n    def do_filter(self, h, v, p): return h[:2]\n"
    folder = tmp_path / "plugins"
    folder.mkdir()
    for name, (text, _) in UNLOADABLE.items():
        write(folder, name, text)
    with serving(folder, "--load-seconds", "2", good=good) as proxy:
        client = proxy.client()
        until(lambda: "good" in client.discover()["filters"], "the good one")
        found = until(lambda: len(client.problems()) == len(UNLOADABLE) and client.problems(), "the bad ones are named")
        for name, (_, why) in UNLOADABLE.items():
            assert why in found[f"{name}.py"], name
        assert client.runFilters(["good"], HOSTS, VM, {})["result"] == HOSTS[:2]
        for name in UNLOADABLE:
            proxy.add(name, f"class mended_{name}:\n    def do_filter(self, h, v, p): return h\n")
        until(lambda: len(client.discover()["filters"]) == len(UNLOADABLE) + 1, "they are mended")
        assert client.problems() == {}
