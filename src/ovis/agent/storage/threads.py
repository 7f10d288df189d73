"""File work away from the loop: a storage that hangs holds up its own calls, not the agent.

Does: run a function in a thread of this room's pool, bounded in time. A cancelled call still waits for its thread, so
that whoever undoes the work does not race with it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from ovis.agent.storage import checks
from ovis.contract.errors import Code, VerbError

_THREADS = 48
LIMIT = 60.0
LONG = 900.0  # deleting a big image on slow storage
P = ParamSpec("P")
T = TypeVar("T")


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, "storage")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result. VerbError for what the system refuses, 379 if it takes longer than a minute."""
    return await _wait(partial(work, *args, **kwargs), LIMIT)


async def in_thread_long(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for work that may take a quarter of an hour."""
    return await _wait(partial(work, *args, **kwargs), LONG)


async def _wait(work: Callable[[], T], limit: float) -> T:
    future = asyncio.get_running_loop().run_in_executor(_pool(), work)
    try:
        done, _ = await asyncio.wait({future}, timeout=limit)
    except asyncio.CancelledError:
        await asyncio.wait({future}, timeout=limit)
        if future.done() and not future.cancelled():
            future.exception()  # the cancellation is what counts
        raise
    if not done:
        raise VerbError(Code.STORAGE_DOMAIN_ACCESS, f"The storage did not answer within {limit:.0f} s")
    try:
        return future.result()
    except OSError as err:
        raise checks.from_os(err, str(err.filename or "The storage")) from err
