"""The search language's grammar: text to a tree.

    query     := [condition {[AND|OR] condition}] [SORTBY field [ASC|DESC]] [PAGE n]
    condition := [object .] field op value | object op value | value
    op        := = != < <= > >=          value := word | "quoted text"

AND binds tighter than OR, there are no parentheses, neighbours mean AND. Keywords ignore case.
Does: parse, and say where and why it cannot. Does not: know fields.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

_ILLEGAL = re.compile("[';\0\ud800-\udfff]")
_TOKEN = re.compile(r'\s*(?:(?P<op>!=|<=|>=|=|<|>)|"(?P<quoted>[^"]*)"|(?P<word>[^\s=!<>"]+(?:!(?!=)[^\s=!<>"]*)*))')
# What keeps a query from becoming work without end for the database.
_MOST_CONDITIONS = 100
_LONGEST_VALUE = 2000
_MOST_WILDCARDS = 8
KEYWORDS = frozenset(("and", "or", "sortby", "page"))


class SearchError(ValueError):
    """A text that is no query for the object searched."""


class SyntaxFault(SearchError):
    """Not a query at all. position: where, in characters; expected: what would have fitted."""

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"at {position}: expected {expected}")
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Condition:
    """`path` empty: free text. op: `=`, `!=`, `<`, `<=`, `>`, `>=`. path: (object, field), (field,) or ().

    position: where it begins in the text.
    """

    path: tuple[str, ...]
    op: str
    value: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """anyof: alternatives, each a list of conditions that must all hold. page: 1 is the first."""

    anyof: tuple[tuple[Condition, ...], ...]
    sort: str | None = None
    descending: bool = False
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a query. kind: `op`, `word` or `quoted`; position: where it begins (a quoted one behind its quote)."""

    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords."""
        return self.kind == "word" and self.text.lower() in words


def tokens(text: str) -> list[Token]:
    """The pieces of a text; SyntaxFault where there is none."""
    found = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise SyntaxFault(position, "a word, an operator or a closed quotation")
        kind = match.lastgroup or "word"
        found.append(Token(kind, match.group(kind), match.start(kind)))
        position = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        illegal = _ILLEGAL.search(text)
        if illegal is not None:
            raise SyntaxFault(illegal.start(), "none of ' ; and control characters")
        self.tokens = tokens(text)
        self.at = 0
        self.end = len(text)

    def peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise SyntaxFault(self.end, "more")
        self.at += 1
        return token

    def query(self) -> Query:
        anyof: list[list[Condition]] = [[]]
        while (token := self.peek()) is not None and not token.is_word("sortby", "page"):
            if token.is_word("and", "or"):
                self.take()
                if not anyof[-1]:
                    raise SyntaxFault(token.position, "a condition before it")
                following = self.peek()
                if following is None or following.is_word(*KEYWORDS):
                    raise SyntaxFault(self.end, "a condition after it")
                if token.is_word("or"):
                    anyof.append([])
            anyof[-1].append(self.condition())
            if sum(map(len, anyof)) > _MOST_CONDITIONS:
                raise SyntaxFault(token.position, f"no more than {_MOST_CONDITIONS} conditions")
        sort, descending = self.sorting()
        page = self.page()
        left = self.peek()
        if left is not None:
            raise SyntaxFault(left.position, "nothing more")
        return Query(tuple(tuple(all_of) for all_of in anyof if all_of), sort, descending, page)

    def condition(self) -> Condition:
        token = self.take()
        if token.kind == "op":
            raise SyntaxFault(token.position, "a field or a value")
        following = self.peek()
        if token.kind == "word" and following is not None and following.kind == "op":
            self.take()
            value = self.peek()
            if value is None or value.kind == "op":
                raise SyntaxFault(self.end if value is None else value.position, "a value")
            self.take()
            path = tuple(token.text.lower().split(".", 1))
            return Condition(path, following.text, self.fitting(value), token.position)
        return Condition((), "=", self.fitting(token), token.position)

    def fitting(self, token: Token) -> str:
        text = re.sub(r"\*{2,}", "*", token.text)
        if len(text) > _LONGEST_VALUE or text.count("*") > _MOST_WILDCARDS:
            raise SyntaxFault(token.position, "a shorter value with fewer *")
        return text

    def sorting(self) -> tuple[str | None, bool]:
        token = self.peek()
        if token is None or not token.is_word("sortby"):
            return None, False
        self.take()
        field = self.take()
        if field.kind != "word" or field.is_word(*KEYWORDS):
            raise SyntaxFault(field.position, "a field to sort by")
        order = self.peek()
        if order is not None and order.is_word("asc", "desc"):
            self.take()
            return field.text.lower(), order.is_word("desc")
        return field.text.lower(), False

    def page(self) -> int | None:
        token = self.peek()
        if token is None or not token.is_word("page"):
            return None
        self.take()
        number = self.take()
        if number.kind != "word" or not re.fullmatch(r"0*[1-9][0-9]{0,8}", number.text):
            raise SyntaxFault(number.position, "a page number")
        return int(number.text)


@lru_cache(maxsize=2048)
def parse(text: str) -> Query:
    """The tree of a query; SyntaxFault if it is none. An empty text is a query without conditions."""
    return _Parser(text).query()
