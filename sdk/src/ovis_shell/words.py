"""From what a user typed to what the SDK has: collections, objects, values.

Does: find a collection by its name and parents, an object by id or name, put options into a body. Does not: print, or ask.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class ShellError(Exception):
    """One line for the user. status: the program's exit status."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Typed(NamedTuple):
    """A command's words after the verb: plain ones, and options with their values (True for bare ones)."""

    plain: List[str]
    options: List[Tuple[str, Any]]

    def take(self, *names: str) -> Any:
        """An option's value, removed; None if it was not given."""
        for at, (name, value) in enumerate(self.options):
            if name in names:
                del self.options[at]
                return value
        return None


def read_words(words: Sequence[str]) -> Typed:
    """`--name x`, `--name=x`, `--flag`, plain words."""
    plain: List[str] = []
    options: List[Tuple[str, Any]] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.startswith("--") or word == "--":
            plain.append(word)
            continue
        name, mark, value = word[2:].partition("=")
        if mark:
            options.append((name, value))
        elif at < len(words) and not words[at].startswith("--"):
            options.append((name, words[at]))
            at += 1
        else:
            options.append((name, True))
    return Typed(plain, options)


def singular(segment: str) -> str:
    """`vms` is `vm`, `schedulingpolicies` is `schedulingpolicy`."""
    if segment.endswith("ies"):
        return segment[:-3] + "y"
    return segment[:-1] if segment.endswith("s") else segment


def _same(typed: str, segment: str) -> bool:
    plain = typed.replace("_", "").replace("-", "").lower()
    return plain in (segment, singular(segment))


def below(o: Any) -> Dict[str, str]:
    """Sub-collections of an object (or of the API): segment -> attribute."""
    names = getattr(o, "_names", None) or sorted(type(o)._skipped)
    return {name.rstrip("_"): name for name in names}


def collection(api: Any, typed: str, given: Typed) -> Any:
    """The collection of that name, below the parents that options name."""
    at: Any = api
    for kind, how, value in _parents(given):
        found = _find(at, kind)
        if found is None:
            where = "" if at is api else f" below {type(at).__name__}"
            raise ShellError(f"there is no {kind}{where}")
        at = one(found, str(value), by=how)
    found = _find(at, typed)
    if found is None and at is not api:
        raise ShellError(f"a {type(at).__name__} has no {typed}; it has: {', '.join(below(at))}")
    if found is None:
        raise ShellError(_unknown(api, typed))
    return found


def _find(at: Any, typed: str) -> Any:
    for segment, attribute in below(at).items():
        if _same(typed, segment):
            return getattr(at, attribute)
    return None


_PARENT = re.compile(r"(?:parent-)?([a-z_]+?)-(identifier|id|name)")


def _parents(given: Typed) -> Iterator[Tuple[str, str, Any]]:
    for name, value in list(given.options):
        found = _PARENT.fullmatch(name)
        if found and (name.startswith("parent-") or found.group(2) == "identifier"):
            given.options.remove((name, value))
            yield found.group(1), found.group(2), value


def _unknown(api: Any, typed: str) -> str:
    owners = []
    for segment in below(api):
        kind = getattr(api, segment)._of
        if any(_same(typed, sub) for sub in kind._skipped):
            owners.append(singular(segment))
    if owners:
        return f"{typed} are below others: give --parent-{owners[0]}-name NAME (or {', '.join(owners[1:]) or 'its id'})"
    return f"there is no type {typed!r}; there are: {', '.join(below(api))}"


def one(found: Any, typed: str, by: str = "") -> Any:
    """An object by id or name."""
    if by != "name" and _UUID.fullmatch(typed):
        o = found.get(id=typed)
        if o is not None:
            return o
    if by in ("id", "identifier") and not _UUID.fullmatch(typed):
        o = found.get(id=typed)
        if o is not None:
            return o
    o = found.get(name=typed)
    if o is None:
        raise ShellError(f"there is no {singular(found._segment)} {typed!r}")
    return o


