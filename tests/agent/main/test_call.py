"""`ovis-agent call` as administrators type it, against a served agent; secrets stay out of the command line."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.main.call import WrongArguments, note_place, params_of, place
from ovis.agent.rpc.server import server_context
from tests.agent.rack import Keys
from tests.agent.rpc.wire import House, house


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    identity = Keys().give(tmp_path / "data", "host")
    async with house(server_context(identity)) as found:
        note_place(tmp_path / "data", "127.0.0.1", found.port)
        yield found


async def run(tmp_path: Path, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """(status, stdout, stderr) of the program."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ovis.agent.main.program", "call", "--data", str(tmp_path / "data"), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_result_is_json_and_the_status_nought(at: House, tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, "Host.echo", "message=ä = {1}")
    assert (status, json.loads(out), err) == (0, "ä = {1}", "")
    assert json.loads((await run(tmp_path, "Host.ping2"))[1]) is True
    assert json.loads((await run(tmp_path, "Host.echo", '["by place"]'))[1]) == "by place"
    assert json.loads((await run(tmp_path, "Host.echo", '{"message": "x"}', "message=y"))[1]) == "y"


async def test_a_refusal_has_its_code_and_status_one(at: House, tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, "VM.getStats", "vmID=x")
    assert (status, out) == (1, "") and err == "ovis-agent: Virtual machine does not exist (code 1)\n"
    assert (await run(tmp_path, "Host.fly"))[0] == 1
    assert (await run(tmp_path, "Host.echo"))[2].endswith("misses message. (code -32603)\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Host.echo", "message"), "neither NAME=VALUE nor JSON"),
        (("Host.echo", "massage=x"), "it takes message"),
        (("Host.echo", "{"), "is no JSON"),
        (("Host.echo", "[1]", "message=x"), "stands alone"),
        (("Host.echo", "-"), "standard input is no JSON"),
        (("Host.fly", "?"), "there is no verb"),
    ],
)
async def test_wrong_arguments_have_status_two_and_nothing_is_called(
    at: House, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = await run(tmp_path, *arguments)
    assert (status, out) == (2, "") and said in err and "Traceback" not in err
    assert at.verbs.calls == []


async def test_secrets_come_on_standard_input(at: House, tmp_path: Path) -> None:
    status, out, err = await run(tmp_path, "Host.echo", "-", stdin='{"message": "secret"}')
    assert (status, json.loads(out), err) == (0, "secret", "")
    _, out, err = await run(tmp_path, "Host.echo", "-", stdin='{"message": "secret"')
    assert "secret" not in out + err


async def test_nobody_there_and_no_certificate_have_status_three(tmp_path: Path) -> None:
    status, _, err = await run(tmp_path, "Host.ping2")
    assert status == 3 and "no certificate" in err
    Keys().give(tmp_path / "data", "host")
    status, _, err = await run(tmp_path, "Host.ping2", "--host", "127.0.0.1", "--port", "1")
    assert status == 3 and "cannot be reached" in err


async def test_verbs_are_listed_and_explained_without_an_agent(tmp_path: Path) -> None:
    status, out, _ = await run(tmp_path, "list")
    assert status == 0 and "VM.create" in out.split()
    status, out, _ = await run(tmp_path, "Host.getDeviceList", "?")
    assert status == 0 and "guids?: list of text" in out and "-> list of BlockDeviceInfo" in out


VALUES: list[tuple[str, list[str], Any]] = [
    ("VM.pause", ["vmID=123"], {"vmID": "123"}),
    ("VM.setNumberOfCpus", ["vmID=a", "numberOfCpus=2"], {"vmID": "a", "numberOfCpus": 2}),
    ("Host.getVMList", ["fullStatus=true", 'vmList=["1"]'], {"fullStatus": True, "vmList": ["1"]}),
    ("Host.fenceNode", ["action=on", "policy={}"], {"action": "on", "policy": {}}),
    ("VM.shutdown", ["message={not json}"], {"message": "{not json}"}),
    ("Made.up", ["a=1", "b=x", 'c={"d": 2}'], {"a": 1, "b": "x", "c": {"d": 2}}),
]


@pytest.mark.parametrize(("method", "arguments", "params"), VALUES)
def test_values_are_read_by_the_verbs_declaration(method: str, arguments: list[str], params: Any) -> None:
    assert params_of(method, arguments, io.StringIO()) == params


def test_json_that_is_none_is_told() -> None:
    with pytest.raises(WrongArguments, match="is no JSON"):
        params_of("Host.getVMList", ["vmList=[1"], io.StringIO())


def test_where_to_call(tmp_path: Path) -> None:
    assert place(tmp_path, "", 0) == ("127.0.0.1", 54321)
    note_place(tmp_path, "0.0.0.0", 5)
    assert place(tmp_path, "", 0) == ("127.0.0.1", 5)
    note_place(tmp_path, "192.0.2.7", 54321)
    assert place(tmp_path, "", 0) == ("192.0.2.7", 54321)
    assert place(tmp_path, "h", 0) == ("h", 54321) and place(tmp_path, "", 9) == ("192.0.2.7", 9)
    (tmp_path / "listening").write_text("garbage")
    assert place(tmp_path, "", 0) == ("127.0.0.1", 54321)
