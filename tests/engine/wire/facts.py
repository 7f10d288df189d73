"""What the tests know of the API from outside our code: facts of the two models and worked samples."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "data" / "wire"
SAMPLES = sorted(p.stem for p in (DATA / "samples").glob("*.json"))


@cache
def load(name: str) -> Any:
    """A file of facts, without its note."""
    found = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    found.pop("note", None)
    return found


@dataclass(frozen=True)
class Known:
    """One attribute as the model of the API has it. type: without `list<>`."""

    name: str
    type: str
    many: bool
    tag: str | None
    item: str | None
    rel: str | None
    link: bool
    attr: bool


def parse(name: str, text: str) -> Known:
    """A line of model.json."""
    type_, *words = text.split()
    pairs = dict(w.split("=", 1) for w in words if "=" in w)
    many = type_.startswith("list<")
    return Known(
        name,
        type_[5:-1] if many else type_,
        many,
        pairs.get("tag"),
        pairs.get("item"),
        pairs.get("rel"),
        "link" in words,
        "attr" in words,
    )


@cache
def attributes_of(type_name: str) -> dict[str, Known]:
    """All attributes of a type, inherited ones included."""
    entry = load("model")["types"][type_name]
    found = dict(attributes_of(entry["base"])) if "base" in entry else {}
    found.update({name: parse(name, text) for name, text in entry["attributes"].items()})
    return found
