"""Short history of what hosts, VMs and storage domains use, for sparklines and the dashboard."""

from ovis.engine.resources.history.page import PAGES
from ovis.engine.resources.history.table import TABLE
from ovis.engine.resources.history.usage import UsageHistory

__all__ = ["PAGES", "TABLE", "UsageHistory"]