def body_type(method: Any) -> Any:
    """The type that a method's first parameter wants."""
    from ovirtsdk.xml import params

    first = next(iter(inspect.signature(method).parameters.values()))
    name = re.search(r"params\.(\w+)", str(first.annotation))
    return getattr(params, name.group(1)) if name else params.Action


def fill(target: Any, options: Sequence[Tuple[str, Any]]) -> Any:
    """Put `--cpu-topology-cores 2` and the like into a body."""
    for name, value in options:
        _put(target, name, name.split("-"), value)
    return target


def _put(target: Any, whole: str, path: List[str], value: Any) -> None:
    table = type(target).table()
    row = table.names.get(path[0])
    if row is None:
        raise ShellError(
            f"--{whole} is not known here; {type(target).__name__} has: {', '.join(sorted(option_names(type(target))))}"
        )
    if len(path) > 1:
        inner = getattr(target, row.name) if not row.many else None
        if inner is None:
            kind = _struct(row.kind)
            if kind is None:
                raise ShellError(f"--{whole}: {path[0]} has no parts")
            inner = kind()
            setattr(target, row.name, [inner] if row.many else inner)
        _put(inner, whole, path[1:], value)
        return
    setattr(target, row.name, _value(row, whole, value))


def _struct(kind: str) -> Any:
    from ovirtsdk.xml import params

    found = getattr(params, kind, None)
    return found if isinstance(found, type) else None


def _value(row: Any, whole: str, value: Any) -> Any:
    kind = _struct(row.kind)
    if row.many:
        return _members(row, kind, whole, str(value))
    if kind is not None:
        members = [r for r in kind.table().rows if r.many]
        if len(members) == 1 and value is not True:
            return fill(kind(), [(members[0].tag, value)])
        raise ShellError(f"--{whole} has parts: give --{whole}-NAME")
    return scalar(row.kind, whole, value)


def scalar(kind: str, whole: str, value: Any) -> Any:
    """A value as its property wants it."""
    if kind == "boolean":
        if value is True or str(value).lower() in ("true", "yes", "1"):
            return True
        if str(value).lower() in ("false", "no", "0"):
            return False
        raise ShellError(f"--{whole} wants true or false, not {value!r}")
    if value is True:
        raise ShellError(f"--{whole} wants a value")
    if kind in ("int", "long"):
        try:
            return int(value)
        except ValueError as err:
            raise ShellError(f"--{whole} wants a number, not {value!r}") from err
    return value


def _members(row: Any, kind: Any, whole: str, text: str) -> List[Any]:
    """`boot.dev=hd,boot.dev=network`; a name that comes again begins the next one."""
    if kind is None:
        return [part.strip() for part in text.split(",")]
    found: List[Any] = []
    seen: Set[str] = set()
    for pair in re.split(r"[,;]", text):
        name, mark, value = pair.strip().partition("=")
        if not mark:
            raise ShellError(f'--{whole} wants "{row.tag}.NAME=VALUE,..."')
        path = name.split(".")
        path = path[1:] if path[0] == row.tag and len(path) > 1 else path
        if not found or ".".join(path) in seen:
            found.append(kind())
            seen = set()
        seen.add(".".join(path))
        _put(found[-1], whole, path, value)
    return found


def option_names(kind: Any, depth: int = 0) -> Iterator[str]:
    """Options that a type takes, `cpu-topology-cores`."""
    for row in kind.table().rows:
        if row.tag in ("actions", "link", "creation_status", "href", "id") and depth == 0:
            continue
        inner = _struct(row.kind)
        if inner is None or row.many:
            yield row.tag
        elif "href" in inner.table().names:
            yield from (f"{row.tag}-{part}" for part in ("id", "name"))
        elif depth < 3:
            yield from (f"{row.tag}-{name}" for name in option_names(inner, depth + 1))


def actions_of(o: Any) -> List[str]:
    """Actions of an object's class."""
    kind = o if isinstance(o, type) else type(o)
    return sorted(
        name.rstrip("_")
        for name in vars(kind)
        if not name.startswith("_") and name not in ("update", "delete", "context") and callable(vars(kind)[name])
    )
