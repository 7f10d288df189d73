"""From a parsed query to rows: SQL over the object's table.

Does: compile conditions, free text, cross references, sorting and pages; answer (id, version) rows in order.
Does not: check permissions (the caller adds its own condition). Syntax errors answer nothing and are logged.
Follows: search language of engine 4.5.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from ovis.engine.store.search.grammar import Condition, Query, SearchError, SyntaxFault, parse
from ovis.engine.store.search.objects import Field, Join, SearchObject
from ovis.engine.store.session import MOST_ROWS, Reader
from ovis.engine.store.tables import fit_for_integer

log = structlog.get_logger(__name__)
_ORDERED = frozenset(("int", "size", "date", "timespan", "severity", "version"))
_SEVERITIES = {"normal": 0, "warning": 1, "error": 2, "alert": 10}
_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,6})?")
_SPAN = re.compile(r"(?:([0-9]{1,6})\.)?([0-9]{1,4}):([0-9]{1,4})(?::([0-9]{1,4}))?")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATE_FORMS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%m/%d/%Y",
    "%m/%d/%y",
    "%d.%m.%Y",
    "%Y-%m-%d %H:%M",
)


class Unfit(SearchError):
    """A value or operator that the field does not have."""


def search(
    rd: Reader,
    what: SearchObject,
    text: str,
    *,
    limit: int | None = None,
    case_sensitive: bool = False,
    where: tuple[Any, ...] = (),
    now: datetime | None = None,
) -> list[tuple[str, int]]:
    """(id, version) of what the query finds, in its order. limit: also the size of a page."""
    try:
        query = parse(_without_prefix(what, text))
        statement = compile_query(
            rd, what, query, limit=limit, case_sensitive=case_sensitive, where=where, now=now or datetime.now(UTC)
        )
    except SearchError as err:
        log.info("search not understood", object=what.prefix, query=text, error=str(err))
        return []
    return rd.keys(statement)


def count(
    rd: Reader,
    what: SearchObject,
    text: str,
    *,
    case_sensitive: bool = False,
    where: tuple[Any, ...] = (),
    now: datetime | None = None,
) -> int:
    """How many rows a query finds on all its pages together."""
    try:
        query = replace(parse(_without_prefix(what, text)), sort=None, page=None)
        statement = compile_query(
            rd, what, query, limit=None, case_sensitive=case_sensitive, where=where, now=now or datetime.now(UTC)
        )
    except SearchError:
        return 0
    return int(rd.rows(sa.select(sa.func.count()).select_from(statement.order_by(None).subquery()))[0][0])


def first_fault(rd: Reader, what: SearchObject, text: str, now: datetime) -> tuple[int, str] | None:
    """Where a text (without `Vms:`) is no query for the object, and why; None if it is one.

    A name in front of an operator that is no field counts as a fault here, though `search` takes it as a text.
    """
    try:
        query = parse(text)
    except SyntaxFault as err:
        return err.position, f"expected {err.expected}"
    build = _Builder(rd, False, now)
    table = rd.schema.sql[what.table.name]
    for condition in (c for all_of in query.anyof for c in all_of):
        if condition.path and build.free_text_of(what, condition.path) == what.prefix:
            known = condition.path[0] in what.names or _crossed(what, condition.path[0]) is not None
            if not known or len(condition.path) == 2:
                return condition.position, f"{what.prefix} have no {'.'.join(condition.path)}"
        try:
            build.condition(what, table, condition)
        except SearchError as err:
            return condition.position, str(err)
    try:
        build.allow_one_free_text(what, query)
        build.order(what, table, query)
    except SearchError as err:
        return len(text.rstrip()), str(err)
    return None


PREFIX = re.compile(r"\s*([A-Za-z]+)\s*:")


def _without_prefix(what: SearchObject, text: str) -> str:
    """The query behind `Vms:`, as it is typed in a search bar; another object's name there is no query for this one."""
    found = PREFIX.match(text)
    return text[found.end() :] if found is not None and found.group(1).lower() in what.names else text


def compile_query(
    rd: Reader,
    what: SearchObject,
    query: Query,
    *,
    limit: int | None,
    case_sensitive: bool,
    where: tuple[Any, ...],
    now: datetime,
) -> Any:
    """The SELECT of a query."""
    table = rd.schema.sql[what.table.name]
    build = _Builder(rd, case_sensitive, now)
    build.allow_one_free_text(what, query)
    alternatives = [sa.and_(*(build.condition(what, table, c) for c in all_of)) for all_of in query.anyof]
    conditions = [*where, sa.or_(*alternatives)] if alternatives else list(where)
    statement = sa.select(table.c.id, table.c.version).where(*conditions)
    statement = statement.order_by(*build.order(what, table, query))
    if query.page is not None and limit is None:
        limit = 100
    if limit is not None and limit >= 0:
        limit = min(limit, MOST_ROWS)
        statement = statement.limit(limit)
        if query.page is not None:
            statement = statement.offset((query.page - 1) * limit)
    return statement


