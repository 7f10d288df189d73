"""What a step is handed.

Does: parameters, state, services, progress, cancellation. Does not: decide what runs next (runner).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ovis.engine.declare.call import Principal
from ovis.engine.declare.faults import Fault
from ovis.engine.store.session import Reader, Tx

if TYPE_CHECKING:
    from ovis.engine.commands.services import Services

R = TypeVar("R")


class Cancelled(Fault):
    """The user asked for the end; a long step raises it by `ctx.stop_if_cancelled()`."""

    reason = "Operation cancelled"
    status = 409


class CommandFailed(Fault):
    """What a client that waits for a command is told when it fails."""


class Context:
    """One command on its way. state: JSON values, saved with each step; change it freely.

    params: the command's struct. user: who asked. job_id is the command's id. problem: while undoing, why.
    """

    def __init__(
        self,
        *,
        services: "Services",
        command_id: str,
        params: Any,
        state: dict[str, Any],
        correlation_id: str,
        user: Principal,
        report: Callable[[str, int], Awaitable[None]],
    ) -> None:
        self.services = services
        self.command_id = command_id
        self.job_id = command_id
        self.params = params
        self.state = state
        self.correlation_id = correlation_id
        self.user = user
        self.problem: str = ""
        self.stop = asyncio.Event()
        self._report = report

    async def read(self, run: Callable[[Reader], R]) -> R:
        """Read the store."""
        return await self.services.store.read(run)

    async def write(self, run: Callable[[Tx], R]) -> R:
        """Write apart from the step's record: only what may stand even if the engine dies right after."""
        return await self.services.store.write(run)

    async def progress(self, percent: int) -> None:
        """Tell users how far the running step is."""
        await self._report(self.command_id, max(0, min(100, percent)))

    @property
    def cancelled(self) -> bool:
        """Whether the user asked for the end."""
        return self.stop.is_set()

    def stop_if_cancelled(self) -> None:
        """Raise if the user asked for the end."""
        if self.stop.is_set():
            raise Cancelled("The operation was cancelled.")

    async def pause(self, seconds: float) -> None:
        """Sleep, but no longer than until the user cancels."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return
