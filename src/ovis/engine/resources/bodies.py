"""What every room asks of a body: references by id or name, names that fit, partial updates.

Does: pure checks and merges, and look-ups through a reader. Does not: know any one resource.
"""

import uuid
from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

from ovis.engine.declare.faults import NotFound, Refusal, Refused, refuse
from ovis.engine.declare.shape import attributes, names_of
from ovis.engine.resources.texts import ASCII_NAME, ASCII_TEXT, NAME, TextRule, text_refusals
from ovis.engine.store.session import Reader

__all__ = (
    "ASCII_NAME",
    "ASCII_TEXT",
    "NAME",
    "TextRule",
    "derived_id",
    "link",
    "merge",
    "new_id",
    "nothing",
    "raise_all",
    "require_free_name",
    "resolve",
    "text_refusals",
    "with_defaults",
    "without_subs",
)
T = TypeVar("T")


def new_id() -> str:
    """A fresh identifier."""
    return str(uuid.uuid4())


def merge(old: T, patch: T, *, keep: Collection[str] = ()) -> T:
    """`old` with everything that `patch` gives; structs are merged part by part, links and lists are replaced.

    keep: attributes that a client sends back but cannot change (`id`, `href`, status ...).
    """
    changes: dict[str, Any] = {}
    for row in attributes(type(old)):
        given = getattr(patch, row.name, None)
        if given is None or row.name in keep or row.name in ("id", "href"):
            continue
        before = getattr(old, row.name)
        if row.kind == "struct" and not row.many and not row.link and before is not None:
            given = merge(before, given)
        changes[row.name] = given
    return msgspec.structs.replace(old, **changes) if changes else old  # type: ignore[type-var]


def with_defaults(body: T, defaults: T) -> T:
    """`body` with everything it does not give taken from `defaults`."""
    merged = merge(defaults, body)
    given: Any = body
    return msgspec.structs.replace(merged, id=given.id) if hasattr(given, "id") else merged  # type: ignore[type-var]


def without_subs(document: T) -> T:
    """Without inline sub-collections: they are rows of their own."""
    found = {row.name: None for row in attributes(type(document)) if row.many and row.rel}
    return msgspec.structs.replace(document, **found)  # type: ignore[type-var]


def resolve(rd: Reader, type_: type[T], reference: Any, **scope: Any) -> T:
    """The object that a body's reference names, by id or else by name within `scope` columns.

    NotFound (404, in the API's form) if there is none; refused if it names nothing.
    """
    label = names_of(type_).one
    if reference is None or (reference.id is None and reference.name is None):
        raise refuse("VALIDATION_REFERENCE_EMPTY", f"A {label} is needed: give its id or name.", bad=True)
    if reference.id is not None:
        found = rd.get(type_, reference.id)
        if found is None:
            raise NotFound(f"{type_.__name__}: id={reference.id}", named=True)
        return found
    named = rd.one(type_, name_key=reference.name.lower(), **scope)
    if named is None:
        raise NotFound(f"{type_.__name__}: name={reference.name}", named=True)
    return named


def link(type_: type[T], target: Any) -> T:
    """A reference to `target`: its id alone."""
    return type_(id=target if isinstance(target, str) else target.id)  # type: ignore[call-arg]


def raise_all(reasons: list[Refusal]) -> None:
    """Refuse with every reason there is."""
    if reasons:
        raise Refused(reasons)


def require_free_name(
    rd: Reader, type_: type, name: str | None, code: str, *, own_id: str | None = None, **scope: Any
) -> None:
    """Refuse a name that another object of the scope already has (case is ignored)."""
    if name is None:
        return
    found: list[Any] = rd.find(type_, name_key=name.lower(), **scope)
    for holder in found:
        if holder.id != own_id:
            raise refuse(code, f"The name {name} is already used.", "Choose another name.")


def derived_id(kind: str, *parts: str) -> str:
    """A stable identifier of something that has no row of its own (a statistic, a reported device, a default quota)."""
    return str(uuid.uuid5(_SPACE, ":".join((kind, *parts))))


_SPACE = uuid.UUID("0b5f2ab1-7ff2-4f0e-9d6c-6f7669730001")


def nothing(rd: Reader, call: Any, parents: Collection[str]) -> dict[str, list[Any]]:
    """A sub-collection that exists in the API and is empty for these objects."""
    return {parent: [] for parent in parents}
