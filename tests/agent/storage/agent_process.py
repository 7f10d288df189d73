"""A host's storage in a process of its own, to be killed: `python agent_process.py DATA NUMBER`.

Reads one JSON list [verb, parameters] a line, answers one JSON object a line. `contend`: elections against others.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ovis.contract.errors import VerbError
from tests.agent.storage.lab import Host


async def contend(host: Host, election: dict[str, Any], log: Path, until: float) -> None:
    """Become manager, note it, stop; again and again."""
    pool = {"storagepoolID": election["storagepoolID"]}

    def note(what: str) -> None:
        line = f"{time.monotonic():.6f} {os.getpid()} {what}\n".encode()
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(descriptor, line)
        os.close(descriptor)

    while time.monotonic() < until:
        status = await host.outcome("StoragePool.spmStart", **election)
        if status["code"] == 0:
            note("in")
            await asyncio.sleep(0.02)
            if (await host.call("StoragePool.getSpmStatus", **pool))["spmStatus"] != "SPM":
                note("lost")
            note("out")
            await host.call("StoragePool.spmStop", **pool)
        await asyncio.sleep(0.005)


async def main(data: str, number: str) -> None:
    host = await Host(Path(data), int(number)).start()
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        verb, params = json.loads(line)
        answer: dict[str, Any]
        try:
            if verb == "contend":
                await contend(host, params["election"], Path(params["log"]), time.monotonic() + params["seconds"])
                answer = {"result": None}
            elif verb == "end":
                answer = {"result": dict(await host.end(params["task"]))}
            else:
                answer = {"result": await host.call(verb, **params)}
        except VerbError as err:
            answer = {"code": err.code, "message": err.message}
        sys.stdout.write("\n=" + json.dumps(answer) + "\n")
        sys.stdout.flush()
    await host.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
