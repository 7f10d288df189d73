"""What modules may answer, and what becomes of it. Pure.

Does: take a returned value, or the Python literal that a module of 2014 printed, and bring it to the protocol's shape.
Does not: trust it: wrong shapes are `WrongAnswer` with a sentence for the module's author.
"""

import ast
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

Kind = Literal["filter", "score", "balance"]
METHODS: dict[Kind, str] = {"filter": "do_filter", "score": "do_score", "balance": "do_balance"}
LARGEST = 2**31 - 1
_TWO_VALUES = re.compile(r"^(\S+)\s+(\[.*\])$", re.DOTALL)


class WrongAnswer(Exception):
    """The module answered something else than it should."""


def shown(value: object) -> str:
    """A value in a sentence, short."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def printed(text: str, kind: Kind) -> Any:
    """The literal that a module printed: all of its output, or else the last line. WrongAnswer if neither is one."""
    whole = text.strip()
    if not whole and kind == "balance":
        return None  # there is nothing to move
    if not whole:
        raise WrongAnswer("it neither returned nor printed anything")
    for candidate in (whole, whole.splitlines()[-1].strip()):
        if kind == "balance" and (two := _TWO_VALUES.match(candidate)):
            candidate = f"({two[1].strip(',')!r}, {two[2]})"
        try:
            return ast.literal_eval(candidate)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    raise WrongAnswer(f"what it printed is no Python value: {shown(whole)}")


def checked(kind: Kind, value: Any) -> Any:
    """A module's answer: [id], {id: int} or [id, [id]]."""
    if kind == "filter":
        return _ids(value)
    if kind == "score":
        return _scores(value)
    return _move(value)


def _ids(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise WrongAnswer(f"a list of host ids is expected, it gave {shown(value)}")
    if set(map(type, value)) == {str}:
        return list(value)
    for each in value:
        if not isinstance(each, str):
            raise WrongAnswer(f"host ids are texts, it gave {shown(each)}")
    return list(value)


def _scores(value: Any) -> dict[str, int]:
    if not isinstance(value, (list, tuple, dict)):
        raise WrongAnswer(f"a list of (host id, score) is expected, it gave {shown(value)}")
    usual = _usual(value)
    if usual is not None:
        return usual
    found: dict[str, int] = {}
    for pair in value.items() if isinstance(value, dict) else value:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not isinstance(pair[0], str):
            raise WrongAnswer(f"a pair (host id, score) is expected, it gave {shown(pair)}")
        found[pair[0]] = whole(pair[1])
    return found


def _usual(rows: Any) -> dict[str, int] | None:
    """Pairs of texts and integers that the protocol carries, without a look at each; None if there is anything else."""
    if not isinstance(rows, dict) and not set(map(type, rows)) <= {list, tuple}:
        return None
    try:
        found = dict(rows)
    except (ValueError, TypeError):
        return None
    if not (set(map(type, found)) == {str} and set(map(type, found.values())) == {int}):
        return None
    return found if min(found.values()) >= -LARGEST and max(found.values()) <= LARGEST else None


def whole(value: Any) -> int:
    """A score as an integer of the protocol; halves go up. WrongAnswer if it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise WrongAnswer(f"scores are numbers, it gave {shown(value)}")
    return clamped(value if isinstance(value, int) else math.floor(value + 0.5))


def clamped(value: int) -> int:
    """Within what the protocol carries."""
    return max(-LARGEST, min(LARGEST, value))


def _move(value: Any) -> list[Any]:
    if value is None or value == [] or value == ():
        return ["", []]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise WrongAnswer(f"(VM id, [host ids]) is expected, it gave {shown(value)}")
    vm, hosts = value
    if vm is None or vm == "":
        return ["", []]
    if not isinstance(vm, str):
        raise WrongAnswer(f"a VM's id is a text, it gave {shown(vm)}")
    return [vm, _ids(hosts)]


def all_kept(hosts: Sequence[str], kept: Sequence[Sequence[str]]) -> list[str]:
    """Hosts that every filter keeps, in the order in which they were asked for."""
    if all(k == hosts for k in kept):
        return list(hosts)
    sets = [set(k) for k in kept]
    return [h for h in hosts if all(h in s for s in sets)]


def flags(hosts: Sequence[str], kept: Sequence[str]) -> str:
    """1 for each host that is kept, else 0, in the order of hosts."""
    if kept == hosts:
        return "1" * len(hosts)
    known = set(kept)
    return "".join(["1" if h in known else "0" for h in hosts])
