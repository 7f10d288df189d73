"""What names and texts may be.

Does: say everything that is wrong with one. Does not: look into the store, so that rules may use it.
"""

import re
from dataclasses import dataclass

from ovis.engine.declare.faults import Kind, Refusal


@dataclass(frozen=True, slots=True)
class TextRule:
    """What a name or text may be. pattern: the whole value must match. code: the refusal when it does not."""

    max: int
    min: int = 0
    pattern: str | None = None
    code: str = "ACTION_TYPE_FAILED_NAME_MAY_NOT_CONTAIN_SPECIAL_CHARS"
    too_long: str = "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG"


# Letters of any language, digits and ._- (Python's \w also takes the underscore).
NAME = r"[\w.-]*"
ASCII_NAME = r"[0-9a-zA-Z_-]+"
ASCII_TEXT = r"[\x00-\x7f]*"


def text_refusals(value: str | None, label: str, rule: TextRule) -> list[Refusal]:
    """Everything wrong with a text; an empty list means it fits."""
    if value is None:
        return []
    found = []
    if len(value) > rule.max or len(value) < rule.min:
        found.append(
            Refusal(
                rule.too_long,
                f"The {label} must have {rule.min} to {rule.max} characters, not {len(value)}.",
                "",
                Kind.BAD,
            )
        )
    if rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        found.append(Refusal(rule.code, f"The {label} contains characters that are not allowed.", "", Kind.BAD))
    if "\x00" in value:
        found.append(Refusal(rule.code, f"The {label} contains a NUL character.", "", Kind.BAD))
    return found
