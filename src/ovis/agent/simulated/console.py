"""Consoles of simulated guests: a VNC display that asks for the ticket, a serial line that echoes.

Does: serve a client in the agent's process; tells of who looks at a display, as a host does. One client at a serial line;
the next is refused or takes it over.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import fromstring

import structlog

from ovis.agent.consoles import Console, SocketConsole, hang_up
from ovis.agent.simulated.rfb import Broken, Display
from ovis.agent.simulated.screen import Screen
from ovis.contract import statuses as st
from ovis.contract.consoles import Ask
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_LOOK = 0.25


class SimulatedConsoles:
    """The consoles of one simulated host."""

    vms: dict[str, Any]
    settings: Any
    _running: Callable[[str], Any]
    _publish: Any
    _short: Any

    def _init_consoles(self) -> None:
        self._viewers: dict[str, set[asyncio.Task[None]]] = {}
        self._at_serial: dict[str, asyncio.Task[None]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._screens: dict[str, tuple[Any, Screen]] = {}  # of this run
        self._passwords: dict[str, tuple[str, float]] = {}

    async def _end_consoles(self) -> None:
        """The agent stops: its clients go."""
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep_ticket(self, vm: Any, password: str, ttl: Any) -> None:
        """What VM.updateDevice brought."""
        try:
            self._passwords[vm.vm_id] = (password, time.time() + float(ttl or 120))
        except ValueError as err:
            raise VerbError(Code.TICKET_FAILED, "ttl is no number of seconds.") from err

    def _client_ip(self, vm: Any) -> str:
        return self.settings.address if self._viewers.get(vm.vm_id) else ""

    async def open_console(self, ask: Ask) -> Console:
        """The console that is asked for; VerbError."""
        vm = self._running(ask.vm_id)
        devices = fromstring(vm.xml).find("devices")
        tags = {d.tag if d.tag != "graphics" else str(d.get("type")) for d in devices} if devices is not None else set()
        if ask.kind == "vnc" and "vnc" not in tags:
            raise VerbError(Code.TICKET_FAILED, "The VM has no VNC console.")
        if ask.kind == "serial" and not tags & {"console", "serial"}:
            raise VerbError(Code.TICKET_FAILED, "The VM has no serial console.")
        if ask.kind == "serial" and not ask.take and vm.vm_id in self._at_serial:
            raise VerbError(Code.UNAVAILABLE, "Somebody else is at the VM's serial console.")
        ours, theirs = socket.socketpair()
        guest = await asyncio.open_connection(sock=theirs)
        for gone in self._screens.keys() - self.vms.keys():
            del self._screens[gone]
        for gone in self._passwords.keys() - self.vms.keys():
            del self._passwords[gone]
        task = asyncio.get_running_loop().create_task(self._serve(ask.kind, vm, *guest))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        if ask.kind == "serial":
            before = self._at_serial.get(vm.vm_id)
            if before is not None:
                before.cancel()
            self._at_serial[vm.vm_id] = task
        return SocketConsole(*await asyncio.open_connection(sock=ours))

    def _alive(self, vm: Any) -> bool:
        return bool(vm.status != st.DOWN and self.vms.get(vm.vm_id) is vm)

    def _tell(self, vm: Any) -> None:
        if self._alive(vm):
            self._publish(f"|virt|VM_status|{vm.vm_id}", {vm.vm_id: self._short(vm)})

    async def _serve(self, kind: str, vm: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if kind == "serial":
                await self._line(vm, reader, writer)
            else:
                await self._display(vm, reader, writer, task)
        except Broken as err:
            log.info("a client of a console is dropped", vm=vm.vm_id, why=str(err))
        except (OSError, EOFError) as err:
            log.debug("a client of a console went", vm=vm.vm_id, why=repr(err))
        finally:
            if self._at_serial.get(vm.vm_id) is task:
                del self._at_serial[vm.vm_id]
            self._gone(vm, task)
            await hang_up(writer)

    def _gone(self, vm: Any, task: asyncio.Task[None]) -> None:
        viewers = self._viewers.get(vm.vm_id, set())
        if task in viewers:
            viewers.discard(task)
            if not viewers:
                self._viewers.pop(vm.vm_id, None)
                self._tell(vm)

    async def _display(
        self, vm: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        def entered() -> None:
            first = not self._viewers.get(vm.vm_id)
            self._viewers.setdefault(vm.vm_id, set()).add(task)
            if first:
                self._tell(vm)

        of, screen = self._screens.get(vm.vm_id, (None, None))
        if screen is None or of is not vm:
            screen = Screen(vm.name)
            self._screens[vm.vm_id] = (vm, screen)
        await Display(
            screen,
            self._passwords.get(vm.vm_id),
            reader,
            writer,
            name=vm.name,
            alive=lambda: self._alive(vm),
            entered=entered,
        ).serve()

    async def _line(self, vm: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Echo, and a new prompt after each line."""
        prompt = f"{vm.name} login: ".encode()
        writer.write(b"\r\n" + prompt)
        while self._alive(vm):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    data = await reader.read(4096)
                if not data:
                    return
                writer.write(data.replace(b"\r", b"\r\n" + prompt).replace(b"\x7f", b"\b \b"))
                await writer.drain()
