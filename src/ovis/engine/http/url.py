"""Reading a request's path: dialect, base, segments, parameters.

Does: split `/ovirt-engine/api/v3/vms;max=10/?search=x` into its facts. Does not: find the resource (router).
Follows: API facts, section 1 (precedence path, header, default) and 4 (matrix and query parameters).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from ovis.engine.declare.faults import Fault

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
    """A request's address inside the API. base: prefix of hrefs. segments: decoded, without empty ones at the end."""

    base: str
    dialect: int
    segments: tuple[str, ...]
    params: Mapping[str, str]


class UnknownVersion(Fault):
    """A dialect nobody speaks: 400 with an empty body."""

    status = 400


def read_target(raw_path: str, query: str, version_header: str | None) -> Target | None:
    """The target, or None if the path is not of the API."""
    for prefix, fixed, default in _PREFIXES:
        if raw_path == prefix or raw_path.startswith((prefix + "/", prefix + ";")):
            break
    else:
        return None
    rest = raw_path[len(prefix) :]
    dialect = fixed or _from_header(version_header) or default
    params: dict[str, str] = {}
    segments: list[str] = []
    for part in rest.split("/"):
        name, *matrix = part.split(";")
        segments.append(unquote(name))
        for pair in matrix:
            key, _, value = pair.partition("=")
            if key:
                params[unquote(key)] = unquote(value)
    if query:
        params.update(parse_qsl(query, keep_blank_values=True))
    found = segments[1:] if segments and not segments[0] else segments
    if found and not found[-1]:
        found = found[:-1]
    return Target(prefix, dialect, tuple(found), params)


def _from_header(value: str | None) -> int | None:
    if value is None or not value.strip():
        return None
    if value.strip() in ("3", "4"):
        return int(value.strip())
    raise UnknownVersion(f"Version {value} is not supported.", reason="Invalid version")
