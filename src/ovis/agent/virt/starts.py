"""Hooks around the start of a VM, and the flags that they may start it with.

Does: run before_device_create, then before_vm_start on the whole document; after_vm_start, then after_device_create. Does
not: define or start anything.
Follows: VDSM: libvirt's start flags lie in RUN/VMID/launchflags from before the first hook until after the last; what the
file holds then is what the domain is started with. RUN is /run/vdsm, or the agent's own folder if it is not root.
"""

import asyncio
import os
import pwd
from xml.etree.ElementTree import tostring

import structlog

from ovis.agent.hooks import POINTS, HookError, Hooks
from ovis.agent.hooks.calls import create_devices, each_device
from ovis.agent.hooks.documents import element_of
from ovis.agent.virt import complete as documents
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.vm import Vm
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
_POINTS = (
    "before_device_create",
    "before_vm_start",
    "after_vm_start",
    "after_device_create",
    "before_vm_dehibernate",
    "after_vm_dehibernate",
)


def has_scripts(hooks: Hooks) -> bool:
    """Whether any hook runs at a start."""
    return any(hooks.scripts(point) for point in _POINTS)


async def before_start(guests: Guests, vm: Vm, xml: str, flags: int) -> tuple[str, int]:
    """(document, libvirt's flags) that hooks want. HookError, or CREATE_FAILED if what they left is not this VM."""
    hooks = guests.hooks
    await asyncio.to_thread(_write_flags, guests, vm.id, flags)
    root = documents.read(xml)
    vm.xml = xml
    await create_devices(hooks, root, vm.id, vm.custom)
    if hooks.scripts("before_device_create"):
        xml = vm.xml = tostring(root, encoding="unicode")
    try:
        xml = await hooks.domain("before_vm_start", xml, vm_id=vm.id)
    except HookError as err:
        if element_of(err.document) is not None:
            vm.xml = err.document
        raise
    vm.xml = _checked(vm, xml)
    return xml, await asyncio.to_thread(_read_flags, guests, vm.id)


def _checked(vm: Vm, xml: str) -> str:
    """A document that is still this VM's. Libvirt takes it as it is, whatever declares its namespaces."""
    try:
        root = documents.read(xml)
    except VerbError as err:
        raise HookError(POINTS["before_vm_start"], f"before_vm_start: {err.message}", xml) from err
    if root.tag != "domain" or root.findtext("uuid") != vm.id or not documents.is_ours(root):
        message = "before_vm_start: what its scripts left is not this VM: its uuid and metadata must stay."
        raise VerbError(Code.HOOK_ERROR, message)
    return xml


async def after_start(guests: Guests, vm: Vm, live: str) -> None:
    """The domain runs; the VM is not up for others yet."""
    vm.learn(live)
    await guests.hooks.domain("after_vm_start", live, vm_id=vm.id)
    await each_device(guests.hooks, "after_device_create", live, vm.id)
    await asyncio.to_thread(forget_flags, guests, vm.id)


# -- start flags --------------------------------------------------------------------------------------------------


def _write_flags(guests: Guests, vm_id: str, flags: int) -> None:
    folder = guests.settings.vdsm_run / vm_id
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "launchflags"
    file.write_text(str(flags), encoding="ascii")
    if os.geteuid() == 0:
        try:
            owner = pwd.getpwnam("vdsm")
        except KeyError:
            return
        for path in (folder, file):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _read_flags(guests: Guests, vm_id: str) -> int:
    file = guests.settings.vdsm_run / vm_id / "launchflags"
    try:
        return int(file.read_text(encoding="ascii").strip() or 0)
    except FileNotFoundError:
        return 0
    except ValueError as err:
        raise VerbError(Code.HOOK_ERROR, f"{file} holds no flags: a hook spoilt it") from err


def forget_flags(guests: Guests, vm_id: str) -> None:
    """The start is over."""
    folder = guests.settings.vdsm_run / vm_id
    (folder / "launchflags").unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as err:
        log.debug("a run folder stays", vm=vm_id, error=str(err))