class _Builder:
    def __init__(self, rd: Reader, case_sensitive: bool, now: datetime) -> None:
        self.sql = rd.schema.sql
        self.sqlite = rd.connection.dialect.name == "sqlite"
        self.case_sensitive = case_sensitive
        self.now = now

    def allow_one_free_text(self, what: SearchObject, query: Query) -> None:
        """A second text without a field would be another object's; there is none."""
        seen: set[str] = set()
        for condition in (c for all_of in query.anyof for c in all_of):
            where = self.free_text_of(what, condition.path)
            if where is not None and where in seen:
                raise Unfit(f"more than one text without a field for {where}")
            if where is not None:
                seen.add(where)

    def free_text_of(self, what: SearchObject, path: tuple[str, ...]) -> str | None:
        """Which object a condition searches as a whole, or None if it names a field."""
        if len(path) == 2 and (path[0] in what.names or _crossed(what, path[0]) is not None):
            return None
        if (len(path) == 1 and path[0] in what.fields) or _name_elsewhere(what, path) is not None:
            return None
        if len(path) == 1 and (crossed := _crossed(what, path[0])) is not None:
            return crossed
        return what.prefix

    def condition(self, what: SearchObject, table: sa.Table, condition: Condition) -> Any:
        path = condition.path
        if len(path) == 2 and _crossed(what, path[0]) is not None and path[0] not in what.names:
            return self.cross(what, table, path, condition)
        if len(path) == 2 and path[0] in what.names:
            found = what.fields.get(path[1])
            if found is None:
                raise Unfit(f"{what.prefix} have no {path[1]}")
            return self.compare(table, found, condition.op, condition.value)
        if (named := _name_elsewhere(what, path)) is not None:
            return self.compare(table, named, condition.op, condition.value)
        if len(path) == 1:
            found = what.fields.get(path[0])
            if found is not None:
                return self.compare(table, found, condition.op, condition.value)
            if path[0] in what.names or _crossed(what, path[0]) is not None:
                return self.whole_object(what, table, path[0], condition)
        if path:  # neither a field nor an object: it is what it looks like, a text
            return self.free_text(what, table, f"{'.'.join(path)}{condition.op}{condition.value}")
        return self.free_text(what, table, condition.value)

    def cross(self, what: SearchObject, table: sa.Table, path: tuple[str, ...], condition: Condition) -> Any:
        known = what.cross[str(_crossed(what, path[0]))]
        other, join = known[0](), known[1]
        if path[1] not in other.fields:
            raise Unfit(f"{other.prefix} have no {path[1]}")
        remote = self.sql[other.table.name]
        inner = self.condition(other, remote, Condition((path[1],), condition.op, condition.value))
        return self.exists(table, join, lambda target: sa.and_(target.c[join.column] == remote.c.id, inner), remote)

    def whole_object(self, what: SearchObject, table: sa.Table, name: str, condition: Condition) -> Any:
        if condition.op not in ("=", "!="):
            raise Unfit(f"objects have no {condition.op}")
        if name in what.names:
            found = self.free_text(what, table, condition.value)
        else:
            known = what.cross[str(_crossed(what, name))]
            other, join = known[0](), known[1]
            remote = self.sql[other.table.name]
            inner = self.free_text(other, remote, condition.value)
            found = self.exists(
                table, join, lambda target: sa.and_(target.c[join.column] == remote.c.id, inner), remote
            )
        return sa.not_(sa.func.coalesce(found, sa.false())) if condition.op == "!=" else found

    def exists(self, table: sa.Table, join: Join, condition: Any, remote: sa.Table) -> Any:
        """EXISTS over the join's table and the other object's; a join straight to it needs no table between."""
        if join.table == remote.name:
            aliased = remote
            inner = sa.select(sa.literal(1)).select_from(aliased).where(table.c[join.local] == aliased.c[join.remote])
            return sa.exists(inner.where(condition(aliased)))
        between = self.sql[join.table].alias()
        inner = sa.select(sa.literal(1)).select_from(between.join(remote, sa.true()))
        return sa.exists(inner.where(table.c[join.local] == between.c[join.remote], condition(between)))

    def free_text(self, what: SearchObject, table: sa.Table, value: str) -> Any:
        pattern = "*" + value.strip("*") + "*"
        return sa.or_(
            sa.false(),
            *(self.compare(table, f, "=", pattern) for f in what.fields.values() if f.kind == "text" and f.free),
        )

    def compare(self, table: sa.Table, field: Field, op: str, value: str) -> Any:
        if field.via is not None:
            found = self.through(table, field.via, field, op, value)
            if not field.unbound:
                return found
            bound = table.c[field.via.local].is_not(None)
            return (
                sa.and_(bound, found) if op == "!=" else sa.or_(found, sa.and_(~bound, self.any_at_end(field, value)))
            )
        return self.test(table.c[field.column or ""], field, op, value)

    def any_at_end(self, field: Field, value: str) -> Any:
        """Whether there is anything at all of that name where the joins lead."""
        join = field.via
        assert join is not None
        while join.then is not None:
            join = join.then
        target = self.sql[join.table].alias()
        return sa.exists(sa.select(sa.literal(1)).where(self.test(target.c[join.column], field, "=", value)))

    def through(self, table: Any, join: Join, field: Field, op: str, value: str) -> Any:
        target = self.sql[join.table].alias()
        positive = "=" if op == "!=" else op
        if join.tree is not None:
            return self.below(table, join, field, op, value)
        inner = (
            self.through(target, join.then, field, positive, value)
            if join.then
            else self.test(target.c[join.column], field, positive, value)
        )
        found = sa.exists(sa.select(sa.literal(1)).where(target.c[join.remote] == table.c[join.local], inner))
        return sa.not_(found) if op == "!=" else found

    def below(self, table: Any, join: Join, field: Field, op: str, value: str) -> Any:
        """Rows that match, and all rows below them in their tree."""
        remote = self.sql[join.table]
        positive = "=" if op == "!=" else op
        hits = sa.select(remote.c[join.remote].label("hit")).where(
            self.test(remote.c[join.column], field, positive, value)
        )
        tree = hits.cte(recursive=True)
        child = remote.alias()
        tree = tree.union(
            sa.select(child.c[join.remote]).where(
                child.c[str(join.tree)] == tree.c.hit, child.c[join.remote] != tree.c.hit
            )
        )
        found = table.c[join.local].in_(sa.select(tree.c.hit))
        return sa.not_(found) if op == "!=" else found

    def test(self, column: Any, field: Field, op: str, value: str) -> Any:
        if field.kind in ("text", "uuid"):
            return self.text(column, op, value if field.convert is None else field.convert(value))
        if field.kind == "enum":
            if op not in ("=", "!="):
                raise Unfit(f"words have no {op}")
            wanted = value.replace("_", "").lower()
            flat = sa.func.lower(sa.func.replace(column, "_", ""))
            if "*" in wanted:
                found = self.like(flat, wanted)
            elif wanted in field.words:
                found = column.in_(field.words[wanted])
            else:
                found = flat == wanted
            return found if op == "=" else sa.or_(column.is_(None), sa.not_(found))
        if field.kind == "bool":
            if op not in ("=", "!="):
                raise Unfit(f"true and false have no {op}")
            if value.lower() not in ("true", "false", "1", "0"):
                raise Unfit(f"{value!r} is neither true nor false")
            wanted_flag = value.lower() in ("true", "1")
            found = column.is_(True) if wanted_flag else sa.or_(column.is_(False), column.is_(None))
            return found if op == "=" else sa.not_(found)
        return self.ordered(column, field, op, value)

    def text(self, column: Any, op: str, value: str) -> Any:
        if op not in ("=", "!="):
            raise Unfit(f"texts have no {op}")
        found = self.matches(column, value)
        return found if op == "=" else sa.or_(column.is_(None), sa.not_(found))

    def matches(self, column: Any, value: str) -> Any:
        """The whole value, or a pattern; beginnings that are given become ranges of the key, which its index knows."""
        if self.case_sensitive:
            return self.like(column, value) if "*" in value else column == value
        wanted = value.lower()
        key = column.table.c.get(f"{column.name}_key")
        folded = key if key is not None else self.fold(column)
        if "*" not in wanted:
            return folded == wanted
        beginning, rest = wanted.split("*", 1)
        end = _after(beginning)
        if key is None or end is None:
            return self.like(folded, wanted)
        within = sa.and_(key >= beginning, key < end)
        return sa.and_(within, self.like(key, wanted)) if rest else within

    def fold(self, column: Any) -> Any:
        """Lower case in every script, whatever the database's own locale is."""
        return sa.func.lower(column if self.sqlite else sa.collate(column, "und-x-icu"))

    def like(self, column: Any, value: str) -> Any:
        """`*` stands for anything, every other character for itself; case counts (SQLite's LIKE would ignore it)."""
        if self.sqlite:
            return column.op("GLOB", is_comparison=True)(re.sub(r"[\[?]", r"[\g<0>]", value))
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        return column.like(escaped, escape="\\")

    def ordered(self, column: Any, field: Field, op: str, value: str) -> Any:
        wanted = self.value(field, value)
        if field.kind == "date" and op in ("=", "!="):
            day = wanted - wanted % 86_400_000
            found = sa.and_(column >= day, column < day + 86_400_000)
            return found if op == "=" else sa.or_(column.is_(None), sa.not_(found))
        if field.kind == "timespan":  # stored as a moment: a longer uptime is an earlier start
            op = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
        compare = {
            "=": column.__eq__,
            "!=": column.__ne__,
            "<": column.__lt__,
            "<=": column.__le__,
            ">": column.__gt__,
            ">=": column.__ge__,
        }
        return compare[op](sa.literal(wanted, sa.Float()) if isinstance(wanted, float) else wanted)

    def value(self, field: Field, text: str) -> Any:
        if field.convert is not None:
            try:
                return field.convert(text)
            except (ValueError, KeyError, OverflowError) as err:
                raise Unfit(f"{text!r} does not fit") from err
        if field.kind == "version":
            return text
        if field.kind == "date":
            return round(self.moment(text).timestamp() * 1000)
        if field.kind == "timespan":
            return round(self.now.timestamp() * 1000) - _span(text)
        word = text.strip().lower()
        if field.kind == "severity" and word in _SEVERITIES:
            return _SEVERITIES[word]
        if not _NUMBER.fullmatch(word):
            raise Unfit(f"{text!r} is no number")
        number = float(word) if "." in word else int(word)
        number = round(number * field.unit) if field.unit != 1 else number
        if not fit_for_integer(int(number)):
            raise Unfit(f"{text!r} is too large")
        return number

    def moment(self, text: str) -> datetime:
        word = text.strip().lower()
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        if word == "today":
            return midnight
        if word == "yesterday":
            return midnight - timedelta(days=1)
        if word in _WEEKDAYS:
            back = (midnight.weekday() - _WEEKDAYS.index(word)) % 7 or 7
            return midnight - timedelta(days=back)
        for form in _DATE_FORMS:
            try:
                return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise Unfit(f"{text!r} is no date")

    def order(self, what: SearchObject, table: sa.Table, query: Query) -> list[Any]:
        found = []
        if query.sort is not None:
            field = what.fields.get(query.sort)
            if field is None:
                raise Unfit(f"{what.prefix} have no {query.sort} to sort by")
            column = self.sort_column(table, field)
            found.append(column.desc().nulls_last() if query.descending else column.asc().nulls_first())
        names = what.default or (("name_key",) if "name_key" in table.c else ())
        found += [table.c[n].desc() if what.descending else table.c[n] for n in names]
        return [*found, table.c.id.desc() if what.descending else table.c.id]

    def sort_column(self, table: Any, field: Field) -> Any:
        if field.via is None:
            column = table.c[field.column or ""]
            key = table.c.get(f"{field.column}_key")  # in lower case already, and indexed
            if key is not None and field.kind == "text" and not self.case_sensitive:
                return key
        else:
            join: Join | None = field.via
            assert join is not None
            target = self.sql[join.table].alias()
            inner = self.sort_column(target, Field(field.kind, via=join.then)) if join.then else target.c[join.column]
            column = sa.select(sa.func.min(inner)).where(target.c[join.remote] == table.c[join.local]).scalar_subquery()
        return sa.func.lower(column) if field.kind == "text" and not self.case_sensitive else column


def _crossed(what: SearchObject, name: str) -> str | None:
    """The object of another kind that a name means, in singular or plural."""
    return next((known for known in (name, name.removesuffix("s")) if known in what.cross), None)


def _name_elsewhere(what: SearchObject, path: tuple[str, ...]) -> Field | None:
    """The field that holds another object's name, written as that object's: `storage.name` for `storage`."""
    if len(path) != 2 or path[1] != "name" or _crossed(what, path[0]) is not None:
        return None
    found = what.fields.get(path[0])
    return found if found is not None and found.via is not None else None


def _after(beginning: str) -> str | None:
    """The least text behind all that begin so, in the order of code points; None if there is none."""
    while beginning and beginning[-1] == "\U0010ffff":
        beginning = beginning[:-1]
    if not beginning:
        return None
    following = ord(beginning[-1]) + 1
    return beginning[:-1] + chr(0xE000 if following == 0xD800 else following)


def _span(text: str) -> int:
    """Milliseconds of `[d.]hh:mm[:ss]`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise Unfit(f"{text!r} is no time span")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
