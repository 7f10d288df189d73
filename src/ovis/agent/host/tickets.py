"""Tickets of image transfers: who may read or write which image through ovirt-imageio, and how long.

Does: pass them on to the daemon's control socket on this host. Does not: run that daemon or move data.
Follows: VDSM's verbs and ovirt-imageio's control interface (PUT, GET, PATCH and DELETE of /tickets/ID).
"""

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from ovis.agent.virt.link import in_thread
from ovis.contract.errors import Code, VerbError

SOCKET = Path("/run/ovirt-imageio/sock")
_SECONDS = 10.0


class _Control(http.client.HTTPConnection):
    """HTTP over a socket of this host."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def _id(value: Any) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError as err:
        raise VerbError(Code.INVALID_PARAMETER, "The uuid of a ticket is no UUID.") from err


class TicketVerbs:
    """The verbs. path: the daemon's control socket."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = path

    async def host_add_image_ticket(self, ticket: Mapping[str, Any]) -> None:
        """Allow a transfer; the same ticket again takes its new values."""
        await self._ask("PUT", _id(ticket.get("uuid")), dict(ticket))

    async def host_get_image_ticket(self, uuid: str) -> dict[str, Any]:
        """A ticket, and how far its transfer is."""
        found: dict[str, Any] = await self._ask("GET", _id(uuid))
        return found

    async def host_extend_image_ticket(self, uuid: str, timeout: Any) -> None:
        """So many seconds from now on."""
        try:
            seconds = int(timeout)
        except (TypeError, ValueError) as err:
            raise VerbError(Code.INVALID_PARAMETER, "timeout is no number of seconds.") from err
        await self._ask("PATCH", _id(uuid), {"timeout": seconds})

    async def host_remove_image_ticket(self, uuid: str) -> None:
        """Forbid it from now on; one that is not there is no error."""
        await self._ask("DELETE", _id(uuid))

    async def _ask(self, method: str, ticket: str, body: Any = None) -> Any:
        return await in_thread(self._request, method, ticket, body)

    def _request(self, method: str, ticket: str, body: Any) -> Any:
        control = _Control(self._path)
        try:
            text = json.dumps(body) if body is not None else None
            control.request(method, f"/tickets/{ticket}", text, {"Content-Type": "application/json"})
            answer = control.getresponse()
            data = answer.read()
        except (FileNotFoundError, ConnectionRefusedError) as err:
            raise VerbError(Code.IMAGE_TICKETS, "ovirt-imageio does not run on this host.") from err
        except (OSError, http.client.HTTPException) as err:
            raise VerbError(Code.IMAGE_TICKETS, f"ovirt-imageio did not answer: {err}") from err
        finally:
            control.close()
        if answer.status >= 300 and not (method == "DELETE" and answer.status == 404):
            said = data.decode(errors="replace").strip()[:300]
            raise VerbError(Code.IMAGE_TICKETS, f"ovirt-imageio refused ({answer.status}): {said or answer.reason}")
        try:
            return json.loads(data) if data and method == "GET" else None
        except ValueError as err:
            raise VerbError(Code.IMAGE_TICKETS, "ovirt-imageio's answer is no JSON.") from err
