"""JSON-RPC inside the frames, seen at the socket."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ovis.agent.rpc import connection
from ovis.contract.errors import Code
from tests.agent.rpc.wire import EVENTS, House, Raw, call, house


@pytest.fixture
async def at() -> AsyncIterator[House]:
    async with house() as found:
        yield found


@pytest.fixture
async def client(at: House) -> Raw:
    return await at.client()


async def test_the_answers_frame(client: Raw) -> None:
    await client.request(call("Host.echo", {"message": "hello"}, "a-1"))
    frame = await client.frame()
    length = frame.headers.pop("content-length")
    assert frame.command == "MESSAGE" and int(length) == len(frame.body)
    assert frame.headers == {"destination": "answers", "content-type": "application/json", "subscription": "1"}
    assert json.loads(frame.body) == {"jsonrpc": "2.0", "id": "a-1", "result": "hello"}


async def test_a_verb_without_a_result_answers_true(client: Raw) -> None:
    assert await client.ask(call("Host.ping2")) == {"jsonrpc": "2.0", "id": "1", "result": True}


@pytest.mark.parametrize(
    "destination",
    [
        "jms.topic.vdsm_requests",
        "jms.topic.vdsm_irs_requests",
        "jms.topic.vdsm_requests.some.child",
        "jms.topic.vdsm_irs_requests.x",
    ],
)
async def test_all_request_queues_and_names_below_them_are_answered(client: Raw, destination: str) -> None:
    assert (await client.ask(call("Host.ping2"), destination=destination))["result"] is True


@pytest.mark.parametrize("id_", ["text", "", 7, 0, -1, 1.5, True, ["a"], {"b": 1}, "ä|:\n"])
async def test_ids_of_any_kind_come_back(client: Raw, id_: Any) -> None:
    assert (await client.ask(call("Host.ping2", None, id_)))["id"] == id_


async def test_parameters_by_name_by_place_and_none(client: Raw) -> None:
    assert (await client.ask(call("Host.echo", {"message": "x"})))["result"] == "x"
    assert (await client.ask(call("Host.echo", ["y"])))["result"] == "y"
    assert (await client.ask({"jsonrpc": "2.0", "method": "Host.ping2", "params": None, "id": 1}))["result"] is True


async def test_a_batch_of_one_is_answered_by_an_object(client: Raw) -> None:
    assert await client.ask([call("Host.ping2", [], "only")]) == {"jsonrpc": "2.0", "id": "only", "result": True}


async def test_a_batch_of_several_is_answered_by_a_list(client: Raw) -> None:
    found = await client.ask([call("Host.ping2", None, 1), call("Host.echo", {"message": "m"}, 2), 5])
    assert [row.get("id") for row in found] == [1, 2, None]
    assert found[2]["error"]["code"] == Code.INVALID_REQUEST


async def test_notifications_are_done_and_not_answered(at: House, client: Raw) -> None:
    await client.request({"jsonrpc": "2.0", "method": "Host.echo", "params": {"message": "quiet"}})
    await client.request([{"jsonrpc": "2.0", "method": "Host.fly"}, {"jsonrpc": "2.0", "method": "Host.ping2"}])
    assert (await client.ask(call("Host.ping2", None, "last")))["id"] == "last"
    assert ("echo", "quiet") in at.verbs.calls and len([c for c in at.verbs.calls if c[0] == "ping2"]) == 2


async def test_a_batch_answers_only_what_asked(client: Raw) -> None:
    mixed = [{"jsonrpc": "2.0", "method": "Host.ping2"}, call("Host.echo", {"message": "m"}, 2)]
    assert await client.ask(mixed) == {"jsonrpc": "2.0", "id": 2, "result": "m"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", Code.PARSE),
        ("", Code.PARSE),
        ('{"jsonrpc": "2.0", "method": "Host.ping2", "id": 1} more', Code.PARSE),
        ("[" * 100_000, Code.PARSE),
        ("[]", Code.INVALID_REQUEST),
        ("5", Code.INVALID_REQUEST),
        ("null", Code.INVALID_REQUEST),
        ('{"method": "Host.ping2", "id": 1}', Code.INVALID_REQUEST),
        ('{"jsonrpc": "1.0", "method": "Host.ping2", "id": 1}', Code.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "method": 5, "id": 1}', Code.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": 1}', Code.INVALID_REQUEST),
        (json.dumps(call("Host.fly")), Code.UNKNOWN_METHOD),
        (json.dumps(call("Host.echo", "text")), Code.INVALID_PARAMS),
        (json.dumps(call("Host.echo", 0)), Code.INVALID_PARAMS),
        (json.dumps(call("Host.echo", ["a", "b"])), Code.INVALID_PARAMS),
        (json.dumps(call("Host.echo", {})), Code.INTERNAL),
        (json.dumps(call("Host.setLogLevel", {"level": "INFO"})), Code.INTERNAL),
        (json.dumps(call("Host.echo", {"message": []})), Code.INVALID_PARAMETER),
        (json.dumps(call("VM.getStats", {"vmID": "x"})), Code.NO_SUCH_VM),
        (json.dumps(call("VM.pause", {"vmID": "x"})), Code.NOT_IMPLEMENTED),
    ],
)
async def test_errors_have_their_code_and_the_connection_stays(client: Raw, body: str, code: Code) -> None:
    found = await client.ask(body)
    assert found["error"]["code"] == code and found["error"]["message"] and "result" not in found
    assert "Traceback" not in found["error"]["message"]
    assert (await client.ask(call("Host.ping2")))["result"] is True


async def test_bytes_that_are_no_utf_8_are_no_json(client: Raw) -> None:
    await client.say(b"SEND\ndestination:jms.topic.vdsm_requests\nreply-to:answers\ncontent-length:4\n\n\xff\xfe{}\0")
    assert (await client.message())["error"]["code"] == Code.PARSE


async def test_while_recovering_every_verb_is_99_and_events_wait(at: House, client: Raw) -> None:
    await client.subscribe("2", EVENTS)
    at.driver.recovering = True
    for method in ("Host.ping2", "Host.echo", "VM.create"):
        assert (await client.ask(call(method, {})))["error"]["code"] == 99
    at.publish("|virt|VM_status|early", {})
    at.driver.recovering = False
    at.publish("|virt|VM_status|late", {})
    assert (await client.message())["method"] == "|virt|VM_status|late"


async def test_an_answer_without_a_listener_is_lost_and_nobody_is_hurt(at: House, client: Raw) -> None:
    await client.request(call("Host.echo", {"message": "lost"}), reply_to="nobody")
    assert (await client.ask(call("Host.ping2")))["result"] is True
    assert ("echo", "lost") in at.verbs.calls


async def test_every_own_subscription_of_the_reply_destination_hears_it(client: Raw) -> None:
    await client.subscribe("2", "answers")
    await client.request(call("Host.ping2"))
    assert {(await client.frame()).headers["subscription"] for _ in range(2)} == {"1", "2"}


async def test_an_answer_may_go_to_another_connection_but_never_to_a_namesake(at: House, client: Raw) -> None:
    other = await at.client(reply_to="elsewhere")
    await client.request(call("Host.ping2", None, "sent"), reply_to="elsewhere")
    assert (await other.message())["id"] == "sent"
    twin = await at.client()
    await client.ask(call("Host.ping2", None, "mine"))
    assert (await twin.ask(call("Host.ping2", None, "twins")))["id"] == "twins"


async def test_a_slow_verb_does_not_hold_up_others(at: House, client: Raw) -> None:
    await client.request(call("Host.getStats", None, "slow"))
    assert (await client.ask(call("Host.ping2", None, "quick")))["id"] == "quick"
    at.verbs.hold.set()
    assert (await client.message())["id"] == "slow"


async def test_a_flood_of_calls_is_read_as_fast_as_it_is_served(
    at: House, client: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_WAITING", 4)
    for number in range(20):
        await client.request(call("Host.getStats", None, number))
    await asyncio.sleep(0.1)
    at.verbs.hold.set()
    assert sorted([(await client.message())["id"] for _ in range(20)]) == list(range(20))


async def test_who_hangs_up_early_hurts_nobody(at: House, client: Raw) -> None:
    gone = await at.client(reply_to="mine")
    await gone.request(call("Host.getStats"), reply_to="mine")
    await gone.close()
    while len(at.server.connections) > 1:
        await asyncio.sleep(0.01)
    at.verbs.hold.set()
    assert (await client.ask(call("Host.ping2")))["result"] is True


# -- events and logs -----------------------------------------------------------------------------------------------


async def test_an_event_is_a_notification_with_the_monotonic_time(at: House, client: Raw) -> None:
    await client.subscribe("e", EVENTS)
    before = time.monotonic() * 1000
    at.publish("|virt|VM_status|42", {"42": {"status": "Up"}})
    frame = await client.frame()
    assert frame.headers["destination"] == EVENTS and frame.headers["subscription"] == "e"
    assert frame.headers["content-type"] == "application/json"
    found = json.loads(frame.body)
    told = found["params"].pop("notify_time")
    assert found == {"jsonrpc": "2.0", "method": "|virt|VM_status|42", "params": {"42": {"status": "Up"}}}
    assert isinstance(told, int) and before - 1 <= told <= time.monotonic() * 1000 + 1


async def test_events_reach_all_subscribers_and_only_them(at: House, client: Raw) -> None:
    first, second = await at.client(), await at.client()
    await first.subscribe("e", EVENTS)
    await second.subscribe("e", "jms.queue")
    at.publish("|net|host_conn|no_id", {})
    assert (await first.message())["method"] == (await second.message())["method"] == "|net|host_conn|no_id"
    assert (await client.ask(call("Host.ping2")))["result"] is True


async def test_the_flow_is_in_every_log_line_of_its_call(client: Raw) -> None:
    processors = [structlog.contextvars.merge_contextvars]
    with capture_logs(processors=processors) as logs:
        await client.ask(call("Host.ping2"), flow="flow:7|x")
        await client.ask(call("VM.getStats", {"vmID": "x", "odd": 1}), flow="flow-8")
        await client.ask(call("Host.ping2"))
    told = [(r["event"], r.get("flow_id")) for r in logs]
    assert ("verb", "flow:7|x") in told
    assert ("unknown arguments dropped", "flow-8") in told and ("verb refused", "flow-8") in told
    assert ("verb", None) in told
