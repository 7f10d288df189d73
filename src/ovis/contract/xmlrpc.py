"""XML-RPC documents of the scheduler proxy's protocol, written and read in one go.

Does: texts, integers, booleans, lists and tables, in exactly the bytes of Python's own marshaller; lists of texts, and of rows
of texts with a number, at the speed of a regular expression. Does not: read what is written in another way (further types,
entities, comments, other encodings): the answer is None then, and the caller lets an XML parser look at it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

LARGEST, LEAST = 2**31 - 1, -(2**31)
_HEAD = "<?xml version='1.0'?>\n"
_BETWEEN = "</string></value>\n<value><string>"
_BETWEEN_NUMBERS = "</int></value>\n<value><int>"
_DEEPEST = 20


def call(method: str, params: Sequence[Any]) -> str:
    """A call as a document. TypeError, OverflowError: a value that the protocol does not have."""
    return f"{_HEAD}<methodCall>\n<methodName>{method}</methodName>\n{_params(params)}</methodCall>\n"


def answer(value: Any) -> str:
    """An answer as a document."""
    return f"{_HEAD}<methodResponse>\n{_params((value,))}</methodResponse>\n"


def _params(values: Sequence[Any]) -> str:
    parts = ["<params>\n"]
    for value in values:
        parts.append("<param>\n")
        _write(value, parts.append)
        parts.append("</param>\n")
    parts.append("</params>\n")
    return "".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(texts: Sequence[str]) -> bool:
    whole = "".join(texts)
    return "&" not in whole and "<" not in whole and ">" not in whole


def _write(value: Any, write: Callable[[str], None], depth: int = 0) -> None:
    kind = type(value)
    if depth > _DEEPEST:
        raise TypeError("lists are nested too deeply")
    if kind is str:
        write(f"<value><string>{_escaped(value)}</string></value>\n")
    elif kind is bool:
        write(f"<value><boolean>{int(value)}</boolean></value>\n")
    elif kind is int:
        if not LEAST <= value <= LARGEST:
            raise OverflowError("an integer exceeds what XML-RPC has")
        write(f"<value><int>{value}</int></value>\n")
    elif kind is list or kind is tuple:
        write("<value><array><data>\n")
        text = _at_once(value)
        if text is not None:
            write(text)
        else:
            for each in value:
                _write(each, write, depth + 1)
        write("</data></array></value>\n")
    elif kind is dict:
        write("<value><struct>\n")
        for name, each in value.items():
            if type(name) is not str:
                raise TypeError("names of a table are texts")
            write(f"<member>\n<name>{_escaped(name)}</name>\n")
            _write(each, write, depth + 1)
            write("</member>\n")
        write("</struct></value>\n")
    else:
        raise TypeError(f"XML-RPC has no {kind.__name__}")


def _at_once(values: Sequence[Any]) -> str | None:
    """All values of a list, if they are texts, integers, or rows (text, integer) or (text, integer, text); else None."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return f"<value><string>{_BETWEEN.join(values)}</string></value>\n" if _plain(values) else None
    if kinds == {int} and min(values) >= LEAST and max(values) <= LARGEST:
        return f"<value><int>{_BETWEEN_NUMBERS.join(map(str, values))}</int></value>\n"
    if len(kinds) != 1 or not kinds <= {list, tuple} or (width := set(map(len, values))) not in ({2}, {3}):
        return None
    columns = list(zip(*values, strict=True))
    if any(set(map(type, c)) != {t} for c, t in zip(columns, (str, int, str), strict=False)):
        return None
    if not (min(columns[1]) >= LEAST and max(columns[1]) <= LARGEST) or not all(map(_plain, columns[::2])):
        return None
    begin, between, end = "<value><array><data>\n<value><string>", "</string></value>\n<value><int>", "</int></value>\n"
    if width == {2}:
        return "".join([f"{begin}{a}{between}{n}{end}</data></array></value>\n" for a, n in values])
    begin_last, end = f"{end}<value><string>", "</string></value>\n</data></array></value>\n"
    return "".join([f"{begin}{a}{between}{n}{begin_last}{b}{end}" for a, n, b in values])


_TEXT = "([^<>&\x00-\x08\x0b-\x1f\ufffe\uffff]*+)"
_OTHERS = ("<", ">", "&", *(chr(n) for n in range(32) if n not in (9, 10)))
_STRING = rf"<value><string>{_TEXT}</string></value>\s*+"
_NUMBER = r"<value><(?:int|i4)>(-?[0-9]{1,10}+)</(?:int|i4)></value>\s*+"
_ROW = rf"<value><array>\s*+<data>\s*+{_STRING}{_NUMBER}"
_END = r"</data>\s*+</array></value>\s*+"


