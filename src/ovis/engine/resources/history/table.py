"""The stored form of short history: a row for every five minutes of each engine.

Does: pack and unpack. 16 bytes of an object's id and a byte for each measure; nothing of it is searched.
"""

import uuid
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from ovis.engine.resources.history.rings import MEASURES, SLOTS, Slot
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

_ROW = 16 + MEASURES


class UsageSlot(Struct, kw_only=True, frozen=True):
    """id: `SLOT/ENGINE`. slot: five minutes since the epoch."""

    id: str
    slot: int
    values: bytes


TABLE = Table(name="usage_history", type=UsageSlot, by_hand=True, columns=(Column(name="slot", kind="int"),))


def store(tx: Tx, slots: list[Slot], engine: str) -> None:
    """Write what ended, and drop what is older than a day. Past the memory of documents: nobody reads it twice."""
    sql = tx.sql(UsageSlot)
    rows = [UsageSlot(id=f"{slot.number}/{engine}", slot=slot.number, values=_packed(slot)) for slot in slots]
    newest = max(slot.number for slot in slots)
    gone = sa.or_(sql.c.slot <= newest - SLOTS, sql.c.id.in_([row.id for row in rows]))
    tx.connection.execute(sql.delete().where(gone))
    written = [
        {"id": row.id, "version": 1, "doc": msgspec.json.encode(row), "slot": row.slot} for row in rows if row.values
    ]
    if written:
        tx.connection.execute(sa.insert(sql), written)


def stored(rd: Reader) -> list[Slot]:
    """Everything of the last day, oldest first."""
    sql = rd.sql(UsageSlot)
    rows = rd.rows(sa.select(sql.c.doc).order_by(sql.c.slot))
    found = (msgspec.json.decode(row[0], type=UsageSlot) for row in rows)
    return [Slot(row.slot, dict(_unpacked(row.values))) for row in found]


def _packed(slot: Slot) -> bytes:
    parts = []
    for id_, values in slot.values.items():
        try:
            parts.append(uuid.UUID(id_).bytes + values)
        except ValueError:  # an id of somebody's own: its history lasts as long as this engine
            continue
    return b"".join(parts)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(data) - _ROW + 1, _ROW):
        yield str(uuid.UUID(bytes=data[at : at + 16])), data[at + 16 : at + _ROW]
