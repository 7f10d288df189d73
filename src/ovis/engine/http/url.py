"""Reading a request's path: dialect, base, segments, parameters.

Does: split `/ovirt-engine/api/v3/vms;max=10/?search=x` into its facts. Does not: find the resource (router).
Follows: API facts, section 1 (precedence path, header, default) and 4 (matrix and query parameters).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from ovis.engine.declare.faults import Fault

_VERSION = re.compile(r"v\d+")
# prefix -> (dialect if fixed by the path, default dialect)
_PREFIXES: tuple[tuple[str, int | None, int], ...] = (
    ("/ovirt-engine/api/v3", 3, 3),
    ("/ovirt-engine/api/v4", 4, 4),
    ("/ovirt-engine/api", None, 4),
    ("/api/v3", 3, 3),
    ("/api/v4", 4, 4),
    ("/api", None, 3),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A request's address inside the API. base: prefix of hrefs. segments: decoded, without empty ones."""

    base: str
    dialect: int
    segments: tuple[str, ...]
    params: Mapping[str, str]


class UnknownVersion(Fault):
    """A dialect nobody speaks: 400 with an empty body."""

    status = 400


def read_target(raw_path: str, query: str, version_header: str | None) -> Target | None:
    """The target, or None if the path is not of the API."""
    found_prefix = next(
        (p for p in _PREFIXES if raw_path == p[0] or raw_path.startswith((p[0] + "/", p[0] + ";"))), None
    )
    if found_prefix is None:
        return None
    prefix, fixed, default = found_prefix
    rest = raw_path[len(prefix) :]
    dialect = fixed or _from_header(version_header) or default
    params: dict[str, str] = {}
    segments: list[str] = []
    for part in rest.split("/"):
        name, *matrix = part.split(";")
        segments.append(_clean(name))
        for pair in matrix:
            key, _, value = pair.partition("=")
            if key:
                params[_clean(key)] = _clean(value)
    if query:
        params.update((key, value.replace("\0", "\ufffd")) for key, value in parse_qsl(query, keep_blank_values=True))
    found = tuple(s for s in segments if s)
    if found and fixed is None and _VERSION.fullmatch(found[0]):
        raise UnknownVersion(f"Version {found[0]} is not supported.", reason="Invalid version")
    return Target(prefix, dialect, found, params)


def _clean(text: str) -> str:
    """Decoded, without NUL, which no database takes."""
    return unquote(text).replace("\0", "\ufffd")


def _from_header(value: str | None) -> int | None:
    if value is None or not value.strip():
        return None
    if value.strip() in ("3", "4"):
        return int(value.strip())
    raise UnknownVersion(f"Version {value} is not supported.", reason="Invalid version")
