"""Whether values fit the custom properties that are defined. Pure.

Follows: outcomes and refusals of engine 4.5; a value fits as a whole, as Java's String.matches takes it; none is ''.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ovis.engine.declare.faults import Kind, Refusal
from ovis.engine.model.types import CustomProperty
from ovis.engine.resources.custom_properties.definitions import NAME, Devices, Properties
from ovis.engine.resources.custom_properties.patterns import matches

LONGEST = 4000  # characters of all of an object's properties, as `name=value;name=value`
# What XML cannot carry, so that no host could be told.
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Outcome(StrEnum):
    """What is wrong with a property."""

    INVALID_DEVICE_TYPE = "INVALID_DEVICE_TYPE"
    KEY_DOES_NOT_EXIST = "KEY_DOES_NOT_EXIST"
    INCORRECT_VALUE = "INCORRECT_VALUE"
    SYNTAX_ERROR = "SYNTAX_ERROR"
    DUPLICATE_KEY = "DUPLICATE_KEY"


_INVALID = "ACTION_TYPE_FAILED_INVALID_CUSTOM_PROPERTIES_"
CODES: Mapping[Outcome, str] = {
    Outcome.INVALID_DEVICE_TYPE: "ACTION_TYPE_FAILED_INVALID_DEVICE_TYPE_FOR_CUSTOM_PROPERTIES",
    Outcome.KEY_DOES_NOT_EXIST: f"{_INVALID}INVALID_KEYS",
    Outcome.INCORRECT_VALUE: f"{_INVALID}INVALID_VALUES",
    Outcome.SYNTAX_ERROR: f"{_INVALID}INVALID_SYNTAX",
    Outcome.DUPLICATE_KEY: f"{_INVALID}DUPLICATE_KEYS",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One property that does not fit. pattern: what its value should look like."""

    outcome: Outcome
    name: str
    pattern: str | None = None


def values_of(given: Iterable[CustomProperty] | None) -> dict[str, str]:
    """Names and values, for hosts."""
    return {str(p.name): p.value or "" for p in given or ()}


def problems(defined: Properties, given: Sequence[CustomProperty] | None) -> list[Problem]:
    """Everything that is wrong with an object's properties."""
    found: list[Problem] = []
    seen: set[str] = set()
    for each in given or ():
        name, value = each.name or "", each.value or ""
        if not NAME.fullmatch(name) or ";" in value or _UNSPEAKABLE.search(value):
            found.append(Problem(Outcome.SYNTAX_ERROR, name))
        elif name in seen:
            found.append(Problem(Outcome.DUPLICATE_KEY, name))
        elif name not in defined:
            found.append(Problem(Outcome.KEY_DOES_NOT_EXIST, name))
        elif (pattern := defined[name]) is not None and not matches(pattern, value):
            found.append(Problem(Outcome.INCORRECT_VALUE, name, pattern))
        seen.add(name)
    return found


def device_problems(defined: Devices, kind: str, given: Sequence[CustomProperty] | None) -> list[Problem]:
    """The same for a device of some type."""
    if given and kind not in defined:
        return [Problem(Outcome.INVALID_DEVICE_TYPE, kind)]
    return problems(defined.get(kind, {}), given)


def refusals(found: Sequence[Problem], *, level: str, owner: str, known: Iterable[str] = ()) -> list[Refusal]:
    """A reason for each outcome. owner: whose properties they are (`VM web`). known: names that are defined."""
    out = []
    for outcome in Outcome:
        rows = [p for p in found if p.outcome is outcome]
        if rows:
            text, hint = _words(outcome, rows, level, sorted(known))
            out.append(Refusal(CODES[outcome], f"Custom properties of {owner}: {text}", hint, Kind.BAD))
    return out


def _words(outcome: Outcome, rows: Sequence[Problem], level: str, known: Sequence[str]) -> tuple[str, str]:
    names = ", ".join(dict.fromkeys(p.name or "(no name)" for p in rows))
    if outcome is Outcome.INVALID_DEVICE_TYPE:
        return f"none are defined for devices of type {names} at level {level}.", "Define them by `ovis-engine config`."
    if outcome is Outcome.KEY_DOES_NOT_EXIST:
        there = f"Defined are: {', '.join(known)}." if known else "None are defined."
        return f"{names} is not defined at level {level}.", there
    if outcome is Outcome.INCORRECT_VALUE:
        wanted = "; ".join(f"{p.name} as {p.pattern}" for p in rows)
        return f"the value of {names} is not as it must be.", f"Give {wanted}."
    if outcome is Outcome.SYNTAX_ERROR:
        return (
            f"{names} is not well formed.",
            "Names have letters, digits and _; values have no ';' and no control characters.",
        )
    return f"{names} is given twice.", "Give each once."


def too_long(given: Sequence[CustomProperty] | None, owner: str) -> list[Refusal]:
    """The refusal for more than can be kept."""
    size = sum(len(p.name or "") + len(p.value or "") + 2 for p in given or ())
    if size <= LONGEST:
        return []
    text = f"Custom properties of {owner} have {size} characters; {LONGEST} are the most."
    return [Refusal("VALIDATION_CUSTOM_PROPERTIES_TOO_LONG", text, "", Kind.BAD)]
