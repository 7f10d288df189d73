"""STOMP 1.2 as VDSM's clients expect it, seen at the socket."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from ovis.agent.rpc import connection
from ovis.agent.rpc.connection import MAX_REQUEST, guess
from ovis.agent.rpc.server import HANDSHAKE_SECONDS
from ovis.contract.frames import MAX_HEADERS
from tests.agent.rpc.wire import EVENTS, REQUESTS, House, call, house


@pytest.fixture
async def at() -> AsyncIterator[House]:
    async with house() as found:
        yield found


# -- the first words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "protocol"),
    [
        (b"", ""),
        (b"CONN", ""),
        (b"CONNECT\n", "stomp"),
        (b"\n\r\nSEND\n", "stomp"),
        (b"UNSUBSCRIB", ""),
        (b"UNSUBSCRIBE", "stomp"),
        (b"GE", ""),
        (b"GET /images/", "http"),
        (b"PUT /", "http"),
        (b"\x16\x03\x01\x02", "other"),
        (b"HELO there you", "other"),
    ],
)
def test_protocols_are_told_by_their_first_bytes(first: bytes, protocol: str) -> None:
    assert guess(first) == protocol


async def test_the_first_word_may_come_in_pieces(at: House) -> None:
    raw = await at.raw()
    for part in (b"\n", b"CO", b"NNEC", b"T\naccept-", b"version:1.2\n\n", b"\0"):
        await raw.say(part)
        await asyncio.sleep(0)
    assert (await raw.frame()).command == "CONNECTED"


async def test_http_is_told_that_this_is_none(at: House) -> None:
    raw = await at.raw()
    await raw.say("GET /images/1 HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = (await raw.hung_up()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 501 ")
    assert f"Content-Length: {len(body)}".encode() in head


async def test_anything_else_is_hung_up_on(at: House) -> None:
    raw = await at.raw()
    await raw.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert await raw.hung_up() == b""


async def test_who_says_nothing_is_hung_up_on_after_ten_seconds() -> None:
    assert HANDSHAKE_SECONDS == 10
    async with house(patience=0.05) as at:
        raw = await at.raw()
        await raw.say("CONN")
        assert await raw.hung_up() == b""
        assert not at.server.connections


async def test_who_has_spoken_may_be_silent_afterwards() -> None:
    async with house(patience=0.2) as at:
        client = await at.client()
        await asyncio.sleep(0.5)
        assert (await client.ask(call("Host.ping2")))["result"] is True


# -- CONNECT -------------------------------------------------------------------------------------------------------


async def test_the_connected_frame_byte_for_byte(at: House) -> None:
    raw = await at.raw()
    await raw.say("CONNECT\naccept-version:1.2\nheart-beat:0,24000\n\n\0")
    wanted = b"CONNECTED\nversion:1.2\nheart-beat:24000,0\n\n\0"
    assert await raw.exactly(len(wanted)) == wanted


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("0,0", "0,0"),
        ("5,0", "0,1000"),
        ("0,5", "1000,0"),
        ("30000,24000", "24000,30000"),
        ("999,1001", "1001,1000"),
        ("x,y", "0,0"),
        ("", "0,0"),
        ("-5,99999999999999999999", "0,0"),
    ],
)
async def test_heart_beats_are_raised_to_a_second_and_answered_crosswise(at: House, asked: str, given: str) -> None:
    raw = await at.raw()
    await raw.say(f"CONNECT\naccept-version:1.2\nheart-beat:{asked}\n\n\0")
    assert (await raw.frame()).headers["heart-beat"] == given


@pytest.mark.parametrize("version", ["accept-version:1.1,1.2\n", "accept-version:1.1\n", "accept-version:1.2 \n", ""])
async def test_only_version_1_2_alone_is_taken(at: House, version: str) -> None:
    raw = await at.raw()
    await raw.say(f"CONNECT\n{version}\n\0")
    assert await raw.error() == "Version unsupported"
    await raw.say("CONNECT\naccept-version:1.2\n\n\0")  # and may try again
    assert (await raw.frame()).command == "CONNECTED"


async def test_host_login_and_passcode_are_not_asked_for_and_do_not_hurt(at: House) -> None:
    raw = await at.raw()
    await raw.say("CONNECT\naccept-version:1.2\nhost:h\nlogin:l\npasscode:p\n\n\0")
    assert (await raw.frame()).command == "CONNECTED"


async def test_the_command_stomp_is_not_known(at: House) -> None:
    raw = await at.raw()
    await raw.say("STOMP\naccept-version:1.2\n\n\0")
    assert await raw.error() == "Unknown command STOMP"
    assert await raw.hung_up() == b""


# -- heart-beats ---------------------------------------------------------------------------------------------------


async def test_beats_are_really_sent(at: House) -> None:
    raw = await at.raw()
    await raw.say("CONNECT\naccept-version:1.2\nheart-beat:0,1000\n\n\0")
    await raw.exactly(len(b"CONNECTED\nversion:1.2\nheart-beat:1000,0\n\n\0"))
    assert await raw.exactly(2) == b"\n\n"


async def test_no_beats_for_who_wants_none(at: House) -> None:
    client = await at.client(beats="0,0")
    await asyncio.sleep(1.5)
    assert (await client.ask(call("Host.ping2")))["result"] is True
    assert client.beats == 0


async def test_a_client_that_promised_beats_and_is_silent_is_dropped(at: House) -> None:
    client = await at.client(beats="1000,0")
    assert await client.hung_up() == b""


async def test_a_client_that_beats_stays(at: House) -> None:
    client = await at.client(beats="1000,0")
    for _ in range(8):
        await asyncio.sleep(0.5)
        await client.say(b"\n")
    assert (await client.ask(call("Host.ping2")))["result"] is True


# -- frames --------------------------------------------------------------------------------------------------------


async def test_escapes_hold_in_both_directions_and_in_all_frames(at: House) -> None:
    raw = await at.raw()
    await raw.say(b"CONNECT\naccept\\c-version:x\naccept-version:1.2\n\n\0")
    assert (await raw.frame()).command == "CONNECTED"
    await raw.say(b"SUBSCRIBE\nid:a\\cb\\\\c\\nd\\re\ndestination:queue\\c1\nreceipt:x\\cy\n\n\0")
    wanted = b"RECEIPT\nreceipt-id:x\\cy\n\n\0"
    assert await raw.exactly(len(wanted)) == wanted
    await raw.say(b"SEND\ndestination:queue\\c1\n\nhello\0")
    frame = await raw.frame()
    assert frame.headers == {"destination": "queue:1", "subscription": "a:b\\c\nd\re", "content-length": "5"}
    assert frame.body == b"hello"


async def test_an_unknown_escape_ends_the_connection(at: House) -> None:
    raw = await at.raw()
    await raw.say(b"CONNECT\nx:a\\tb\n\n\0")
    assert "escape" in await raw.error()
    assert await raw.hung_up() == b""


async def test_of_repeated_headers_the_first_counts(at: House) -> None:
    raw = await at.raw()
    await raw.say("CONNECT\naccept-version:1.2\naccept-version:1.1\nheart-beat:0,2000\nheart-beat:0,9000\n\n\0")
    assert (await raw.frame()).headers["heart-beat"] == "2000,0"


@pytest.mark.parametrize("end", ["\r\n\r\n", "\n\r\n", "\r\n\n"])
async def test_cr_lf_is_tolerated(at: House, end: str) -> None:
    raw = await at.raw()
    await raw.say(f"\r\n\r\nCONNECT\r\naccept-version:1.2{end}\0\r\n")
    assert (await raw.frame()).command == "CONNECTED"
    await raw.say("SUBSCRIBE\r\nid:1\r\ndestination:answers\r\n\r\n\0")
    assert (await raw.ask(call("Host.ping2")))["result"] is True


async def test_lone_newlines_between_frames_are_beats(at: House) -> None:
    client = await at.client()
    await client.say(b"\n\n\n")
    await client.request(call("Host.ping2"))
    await client.say(b"\n\n")
    assert (await client.message())["result"] is True


async def test_content_length_counts_bytes_and_bodies_may_hold_nul(at: House) -> None:
    client = await at.client()
    await client.subscribe("2", "blobs")
    await client.say(b"SEND\ndestination:blobs\ncontent-length:5\n\na\0\xffb\n\0")
    frame = await client.frame()
    assert (frame.body, frame.headers["content-length"]) == (b"a\0\xffb\n", "5")


async def test_every_body_that_is_sent_has_its_length(at: House) -> None:
    client = await at.client()
    await client.request(call("Host.echo", {"message": "ä"}))
    frame = await client.frame()
    assert frame.headers["content-length"] == str(len(frame.body))


@pytest.mark.parametrize(
    "bad",
    [
        b"SEND\ncontent-length:-1\n\n\0",
        b"SEND\ncontent-length:many\n\n\0",
        "SEND\ncontent-length:\u0663\n\n\0".encode(),
        b"SEND\ncontent-length:2\n\nabc\0",
        b"SEND\nno colon here\n\n\0",
        b"SEND\n\xff\xfe:x\n\n\0",
    ],
)
async def test_what_is_no_frame_ends_the_connection(at: House, bad: bytes) -> None:
    client = await at.client()
    await client.say(bad)
    assert await client.error()
    assert await client.hung_up() == b""


async def test_a_huge_frame_is_refused_by_its_header(at: House) -> None:
    client = await at.client()
    await client.say(f"SEND\ndestination:{REQUESTS}\ncontent-length:{MAX_REQUEST + 1}\n\n")
    assert "content-length" in await client.error()
    assert await client.hung_up() == b""


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000])
async def test_a_length_without_measure_is_refused(at: House, length: str) -> None:
    client = await at.client()
    await client.say(f"SEND\ncontent-length:{length}\n\n")
    assert "not possible" in await client.error()


async def test_endless_headers_are_refused(at: House) -> None:
    client = await at.client()
    await client.say(b"SEND\n" + b"a:b\n" * (MAX_HEADERS // 4 + 10))
    assert await client.error() == "headers are too long"


async def test_an_endless_body_without_length_is_refused(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_REQUEST", 100_000)
    client = await at.client()
    await client.say(b"SEND\ndestination:x\n\n" + b"a" * 300_000)
    assert await client.error() == "the body is too long"


async def test_who_does_not_read_is_dropped(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_UNSENT", 1 << 20)
    client = await at.client()
    await client.subscribe("2", EVENTS)
    cast(asyncio.Transport, client.writer.transport).pause_reading()
    for _ in range(600):
        at.publish("|virt|VM_status|x", {"x": {"status": "U" * 100_000}})
        await asyncio.sleep(0)
        if not at.server.connections:
            break
    assert not at.server.connections


# -- subscriptions -------------------------------------------------------------------------------------------------


async def test_a_subscription_needs_id_and_destination(at: House) -> None:
    client = await at.client()
    for bad in ("SUBSCRIBE\nid:5\n\n\0", "SUBSCRIBE\ndestination:x\n\n\0"):
        await client.say(bad)
        assert await client.error() == "Missing destination or subscription id header"


async def test_a_second_subscription_of_the_same_id_is_an_error_and_has_no_receipt(at: House) -> None:
    client = await at.client()
    await client.say("SUBSCRIBE\nid:1\ndestination:other\nreceipt:7\n\n\0")
    assert await client.error() == "Subscription id already exists"
    assert (await client.ask(call("Host.ping2")))["result"] is True  # the first one still holds


async def test_ids_are_each_connections_own(at: House) -> None:
    first, second = await at.client(), await at.client()
    assert (await first.ask(call("Host.echo", {"message": "a"})))["result"] == "a"
    assert (await second.ask(call("Host.echo", {"message": "b"})))["result"] == "b"


async def test_unsubscribe_ends_a_subscription(at: House) -> None:
    client = await at.client()
    await client.subscribe("2", "news")
    await client.say("UNSUBSCRIBE\nid:2\n\n\0UNSUBSCRIBE\nid:2\n\n\0SEND\ndestination:news\n\nx\0")
    assert await client.error() == "Subscription not available"
    await client.say("UNSUBSCRIBE\n\n\0")
    assert await client.error() == "Missing id header"


async def test_a_message_reaches_subscribers_of_its_destination_and_of_dot_parents(at: House) -> None:
    first, second = await at.client(), await at.client()
    await first.subscribe("2", "a.b")
    await second.subscribe("2", "a")
    await second.subscribe("3", "a.bc")
    await first.say("SEND\ndestination:a.b.c\nkey:value\n\nhello\0")
    for client, id_ in ((first, "2"), (second, "2")):
        frame = await client.frame()
        assert (frame.command, frame.body) == ("MESSAGE", b"hello")
        assert frame.headers["subscription"] == id_
        assert (frame.headers["destination"], frame.headers["key"]) == ("a.b.c", "value")
    assert (await second.ask(call("Host.ping2")))["result"] is True  # nothing came for a.bc


@pytest.mark.parametrize("destination", ["nowhere", "answers2", "jms.topic.vdsm_requestsX"])
async def test_a_message_for_nobody_is_an_error_and_the_connection_stays(at: House, destination: str) -> None:
    client = await at.client()
    await client.request(call("Host.ping2"), destination=destination)
    assert await client.error() == "Subscription not available"
    assert (await client.ask(call("Host.ping2")))["result"] is True


async def test_a_message_without_destination_is_an_error(at: House) -> None:
    client = await at.client()
    await client.say("SEND\n\nx\0")
    assert await client.error() == "Missing destination header"


async def test_who_hung_up_is_no_subscriber_any_more(at: House) -> None:
    first, second = await at.client(), await at.client()
    await second.subscribe("2", "news")
    await second.close()
    while len(at.server.connections) > 1:
        await asyncio.sleep(0.01)
    await first.say("SEND\ndestination:news\n\nx\0")
    assert await first.error() == "Subscription not available"


# -- DISCONNECT ----------------------------------------------------------------------------------------------------


async def test_disconnect_is_receipted_then_closed(at: House) -> None:
    client = await at.client()
    await client.say("DISCONNECT\nreceipt:77\n\n\0")
    assert await client.hung_up() == b"RECEIPT\nreceipt-id:77\n\n\0"


async def test_disconnect_without_receipt_is_an_error(at: House) -> None:
    client = await at.client()
    await client.say("DISCONNECT\n\n\0")
    assert await client.error() == "Missing receipt header"
    assert await client.hung_up() == b""


@pytest.mark.parametrize("command", ["ACK", "NACK", "BEGIN", "MESSAGE", "connect"])
async def test_commands_that_are_not_served_end_the_connection(at: House, command: str) -> None:
    client = await at.client()
    await client.say(f"{command}\nid:1\n\n\0")
    assert await client.error() == f"Unknown command {command}"
    assert await client.hung_up() == b""
