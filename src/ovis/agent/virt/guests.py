"""The VMs of this host and their statuses: the one place that changes and tells them.

Does: find VMs, set a status (kept in a file, sent as an event), end a run and release what it held.
Does not: call verbs or decide from libvirt's events (life, create, migrate, events).
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

import libvirt
import structlog

from ovis.agent.driver import Publish
from ovis.agent.hooks import Hooks
from ovis.agent.hooks.runner import Running
from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.virt import vm as vms
from ovis.agent.virt.complete import HostFacts, console_path
from ovis.agent.virt.link import CALL_SECONDS, Link, reason
from ovis.agent.virt.payload import remove_payloads
from ovis.agent.virt.vm import NO_PAUSE, Vm
from ovis.contract import statuses as st
from ovis.contract.errors import Code, VerbError
from ovis.contract.statuses import ExitCode, ExitReason

log = structlog.get_logger(__name__)
T = TypeVar("T")
_HOOK_SECONDS = 2.0  # after which a script that runs is told to engines
BOOT_SECONDS = 60.0  # a guest without an agent counts as up after this
_UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM
    | getattr(libvirt, "VIR_DOMAIN_UNDEFINE_KEEP_TPM", 0)
)


class Storage(Protocol):
    """What VMs need of the storage part."""

    async def volume_path(self, pool_id: str, domain_id: str, image_id: str, volume_id: str) -> Path:
        """The real path of a prepared volume; VerbError."""
        ...

    async def volume_format(self, pool_id: str, domain_id: str, image_id: str, volume_id: str) -> str:
        """raw or qcow2."""
        ...

    async def release(self, pool_id: str, domain_id: str, image_id: str, volume_id: str = "") -> None:
        """A VM does not use this image any more."""
        ...

    async def grown(self, pool_id: str, domain_id: str, image_id: str, volume_id: str, size: int) -> None:
        """QEMU made a volume grow under a guest."""
        ...

    def repo_stats(self) -> dict[str, Any]:
        """Host.getStats' storageDomains."""
        ...


