"""Host.fenceNode: the power of another host, by the program of a fence agent.

Does: ask `fence_NAME`, all by its standard input, so that no password is in the list of processes; spare a host whose signs
of life on storage are seen, if the engine wants that. Does not: know hosts.
Follows: VDSM's verb; the interface of the fence-agents packages.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
FENCE_SECONDS = 100.0
_OFF = 2  # exit status of `status`
Lives = Callable[[Mapping[str, Any]], Awaitable[bool]]


class FenceVerbs:
    """The verb. lives: whether a host beats in these storage domains."""

    def __init__(self, lives: Lives) -> None:
        self._lives = lives

    async def host_fence_node(
        self,
        addr: str,
        port: Any,
        agent: str,
        username: str,
        password: str,
        action: str,
        secure: Any = False,
        options: str = "",
        policy: Any = None,
    ) -> dict[str, Any]:
        """on, off, reboot or status."""
        name = str(agent)
        program = shutil.which(f"fence_{name}") if name.replace("_", "").isalnum() else None
        if program is None:
            raise VerbError(Code.GENERAL, f"Fence agent {name[:40]!r} is not installed on this host.")
        if action not in ("on", "off", "reboot", "status"):
            raise VerbError(Code.INVALID_PARAMETER, f"{action[:20]!r} is nothing that is done to a power.")
        leases = policy.get("storageDomainHostIdMap") if isinstance(policy, Mapping) else None
        if action in ("off", "reboot") and isinstance(leases, Mapping) and await self._lives(leases):
            return {"power": "unknown", "operationStatus": "skipped"}
        status, said = await _run(program, fence_input(addr, port, username, password, action, secure, options))
        if action == "status" and status in (0, _OFF):
            return {"power": "on" if status == 0 else "off", "operationStatus": "initiated"}
        if status:
            raise VerbError(
                Code.GENERAL, f"Fence agent {name} failed: {said[-300:].strip() or f'it ended with {status}'}"
            )
        return {"power": "unknown", "operationStatus": "initiated"}


async def _run(program: str, text: str) -> tuple[int, str]:
    """(exit status, what it complained of)."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(FENCE_SECONDS):
            _, stderr = await process.communicate(text.encode())
    except TimeoutError as err:
        process.kill()
        await process.wait()
        raise VerbError(Code.GENERAL, f"{program} did not answer.") from err
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line and "Ignoring unknown" not in line]
    return process.returncode or 0, "\n".join(lines)


def fence_input(addr: str, port: Any, user: str, password: str, action: str, secure: Any, options: str) -> str:
    """What a fence agent reads from its standard input. Pure."""
    lines = [f"ipaddr={addr}", f"login={user}", f"passwd={password}", f"action={action}"]
    if str(port or "") not in ("", "0"):
        lines.append(f"ipport={port}")
    if str(secure).lower() in ("true", "1", "yes"):
        lines.append("secure=yes")
    lines += [line for line in str(options or "").splitlines() if "=" in line]
    if any("\r" in line or "\n" in line for line in lines):
        raise VerbError(Code.INVALID_PARAMETER, "Values of a fence agent are on one line.")
    return "\n".join(lines) + "\n"
