"""The engine's side of the agents: connections, calls, monitoring, the pool's manager."""

from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.hostlink.live import STATISTICS
from ovis.engine.hostlink.pool_table import POOLS

TABLES = (STATISTICS, POOLS)
__all__ = ["TABLES", "HostError", "HostUnreachable"]
