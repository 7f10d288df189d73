"""KSM's knobs on a folder like the kernel's; weaknesses; totals."""

from pathlib import Path

import pytest

from ovis.agent.host.machine import weaknesses
from ovis.agent.host.reports import totals
from ovis.agent.host.tuning import KSM_KEYS, TuningVerbs
from ovis.contract.errors import Code, VerbError


@pytest.fixture
def ksm(tmp_path: Path) -> Path:
    for key in KSM_KEYS:
        (tmp_path / key).write_text("0\n")
    return tmp_path


async def test_what_is_named_is_set_and_nothing_else(ksm: Path) -> None:
    (ksm / "sleep_millisecs").write_text("20\n")
    assert await TuningVerbs(ksm).host_set_ksm_tune({"run": True, "pages_to_scan": "64"}) == {
        "code": 0,
        "message": "Done",
    }
    assert {k: (ksm / k).read_text().strip() for k in KSM_KEYS} == {
        "run": "1",
        "pages_to_scan": "64",
        "sleep_millisecs": "20",
        "merge_across_nodes": "0",
    }


@pytest.mark.parametrize("wrong", [{"run": "maybe"}, {"run": -1}, {"speed": 1}, {"run": "1" * 30}])
async def test_other_knobs_and_values_are_refused_before_anything_is_set(ksm: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(VerbError) as caught:
        await TuningVerbs(ksm).host_set_ksm_tune({"pages_to_scan": 5} | wrong)
    assert caught.value.code == Code.INVALID_PARAMETER
    assert (ksm / "pages_to_scan").read_text() == "0\n"


async def test_a_kernel_without_ksm_says_so(tmp_path: Path) -> None:
    with pytest.raises(VerbError, match="does not take run=1") as caught:
        await TuningVerbs(tmp_path).host_set_ksm_tune({"run": 1})
    assert caught.value.code == Code.GENERAL


def test_weaknesses_are_named_as_capabilities_name_them(tmp_path: Path) -> None:
    (tmp_path / "spectre_v2").write_text("Mitigation: IBRS\n")
    assert weaknesses(tmp_path) == {"SPECTRE_V2": "Mitigation: IBRS"}
    assert weaknesses(tmp_path / "nowhere") == {}


def test_totals_of_dropped_packets() -> None:
    rows = {"a": {"rxDropped": "3", "txDropped": "0"}, "b": {"rxDropped": "4", "txDropped": "1"}}
    assert totals(rows) == {"rxDropped": "7", "txDropped": "1"}
