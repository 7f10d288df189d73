"""Events that were dismissed, and the end of old ones.

Does: hide an event, bring dismissed alerts back, drop what is older than the kept span. Does not: write events (audit).
Follows: `DELETE /events/ID`, `POST /events/undelete`, the nightly clean-up of engine 4.5 (30 days).
"""

from datetime import datetime, timedelta

from msgspec import Struct

from ovis.engine.events.table import TABLE
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Event
from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Column, Table

KEPT = timedelta(days=30)


class HiddenEvent(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A dismissed event, with everything it said. id: the event's."""

    id: str
    event: Event


HIDDEN = Table(
    name="hidden_events",
    type=HiddenEvent,
    columns=(Column(name="time", path="event.time", kind="time"),),
)
TABLES = (TABLE, HIDDEN)


def hide(tx: Tx, event_id: str) -> Event:
    """Take an event off the list; NotFound if it is not there."""
    event = tx.need(Event, event_id)
    tx.delete(Event, event_id)
    tx.insert(HiddenEvent(id=event_id, event=event))
    return event


def restore_alerts(tx: Tx) -> int:
    """Show every dismissed alert again, under the number it had. How many came back."""
    back = [hidden for hidden in tx.select(HiddenEvent) if hidden.event.severity is LogSeverity.ALERT]
    for hidden in back:
        tx.insert(hidden.event)
        tx.delete(HiddenEvent, hidden.id)
    return len(back)


def drop_old(tx: Tx, now: datetime, kept: timedelta = KEPT) -> int:
    """Forget what is older than `kept`, dismissed or not. How many went."""
    before = round((now - kept).timestamp() * 1000)
    return sum(tx.delete_where(type_, tx.sql(type_).c.time < before) for type_ in (Event, HiddenEvent))
