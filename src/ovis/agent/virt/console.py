"""Consoles of a real VM: its VNC display by the port where QEMU listens, its serial console by libvirt's stream.

Does: connect to what is there. A serial console has one client; the next is refused, or takes it over if it says so.
Does not: check passwords (QEMU does), or carry bytes to the engine (rpc).
Follows: libvirt's openConsole: one safe session a domain, broken by force.
"""

import asyncio
import contextlib
import threading
from collections import deque
from typing import Any

import libvirt

from ovis.agent.consoles import CHUNK, Console, SocketConsole
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import in_thread, reason
from ovis.agent.virt.vm import Vm
from ovis.contract.consoles import Ask
from ovis.contract.errors import Code, VerbError

_ALL = libvirt.VIR_STREAM_EVENT_READABLE | libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP
_DEAF = libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP
_MOST_UNREAD = 256 << 10  # bytes; then the guest's output stays in libvirt, which stops reading in its turn
_FULL = -2  # what a stream answers that takes no more now
_PAUSE = 0.01
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class ConsoleVerbs:
    """No verbs: a console is a stream."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def open_console(self, ask: Ask) -> Console:
        """The console that is asked for; VerbError."""
        vm = self._guests.running(ask.vm_id)
        return await self._serial(vm, ask.take) if ask.kind == "serial" else await self._display(vm)

    async def _display(self, vm: Vm) -> Console:
        at = next((d for d in vm.devices.displays if d.type == "vnc" and d.port > 0), None)
        if at is None:
            raise VerbError(Code.TICKET_FAILED, "The VM has no VNC console.")
        try:
            return SocketConsole(*await asyncio.open_connection(_ANYWHERE.get(at.address, at.address), at.port))
        except OSError as err:
            raise VerbError(Code.UNAVAILABLE, f"The VM's display does not answer: {err}") from err

    async def _serial(self, vm: Vm, take: bool) -> Console:
        loop = asyncio.get_running_loop()
        try:
            return await self._guests.link.call(_open, vm.id, take, loop)
        except libvirt.libvirtError as err:
            raise _refusal(err) from err


def _refusal(err: libvirt.libvirtError) -> VerbError:
    if "session exists" in reason(err):
        return VerbError(Code.UNAVAILABLE, "Somebody else is at the VM's serial console.")
    if err.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR and "console" in reason(err):
        return VerbError(Code.TICKET_FAILED, "The VM has no serial console.")
    return VerbError(Code.UNAVAILABLE, reason(err))


def _open(connection: Any, vm_id: str, take: bool, loop: asyncio.AbstractEventLoop) -> "SerialConsole":
    """In a thread."""
    stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
    flags = libvirt.VIR_DOMAIN_CONSOLE_FORCE if take else 0
    connection.lookupByUUIDString(vm_id).openConsole(None, stream, flags)
    console = SerialConsole(stream, loop)
    stream.eventAddCallback(_ALL, console.happened, None)
    return console


class SerialConsole:
    """A libvirt stream. Filled by libvirt's thread, emptied by the loop."""

    def __init__(self, stream: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._stream, self._loop = stream, loop
        self._lock = threading.Lock()
        self._parts: deque[bytes] = deque()
        self._size = 0
        self._over = False
        self._deaf = False
        self._news = asyncio.Event()

    def happened(self, stream: Any, events: int, opaque: Any) -> None:
        """In libvirt's thread: take what came, as long as somebody reads it."""
        data: Any = b""
        over = bool(events & _DEAF)
        if events & libvirt.VIR_STREAM_EVENT_READABLE:
            try:
                data = stream.recv(CHUNK)
            except libvirt.libvirtError:
                data = b""
            if data == _FULL:
                data, over = b"", over
            elif not data:
                over = True
        with self._lock:
            if data:
                self._parts.append(data)
                self._size += len(data)
            self._over = self._over or over
            deaf = self._over or self._size > _MOST_UNREAD
            changed, self._deaf = deaf != self._deaf, deaf
        with contextlib.suppress(libvirt.libvirtError):
            if over:
                stream.eventRemoveCallback()
            elif changed and deaf:
                stream.eventUpdateCallback(_DEAF)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._news.set)

    async def read(self) -> bytes:
        """What came since."""
        while True:
            self._news.clear()
            with self._lock:
                data = b"".join(self._parts)
                self._parts.clear()
                self._size = 0
                hear = self._deaf and not self._over
                self._deaf = self._deaf and not hear
                over = self._over
            if hear:
                await self._quietly(self._stream.eventUpdateCallback, _ALL)
            if data or over:
                return data
            await self._news.wait()

    async def write(self, data: bytes) -> None:
        """Keys for the guest."""
        while data:
            try:
                sent = await in_thread(self._stream.send, data)
            except libvirt.libvirtError as err:
                raise OSError(reason(err)) from err
            if sent == _FULL:
                await asyncio.sleep(_PAUSE)
            else:
                data = data[sent:]

    async def close(self) -> None:
        """Let go: the next client may have it."""
        with self._lock:
            heard, self._over = not self._over, True
        if heard:
            await self._quietly(self._stream.eventRemoveCallback)
        await self._quietly(self._stream.abort)

    async def _quietly(self, work: Any, *args: Any) -> None:
        with contextlib.suppress(libvirt.libvirtError):
            await in_thread(work, *args)
