"""Which VMs leave for affinity's sake, and that none goes back at once."""

from ovis.engine.resources.affinity import broken_rules, conflict
from ovis.engine.resources.balancing.affinity_moves import candidates
from ovis.engine.resources.balancing.damping import Damping
from ovis.engine.scheduling.world import Group, Rule, VmFacts

HARD = Rule(enabled=True, positive=True, enforcing=True)
APART = Rule(enabled=True, positive=False, enforcing=True)
SOFT = Rule(enabled=True, positive=False, enforcing=False)


def _vms(*names: str, **more: str) -> dict[str, VmFacts]:
    return {n: VmFacts(id=n, name=n, status="up", migration=more.get(n, "migratable")) for n in names}


def _group(
    name: str, vms: str, *, rule: Rule = Rule(), hosts: str = "", host_rule: Rule = Rule(), priority: float = 1
) -> Group:
    return Group(
        id=name,
        name=name,
        priority=priority,
        vms=frozenset(vms),
        hosts=frozenset(hosts),
        vm_rule=rule,
        host_rule=host_rule,
    )


def test_hard_rules_come_first_hosts_before_vms_and_by_priority() -> None:
    groups = [
        _group("soft", "ab", rule=SOFT),
        _group("apart", "cd", rule=APART),
        _group("bound", "e", hosts="Y", host_rule=HARD),
    ]
    places = dict.fromkeys("abcde", "X")
    found = [(vm.id, group.name) for vm, group, _ in candidates(groups, _vms(*"abcde"), places)]
    assert found == [("e", "bound"), ("c", "apart"), ("d", "apart"), ("a", "soft"), ("b", "soft")]


def test_the_fewer_join_the_more_and_pinned_ones_stay() -> None:
    places = {"a": "X", "b": "X", "c": "Y", "d": "Z"}
    group = _group("one", "abcd", rule=HARD)
    assert [vm.id for vm, *_ in candidates([group], _vms(*"abcd", d="pinned"), places)] == ["c"]
    assert broken_rules(group, places) == ["vms"]
    assert broken_rules(group, {"a": "X", "b": "X"}) == []


def test_groups_that_no_placement_can_keep_are_found() -> None:
    chain = [_group("p", "ab", rule=HARD), _group("q", "bc", rule=HARD), _group("n", "ac", rule=APART)]
    assert "p, q and n" in (conflict(chain) or "")
    assert conflict([_group("p", "ab", rule=HARD), _group("n", "bc", rule=APART)]) is None
    bound = _group("yes", "a", hosts="X", host_rule=HARD)
    assert conflict([bound, _group("no", "a", hosts="XY", host_rule=APART)]) is not None


def test_a_moved_vm_does_not_go_back_until_its_time_is_over() -> None:
    now = [0.0]
    damping = Damping(600, lambda: now[0])
    damping.moved("v", "X")
    assert damping.forbidden("v") == {"X"} and damping.forbidden("w") == set()
    now[0] = 599.0
    assert damping.forbidden("v") == {"X"}
    now[0] = 600.0
    assert damping.forbidden("v") == set()
