"""Which host takes a VM, and what every other one is told."""

from typing import Any

import pytest

from ovis.engine.scheduling.choose import MIB, OVERHEAD, HostView, VmNeeds, choose

GIB = 1 << 30


def host(name: str, **values: Any) -> HostView:
    base: dict[str, Any] = {"id": name, "name": name, "cluster_id": "c", "up": True}
    return HostView(**(base | {"memory": 8 * GIB, "promised": 0, "cpus": 8} | values))


def vm(**values: Any) -> VmNeeds:
    base: dict[str, Any] = {"name": "x", "cluster_id": "c", "memory": GIB, "vcpus": 2}
    return VmNeeds(**(base | values))


@pytest.mark.parametrize(
    ("view", "needs", "why"),
    [
        (host("a", up=False), vm(), "not up"),
        (host("a", promised=7 * GIB), vm(), "MiB to promise"),
        (host("a", reserved=7 * GIB), vm(), "MiB to promise"),
        (host("a", cpus=1), vm(), "1 CPUs"),
        (host("a"), vm(networks=frozenset({"blue"})), "lacks the networks blue"),
        (host("a"), vm(hosts=frozenset({"b"})), "bound to other hosts"),
    ],
)
def test_a_host_that_does_not_fit_says_why(view: HostView, needs: VmNeeds, why: str) -> None:
    found = choose([view], needs)
    assert found.host is None
    assert why in found.refused["a"]
    assert "a: " in found.reasons()


def test_memory_is_counted_to_the_byte_with_overhead_and_overcommit() -> None:
    full = host("a", promised=8 * GIB - GIB - OVERHEAD)
    assert choose([full], vm()).host is full
    assert choose([full], vm(memory=GIB + 1)).host is None
    assert choose([full], vm(memory=GIB + MIB), overcommit=101).host is full


def test_the_emptiest_host_is_chosen_and_equal_ones_by_name() -> None:
    assert choose([host("b"), host("a", vcpus=4), host("c", promised=GIB)], vm()).host == host("b")
    assert choose([host("b"), host("a")], vm()).host == host("a")


def test_a_wanted_host_comes_first_if_it_fits() -> None:
    busy = host("b", vcpus=6)
    assert choose([host("a"), busy], vm(preferred="b")).host == busy
    assert choose([host("a"), host("b", up=False)], vm(preferred="b")).host == host("a")


def test_hosts_that_were_tried_or_lie_elsewhere_are_left_out() -> None:
    found = choose([host("a"), host("b"), host("far", cluster_id="d")], vm(), excluded={"a"})
    assert found.host == host("b")
    assert "far" not in found.refused | found.scores


def test_no_host_at_all() -> None:
    assert choose([], vm()).reasons() == "there is no host"
