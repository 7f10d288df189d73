"""The connection to libvirt: calls in threads of their own, events into the agent's loop.

Does: open, keep alive, open again after libvirtd was away; bound every call in time. A libvirt that hangs holds threads,
never the loop. Does not: know VMs. Follows: libvirt's default event loop, run by one daemon thread of the process.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import libvirt
import structlog

from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
T = TypeVar("T")
CALL_SECONDS = 30.0
_CALLS = 32  # threads in libvirt at once
_RETRY = 1.0
_events = threading.Lock()
_events_run = False


def _run_events() -> None:
    """One event thread a process; libvirt wants it before the first connection."""
    global _events_run
    with _events:
        if _events_run:
            return
        libvirt.registerErrorHandler(lambda _, __: None, None)
        libvirt.virEventRegisterDefaultImpl()

        def forever() -> None:
            while True:
                libvirt.virEventRunDefaultImpl()

        threading.Thread(target=forever, name="libvirt-events", daemon=True).start()
        _events_run = True


def reason(err: BaseException) -> str:
    """What to tell people of an error."""
    if isinstance(err, libvirt.libvirtError):
        return str(err.get_error_message() or err)
    return str(err) or type(err).__name__


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run in a daemon thread: one that never returns does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def run() -> None:
        try:
            found, error = work(*args), None
        except BaseException as err:
            found, error = None, err
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, found, error)

    threading.Thread(target=run, daemon=True).start()
    return await future


class Link:
    """One connection. on_event(name, domain id, details) and on_open() run in the loop."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._connection: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = asyncio.Semaphore(_CALLS)
        self._closing = False
        self._opening: asyncio.Task[None] | None = None
        self.on_event: Callable[[str, str, tuple[Any, ...]], None] = lambda name, id_, details: None
        self.on_open: Callable[[], None] = lambda: None

    @property
    def connected(self) -> bool:
        """Whether libvirt can be asked."""
        return self._connection is not None

    async def start(self) -> None:
        """Connect; goes on trying in the background if libvirt is not there yet."""
        self._loop = asyncio.get_running_loop()
        _run_events()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await in_thread(self._open)
        except (libvirt.libvirtError, TimeoutError) as err:
            log.warning("libvirt cannot be reached", uri=self.uri, error=reason(err))
            self._reopen()

    async def stop(self) -> None:
        """Hang up."""
        self._closing = True
        if self._opening is not None:
            self._opening.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(TimeoutError, libvirt.libvirtError):
                async with asyncio.timeout(2):
                    await in_thread(connection.close)

    async def call(self, work: Callable[..., T], *args: Any, timeout: float | None = CALL_SECONDS) -> T:
        """`work(connection, *args)` in a thread. VerbError UNAVAILABLE if libvirt is away or does not answer in time;
        libvirt's own errors pass. timeout None: a job that may be long; it takes no slot from others."""
        connection = self._connection
        if connection is None:
            raise VerbError(Code.UNAVAILABLE, "libvirt is not reachable on this host")
        if timeout is None:
            return await in_thread(work, connection, *args)
        try:
            async with asyncio.timeout(timeout):
                async with self._slots:
                    return await in_thread(work, connection, *args)
        except TimeoutError as err:
            raise VerbError(Code.UNAVAILABLE, f"libvirt did not answer in {timeout:g} s") from err

    async def domain(self, vm_id: str, work: Callable[..., T], *args: Any, timeout: float | None = CALL_SECONDS) -> T:
        """`work(domain, *args)` in a thread; see call."""
        return await self.call(lambda c: work(c.lookupByUUIDString(vm_id), *args), timeout=timeout)

    # -- in threads ----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        connection = libvirt.open(self.uri)
        with contextlib.suppress(libvirt.libvirtError):
            connection.setKeepAlive(5, 5)
        connection.registerCloseCallback(lambda c, why, _: self._tell(self._lost, c, why), None)
        for event, callback in self._callbacks():
            connection.domainEventRegisterAny(None, event, callback, None)
        self._connection = connection
        self._tell(self.on_open)

    def _callbacks(self) -> list[tuple[int, Callable[..., None]]]:
        def passing(name: str) -> Callable[..., None]:
            # Every callback ends with the opaque argument, which is not told.
            return lambda _, domain, *details: self._tell(self._event, name, domain.UUIDString(), details[:-1])

        return [
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, passing("lifecycle")),
            (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, passing("reboot")),
            (libvirt.VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, passing("io_error")),
            (libvirt.VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, passing("agent")),
            (libvirt.VIR_DOMAIN_EVENT_ID_GRAPHICS, passing("graphics")),
            (libvirt.VIR_DOMAIN_EVENT_ID_WATCHDOG, passing("watchdog")),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, passing("device_removed")),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, passing("device_removal_failed")),
            (libvirt.VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, passing("migration_iteration")),
        ]

    def _tell(self, what: Callable[..., None], *args: Any) -> None:
        if self._loop is not None and not self._closing:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(what, *args)

    # -- in the loop ---------------------------------------------------------------------------------------------

    def _event(self, name: str, vm_id: str, details: tuple[Any, ...]) -> None:
        self.on_event(name, vm_id, details)

    def _lost(self, connection: Any, why: int) -> None:
        if connection is not self._connection and self._connection is not None:
            return
        log.warning("the connection to libvirt ended", uri=self.uri, why=why)
        self._connection = None
        self._reopen()

    def _reopen(self) -> None:
        if self._closing or (self._opening is not None and not self._opening.done()):
            return
        self._opening = asyncio.get_running_loop().create_task(self._open_again())

    async def _open_again(self) -> None:
        while not self._closing:
            await asyncio.sleep(_RETRY)
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await in_thread(self._open)
            except (libvirt.libvirtError, TimeoutError) as err:
                log.debug("libvirt is still away", error=reason(err))
                continue
            log.info("connected to libvirt again", uri=self.uri)
            return
