"""Scalars as text: escaping for XML and JSON, dates.

Follows: API facts, section 5 (dates with milliseconds and numeric offset; epoch milliseconds in JSON).
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

json_string = encode_basestring
_SPECIAL = re.compile('[&<>"\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_BLANK = re.compile("[\t\n]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\t": "&#9;", "\n": "&#10;"}
needs_escape = _SPECIAL.search  # None if a text can stand in XML as it is
needs_json_escape = re.compile('["\\\\\x00-\x1f\ud800-\udfff]').search


def escape(text: str) -> str:
    """Text for an element; characters that XML cannot hold become U+FFFD."""
    if needs_escape(text) is None:
        return text
    return _SPECIAL.sub(lambda m: _ESCAPES.get(m.group(), "\ufffd"), text)


def escape_attribute(text: str) -> str:
    """Text for an attribute, where readers turn bare line ends and tabs into blanks."""
    return _BLANK.sub(lambda m: _ESCAPES[m.group()], escape(text))


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
    shown = repr(value)
    return format(Decimal(shown), "f") if "e" in shown else shown


def parse_date(text: Any) -> datetime:
    """A date from either form; ValueError if it is none."""
    if isinstance(text, (int, float)) or (isinstance(text, str) and re.fullmatch(r"-?\d{1,15}", text)):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    found = datetime.fromisoformat(str(text).strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)
