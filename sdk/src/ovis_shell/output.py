"""Objects as text: the original shell's form, tables, JSON, XML, CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

FORMS = ("text", "table", "json", "xml", "csv")
_BRIEF = ("id", "name", "description")
_NOT_SHOWN = ("actions", "link", "creation_status", "href")


def flat(o: Any, prefix: str = "") -> Iterator[Tuple[str, str]]:
    """(`cpu-topology-cores`, `2`) of everything that an object says."""
    from ovirtsdk.xml.base import Struct, text_of

    for row in type(o).table().rows:
        value = o._values().get(row.name)
        if value is None or row.tag in _NOT_SHOWN:
            continue
        name = f"{prefix}{row.tag}"
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, Struct):
                yield from flat(one, f"{name}-")
            else:
                yield name, text_of(one)


def rows(o: Any, *, brief: bool) -> List[Tuple[str, str]]:
    """What is shown of an object: id and names first."""
    found = list(flat(o))
    first = [pair for name in _BRIEF for pair in found if pair[0] == name]
    return first if brief else first + [pair for pair in found if pair[0] not in _BRIEF]


def tree(o: Any) -> Any:
    """An object as JSON values."""
    from ovirtsdk.xml.base import Struct, text_of

    if isinstance(o, list):
        return [tree(one) for one in o]
    if not isinstance(o, Struct):
        return o if isinstance(o, (bool, int, float)) else text_of(o)
    return {
        row.tag: tree(o._values()[row.name])
        for row in type(o).table().rows
        if o._values().get(row.name) is not None and row.tag not in _NOT_SHOWN
    }


def render(objects: Sequence[Any], form: str, *, brief: bool, many: bool) -> str:
    """Text of some objects. many: a list was asked for, which may hold one."""
    if form == "json":
        return json.dumps(tree(list(objects)) if many else tree(objects[0]), indent=2) + "\n"
    if form == "xml":
        return "".join(o.to_xml() + "\n" for o in objects)
    if form == "csv":
        return _csv([dict(rows(o, brief=brief)) for o in objects])
    if form == "table":
        return _table([dict(rows(o, brief=brief)) for o in objects])
    return "\n".join(_text(rows(o, brief=brief)) for o in objects)


def _text(pairs: Sequence[Tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in pairs), default=0)
    return "".join(f"{name:<{width}} : {value}\n" for name, value in pairs)


def _columns(found: Sequence[Mapping[str, str]]) -> List[str]:
    names: Dict[str, None] = {}
    for row in found:
        names.update(dict.fromkeys(row))
    return list(names)


def _csv(found: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, _columns(found), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


def _table(found: Sequence[Mapping[str, str]]) -> str:
    from rich.console import Console
    from rich.table import Table

    columns = _columns(found)
    table = Table(box=None, header_style="bold cyan", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in found:
        table.add_row(*(row.get(name, "") for name in columns))
    console = Console()
    with console.capture() as captured:
        console.print(table)
    return captured.get()
