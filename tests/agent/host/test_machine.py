"""What is read from /proc and what follows from it; pure."""

from pathlib import Path

import pytest

from ovis.agent.host.fence import fence_input
from ovis.agent.host.machine import cpus, expand, memory
from ovis.agent.host.verbs import _chosen, _shares
from ovis.agent.network.resolvers import read as nameservers


@pytest.mark.parametrize(("text", "found"), [("0-3,8", (0, 1, 2, 3, 8)), ("0", (0,)), ("", ())])
def test_ranges(text: str, found: tuple[int, ...]) -> None:
    assert expand(text) == found


def test_meminfo_is_bytes() -> None:
    found = memory("MemTotal:       2048 kB\nHugePages_Total:       3\nOdd\n")
    assert found == {"MemTotal": 2048 * 1024, "HugePages_Total": 3}


def test_cpuinfo() -> None:
    found = cpus("processor : 0\nmodel name\t: Some CPU @ 2.4GHz\ncpu MHz\t\t: 2400.5\nflags\t\t: fpu sse\n")
    assert (found.model, found.speed, found.flags) == ("Some CPU @ 2.4GHz", 2400.5, ("fpu", "sse"))


def test_shares_of_a_span_add_up() -> None:
    user, system, idle = _shares((0,) * 8, (50, 0, 20, 25, 5, 0, 0, 0))
    assert (user, system, idle) == (50.0, 20.0, 30.0)
    assert _shares((1,) * 8, (1,) * 8) == (0.0, 0.0, 100.0)


def test_the_chosen_word() -> None:
    assert _chosen("always [madvise] never") == "madvise" and _chosen("") == "never"


def test_what_a_fence_agent_reads() -> None:
    text = fence_input("192.0.2.9", 623, "admin", "pw", "off", "true", "lanplus=1\nnonsense\n")
    assert text.splitlines() == [
        "ipaddr=192.0.2.9",
        "login=admin",
        "passwd=pw",
        "action=off",
        "ipport=623",
        "secure=yes",
        "lanplus=1",
    ]


def test_resolvers(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# x\nnameserver 192.0.2.53\nsearch a\nnameserver 2001:db8::53 \n", encoding="utf-8")
    assert nameservers(file) == ["192.0.2.53", "2001:db8::53"]
    assert nameservers(tmp_path / "none") == []
