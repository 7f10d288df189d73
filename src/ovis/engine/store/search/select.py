"""From a parsed query to rows: SQL over the object's table.

Does: compile conditions, free text, cross references, sorting and pages; answer (id, version) rows in order.
Does not: check permissions (the caller adds its own condition). Syntax errors answer nothing and are logged.
Follows: search language of engine 4.5.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from ovis.engine.store.search.grammar import Condition, Query, SyntaxFault, parse
from ovis.engine.store.search.objects import Field, Join, SearchObject
from ovis.engine.store.session import Reader

log = structlog.get_logger(__name__)
_ORDERED = frozenset(("int", "size", "date", "timespan", "severity", "version"))
_SEVERITIES = {"normal": 0, "warning": 1, "error": 2, "alert": 10}
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


class _Unfit(ValueError):
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
        query = parse(text)
        statement = compile_query(
            rd, what, query, limit=limit, case_sensitive=case_sensitive, where=where, now=now or datetime.now(UTC)
        )
    except (SyntaxFault, _Unfit) as err:
        log.info("search not understood", object=what.prefix, query=text, error=str(err))
        return []
    return rd.keys(statement)


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
    alternatives = [sa.and_(*(build.condition(what, table, c) for c in all_of)) for all_of in query.anyof]
    conditions = [*where, sa.or_(*alternatives)] if alternatives else list(where)
    statement = sa.select(table.c.id, table.c.version).where(*conditions)
    statement = statement.order_by(*build.order(what, table, query))
    if query.page is not None and limit is None:
        limit = 100
    if limit is not None and limit >= 0:
        statement = statement.limit(limit)
        if query.page is not None:
            statement = statement.offset((query.page - 1) * limit)
    return statement


class _Builder:
    def __init__(self, rd: Reader, case_sensitive: bool, now: datetime) -> None:
        self.sql = rd.schema.sql
        self.case_sensitive = case_sensitive
        self.now = now

    def condition(self, what: SearchObject, table: sa.Table, condition: Condition) -> Any:
        path = condition.path
        if len(path) == 2 and path[0] in what.names:
            path = path[1:]
        if len(path) == 2:
            return self.cross(what, table, path, condition)
        if len(path) == 1:
            found = what.fields.get(path[0])
            if found is not None:
                return self.compare(table, found, condition.op, condition.value)
            if path[0] in what.cross or path[0] in what.names:
                return self.whole_object(what, table, path[0], condition)
            return self.free_text(what, table, f"{path[0]}{condition.op}{condition.value}")
        return self.free_text(what, table, condition.value)

    def cross(self, what: SearchObject, table: sa.Table, path: tuple[str, ...], condition: Condition) -> Any:
        known = what.cross.get(path[0]) or what.cross.get(path[0].rstrip("s"))
        if known is None:
            raise _Unfit(f"{what.prefix} know no {path[0]}")
        other, join = known[0](), known[1]
        remote = self.sql[other.table.name]
        inner = self.condition(other, remote, Condition((path[1],), condition.op, condition.value))
        return self.exists(table, join, lambda target: sa.and_(target.c[join.column] == remote.c.id, inner), remote)

    def whole_object(self, what: SearchObject, table: sa.Table, name: str, condition: Condition) -> Any:
        if name in what.names:
            found = self.free_text(what, table, condition.value)
        else:
            other, join = what.cross[name][0](), what.cross[name][1]
            remote = self.sql[other.table.name]
            inner = self.free_text(other, remote, condition.value)
            found = self.exists(
                table, join, lambda target: sa.and_(target.c[join.column] == remote.c.id, inner), remote
            )
        return sa.not_(found) if condition.op == "!=" else found

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
            return self.through(table, field.via, field, op, value)
        return self.test(table.c[field.column or ""], field, op, value)

    def through(self, table: Any, join: Join, field: Field, op: str, value: str) -> Any:
        target = self.sql[join.table].alias()
        positive = "=" if op == "!=" else op
        inner = (
            self.through(target, join.then, field, positive, value)
            if join.then
            else self.test(target.c[join.column], field, positive, value)
        )
        found = sa.exists(sa.select(sa.literal(1)).where(target.c[join.remote] == table.c[join.local], inner))
        return sa.not_(found) if op == "!=" else found

    def test(self, column: Any, field: Field, op: str, value: str) -> Any:
        if field.kind in ("text", "uuid"):
            return self.text(column, op, value)
        if field.kind == "enum":
            wanted = value.replace("_", "").lower()
            flat = sa.func.lower(sa.func.replace(column, "_", ""))
            found = self.like(flat, wanted) if "*" in wanted else flat == wanted
            return found if op == "=" else sa.or_(column.is_(None), sa.not_(found))
        if field.kind == "bool":
            if value.lower() not in ("true", "false", "1", "0"):
                raise _Unfit(f"{value!r} is neither true nor false")
            wanted_flag = value.lower() in ("true", "1")
            found = column.is_(True) if wanted_flag else sa.or_(column.is_(False), column.is_(None))
            return found if op == "=" else sa.not_(found)
        return self.ordered(column, field, op, value)

    def text(self, column: Any, op: str, value: str) -> Any:
        if op not in ("=", "!="):
            raise _Unfit(f"texts have no {op}")
        if "*" in value:
            found = self.like(column if self.case_sensitive else sa.func.lower(column), value)
        elif self.case_sensitive:
            found = column == value
        else:
            found = sa.func.lower(column) == value.lower()
        return found if op == "=" else sa.or_(column.is_(None), sa.not_(found))

    def like(self, column: Any, value: str) -> Any:
        text = value if self.case_sensitive else value.lower()
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        return column.like(escaped, escape="\\")

    def ordered(self, column: Any, field: Field, op: str, value: str) -> Any:
        wanted = self.value(field, value)
        if field.kind == "date" and op in ("=", "!="):
            day = wanted - wanted % 86_400_000
            found = sa.and_(column >= day, column < day + 86_400_000)
            return found if op == "=" else sa.not_(found)
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
        return compare[op](wanted)

    def value(self, field: Field, text: str) -> Any:
        if field.convert is not None:
            return field.convert(text)
        if field.kind == "severity":
            known = _SEVERITIES.get(text.lower())
            if known is None and not text.isdigit():
                raise _Unfit(f"no severity {text}")
            return known if known is not None else int(text)
        if field.kind == "date":
            return round(self.moment(text).timestamp() * 1000)
        if field.kind == "timespan":
            return round((self.now - _span(text)).timestamp() * 1000)
        if field.kind == "version":
            return text
        try:
            return int(text) * field.unit
        except ValueError as err:
            raise _Unfit(f"{text!r} is no number") from err

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
        raise _Unfit(f"{text!r} is no date")

    def order(self, what: SearchObject, table: sa.Table, query: Query) -> list[Any]:
        found = []
        if query.sort is not None:
            field = what.fields.get(query.sort)
            if field is None:
                raise _Unfit(f"{what.prefix} have no {query.sort} to sort by")
            column = self.sort_column(table, field)
            found.append(column.desc().nulls_last() if query.descending else column.asc().nulls_first())
        names = what.default or (("name_key",) if "name_key" in table.c else ())
        found += [table.c[n].desc() if what.descending else table.c[n] for n in names]
        return [*found, table.c.id.desc() if what.descending else table.c.id]

    def sort_column(self, table: Any, field: Field) -> Any:
        if field.via is None:
            column = table.c[field.column or ""]
        else:
            join: Join | None = field.via
            assert join is not None
            target = self.sql[join.table].alias()
            inner = self.sort_column(target, Field(field.kind, via=join.then)) if join.then else target.c[join.column]
            column = sa.select(sa.func.min(inner)).where(target.c[join.remote] == table.c[join.local]).scalar_subquery()
        return sa.func.lower(column) if field.kind == "text" and not self.case_sensitive else column


def _span(text: str) -> timedelta:
    """`[d.]hh:mm[:ss]`."""
    days, _, clock = text.rpartition(".")
    parts = clock.split(":")
    if not 2 <= len(parts) <= 3 or not all(p.isdigit() for p in parts) or (days and not days.isdigit()):
        raise _Unfit(f"{text!r} is no time span")
    hours, minutes, seconds = (int(p) for p in [*parts, "0"][:3])
    return timedelta(days=int(days or 0), hours=hours, minutes=minutes, seconds=seconds)
