"""The audit log: what happened, to whom, by whom."""

from ovis.engine.events.audit import Audit, record
from ovis.engine.events.hiding import TABLES, drop_old, hide, restore_alerts
from ovis.engine.events.table import RANKS, TABLE

__all__ = [
    "RANKS",
    "TABLE",
    "TABLES",
    "Audit",
    "drop_old",
    "hide",
    "record",
    "restore_alerts",
]
