"""How the engine asks an agent for a VM's console: an HTTP upgrade on the agent's own port, raw bytes after it.

Does: write and read the head of the request and of the answer. Does not: do input or output.
Follows: RFC 9110, 7.8 (Upgrade). The port is the one of the verbs, with the same mutual TLS: only the engine gets in.
"""

import re
import uuid
from typing import Literal, get_args

import msgspec
from msgspec import Struct

Kind = Literal["vnc", "serial"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PREFIX = b"GET /ovis/console/"
MAX_HEAD = 4096  # bytes of a request's or an answer's head
_END = b"\r\n\r\n"
_PROTOCOL = "ovis-console"
_ASKED = re.compile(rb"GET /ovis/console/([0-9A-Fa-f-]{36})/([a-z]+)(\?take=1)? HTTP/1\.1\Z")
_ANSWERED = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\Z")


class Ask(Struct, frozen=True):
    """Which console. take: whoever has it now loses it."""

    vm_id: str
    kind: Kind
    take: bool = False


class Refusal(Struct, frozen=True):
    """Why there is none. code: one of contract.errors."""

    code: int
    message: str


class BadHead(ValueError):
    """Not a request or an answer of this kind."""


def split(data: bytes) -> tuple[bytes, bytes] | None:
    """(head, what follows it), or None while the head is not complete; BadHead if it is too long."""
    end = data.find(_END)
    if end < 0 or end > MAX_HEAD:
        if len(data) > MAX_HEAD:
            raise BadHead("The head is too long.")
        return None
    return data[:end], data[end + len(_END) :]


def request(ask: Ask, host: str) -> bytes:
    """What the engine sends."""
    take = "?take=1" if ask.take else ""
    lines = [
        f"GET /ovis/console/{ask.vm_id}/{ask.kind}{take} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        f"Upgrade: {_PROTOCOL}",
    ]
    return "\r\n".join(lines).encode() + _END


def read_request(head: bytes) -> Ask:
    """What a head asks for; BadHead."""
    first, *rest = head.split(b"\r\n")
    found = _ASKED.match(first)
    if found is None or b"upgrade: ovis-console" not in [line.strip().lower() for line in rest]:
        raise BadHead("This is no request for a console.")
    asked = found[2].decode()
    kind = next((kind for kind in KINDS if kind == asked), None)
    if kind is None:
        raise BadHead(f"There are no consoles of the kind {asked[:20]}.")
    try:
        vm_id = str(uuid.UUID(found[1].decode()))
    except ValueError as err:
        raise BadHead("The VM's id is no UUID.") from err
    return Ask(vm_id, kind, found[3] is not None)


def accepted() -> bytes:
    """The answer before the console's own bytes."""
    return f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {_PROTOCOL}\r\n\r\n".encode()


def refused(code: int, message: str) -> bytes:
    """The answer if there is no such console; the connection ends after it."""
    body = msgspec.json.encode(Refusal(code, message))
    head = f"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def status(head: bytes) -> int:
    """The status of an answer; BadHead."""
    found = _ANSWERED.match(head.split(b"\r\n")[0])
    if found is None:
        raise BadHead("The answer is no HTTP.")
    return int(found[1])


def read_refusal(body: bytes) -> Refusal:
    """The body of a refusal; one of general kind if it cannot be read."""
    try:
        return msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Refusal(100, "The host refused the console.")
