"""A guest's desktop: log in, lock, log off, through the oVirt guest agent.

Does: one line of JSON into the agent's channel, if the VM has one and the guest has opened it; else a clear refusal. The
QEMU guest agent knows no desktops. Does not: read the channel, or log what is sent.
Follows: oVirt's guest agent: names and arguments of its messages.
"""

import asyncio
import json
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from ovis.agent.virt.guests import Guests
from ovis.contract.errors import Code, VerbError

CHANNELS = ("ovirt-guest-agent.0", "com.redhat.rhevm.vdsm")
_SECONDS = 5.0


def channel_of(live: Element) -> str:
    """The socket of the guest agent's channel. VerbError GUEST_AGENT_SILENT if there is none, or nobody in it. Pure."""
    for channel in live.findall("devices/channel"):
        target, source = channel.find("target"), channel.find("source")
        if target is None or source is None or target.get("name") not in CHANNELS:
            continue
        if target.get("state") == "connected" and source.get("path"):
            return source.get("path") or ""
        raise VerbError(Code.GUEST_AGENT_SILENT, "The guest has no oVirt guest agent that listens.")
    raise VerbError(Code.GUEST_AGENT_SILENT, "The VM has no channel of the oVirt guest agent.")


class DesktopVerbs:
    """The verbs."""

    def __init__(self, guests: Guests) -> None:
        self._guests = guests

    async def vm_desktop_login(self, vmID: str, domain: str, username: str, password: str) -> None:
        """Log a user in at the guest's console."""
        user = f"{username}@{domain}" if domain else str(username)
        await self._say(vmID, "login", username=user, password=str(password))

    async def vm_desktop_lock(self, vmID: str) -> None:
        """Lock the screen."""
        await self._say(vmID, "lock-screen")

    async def vm_desktop_logoff(self, vmID: str, force: Any = False) -> None:
        """End the session."""
        await self._say(vmID, "log-off")

    async def vm_desktop_send_hc_command(self, vmID: str, message: str) -> None:
        """Any other message by its name."""
        await self._say(vmID, str(message))

    async def _say(self, vm_id: str, name: str, **given: str) -> None:
        vm = self._guests.running(vm_id)
        xml = await self._guests.ask(vm, Code.GUEST_AGENT_SILENT, lambda d: d.XMLDesc(0))
        await say(channel_of(fromstring(xml)), {"__name__": name, **given})


async def say(path: str, message: dict[str, str]) -> None:
    """One line into a channel."""
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(json.dumps(message).encode() + b"\n")
                await writer.drain()
            finally:
                writer.close()
    except (OSError, TimeoutError) as err:
        raise VerbError(Code.GUEST_AGENT_SILENT, "The guest agent's channel cannot be written to.") from err
