"""Frames survive every way of being cut up, and garbage is told apart."""

import pytest
from hypothesis import given, strategies as some

from ovis.contract.frames import HEARTBEAT, MAX_HEADERS, FrameFault, Parser, encode

NAMES = some.text(some.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=20)
HEADERS = some.dictionaries(NAMES.filter(lambda n: n != "content-length"), NAMES | some.just(""), max_size=6)
BODIES = some.binary(max_size=200)


def parse(
    data: bytes, sizes: list[int], limit: int = 1 << 20
) -> tuple[list[tuple[str, dict[str, str], bytes]], Parser]:
    """(frames, the parser) of data that comes in pieces."""
    parser = Parser(limit)
    found = []
    rest = data
    for size in [*sizes, len(data) + 1]:
        piece, rest = rest[:size], rest[size:]
        for frame in parser.feed(piece):
            headers = dict(frame.headers)
            headers.pop("content-length", None)
            found.append((frame.command, headers, frame.body))
    return found, parser


@given(some.lists(some.tuples(some.sampled_from(["SEND", "MESSAGE", "CONNECT"]), HEADERS, BODIES), max_size=4), some.lists(some.integers(1, 30), max_size=40))  # fmt: skip
def test_what_is_written_is_read_however_it_is_cut(
    frames: list[tuple[str, dict[str, str], bytes]], sizes: list[int]
) -> None:
    data = HEARTBEAT + b"\r\n".join(encode(command, headers, body) for command, headers, body in frames)
    assert parse(data, sizes)[0] == frames


@given(some.binary(max_size=400), some.lists(some.integers(1, 9), max_size=60))
def test_garbage_is_a_fault_or_waits_for_more(data: bytes, sizes: list[int]) -> None:
    try:
        parse(data, sizes)
        parse(b"SEND\n" + data, sizes)
        parse(b"SEND\ncontent-length:5\n\n" + data, sizes)
    except FrameFault:
        pass


@given(some.integers(1, 3000))
def test_no_more_is_kept_than_a_frame_may_have(extra: int) -> None:
    for data in (b"SEND\nx:" + b"a" * (MAX_HEADERS + extra), b"SEND\n\n" + b"a" * (1500 + extra)):
        with pytest.raises(FrameFault, match="too long"):
            parse(data, [500] * 50, limit=1000)


def test_a_length_is_sent_with_every_body_and_with_no_other() -> None:
    assert encode("SEND", {"a": "b"}, b"xy") == b"SEND\na:b\ncontent-length:2\n\nxy\0"
    assert encode("CONNECT", {"accept-version": "1.2"}) == b"CONNECT\naccept-version:1.2\n\n\0"


def test_the_first_of_repeated_headers_counts() -> None:
    assert parse(b"SEND\na:1\na:2\n\n\0", [])[0] == [("SEND", {"a": "1"}, b"")]


def test_beats_are_counted() -> None:
    assert parse(b"\n\r\n", [])[1].heartbeats == 1
    _, parser = parse(b"\n" + encode("SEND", {}) + b"\n\n", [])
    assert parser.heartbeats == 2