def _bulk(one: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(f"(?:{one})*+"), re.compile(one)


_STRINGS = _bulk(_STRING)
_PAIRS = _bulk(_ROW + _END)
_TRIPLES = _bulk(_ROW + _STRING + _END)
_SCALAR = re.compile(rf"<value>(?:<(string|int|i4|boolean)>{_TEXT}</\1>|{_TEXT})</value>\s*+")
_ARRAY = re.compile(r"<value><array>\s*+<data>\s*+")
_ARRAY_END = re.compile(_END)
_STRUCT = re.compile(r"<value><struct>\s*+")
_STRUCT_END = re.compile(r"</struct></value>\s*+")
_MEMBER = re.compile(rf"<member>\s*+<name>{_TEXT}</name>\s*+")
_MEMBER_END = re.compile(r"</member>\s*+")
_PARAM, _PARAM_END = re.compile(r"<param>\s*+"), re.compile(r"</param>\s*+")
_PROLOGUE = r"""(?:<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])?\s*+\?>)?+\s*+"""
_CALL = re.compile(rf"{_PROLOGUE}<methodCall>\s*+<methodName>([\w.:/]++)</methodName>\s*+<params>\s*+", re.ASCII)
_CALL_END = re.compile(r"</params>\s*+</methodCall>\s*+\Z")
_ANSWER = re.compile(rf"{_PROLOGUE}<methodResponse>\s*+<params>\s*+")
_ANSWER_END = re.compile(r"</params>\s*+</methodResponse>\s*+\Z")


class _Odd(Exception):
    """Written in another way than expected."""


class _Reader:
    """A place in a text."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def see(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What matches here, and go behind it."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def need(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """As `see`, but it must be here."""
        found = self.see(pattern)
        if found is None:
            raise _Odd
        return found

    def all_of(self, bulk: tuple[re.Pattern[str], re.Pattern[str]]) -> list[Any]:
        """All values of one shape from here on."""
        begun = self.at
        self.need(bulk[0])
        return bulk[1].findall(self.text, begun, self.at) if self.at > begun else []

    def _column(self, kind: str, between: str, made: Callable[[list[str]], list[Any]]) -> list[Any]:
        """All values up to the list's end, if they are of this kind, in the bytes of our own writer; else none."""
        begin, end = f"<value><{kind}>", f"</{kind}></value>\n</data>"
        if not self.text.startswith(begin, self.at):
            return []
        last = self.text.find(end, self.at)
        found = made(self.text[self.at + len(begin) : last].split(between)) if last >= 0 else []
        if found:
            self.at = last + len(end) - len("</data>")
        return found

    def params(self, end: re.Pattern[str]) -> list[Any]:
        """Parameters up to the end of the document."""
        found = []
        while self.see(_PARAM):
            found.append(self.value(0))
            self.need(_PARAM_END)
        self.need(end)
        return found

    def value(self, depth: int) -> Any:
        """One value."""
        if depth > _DEEPEST:
            raise _Odd
        scalar = self.see(_SCALAR)
        if scalar is not None:
            return _scalar(scalar[1], scalar[2] if scalar[1] else scalar[3])
        if self.see(_ARRAY):
            return self._array(depth)
        self.need(_STRUCT)
        found = {}
        while member := self.see(_MEMBER):
            found[member[1]] = self.value(depth + 1)
            self.need(_MEMBER_END)
        self.need(_STRUCT_END)
        return found

    def _array(self, depth: int) -> list[Any]:
        found: list[Any] = self._column("string", _BETWEEN, _plain_texts) or self.all_of(_STRINGS)
        found = found or self._column("int", _BETWEEN_NUMBERS, _numbers)
        found += [[a, int(n), b] for a, n, b in self.all_of(_TRIPLES)]
        found += [[a, int(n)] for a, n in self.all_of(_PAIRS)]
        while not self.see(_ARRAY_END):
            found.append(self.value(depth + 1))
        return found


def _plain_texts(texts: list[str]) -> list[str]:
    """The same, if they are of ordinary characters alone: no tag is among them, and nothing that XML does not have."""
    whole = "".join(texts)
    return texts if whole.isascii() and not any(c in whole for c in _OTHERS) else []


def _numbers(texts: list[str]) -> list[int]:
    """Decimal numbers, if they are all that."""
    whole = "".join(texts)
    try:
        return list(map(int, texts)) if whole.isascii() and whole.replace("-", "").isdecimal() else []
    except ValueError:
        return []


def _scalar(kind: str | None, text: str) -> Any:
    if kind in ("int", "i4"):
        if not text.removeprefix("-").isdecimal() or not text.isascii():
            raise _Odd
        return int(text)
    if kind == "boolean":
        if text not in ("0", "1"):
            raise _Odd
        return text == "1"
    return text


def _read(body: bytes, begin: re.Pattern[str], end: re.Pattern[str]) -> tuple[re.Match[str], list[Any]] | None:
    try:
        reader = _Reader(body.decode())
        return reader.need(begin), reader.params(end)
    except (_Odd, UnicodeDecodeError):
        return None


def read_call(body: bytes) -> tuple[str, tuple[Any, ...]] | None:
    """(method, parameters) of a call."""
    found = _read(body, _CALL, _CALL_END)
    return None if found is None else (found[0][1], tuple(found[1]))


def read_answer(body: bytes) -> tuple[Any] | None:
    """(value,) of an answer that is no fault."""
    found = _read(body, _ANSWER, _ANSWER_END)
    return (found[1][0],) if found is not None and len(found[1]) == 1 else None
