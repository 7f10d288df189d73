"""The events table: increasing ids, columns for search, `from` and references."""

from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import Event
from ovis.engine.store.tables import Column, Table

RANKS = {
    LogSeverity.NORMAL: 0,
    LogSeverity.WARNING: 1,
    LogSeverity.ERROR: 2,
    LogSeverity.ALERT: 10,
}


def _reference(name: str) -> Column:
    return Column(name=f"{name}_id", path=f"{name}.id")


TABLE = Table(
    name="events",
    type=Event,
    serial=True,
    columns=(
        Column(name="code", kind="int"),
        Column(
            name="severity",
            value=lambda e: RANKS.get(e.severity, 0),
            kind="int",
            index=False,
        ),
        Column(name="time", kind="time"),
        Column(name="correlation_id"),
        Column(name="origin", index=False),
        Column(name="custom_id", kind="int", index=False),
        Column(name="description", index=False),
        Column(name="user_name", path="user.user_name", index=False),
        _reference("user"),
        _reference("vm"),
        _reference("host"),
        _reference("template"),
        _reference("cluster"),
        _reference("data_center"),
        _reference("storage_domain"),
    ),
)
