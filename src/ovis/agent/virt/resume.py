"""Guests that a storage fault paused: resumed once the storage works again, left, or ended, as their rule says.

Does: look at paused guests now and then. `auto_resume` goes on when its storage answers and has room again; `leave_paused`
waits for a person; `kill` goes on if that comes in time, else the guest is ended, so that it can be started elsewhere.
Does not: touch a guest that a user paused. Follows: VDSM's resumeBehavior; 80 s until `kill` acts.
"""

import asyncio
import time
from typing import Any, Protocol
from xml.etree.ElementTree import fromstring

import libvirt
import structlog

from ovis.agent.virt.complete import metadata_text
from ovis.agent.virt.guests import Guests
from ovis.agent.virt.link import reason
from ovis.agent.virt.vm import Vm
from ovis.contract import statuses as st
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)
KILL_SECONDS = 80.0
ROOM = 16 << 20  # free bytes below which a full storage counts as full
_LOOK_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
FAULTS = frozenset(("ENOSPC", "EIO", "EPERM", "EOTHER"))


class Storage(Protocol):
    """What is asked of the storage part."""

    async def space(self, domain_id: str) -> tuple[int, int]:
        """(total, free) bytes; VerbError if the domain cannot be read."""
        ...


def rule_of(xml: str) -> str:
    """The VM's rule. Pure."""
    return metadata_text(fromstring(xml), "resumeBehavior", "auto_resume") if xml else "auto_resume"


def verdict(rule: str, paused_seconds: float, *, works: bool) -> str:
    """`resume`, `kill` or `wait`. Pure. works: its storage answers, and has room if that was the fault."""
    if rule == "leave_paused":
        return "wait"
    if rule == "kill" and paused_seconds >= KILL_SECONDS:
        return "kill"
    return "resume" if works else "wait"


class Resumer:
    """Looks for ever. Of a guest that stops again at once, the next try waits longer."""

    def __init__(self, guests: Guests, storage: Storage) -> None:
        self._guests, self._storage = guests, storage
        self._tries: dict[str, tuple[float, float]] = {}  # VM -> (not before, the pause after the next)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for vm in list(self._guests.vms.values()):
                if vm.status == st.PAUSED and vm.record.pause_code in FAULTS and not vm.destroying and not vm.held:
                    await self._look(vm)
                elif vm.status != st.PAUSED and vm.id in self._tries:
                    before, wait = self._tries[vm.id]
                    if time.monotonic() - before > wait:
                        del self._tries[vm.id]

    async def _look(self, vm: Vm) -> None:
        try:
            works = await self._works(vm)
            what = verdict(rule_of(vm.xml), time.time() - vm.record.status_time, works=works)
            if what == "kill":
                await self._end(vm)
            elif what == "resume" and time.monotonic() >= self._tries.get(vm.id, (0.0, 0.0))[0]:
                await self._resume(vm)
        except (VerbError, libvirt.libvirtError) as err:
            log.info("a paused guest cannot be helped now", vm=vm.id, error=reason(err))

    async def _works(self, vm: Vm) -> bool:
        for domain_id in {volume.domain for volume in vm.record.images if volume.domain}:
            try:
                _, free = await self._storage.space(domain_id)
            except VerbError:
                return False
            if vm.record.pause_code == "ENOSPC" and free < ROOM:
                return False
        return True

    async def _resume(self, vm: Vm) -> None:
        _, wait = self._tries.get(vm.id, (0.0, _FIRST_PAUSE))
        self._tries[vm.id] = time.monotonic() + wait, min(wait * 2, _LONGEST_PAUSE)
        log.info("storage works again: the guest goes on", vm=vm.id, fault=vm.record.pause_code)
        vm.io_error = ""
        await self._guests.link.domain(vm.id, _go_on)
        if vm.status == st.PAUSED and not vm.io_error:
            vm.started_at = time.monotonic()
            self._guests.awake(vm)
        self._guests.follow(vm)

    async def _end(self, vm: Vm) -> None:
        log.warning("the guest was paused for too long", vm=vm.id, fault=vm.record.pause_code)
        vm.record.asked = "pause"  # what its end, when libvirt tells it, is for
        self._guests.keep(vm)
        await self._guests.link.domain(vm.id, lambda d: d.destroy(), timeout=60)


def _go_on(domain: Any) -> None:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
