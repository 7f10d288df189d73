"""What a quota may be, and what using it so far means. Pure.

Follows: field limits and defaults of engine 4.5: warned from the threshold on, over the limit within the grace, refused beyond.
"""

from collections.abc import Sequence
from enum import IntEnum

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.types import Quota, QuotaClusterLimit, QuotaStorageLimit
from ovis.engine.resources import texts
from ovis.engine.resources.texts import TextRule

UNLIMITED = -1
THRESHOLD, GRACE = 80, 20
_NAME = TextRule(65, 1, texts.ASCII_NAME)
_DESCRIPTION = TextRule(250)
_PERCENTAGES = ("cluster_soft_limit_pct", "cluster_hard_limit_pct", "storage_soft_limit_pct", "storage_hard_limit_pct")


class Use(IntEnum):
    """How much of a limit is used. NEAR: at least the threshold; OVER: within the grace."""

    FINE = 0
    NEAR = 1
    OVER = 2
    BEYOND = 3


def use(limit: float | None, used: float, *, threshold: int, grace: int) -> Use:
    """What `used` of `limit` means. limit: None or -1 is none at all."""
    if limit is None or limit == UNLIMITED:
        return Use.FINE
    if used > limit * (100 + grace) / 100:
        return Use.BEYOND
    if used > limit:
        return Use.OVER
    return Use.NEAR if used >= limit * threshold / 100 and used > 0 else Use.FINE


def refusals(quota: Quota) -> list[Refusal]:
    """Everything wrong with a quota's own values."""
    found = texts.text_refusals(quota.name, "name", _NAME)
    found += texts.text_refusals(quota.description, "description", _DESCRIPTION)
    for name in _PERCENTAGES:
        value = getattr(quota, name)
        if value is not None and not 0 <= value <= 100:
            found.append(_bad("VALIDATION_QUOTA_PERCENTAGE", f"{name} must be 0 to 100, not {value}."))
    return found


def limit_refusals(values: Sequence[float | None]) -> list[Refusal]:
    """Limits are -1 for none, 0, or more."""
    return [
        _bad("ACTION_TYPE_FAILED_QUOTA_LIMIT_NEGATIVE", f"A limit is -1 (none) or at least 0, not {value:g}.")
        for value in values
        if value is not None and value < 0 and value != UNLIMITED
    ]


def place_refusals(taken: Sequence[str], place: str) -> list[Refusal]:
    """A quota limits either everything together ("") or places one by one, each once."""
    if place in taken:
        return [
            Refusal(
                "ACTION_TYPE_FAILED_QUOTA_LIMIT_EXISTS",
                "There is such a limit already.",
                "Remove it, then add another.",
            )
        ]
    if taken and ("" in taken or not place):
        return [
            Refusal(
                "ACTION_TYPE_FAILED_QUOTA_LIMIT_IS_SPECIFIC_AND_GENERAL",
                "A quota limits everything together or places one by one, not both.",
                "Remove the other limits first.",
            )
        ]
    return []


def cluster_limit(limits: Sequence[QuotaClusterLimit], cluster_id: str) -> QuotaClusterLimit | None:
    """The limit that counts in a cluster; None if the quota says nothing about it."""
    return next((row for row in limits if row.cluster is None or row.cluster.id == cluster_id), None)


def storage_limit(limits: Sequence[QuotaStorageLimit], domain_id: str) -> QuotaStorageLimit | None:
    """The limit that counts on a storage domain; None if the quota says nothing about it."""
    return next((row for row in limits if row.storage_domain is None or row.storage_domain.id == domain_id), None)


def _bad(code: str, text: str) -> Refusal:
    return Refusal(code, text, "", Kind.BAD)
