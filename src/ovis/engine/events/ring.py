"""What happened lately, numbered, in bounded memory: readers keep a number, and what they missed is gathered for them.

Does: keep the last so many changes, give those behind a number, put several changes of one object together.
Does not: know who may see what, or wait. A reader whose number is too old is told so; nothing is kept for readers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["added", "changed", "removed", "event", "job", "rights"]
ObjectRef = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Told:
    """One change. type: the collection. fields: what is not as it was, None if that is not known.

    values: of those fields, in the API's JSON. emptied: fields without a value now. extra: more members of the item.
    about: objects whose visibility decides who sees it; owner: the user who sees it in any case;
    administrators: nobody else does. Kind `rights` is for nobody's eyes: somebody's permissions changed (id: whose,
    "" for anybody's).
    """

    kind: Kind
    type: str
    id: str
    href: str = ""
    version: int = 0
    fields: tuple[str, ...] | None = ()
    emptied: tuple[str, ...] = ()
    values: Any = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    about: tuple[ObjectRef, ...] = ()
    owner: str = ""
    administrators: bool = False
    number: int = 0


class Ring:
    """The last `size` changes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[Told] = []
        self.last = 0

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, told: Told) -> None:
        """Number it and keep it."""
        self.last += 1
        told.number = self.last
        self._kept.append(told)
        if len(self._kept) >= 2 * self._size:  # seldom, and then half of them: cheap on the whole
            del self._kept[: -self._size]

    def skip(self) -> None:
        """Something happened that nobody kept: whoever reads from before has a gap."""
        self.last += 1
        self._kept.clear()

    def since(self, number: int) -> Sequence[Told] | None:
        """What came behind a number; None if that is not known any more (or the number is not ours)."""
        if not 0 <= number <= self.last:
            return None
        missing = self.last - number
        if missing > min(len(self._kept), self._size):
            return None
        return self._kept[len(self._kept) - missing :]


def gathered(told: Iterable[Told]) -> dict[str, list[dict[str, Any]]]:
    """The items of each kind's message; an object occurs once in all of them, with its last state."""
    last: dict[tuple[str, str], Told] = {}
    for one in told:
        if one.kind == "rights":
            continue
        key = (one.type, one.id)
        before = last.pop(key, None)
        last[key] = one if before is None else _joined(before, one)
    messages: dict[str, list[dict[str, Any]]] = {}
    for one in last.values():
        messages.setdefault(one.kind, []).append(_item(one))
    return messages


def _joined(before: Told, after: Told) -> Told:
    """Two changes of one object as one."""
    if after.kind == "removed" or before.kind in ("event", "job"):
        return after
    if before.kind == "removed":  # gone and there again: whatever was known of it is wrong
        return _with(after, kind="changed", fields=None, values={}, emptied=())
    unknown = before.fields is None or after.fields is None
    fields = None if unknown else tuple(dict.fromkeys((before.fields or ()) + (after.fields or ())))
    emptied = tuple(e for e in dict.fromkeys(before.emptied + after.emptied) if e not in after.values)
    values = {k: v for k, v in {**before.values, **after.values}.items() if k not in after.emptied}
    version = max(before.version, after.version)
    href = after.href or before.href
    return _with(after, kind=before.kind, fields=fields, emptied=emptied, values=values, version=version, href=href)


def _with(told: Told, *, kind: Kind, fields: Any, values: Any, emptied: Any, version: int = 0, href: str = "") -> Told:
    return Told(
        kind=kind,
        type=told.type,
        id=told.id,
        href=href or told.href,
        version=version or told.version,
        fields=fields,
        emptied=emptied,
        values=values,
        extra=told.extra,
    )


def _item(told: Told) -> dict[str, Any]:
    item: dict[str, Any] = {"type": told.type, "id": told.id}
    if told.kind == "removed":
        return item
    if told.href:
        item["href"] = told.href
    if told.version:
        item["version"] = told.version
    if told.kind == "changed":
        item["fields"] = told.fields
        if told.emptied:
            item["emptied"] = told.emptied
    if told.values:
        item["values"] = told.values
    item.update(told.extra)
    return item
