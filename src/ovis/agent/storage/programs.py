"""Programs that the storage room runs, each bounded in time and never outliving the agent.

Does: run, kill on time-out or cancellation, give back what was said. Does not: interpret (images, servers).
"""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Sequence
from functools import cache

_MOST_OUTPUT = 1 << 20


class ProgramFailed(Exception):
    """A program ended badly. status: None if it was stopped for time."""

    def __init__(self, program: str, status: int | None, said: str) -> None:
        super().__init__(f"{program}: {said}" if said else f"{program} ended with {status}")
        self.status = status
        self.said = said


@cache
def _leash() -> tuple[str, ...]:
    """The kernel ends the program with its parent, if util-linux can ask for that."""
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", "KILL", "--") if found else ()


async def run(
    argv: Sequence[str], *, limit: float, leash: bool = True, heard: Callable[[str], None] | None = None
) -> str:
    """Standard output of a program. heard: called with pieces of it as they come. ProgramFailed if it does not end well."""
    command = [*(_leash() if leash else ()), *argv]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
    except OSError as err:
        raise ProgramFailed(argv[0], -1, str(err)) from err
    assert process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.timeout(limit):
            out, said, _ = await asyncio.gather(
                _collect(process.stdout, heard), _collect(process.stderr, None), process.wait()
            )
    except TimeoutError as err:
        raise ProgramFailed(argv[0], None, f"no end after {limit:.0f} s") from err
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.shield(asyncio.wait_for(process.wait(), 10))
    if process.returncode != 0:
        raise ProgramFailed(argv[0], process.returncode, said.strip()[-2000:])
    return out


async def _collect(stream: asyncio.StreamReader, heard: Callable[[str], None] | None) -> str:
    kept: list[str] = []
    size = 0
    while piece := await stream.read(65536):
        text = piece.decode("utf-8", errors="replace")
        if heard is not None:
            heard(text)
        elif size < _MOST_OUTPUT:
            kept.append(text)
            size += len(text)
    return "".join(kept)


@cache
def _environment() -> dict[str, str]:
    """Plain messages, the usual paths."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin", "LC_ALL": "C.UTF-8"}
