"""Where a cursor stands in a query: what the grammar expects there, and what is written of it already. Pure.

Does: walk the tokens before the cursor. Does not: know existing names, or any field's values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ovis.engine.store.search.grammar import SyntaxFault, Token, tokens

Expected = Literal["field", "operator", "value", "joint", "sort", "order", "number"]
_OPERATOR_BEGINS = ("!", "<", ">", "=")


@dataclass(frozen=True, slots=True)
class Position:
    """expected: what may stand here. written: what there is of it; begin: where that begins. quoted: in quotation marks.

    field: name in front of the operator, for operators and values. first: nothing stands before.
    """

    expected: tuple[Expected, ...]
    written: str = ""
    begin: int = 0
    quoted: bool = False
    field: str = ""
    first: bool = False


def position(query: str, at: int) -> Position | None:
    """The cursor's position; None where nothing fits, because what stands before is no query."""
    head = query[:at]
    quoted = head.count('"') % 2 == 1
    begin = head.rfind('"') if quoted else len(head)
    try:
        before = tokens(head[:begin])
    except SyntaxFault as err:
        return _unfinished(head, err.position)
    if quoted:
        expected, field, _ = _after(before)
        return Position(expected, head[begin + 1 :], begin, True, field, not before)
    if not before or head[-1:].isspace() or before[-1].kind == "quoted":
        expected, field, _ = _after(before)
        return Position(expected, "", at, False, field, not before)
    last = before[-1]
    if last.kind == "op":  # its value may follow at once; or it grows: `<` to `<=`
        expected, field, _ = _after(before)
        return Position(expected, "", at, False, field)
    expected, field, _ = _after(before[:-1])
    return Position(expected, last.text, last.position, False, field, len(before) == 1)


def _unfinished(head: str, at: int) -> Position | None:
    """A lone `!` is no token, but the beginning of an operator."""
    rest = head[at:].strip()
    if rest != "!":
        return None
    expected, field, _ = _after(tokens(head[:at]))
    return Position(("operator",), rest, at + head[at:].index("!"), False, field) if "operator" in expected else None


def _after(before: Sequence[Token]) -> tuple[tuple[Expected, ...], str, int]:
    """(what may come after these tokens, the field it belongs to, how many conditions there are)."""
    at, conditions = 0, 0
    expected: tuple[Expected, ...] = ("field",)
    field = ""
    while at < len(before):
        token = before[at]
        following = before[at + 1] if at + 1 < len(before) else None
        field = ""
        if token.is_word("sortby"):
            return (*_sorting(before[at + 1 :]), "", conditions)
        if token.is_word("page"):
            return (("number",) if following is None else ()), "", conditions
        if token.is_word("and", "or"):
            expected = ("field",)
            at += 1
            continue
        if token.kind == "word" and following is not None and following.kind == "op":
            field = token.text
            if at + 2 >= len(before):
                return ("value",), field, conditions
            at += 3
            expected, field = ("joint", "field"), ""
        else:
            at += 1
            word = token.kind == "word"
            expected, field = (
                (("operator", "joint", "field") if word else ("joint", "field")),
                token.text if word else "",
            )
        conditions += 1
    return expected, field, conditions


def _sorting(rest: Sequence[Token]) -> tuple[tuple[Expected, ...]]:
    if not rest:
        return (("sort",),)
    if len(rest) == 1:
        return (("order",),)
    if rest[-1].is_word("page"):
        return (("number",),)
    return (("order",),) if rest[-1].is_word("asc", "desc") else ((),)
