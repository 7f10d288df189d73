"""Long work: steps with undo, locks, leases, resume after restart, jobs as users see them."""

from ovis.engine.commands.begin import begin
from ovis.engine.commands.context import Cancelled, CommandFailed, Context
from ovis.engine.commands.declaration import Command, Lock, Step
from ovis.engine.commands.locks import locked, locked_ids, require_unlocked
from ovis.engine.commands.table import TABLES, CommandRow, CommandStatus

__all__ = [
    "TABLES",
    "Cancelled",
    "Command",
    "CommandFailed",
    "CommandRow",
    "CommandStatus",
    "Context",
    "Lock",
    "Step",
    "begin",
    "locked",
    "locked_ids",
    "require_unlocked",
]
