"""How an operation says no: values that `http` turns into the API's faults.

Does: tell understood refusals (all reasons at once) from missing things and bad input. Does not: know HTTP bodies.
Follows: API facts, section 6 (status codes): with several reasons bad input wins over conflict, then 403.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Which status a reason leads to."""

    BAD = "bad"  # 400
    CONFLICT = "conflict"  # 409
    FORBIDDEN = "forbidden"  # 403


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason. code: the engine's message key, stable. text: for the user. hint: what to do, may be empty."""

    code: str
    text: str
    hint: str = ""
    kind: Kind = Kind.CONFLICT


class Fault(Exception):
    """Base of everything that becomes a `<fault>`."""

    reason = "Operation Failed"
    status = 400

    def __init__(self, detail: str = "", *, reason: str | None = None, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reason = reason or type(self).reason
        self.status = status or type(self).status


class Refused(Fault):
    """Understood, not possible now; carries all reasons. of_action: an action said it, whose document then holds the fault."""

    of_action = False

    def __init__(self, reasons: Sequence[Refusal]) -> None:
        kinds = {r.kind for r in reasons}
        status = 400 if Kind.BAD in kinds else 409 if Kind.CONFLICT in kinds else 403
        texts = (f"{r.text} {r.hint}".strip() for r in reasons)
        super().__init__("[" + ", ".join(texts) + "]", status=status)
        self.reasons = tuple(reasons)


class NotFound(Fault):
    """Not there, or not yours to see. In a path: 404 with an empty body; `named` inside a body: a fault."""

    status = 404

    def __init__(self, what: str = "", *, named: bool = False) -> None:
        super().__init__(f"Entity not found: {what}" if named else "")
        self.what = what
        self.named = named


class Incomplete(Fault):
    """Required parts of the body are missing. detail: `Vm [name, cluster.id|name] required for add`."""

    reason = "Incomplete parameters"

    def __init__(self, type_name: str, missing: Sequence[str], operation: str) -> None:
        super().__init__(f"{type_name} [{', '.join(missing)}] required for {operation}")


class InvalidValue(Fault):
    """A value that its type does not have; detail names the place and the possible values."""

    reason = "Invalid value"


class Malformed(Fault):
    """The body cannot be read at all."""

    reason = "Request syntactically incorrect."


class Immutable(Fault):
    """An update touched what cannot change."""

    reason = "Broken immutability constraint"
    status = 409


class Forbidden(Fault):
    """The user lacks a permit on the object."""

    status = 403


def refuse(code: str, text: str, hint: str = "", *, bad: bool = False) -> Refused:
    """A refusal with one reason."""
    return Refused([Refusal(code, text, hint, Kind.BAD if bad else Kind.CONFLICT)])
