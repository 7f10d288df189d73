"""Everything of the model, written and read back: nothing is lost but what the dialect cannot say."""

import json
import random
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from msgspec.structs import replace

from ovis.engine.declare.shape import attributes, names_of
from ovis.engine.model.types import Disk, DiskAttachment
from ovis.engine.wire.codecs import Codecs, Format
from ovis.engine.wire.facts3 import hidden, names3
from tests.engine.wire.composition import RESOURCES
from tests.engine.wire.generated import TYPES, value

CODECS = Codecs(RESOURCES)


def through(o: Any, dialect: int, fmt: Format) -> Any:
    base = "/ovirt-engine/api" if dialect == 4 else "/api"
    data = CODECS.document(CODECS.fragment(o, fmt=fmt, dialect=dialect, base=base), fmt)
    if fmt == "xml":
        assert ElementTree.fromstring(data).tag == (names_of(type(o)).one if dialect == 4 else names3(type(o))[0])
    else:
        json.loads(data)
    return CODECS.read(data, fmt=fmt, dialect=dialect, type_=type(o))


def difference(found: Any, wanted: Any, path: str = "") -> str:
    """The first place where two plain values differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in wanted.keys() | found.keys():
            told = difference(found.get(key), wanted.get(key), f"{path}.{key}")
            if told:
                return told
        return ""
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return next((d for a, b in zip(found, wanted, strict=True) if (d := difference(a, b, path + "[]"))), "")
    return "" if found == wanted else f"{path}: {found!r} instead of {wanted!r}"


def normal(o: Any, fmt: Format, dialect: int, inside: bool = False) -> Any:
    """A struct as nested plain values, without what the dialect cannot carry. inside: a member of a list."""
    if isinstance(o, list):
        return [normal(v, fmt, dialect, True) for v in o]
    if isinstance(o, DiskAttachment) and dialect == 3 and inside:
        return joined(o, fmt)
    if isinstance(o, msgspec.Struct):
        name = type(o).__name__
        rows = {}
        for row in attributes(type(o)):
            if dialect == 3 and lost(name, row.name, o):
                continue
            found = normal(getattr(o, row.name), fmt, dialect)
            if found is not None and found != []:
                rows[row.name] = found
        return rows
    return o.timestamp() if hasattr(o, "timestamp") else o


def joined(attachment: DiskAttachment, fmt: Format) -> Any:
    """An attachment as v3 has it: one disk. The attachment's names and places are lost."""
    own = ("active", "bootable", "interface", "logical_name", "read_only", "uses_scsi_reservation")
    disk = attachment.disk if attachment.disk is not None else Disk(id=attachment.id)
    both = replace(disk, vm=None, id=disk.id or attachment.id, **{name: getattr(attachment, name) for name in own})
    return normal(both, fmt, 3)


# Attributes that v3 shows in another place, or only out; see the shims.
_OUT_ONLY = {
    ("Api", "special_objects"),
    ("SpecialObjects", "blank_template"),
    ("SpecialObjects", "root_tag"),
    ("Vm", "fqdn"),
    ("Snapshot", "fqdn"),
    ("Nic", "network"),
    ("OpenStackNetworkProvider", "type"),
}


def lost(name: str, attribute: str, o: Any) -> bool:
    if (name, attribute) in _OUT_ONLY:
        return True
    if name in ("Vm", "Host", "Snapshot") and attribute == "status_detail":
        return o.status is None  # told inside the status
    if name == "Snapshot" and attribute in ("type", "disk_attachments"):
        return True
    if name == "InstanceType" and attribute == "disk_attachments":
        return True
    return hidden(name, attribute)


@pytest.mark.parametrize("fmt", ["xml", "json"])
@pytest.mark.parametrize("name", sorted(TYPES))
def test_v4_keeps_everything(name: str, fmt: Format) -> None:
    o = value(TYPES[name], random.Random(name))
    found = through(o, 4, fmt)
    assert difference(normal(found, fmt, 4), normal(o, fmt, 4)) == ""


@pytest.mark.parametrize("fmt", ["xml", "json"])
@pytest.mark.parametrize("name", sorted(TYPES))
def test_v3_keeps_what_it_can_say(name: str, fmt: Format) -> None:
    o = value(TYPES[name], random.Random(name))
    found = through(o, 3, fmt)
    assert difference(normal(found, fmt, 3), normal(o, fmt, 3)) == ""


@pytest.mark.parametrize("dialect", [3, 4])
@pytest.mark.parametrize("fmt", ["xml", "json"])
@pytest.mark.parametrize("name", sorted(TYPES))
def test_each_attribute_alone(name: str, fmt: Format, dialect: int) -> None:
    """One attribute at a time: none hides or feeds another."""
    full = value(TYPES[name], random.Random(name), depth=1)
    for row in attributes(TYPES[name]):
        if dialect == 3 and (lost(name, row.name, full) or (name, row.name) in ALONE_OTHERWISE):
            continue
        o = TYPES[name](**{row.name: getattr(full, row.name)})
        if normal(o, fmt, dialect) == {}:
            continue
        assert difference(normal(through(o, dialect, fmt), fmt, dialect), normal(o, fmt, dialect)) == ""


# What v3 can carry only beside another attribute.
ALONE_OTHERWISE = {
    ("Vm", "status_detail"),
    ("Host", "status_detail"),
    ("Snapshot", "status_detail"),
    ("Statistic", "type"),
}
