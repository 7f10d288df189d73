"""Scalars as text: escaping for XML and JSON, dates.

Follows: API facts, section 5 (dates with milliseconds and numeric offset; epoch milliseconds in JSON).
"""

import re
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any

json_string = encode_basestring
_SPECIAL = re.compile('[&<>"\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_search = _SPECIAL.search


def escape(text: str) -> str:
    """Text for an element or attribute; characters that XML cannot hold become U+FFFD."""
    if _search(text) is None:
        return text
    return _SPECIAL.sub(lambda m: _ESCAPES.get(m.group(), "\ufffd"), text)


def xml_date(value: datetime) -> str:
    """`2016-09-08T09:53:35.138+02:00`."""
    return value.isoformat(timespec="milliseconds")


def json_date(value: datetime) -> str:
    """Milliseconds since the epoch."""
    return str(round(value.timestamp() * 1000))


def decimal(value: float) -> str:
    """A decimal without an exponent or a needless fraction."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return format(value, "f").rstrip("0") if "e" in repr(value) else repr(value)


def parse_date(text: Any) -> datetime:
    """A date from either form; ValueError if it is none."""
    if isinstance(text, (int, float)) or (isinstance(text, str) and re.fullmatch(r"-?\d{1,15}", text)):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    found = datetime.fromisoformat(str(text).strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)
