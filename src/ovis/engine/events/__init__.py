"""The audit log: what happened, to whom, by whom."""

from ovis.engine.events.audit import Audit, record
from ovis.engine.events.table import TABLE

__all__ = ["TABLE", "Audit", "record"]
