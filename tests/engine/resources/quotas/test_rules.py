"""How much of a limit is used, and which limits go together: pure."""

import pytest

from ovis.engine.model.types import Cluster, Quota, QuotaClusterLimit
from ovis.engine.resources.quotas import rules
from ovis.engine.resources.quotas.rules import Use


@pytest.mark.parametrize(
    ("limit", "used", "wanted"),
    [
        (None, 99, Use.FINE),
        (-1, 99, Use.FINE),
        (10, 7.9, Use.FINE),
        (10, 8, Use.NEAR),
        (10, 10, Use.NEAR),
        (10, 10.5, Use.OVER),
        (10, 12, Use.OVER),
        (10, 12.5, Use.BEYOND),
        (0, 0, Use.FINE),
        (0, 1, Use.BEYOND),
    ],
)
def test_use(limit: float | None, used: float, wanted: Use) -> None:
    assert rules.use(limit, used, threshold=80, grace=20) is wanted


def test_a_quota_limits_all_together_or_one_by_one() -> None:
    assert rules.place_refusals([], "") == rules.place_refusals(["a"], "b") == []
    assert [r.code for r in rules.place_refusals(["a"], "a")] == ["ACTION_TYPE_FAILED_QUOTA_LIMIT_EXISTS"]
    for taken, place in ((["a"], ""), ([""], "a")):
        (found,) = rules.place_refusals(taken, place)
        assert found.code == "ACTION_TYPE_FAILED_QUOTA_LIMIT_IS_SPECIFIC_AND_GENERAL"
    one = QuotaClusterLimit(cluster=Cluster(id="a"))
    assert rules.cluster_limit([one], "a") is one and rules.cluster_limit([one], "b") is None
    every = QuotaClusterLimit()
    assert rules.cluster_limit([every], "b") is every


def test_values_that_no_quota_has() -> None:
    assert rules.refusals(Quota(name="a b"))[0].code == "ACTION_TYPE_FAILED_NAME_MAY_NOT_CONTAIN_SPECIAL_CHARS"
    assert [r.code for r in rules.refusals(Quota(name="a", cluster_soft_limit_pct=101))] == [
        "VALIDATION_QUOTA_PERCENTAGE"
    ]
    assert [r.code for r in rules.limit_refusals((-1, 0, None, -2))] == ["ACTION_TYPE_FAILED_QUOTA_LIMIT_NEGATIVE"]
