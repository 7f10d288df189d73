"""Consoles of a real VM: its VNC display by the port where QEMU listens, its serial line by QEMU's socket or libvirt's
stream.

Does: connect to what is there. A serial line has one client; the next is refused, or takes it over if it says so.
Does not: check passwords (QEMU does), or carry bytes to the engine (rpc).
Follows: a line that is a socket (oVirt's form) lets one in, and others wait without a word, so who is in is kept here;
libvirt's openConsole serves terminals only, one session a domain, broken by force.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, fromstring

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
_TAKEN = "Somebody else is at the VM's serial console."
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class ConsoleVerbs:
    """No verbs: a console is a stream."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests
        self._lines: dict[str, _Line] = {}

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
        kind, path = line_of(fromstring(vm.xml))
        if kind == "unix" and path:
            return await self._socket(vm.id, path, take)
        if kind != "pty":
            raise VerbError(Code.TICKET_FAILED, "The VM has no serial console.")
        loop = asyncio.get_running_loop()
        try:
            return await self._guests.link.call(_open, vm.id, take, loop)
        except libvirt.libvirtError as err:
            raise _refusal(err) from err

    async def _socket(self, vm_id: str, path: str, take: bool) -> Console:
        before = self._lines.get(vm_id)
        if before is not None and not take:
            raise VerbError(Code.UNAVAILABLE, _TAKEN)
        if before is not None:
            await before.close()
        try:
            ends = await asyncio.open_unix_connection(path)
        except OSError as err:
            raise VerbError(Code.UNAVAILABLE, f"The VM's serial line does not answer: {err}") from err
        line = self._lines[vm_id] = _Line(*ends)
        line.left = lambda: self._lines.pop(vm_id) if self._lines.get(vm_id) is line else None
        return line


class _Line(SocketConsole):
    """A serial line that is a socket. left: called when its client goes."""

    left: Callable[[], object] = lambda: None

    async def close(self) -> None:
        """Hang up: the next client may have it."""
        self.left()
        await super().close()


def line_of(live: Element) -> tuple[str, str]:
    """Kind and path of the first serial console; empty if there is none. Pure."""
    for tag in ("console", "serial"):
        for found in live.findall(f"devices/{tag}"):
            source = found.find("source")
            return found.get("type") or "pty", (source.get("path") or "") if source is not None else ""
    return "", ""


def _refusal(err: libvirt.libvirtError) -> VerbError:
    if "session exists" in reason(err):
        return VerbError(Code.UNAVAILABLE, _TAKEN)
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
