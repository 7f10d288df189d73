"""What guests tell through qemu-guest-agent: addresses, names, system, file systems.

Does: ask each second until the agent answers (then the VM is up), later every five. A guest without an agent counts as
up after a minute. Follows: VDSM's guest agent keys in VM statistics.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any

import libvirt
import libvirt_qemu
import structlog

from ovis.agent.virt.guests import BOOT_SECONDS, Guests
from ovis.agent.virt.vm import Vm
from ovis.contract import statuses as st
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)
FIRST_SECONDS = 1.0
POLL_SECONDS = 5.0
_ANSWER_SECONDS = 3
_LONG_SECONDS = 60.0  # between looks at what seldom changes
_WAITING = (st.POWERING_UP,)
_ASKED = (st.UP, st.POWERING_UP, st.REBOOT_IN_PROGRESS, st.POWERING_DOWN, st.MIGRATION_SOURCE)


def ask(domain: Any, command: str) -> Any:
    """One command's `return` (blocks); libvirtError if nobody answers."""
    answer = libvirt_qemu.qemuAgentCommand(domain, json.dumps({"execute": command}), _ANSWER_SECONDS, 0)
    return json.loads(answer).get("return")


def interfaces(found: Any) -> list[dict[str, Any]]:
    """guest-network-get-interfaces as VDSM's netIfaces. Pure."""
    nics = []
    for nic in found or ():
        addresses = nic.get("ip-addresses") or ()
        nics.append(
            {
                "name": nic.get("name", ""),
                "hw": nic.get("hardware-address", ""),
                "inet": [a["ip-address"] for a in addresses if a.get("ip-address-type") == "ipv4"],
                "inet6": [a["ip-address"] for a in addresses if a.get("ip-address-type") == "ipv6"],
            }
        )
    return nics


def guest_row(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What statistics say of a guest, from the agent's answers by command. Pure."""
    nics = interfaces(asked.get("guest-network-get-interfaces"))
    outside = [n for n in nics if n["name"] != "lo"]
    addresses = [a for n in outside for a in n["inet"]] + [
        a for n in outside for a in n["inet6"] if not a.lower().startswith("fe80")
    ]
    name = (asked.get("guest-get-host-name") or {}).get("host-name", "")
    system = asked.get("guest-get-osinfo") or {}
    row: dict[str, Any] = {
        "guestIPs": " ".join(addresses),
        "guestFQDN": name,
        "guestName": name.split(".")[0],
        "netIfaces": outside,
        "username": "None",
        "session": "Unknown",
        "disksUsage": _disks(asked.get("guest-get-fsinfo")),
        "appsList": _programs(asked, system),
    }
    if system:
        row["guestOs"] = system.get("kernel-release", "")
        row["guestOsInfo"] = {
            "type": "windows" if system.get("id") == "mswindows" else "linux",
            "arch": system.get("machine", ""),
            "kernel": system.get("kernel-release", ""),
            "distribution": system.get("name", ""),
            "version": system.get("version-id", ""),
            "codename": system.get("variant", ""),
        }
    return row


def _disks(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "path": fs.get("mountpoint", ""),
            "fs": fs.get("type", ""),
            "total": fs["total-bytes"],
            "used": fs.get("used-bytes", 0),
        }
        for fs in found or ()
        if "total-bytes" in fs
    ]


def _programs(asked: Mapping[str, Any], system: Mapping[str, Any]) -> list[str]:
    found = []
    version = (asked.get("guest-info") or {}).get("version")
    if version:
        found.append(f"qemu-guest-agent-{version}")
    if system.get("kernel-release"):
        found.append(f"kernel-{system['kernel-release']}")
    return found


class GuestAgents:
    """One follower a running VM."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    def follow(self, vm: Vm) -> None:
        """Begin, if nobody does yet."""
        if vm.follower is None or vm.follower.done():
            vm.started_at = time.monotonic()
            vm.follower = self._guests.spawn(self._follow(vm))

    async def _follow(self, vm: Vm) -> None:
        seldom: dict[str, Any] = {}
        seldom_at = -_LONG_SECONDS
        while not vm.down and self._guests.vms.get(vm.id) is vm:
            answered = False
            if vm.devices.agent and vm.status in _ASKED:
                now = time.monotonic()
                try:
                    await self._ask(vm, "guest-ping")
                    if vm.agent_at == 0.0 or now - seldom_at >= _LONG_SECONDS:
                        seldom = await self._several(vm, "guest-info", "guest-get-osinfo", "guest-get-fsinfo")
                        seldom_at = now
                    often = await self._several(vm, "guest-network-get-interfaces", "guest-get-host-name")
                    answered = True
                    self._heard(vm, guest_row({**seldom, **often}), often, now)
                except (VerbError, libvirt.libvirtError) as err:
                    log.debug("no guest agent yet", vm=vm.id, error=str(err))
            if not answered and vm.status in _WAITING and time.monotonic() - vm.started_at >= BOOT_SECONDS:
                self._guests.set(vm, st.UP)
            complete = answered and bool(vm.guest.get("guestIPs") or not vm.devices.nics)
            waits = vm.devices.agent and (vm.agent_at == 0.0 or not complete) and vm.status in _ASKED
            young = time.monotonic() - vm.started_at < 2 * BOOT_SECONDS
            await asyncio.sleep(FIRST_SECONDS if (waits and young) or vm.status in _WAITING else POLL_SECONDS)

    async def _ask(self, vm: Vm, command: str) -> Any:
        return await self._guests.link.domain(vm.id, ask, command, timeout=_ANSWER_SECONDS + 5)

    async def _several(self, vm: Vm, *commands: str) -> dict[str, Any]:
        """Answers by command; what an agent does not know is left out."""
        found = {}
        for command in commands:
            with contextlib.suppress(libvirt.libvirtError):
                found[command] = await self._ask(vm, command)
        return found

    def _heard(self, vm: Vm, row: dict[str, Any], often: Mapping[str, Any], asked_at: float) -> None:
        if asked_at <= vm.rebooted_at:
            return  # the guest rebooted meanwhile: this was the old one
        vm.agent_at = time.monotonic()
        if "guest-network-get-interfaces" not in often:  # it went away between two questions
            row = {**row, **{k: vm.guest[k] for k in ("netIfaces", "guestIPs") if k in vm.guest}}
        changed = row != vm.guest
        vm.guest = row
        if vm.status in _WAITING:
            self._guests.set(vm, st.UP)
        elif changed and vm.status in (st.UP, st.POWERING_DOWN):
            self._guests.tell(vm)
