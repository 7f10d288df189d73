"""Reading the agent's own OVSDB: one question over its socket. Blocks for a millisecond.

Does: select columns of a table; bridges with their ports. Does not: write (ovs-vsctl waits until the switch has followed).
Follows: RFC 7047.
"""

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from ovis.agent.network.ovs_layout import Bridges
from ovis.agent.network.request import BAD_VLAN
from ovis.contract.errors import VerbError

_SECONDS = 10.0


def plain(value: Any) -> Any:
    """A column's value as Python's: sets and maps are tagged pairs on the wire. Pure."""
    if isinstance(value, list) and len(value) == 2:
        if value[0] == "set":
            return [plain(v) for v in value[1]]
        if value[0] == "map":
            return {str(plain(k)): plain(v) for k, v in value[1]}
        if value[0] == "uuid":
            return str(value[1])
    return value


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Database:
    """One database's socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def select(self, table: str, *columns: str) -> list[dict[str, Any]]:
        """All rows. VerbError if the server does not answer."""
        question = {"op": "select", "table": table, "where": [], "columns": [*columns]}
        asked = {"method": "transact", "params": ["Open_vSwitch", question], "id": 1}
        try:
            answer = self._ask(json.dumps(asked).encode())
            rows = answer["result"][0]["rows"]
        except (OSError, ValueError, LookupError, TypeError) as err:
            raise VerbError(BAD_VLAN, f"The switch's database does not answer: {err}") from err
        return [{k: plain(v) for k, v in row.items()} for row in rows]

    def _ask(self, data: bytes) -> Any:
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_SECONDS)
                link.connect(f"/proc/self/fd/{folder}/{self._path.name}")  # of any length that way
                link.sendall(data)
                found = b""
                while part := link.recv(65536):
                    found += part
                    with contextlib.suppress(ValueError):
                        return json.loads(found)
        finally:
            os.close(folder)
        raise OSError("it hung up")

    def bridges(self) -> Bridges:
        """Bridge -> port -> names of its interfaces."""
        interfaces = {str(r["_uuid"]): str(r["name"]) for r in self.select("Interface", "_uuid", "name")}
        ports = {
            str(r["_uuid"]): (str(r["name"]), tuple(interfaces[i] for i in _several(r["interfaces"])))
            for r in self.select("Port", "_uuid", "name", "interfaces")
        }
        return {
            str(r["name"]): dict(ports[p] for p in _several(r["ports"])) for r in self.select("Bridge", "name", "ports")
        }
