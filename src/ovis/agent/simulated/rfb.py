"""A small RFB 3.8 server: the VNC console of a simulated guest.

Does: authenticate by the ticket, send the screen raw in the client's pixels, take keys. Does not: other encodings, a
pointer, a clipboard. Follows: RFC 6143; a client that breaks it is dropped.
"""

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from ovis.agent.simulated.screen import HEIGHT, PALETTE, WIDTH, Screen

_LOOK = 0.25  # how often a client that waits is looked after
_VNC_AUTH = 2
_RAW = 0
_MOST_TEXT = 1 << 16
# Bytes of a message after its type: SetPixelFormat, FramebufferUpdateRequest, KeyEvent, PointerEvent.
_LENGTHS = {0: 19, 3: 9, 4: 7, 5: 5}


class Broken(Exception):
    """The client does not speak RFB as it should, or may not come in."""


@dataclass(slots=True)
class Pixels:
    """How the client wants pixels: 32 bits, each colour in eight."""

    big: bool = False
    shifts: tuple[int, int, int] = (16, 8, 0)

    @classmethod
    def read(cls, data: bytes) -> "Pixels":
        """From SetPixelFormat."""
        bits, _, big, true, *rest = struct.unpack(">BBBBHHHBBB", data[:13])
        if bits != 32 or not true or rest[:3] != [255, 255, 255] or any(s not in (0, 8, 16, 24) for s in rest[3:]):
            raise Broken("only 32 bits in true colour")
        return cls(bool(big), (rest[3], rest[4], rest[5]))

    def encode(self, marks: bytes) -> bytes:
        """Indices into the palette as the client's pixels."""
        out = bytearray(4 * len(marks))
        for colour, shift in enumerate(self.shifts):
            place = 3 - shift // 8 if self.big else shift // 8
            table = bytes(p[colour] for p in PALETTE) + bytes(256 - len(PALETTE))
            out[place::4] = marks.translate(table)
        return bytes(out)


def response(challenge: bytes, password: str) -> bytes:
    """What a client that knows the password answers to a challenge."""
    key = bytes(int(f"{b:08b}"[::-1], 2) for b in password.encode("latin-1", "replace")[:8].ljust(8, b"\0"))
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305  RFB asks for it
    return encryptor.update(challenge) + encryptor.finalize()


class Display:
    """One client. ticket: (password, until) or None; alive: whether the guest runs; entered: called once it is in."""

    def __init__(
        self,
        screen: Screen,
        ticket: tuple[str, float] | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        name: str,
        alive: Callable[[], bool],
        entered: Callable[[], None],
    ) -> None:
        self._screen, self._ticket, self._name = screen, ticket, name
        self._reader, self._writer = reader, writer
        self._alive, self._entered = alive, entered
        self._pixels = Pixels()
        self._asked = False  # an update is owed
        self._shown = 0
        self._wake = asyncio.Event()

    async def serve(self) -> None:
        """Until the client goes, the guest ends, or the rules are broken (Broken, EOFError, OSError)."""
        await self._greet()
        self._entered()
        reading = asyncio.ensure_future(self._messages())
        reading.add_done_callback(lambda _: self._wake.set())
        try:
            while self._alive() and not reading.done():
                self._wake.clear()
                if self._asked and self._shown != self._screen.changed:
                    await self._update()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._wake.wait()
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _greet(self) -> None:
        self._writer.write(b"RFB 003.008\n")
        if await self._reader.readexactly(12) != b"RFB 003.008\n":
            raise Broken("another version")
        self._writer.write(bytes((1, _VNC_AUTH)))
        if await self._reader.readexactly(1) != bytes((_VNC_AUTH,)):
            raise Broken("another security type")
        challenge = secrets.token_bytes(16)
        self._writer.write(challenge)
        said = await self._reader.readexactly(16)
        password, until = self._ticket or ("", 0.0)
        if time.time() > until or not secrets.compare_digest(said, response(challenge, password)):
            why = b"Authentication failed"
            self._writer.write(struct.pack(">II", 1, len(why)) + why)
            await self._writer.drain()
            raise Broken("a wrong password")
        self._writer.write(struct.pack(">I", 0))
        await self._reader.readexactly(1)  # ClientInit: others are never sent away
        name = self._name.encode()
        shape = struct.pack(">HH", WIDTH, HEIGHT) + struct.pack(
            ">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, *self._pixels.shifts
        )
        self._writer.write(shape + struct.pack(">I", len(name)) + name)

    async def _update(self) -> None:
        self._asked, self._shown = False, self._screen.changed
        head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, _RAW)
        self._writer.write(head + self._pixels.encode(self._screen.pixels()))
        await self._writer.drain()

    async def _messages(self) -> None:
        while True:
            (kind,) = await self._reader.readexactly(1)
            if kind == 2:  # SetEncodings: raw is always allowed
                (count,) = struct.unpack(">xH", await self._reader.readexactly(3))
                await self._reader.readexactly(4 * count)
            elif kind == 6:  # ClientCutText
                (length,) = struct.unpack(">3xi", await self._reader.readexactly(7))
                if not 0 <= length <= _MOST_TEXT:
                    raise Broken("a text that is too long")
                await self._reader.readexactly(length)
            elif kind in _LENGTHS:
                self._take(kind, await self._reader.readexactly(_LENGTHS[kind]))
            else:
                raise Broken(f"message {kind}")

    def _take(self, kind: int, data: bytes) -> None:
        self._wake.set()
        if kind == 0:
            self._pixels = Pixels.read(data[3:16])
        elif kind == 3:
            self._asked = True
            if not data[0]:  # not incremental: everything, even if it was shown
                self._shown = 0
        elif kind == 4 and data[0]:
            self._screen.type(struct.unpack(">I", data[3:7])[0])
