"""The table of points against what VDSM does."""

import pytest

from ovis.agent.hooks.points import POINTS, Document, Environment
from ovis.contract.errors import Code
from tests.agent.hooks.facts import FACTS

_ENVIRONMENTS = {
    Environment.VM: "vm",
    Environment.DEVICE: "device",
    Environment.CALL: "call",
    Environment.HOST: "none",
}


def test_there_are_58_points_and_no_others() -> None:
    assert sorted(POINTS) == sorted(FACTS) and len(POINTS) == 58


@pytest.mark.parametrize("name", FACTS)
def test_a_point_is_what_vdsm_makes_of_it(name: str) -> None:
    point, (document, fatal, used, environment, user) = POINTS[name], FACTS[name]
    assert point.name == name and point.when and point.serves
    assert (point.document, point.fatal, point.used) == (Document[document.upper()], fatal, used)
    assert _ENVIRONMENTS[point.environment] == environment
    assert point.user == user
    assert point.json == (document == "json")


def test_errors_have_vdsms_codes() -> None:
    seventy_eight = {n for n, p in POINTS.items() if p.code == Code.HOOK}
    assert seventy_eight == {
        "before_vm_migrate_destination", "before_device_migrate_destination", "before_get_vm_stats", "after_get_vm_stats",
        "before_network_setup", "after_network_setup", "after_network_setup_fail",
    }  # fmt: skip
    assert {p.code for n, p in POINTS.items() if n not in seventy_eight} == {Code.HOOK_ERROR}
    assert [n for n, p in POINTS.items() if p.last_failing] == ["before_vm_start"]
