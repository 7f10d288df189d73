"""What can be searched: fields of an object, and how each finds its column.

Does: hold declarations. Does not: build SQL.
Follows: search fields of engine 4.5 (names, types, operators).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ovis.engine.store.tables import Table

FieldKind = Literal["text", "enum", "int", "size", "date", "bool", "uuid", "timespan", "version", "severity"]


@dataclass(frozen=True, slots=True)
class Join:
    """A value in another table: its row is the one whose `remote` column equals our `local` one.

    then: a further join from that table. tree: the remote table's column that names a row's parent; a match counts for
    everything below it, too (tags). Several rows may match: any of them counts.
    """

    table: str
    local: str
    column: str
    remote: str = "id"
    then: "Join | None" = None
    tree: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One searchable field. column: in the object's own table; via: elsewhere; convert(text) -> value for odd forms.

    free: takes part in free-text search (text fields do, unless switched off). unit: what one in the query means.
    words: what an enum's value is called in queries where it differs: word (lower case, no `_`) -> stored values.
    unbound: a row whose `via` starts from nothing belongs to all of them, so `=` finds it always.
    """

    kind: FieldKind = "text"
    column: str | None = None
    via: Join | None = None
    free: bool = True
    unit: int = 1
    convert: Callable[[str], Any] | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unbound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchObject:
    """An object of the language. prefix: what the REST layer puts before a query. cross: other objects' fields.

    cross: object name -> (its SearchObject's name, join). default: columns of the default order.
    """

    table: Table
    prefix: str
    fields: dict[str, Field]
    cross: dict[str, tuple[Callable[[], "SearchObject"], Join]] = field(default_factory=dict)
    default: tuple[str, ...] = ()
    descending: bool = False

    @property
    def names(self) -> frozenset[str]:
        """How conditions may call this object: `vm.name`, `vms.name`."""
        word = self.prefix.lower()
        return frozenset((word, word.removesuffix("s"), word.removesuffix("s") + "s", self.table.name))