class Guests:
    """All VMs. facts: asked anew for each start, so that bridges made meanwhile count."""

    def __init__(self, settings: AgentSettings, identity: Identity, link: Link, storage: Storage) -> None:
        self.settings, self.identity, self.link, self.storage = settings, identity, link, storage
        self.vms: dict[str, Vm] = {}
        self.publish: Publish = lambda event_id, body: None
        self.facts: Callable[[], Awaitable[HostFacts]]
        self.follow: Callable[[Vm], None] = lambda vm: None  # begins to ask the guest's agent
        self.hooks = Hooks(settings.hooks_dir, limit=settings.hook_seconds, places=settings.places)
        self.hooks.own = self._custom
        self.hooks.told = self._hook
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def records(self) -> Path:
        """Folder of the records."""
        return self.settings.run / "vms"

    def vm(self, vm_id: str) -> Vm:
        """A VM, or NO_SUCH_VM."""
        vm = self.vms.get(vm_id)
        if vm is None:
            raise VerbError(Code.NO_SUCH_VM, "Virtual machine does not exist")
        return vm

    def _custom(self, vm_id: str) -> dict[str, str]:
        vm = self.vms.get(vm_id)
        return vm.custom if vm is not None else {}

    def _hook(self, vm_id: str, running: Running | None) -> None:
        """Another script runs for a VM, or none any more: told if it takes its time."""
        vm = self.vms.get(vm_id)
        if vm is None:
            return
        before, vm.hook = vm.hook, running.row if running is not None else None
        if vm.hook_told and vm.hook != before:
            vm.hook_told = False
            self.tell(vm)
        if running is not None:
            asyncio.get_running_loop().call_later(_HOOK_SECONDS, self._slow, vm, vm.hook)

    def _slow(self, vm: Vm, row: dict[str, Any] | None) -> None:
        if row is not None and vm.hook is row:
            vm.hook_told = True
            self.tell(vm)

    def running(self, vm_id: str) -> Vm:
        """A VM that is not down, or the verb's error."""
        vm = self.vm(vm_id)
        if vm.down:
            raise VerbError(Code.VM_IS_DOWN, "Virtual machine is down")
        return vm

    async def ask(
        self, vm: Vm, code: int, work: Callable[..., T], *args: Any, timeout: float | None = CALL_SECONDS
    ) -> T:
        """`work(domain, *args)` in a thread; libvirt's refusal becomes VerbError `code`."""
        try:
            return await self.link.domain(vm.id, work, *args, timeout=timeout)
        except libvirt.libvirtError as err:
            raise VerbError(code, reason(err)) from err

    def spawn(self, life: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that is kept until it ends; its failure is logged."""
        task = asyncio.get_running_loop().create_task(life)
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            if not done.cancelled() and done.exception() is not None:
                log.error("a task failed", error=repr(done.exception()), exc_info=done.exception())

        task.add_done_callback(ended)
        return task

    async def stop(self) -> None:
        """End all tasks; guests go on."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- status --------------------------------------------------------------------------------------------------

    def add(self, vm: Vm) -> None:
        """Begin to know a VM."""
        vm.record.begun = vm.record.begun or time.time()
        vm.record.status_time = time.time()
        self.vms[vm.id] = vm
        self.keep(vm)

    def keep(self, vm: Vm) -> None:
        """Write the record down."""
        if self.vms.get(vm.id) is vm:
            vms.save(self.records, vm.record)

    def set(self, vm: Vm, status: str, *, pause_code: str = NO_PAUSE, always: bool = False) -> None:
        """Change a status, if it is another; tell everybody."""
        record = vm.record
        if vm.down and status != st.DOWN:
            return
        same = record.status == status and record.pause_code == pause_code
        if same and not always:
            return
        if record.status != status:
            record.status_time = time.time()
        record.status, record.pause_code = status, pause_code
        if status == st.UP:
            record.booted = True
        self.keep(vm)
        log.info("VM status", vm=vm.id, status=status, pause_code=pause_code)
        self.tell(vm)

    def tell(self, vm: Vm) -> None:
        """Send the VM's short row as an event."""
        if self.vms.get(vm.id) is vm:
            self.publish(f"|virt|VM_status|{vm.id}", {vm.id: short(vm, self.settings.address)})

    def awake(self, vm: Vm) -> None:
        """It runs: Up if its guest had booted, else Powering up."""
        self.set(vm, st.UP if vm.record.booted else st.POWERING_UP)

    def ended(self, vm: Vm, code: ExitCode, why: ExitReason, message: str) -> None:
        """The run is over: released, and Down until VM.destroy."""
        if vm.down:
            return
        record = vm.record
        record.exit_code, record.exit_reason, record.exit_message = int(code), int(why), message
        if vm.follower is not None:
            vm.follower.cancel()
        vm.guest, vm.stats = {}, {}
        vm.release = self.spawn(self.release(vm))
        log.info("VM ended", vm=vm.id, code=int(code), why=why.name, message=message)
        self.set(vm, st.DOWN)

    async def release(self, vm: Vm) -> None:
        """Give back what a run held; every part even if another fails."""
        with contextlib.suppress(VerbError):
            await self.link.call(_undefine, vm.id)
        await asyncio.to_thread(remove_payloads, self.settings.run, vm.id)
        Path(console_path(str(self.settings.run), vm.id)).unlink(missing_ok=True)
        for volume in vm.record.images:
            try:
                await self.storage.release(*volume)
            except VerbError as err:
                log.info("an image was not released", vm=vm.id, image=volume.image, error=err.message)

    def forget(self, vm: Vm) -> None:
        """Know a VM no more."""
        if self.vms.get(vm.id) is vm:
            del self.vms[vm.id]
            vms.forget(self.records, vm.id)

    async def refresh(self, vm: Vm) -> None:
        """Read the live XML anew; its hash and consoles follow."""
        xml = await self.link.domain(vm.id, lambda d: d.XMLDesc(0))
        vm.learn(xml)


def _undefine(connection: Any, vm_id: str) -> None:
    """Forget an inactive domain; one that runs (or is not there) is left."""
    try:
        domain = connection.lookupByUUIDString(vm_id)
        if not domain.isActive():
            domain.undefineFlags(_UNDEFINE)
    except libvirt.libvirtError as err:
        if err.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            log.warning("a domain was not undefined", vm=vm_id, error=reason(err))


def short(vm: Vm, address: str) -> dict[str, Any]:
    """The row of an event, and the beginning of one of statistics."""
    record = vm.record
    row: dict[str, Any] = {"status": record.status, "vmId": vm.id, "timeOffset": "0"}
    if vm.hook is not None:
        row["hook"] = vm.hook
    if vm.down:
        return row | {
            "exitCode": record.exit_code,
            "exitReason": record.exit_reason,
            "exitMessage": record.exit_message,
        }
    row |= {
        "hash": vm.devices.hash,
        "pauseCode": record.pause_code,
        "displayInfo": [
            {
                "type": d.type,
                "port": str(d.port),
                "tlsPort": str(d.tls_port),
                "ipAddress": address if d.address in ("", "0.0.0.0") else d.address,
            }
            for d in vm.devices.displays
        ],
        "clientIp": vm.client_ip,
    }
    if vm.watchdog is not None:
        row["watchdogEvent"] = vm.watchdog
    return row | vm.guest
