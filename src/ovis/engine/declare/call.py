"""Who asks, and how: the facts of one request that operations may read.

Does: carry values. Does not: parse headers (http) or check permits (access).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A signed-in user. groups: ids, `everyone` included. administrator: holds an administrative role anywhere."""

    user_id: str
    name: str  # user@profile
    groups: tuple[str, ...] = ()
    administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. ids: the identifiers in its path, outermost first. params: merged query and matrix parameters.

    filtered: user-level view. base: URL prefix for hrefs, without a trailing slash. dialect: 3 or 4.
    """

    principal: Principal
    ids: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str = ""
    dialect: int = 4
    base: str = "/ovirt-engine/api"
    filtered: bool = False
    now: datetime
    origin: str = ""  # scheme://host[:port] the client used

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter: true/t/yes/y/1, false/f/no/n/0 in any case; bare means true; garbage is ignored."""
        value = self.params.get(name)
        if value is None:
            return default
        text = value.strip().lower()
        if text in ("", "true", "t", "yes", "y", "1"):
            return True
        return default if text not in ("false", "f", "no", "n", "0") else False

    def number(self, name: str) -> int | None:
        """An integer parameter; bad ones are ignored, and so are those that no number of rows or row could have."""
        text = self.params.get(name, "").strip()
        return int(text) if _NUMBER.fullmatch(text) else None
