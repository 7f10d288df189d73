r"""Regular expressions as Java reads them, in Python's `re`. Pure.

Does: translate what both can say and refuse the rest with a clear text; match whole values, as `String.matches` does.
Does not: guess. What would mean another thing in Python is translated or refused, never passed on.
Follows: java.util.regex.Pattern without flags: classes \d \w \s are ASCII, `.` stops at all line terminators.
"""

import re
import warnings
from functools import lru_cache

_TERMINATORS = r"\n\r\x85\u2028\u2029"
_HORIZONTAL = r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL = rf"\x0b\x0c{_TERMINATORS}"
# \p{NAME}: what stands in a class.
_CLASSES = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
}
_SAME = frozenset("tnrfadDwWsSbBA") | frozenset("123456789")
_SAME_IN_CLASS = frozenset("tnrfadDwWsS")
_HEX = re.compile(r"[0-9a-fA-F]+")
_OCTAL = re.compile(r"[0-3]?[0-7]{1,2}")
_GROUP_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")


class Untranslatable(ValueError):
    """A pattern that is wrong, or that says what Python's expressions cannot."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to match whole values; Untranslatable with what is wrong."""
    python = _Translation(pattern).run()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            return re.compile(python, re.ASCII)
    except (re.error, FutureWarning, OverflowError, RecursionError) as err:
        raise Untranslatable(f"{pattern!r} is no regular expression that can be used: {err}") from err


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value fits."""
    return compiled(pattern).fullmatch(value) is not None


class _Translation:
    """One pass over a pattern. dot_all: for each open group, whether `.` takes line terminators there."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0
        self.out: list[str] = []
        self.dot_all = [False]
        self.opened = [0]  # groups that a flag opened until the end of the group it stands in

    def run(self) -> str:
        while self.at < len(self.pattern):
            self._one()
        self.out.append(")" * self.opened[0])
        return "".join(self.out)

    def _refused(self, what: str) -> Untranslatable:
        return Untranslatable(f"{self.pattern!r}: {what} cannot be used here.")

    def _one(self) -> None:
        char = self.pattern[self.at]
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            self._group()
        elif char == ")":
            if len(self.dot_all) == 1:
                raise Untranslatable(f"{self.pattern!r}: a ) closes nothing.")
            self.dot_all.pop()
            self.out.append(")" * (self.opened.pop() + 1))
            self.at += 1
        elif char == ".":
            self.out.append(r"[\s\S]" if self.dot_all[-1] else f"[^{_TERMINATORS}]")
            self.at += 1
        elif char == "|" and self.opened[-1]:
            raise self._refused("a flag in the middle of alternatives (write (?i:...) around what it is for)")
        else:
            self.out.append(char)
            self.at += 1

    # -- escapes ----------------------------------------------------------------------------------------------------

    def _escape(self) -> None:
        start = self.at
        char = self._after_backslash()
        rest = self.pattern[self.at :]
        if char == "Q":
            literal, _, _ = rest.partition("\\E")
            self.out.append("".join(_literal(c) for c in literal))
            self.at += len(literal) + (2 if "\\E" in rest else 0)
        elif char in _SAME:
            if char == "b" and rest.startswith("{"):
                raise self._refused(r"\b{g}")
            self.out.append("\\" + char)
        elif char == "z":
            self.out.append(r"\Z")
        elif char == "Z":
            self.out.append(rf"(?=(?:\r\n|[{_TERMINATORS}])?\Z)")
        elif char == "R":
            self.out.append(rf"(?:\r\n|[{_VERTICAL}])")
        elif char == "k":
            name = self._between("<", ">", "\\k<NAME>")
            self.out.append(f"(?P={name})")
        elif char in "hHvVpP":
            inside = self._set(char)
            self.out.append(f"[{'^' if char in 'HVP' else ''}{inside}]")
        else:
            self.out.append(self._char(char, start))

    def _after_backslash(self) -> str:
        if self.at + 1 >= len(self.pattern):
            raise Untranslatable(f"{self.pattern!r} ends with a backslash.")
        char = self.pattern[self.at + 1]
        self.at += 2
        return char

    def _between(self, begin: str, end: str, what: str) -> str:
        rest = self.pattern[self.at :]
        close = rest.find(end)
        if not rest.startswith(begin) or close < 0:
            raise Untranslatable(f"{self.pattern!r}: this is no {what}.")
        self.at += close + 1
        return rest[1:close]

    def _set(self, char: str) -> str:
        """What \\h, \\v and \\p{...} stand for."""
        if char in "hH":
            return _HORIZONTAL
        if char in "vV":
            return _VERTICAL
        name = self._between("{", "}", "\\p{NAME}")
        if name not in _CLASSES:
            raise self._refused(f"\\p{{{name}}} (these can: {', '.join(_CLASSES)})")
        return _CLASSES[name]

    def _char(self, char: str, start: int) -> str:
        """An escaped character."""
        rest = self.pattern[self.at :]
        if char == "e":
            return r"\x1b"
        if char == "0":
            found = _OCTAL.match(rest)
            if found is None:
                raise Untranslatable(f"{self.pattern!r}: \\0 needs octal digits.")
            self.at += found.end()
            return _literal(chr(int(found[0], 8)))
        if char == "c":
            if not rest or ord(rest[0]) > 127:
                raise Untranslatable(f"{self.pattern!r}: \\c needs a character.")
            self.at += 1
            return _literal(chr(ord(rest[0]) ^ 64))
        if char in "xu":
            return _literal(chr(self._code(char)))
        if char.isascii() and char.isalnum():
            raise self._refused(f"\\{self.pattern[start + 1]}")
        return _literal(char)

    def _code(self, char: str) -> int:
        rest = self.pattern[self.at :]
        if char == "x" and rest.startswith("{"):
            digits = self._between("{", "}", "\\x{HEX}")
        else:
            digits = rest[: 2 if char == "x" else 4]
            self.at += len(digits)
            if len(digits) < (2 if char == "x" else 4):
                digits = ""
        if not _HEX.fullmatch(digits) or int(digits, 16) > 0x10FFFF:
            raise Untranslatable(f"{self.pattern!r}: \\{char} needs hexadecimal digits of a character.")
        return int(digits, 16)

    # -- classes ----------------------------------------------------------------------------------------------------

    def _class(self) -> None:
        self.at += 1
        parts = ["["]
        if self.pattern.startswith("^", self.at):
            parts.append("^")
            self.at += 1
        first = True
        while True:
            if self.at >= len(self.pattern):
                raise Untranslatable(f"{self.pattern!r}: a [ is not closed.")
            char = self.pattern[self.at]
            if char == "]" and not first:
                break
            if char == "[":
                raise self._refused("a class inside a class (write \\[ for the character)")
            if self.pattern.startswith("&&", self.at):
                raise self._refused("the intersection && of classes")
            parts.append(self._class_escape() if char == "\\" else self._plain(char))
            first = False
        self.at += 1
        self.out += [*parts, "]"]

    def _plain(self, char: str) -> str:
        self.at += 1
        return char if char in "-^" else _literal(char)

    def _class_escape(self) -> str:
        start = self.at
        char = self._after_backslash()
        if char == "Q":
            literal, end, _ = self.pattern[self.at :].partition("\\E")
            self.at += len(literal) + len(end)
            return "".join(_literal(c) for c in literal)
        if char in _SAME_IN_CLASS:
            return "\\" + char
        if char in "hvp":
            return self._set(char)
        if char in "HVP":
            raise self._refused(f"\\{char} inside a class")
        return self._char(char, start)

    # -- groups -----------------------------------------------------------------------------------------------------

    def _group(self) -> None:
        rest = self.pattern[self.at :]
        if not rest.startswith("(?"):
            return self._open("(", 1)
        for begin in ("(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"):
            if rest.startswith(begin):
                return self._open(begin, len(begin))
        if rest.startswith("(?<"):
            self.at += 2
            name = self._between("<", ">", "group (?<NAME>...)")
            if not _GROUP_NAME.fullmatch(name):
                raise Untranslatable(f"{self.pattern!r}: {name!r} is no group's name.")
            return self._open(f"(?P<{name}>", 0)
        found = _FLAGS.match(rest)
        if found is None:
            raise Untranslatable(f"{self.pattern!r}: {rest[:4]!r} begins no group.")
        return self._flags(found)

    def _open(self, text: str, length: int) -> None:
        self.dot_all.append(self.dot_all[-1])
        self.opened.append(0)
        self.out.append(text)
        self.at += length

    def _flags(self, found: re.Match[str]) -> None:
        on, off, end = found[1], found[2] or "", found[3]
        strange = set(on + off) - set("is")
        if strange:
            raise self._refused(f"the flag {'/'.join(sorted(strange))} (i and s can)")
        dot_all = "s" in on or (self.dot_all[-1] and "s" not in off)
        case = ("i" if "i" in on else "") + ("-i" if "i" in off else "")
        self.at += found.end()
        begin = f"(?{case}:"
        if end == ":":
            self._open(begin, 0)
        else:  # for the rest of the group
            self.out.append(begin)
            self.opened[-1] += 1
        self.dot_all[-1] = dot_all


def _literal(char: str) -> str:
    """A character that stands for itself, in a class and outside."""
    if char.isalnum() or char in "_ ":
        return char
    if ord(char) < 32 or ord(char) == 127:
        return f"\\x{ord(char):02x}"
    return "\\" + char if char.isascii() else char
