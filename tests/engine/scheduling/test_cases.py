"""Every case of the data file, computed by hand, comes out as it says."""

import json
from pathlib import Path
from typing import Any

import pytest

from ovis.engine.scheduling.cases import BadCase, solve

FILE = Path(__file__).parents[2] / "data/scheduling/cases.json"
DATA = json.loads(FILE.read_text(encoding="utf-8"))


def _ranking(found: list[Any]) -> list[list[str]]:
    return [sorted(group) if isinstance(group, list) else [group] for group in found]


def _comparable(key: str, value: Any) -> Any:
    if key == "ranking":
        return _ranking(value)
    if key == "filtered":
        return {host: {"unit": r["unit"], "reason": r["reason"]} for host, r in value.items()}
    if key == "balance":
        return [{"vm": m["vm"], "hosts": m["hosts"]} for m in value]
    return value


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda c: c["id"])
def test_a_case_comes_out_as_computed_by_hand(case: dict[str, Any]) -> None:
    given = {key: value for key, value in case.items() if key not in ("expect", "note")}
    found = solve(given, DATA["defaults"])
    for key, wanted in case["expect"].items():
        assert _comparable(key, found.get(key)) == _comparable(key, wanted), key


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda c: c["id"])
def test_the_order_of_hosts_changes_nothing(case: dict[str, Any]) -> None:
    turned = {**case, "hosts": list(reversed(case["hosts"]))}
    found, again = solve(case, DATA["defaults"]), solve(turned, DATA["defaults"])
    assert found.get("selected") == again.get("selected")
    assert found.get("balance") == again.get("balance")
    assert found.get("totals") == again.get("totals")


@pytest.mark.parametrize(
    "case", [[], {"hosts": [{}]}, {"hosts": [{"name": "a", "cpu_cores": "many"}]}, {"policy": {"selector": "dice"}}]
)
def test_a_case_that_cannot_be_read_says_so(case: Any) -> None:
    with pytest.raises(BadCase):
        solve(case)


def test_a_dropped_host_is_told_in_words_with_its_numbers() -> None:
    case = next(c for c in DATA["cases"] if c["id"] == "mem-logical")
    assert solve(case, DATA["defaults"])["filtered"]["A"]["text"] == "it has 2131 MiB to promise, the VM needs 2132 MiB"
