"""Serial lines of real guests through the agent's port: QEMU's socket, and libvirt's stream where the line is a terminal."""

import asyncio
import json
import re
from xml.etree.ElementTree import fromstring

import pytest

from ovis.agent.main.identity import Identity
from ovis.agent.virt.console import line_of
from ovis.contract.consoles import Ask, accepted, request
from ovis.contract.errors import Code
from tests.agent.rack import PORT, Agent, Lab, create, domain
from tests.agent.rpc.wire import Raw

LIMIT = 60.0


async def dial(agent: Agent, ask: Ask) -> Raw:
    context = Identity(agent.rack.dir / "engine").client_context()
    raw = Raw(*await asyncio.open_connection(agent.address, PORT, ssl=context))
    await raw.say(request(ask, agent.address))
    return raw


async def ticking(raw: Raw) -> None:
    """The guest's ticks come."""
    assert await raw.exactly(len(accepted())) == accepted()
    found = 0
    while found < 2:  # what the firmware says comes first
        found += re.fullmatch(rb"\d{4}\r?\n", await raw.reader.readuntil(b"\n")) is not None


async def refusal(raw: Raw) -> tuple[int, str]:
    told = json.loads((await raw.hung_up()).partition(b"\r\n\r\n")[2])
    return told["code"], told["message"]


@pytest.mark.long  # QEMU's socket is seen in the browser's test, too
async def test_a_serial_line_is_one_clients_as_a_socket_and_as_a_terminal(lab: Lab) -> None:
    async with lab.clients("h1") as (client,), asyncio.timeout(3 * LIMIT):
        for terminal in (False, True):
            vm_id, xml = domain(disks=[await lab.guest(client)])
            if terminal:  # what a hook, or another manager, may have made
                xml = re.sub(r'<(console|serial) type="unix"', r'<\1 type="pty"', xml)
                xml = re.sub(r'<source path="[^"]*\.sock" mode="bind" ?/>', "", xml)
            await create(client, vm_id, xml)
            await client.until(vm_id, "Powering up")
            live = fromstring((await client("Host.dumpxmls", vmList=[vm_id]))[vm_id])
            assert line_of(live)[0] == ("pty" if terminal else "unix")
            first = await dial(client.agent, Ask(vm_id, "serial"))
            await ticking(first)
            code, message = await refusal(await dial(client.agent, Ask(vm_id, "serial")))
            assert (code, "Somebody else" in message) == (Code.UNAVAILABLE, True)
            second = await dial(client.agent, Ask(vm_id, "serial", take=True))
            await ticking(second)
            await first.hung_up()
            await second.say(b"keys go the other way\r" * 50)
            await second.close()
            for _ in range(100):  # whoever hung up is gone at once, as seen from here
                third = await dial(client.agent, Ask(vm_id, "serial"))
                if await third.exactly(12) == accepted()[:12]:
                    break
                await asyncio.sleep(0.1)
            await third.reader.readuntil(b"\n")
            await client("VM.destroy", vmID=vm_id)
            await third.hung_up()
        assert (await refusal(await dial(client.agent, Ask(vm_id, "serial"))))[0] == Code.NO_SUCH_VM
