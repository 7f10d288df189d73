"""What custom properties there are, as administrators write it: `name=regex;name=regex`, and that for each device type.

Does: read definitions and say all that is wrong with them; merge two; write one down. Pure.
Follows: formats of engine-config's keys UserDefinedVMProperties and CustomDeviceProperties.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from ovis.engine.resources.custom_properties.patterns import Untranslatable, compiled

DEVICE_TYPES = frozenset(
    """disk interface video graphics sound controller balloon channel redir redirdev console rng smartcard watchdog
    hostdev memory tpm mdev""".split()
)
NAME = re.compile(r"[a-zA-Z0-9_]+")
_DEVICE = re.compile(r"\s*\{\s*type\s*=\s*([^;{}]*?)\s*;\s*prop\s*=\s*\{")
_END = re.compile(r"\s*\}\s*(;|$)\s*")

# name -> pattern; None: any value.
Properties = Mapping[str, str | None]
# device type -> its properties.
Devices = Mapping[str, Properties]


class BadDefinition(ValueError):
    """Text that defines nothing sensible; says all that is wrong."""


def _one(text: str, found: dict[str, str | None]) -> list[str]:
    """Read one `name=regex`; what is wrong with it."""
    name, equals, pattern = text.partition("=")
    name = name.strip()
    if not NAME.fullmatch(name):
        return [f"{name!r} cannot be a property's name: letters, digits and _ only."]
    if name[0].isdigit():
        return [f"{name!r} cannot be a property's name: it becomes an XML element, which begins with no digit."]
    if name in found:
        return [f"{name} is defined twice."]
    found[name] = pattern if equals else None
    if not equals:
        return []
    try:
        compiled(pattern)
    except Untranslatable as err:
        return [f"{name}: {err}"]
    return []


@lru_cache(maxsize=256)
def properties(text: str) -> Properties:
    """`name=regex;name=regex`; BadDefinition. A name alone takes any value."""
    found: dict[str, str | None] = {}
    wrong: list[str] = []
    for part in text.split(";"):
        if part.strip():
            wrong += _one(part, found)
    if wrong:
        raise BadDefinition(" ".join(wrong))
    return found


@lru_cache(maxsize=256)
def devices(text: str) -> Devices:
    """`{type=interface;prop={name=regex;...}};{type=disk;prop={...}}`; BadDefinition."""
    found: dict[str, Properties] = {}
    wrong: list[str] = []
    at = 0
    while at < len(text) and text[at:].strip():
        begin = _DEVICE.match(text, at)
        if begin is None:
            raise BadDefinition(f"At {text[at : at + 30]!r}: a definition reads {{type=TYPE;prop={{NAME=REGEX;...}}}}.")
        end = _closing(text, begin.end())
        after = _END.match(text, end + 1) if end >= 0 else None
        if after is None:
            raise BadDefinition(f"At {text[at : at + 30]!r}: the braces do not close, or more follows than a ';'.")
        kind = begin[1]
        if kind not in DEVICE_TYPES:
            wrong.append(f"{kind!r} is no device type; there are: {', '.join(sorted(DEVICE_TYPES))}.")
        elif kind in found:
            wrong.append(f"Device type {kind} is defined twice.")
        else:
            try:
                found[kind] = properties(text[begin.end() : end])
            except BadDefinition as err:
                wrong.append(f"{kind}: {err}")
        at = after.end()
    if wrong:
        raise BadDefinition(" ".join(wrong))
    return found


def _closing(text: str, at: int) -> int:
    """Where the brace closes that was opened before `at`; -1: nowhere. Braces in classes and after \\ are characters."""
    depth, in_class = 1, False
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]" or text[:at].endswith(("[", "[^"))
        elif char == "[":
            in_class = True
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if depth == 0:
                return at
        at += 1
    return -1


def written(found: Properties) -> str:
    """The text of properties."""
    return ";".join(name if pattern is None else f"{name}={pattern}" for name, pattern in found.items())


def written_devices(found: Devices) -> str:
    """The text of devices' properties."""
    return ";".join(f"{{type={kind};prop={{{written(each)}}}}}" for kind, each in found.items())


def merged(old: str, new: str) -> str:
    """Both; where both define a name, the new one counts."""
    return written({**properties(old), **properties(new)})


def merged_devices(old: str, new: str) -> str:
    """Both, type by type."""
    before, after = devices(old), devices(new)
    return written_devices(
        {kind: {**before.get(kind, {}), **after.get(kind, {})} for kind in dict.fromkeys((*before, *after))}
    )
