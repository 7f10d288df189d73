"""A small VNC client for tests: signs in, asks for the screen, types."""

import asyncio
import struct
from collections.abc import Awaitable, Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

Exactly = Callable[[int], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]


class Rfb:
    """exactly, write: the transport. After `enter` it has a size and a name."""

    def __init__(self, exactly: Exactly, write: Write) -> None:
        self._exactly, self._write = exactly, write
        self.width = self.height = 0
        self.name = ""

    async def enter(self, password: str) -> bool:
        """Whether the password was right."""
        assert await self._exactly(12) == b"RFB 003.008\n"
        await self._write(b"RFB 003.008\n")
        (count,) = await self._exactly(1)
        assert 2 in await self._exactly(count)
        await self._write(b"\2")
        mirrored = bytes(int(f"{b:08b}"[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
        encryptor = Cipher(TripleDES(mirrored * 3), modes.ECB()).encryptor()
        await self._write(encryptor.update(await self._exactly(16)))
        if struct.unpack(">I", await self._exactly(4))[0]:
            return False
        await self._write(b"\1")
        self.width, self.height = struct.unpack(">HH", await self._exactly(4))
        await self._exactly(16)
        (length,) = struct.unpack(">I", await self._exactly(4))
        self.name = (await self._exactly(length)).decode()
        # 32 bits, little-endian, red first.
        await self._write(b"\0\0\0\0" + struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 0, 8, 16))
        await self._write(struct.pack(">BxHi", 2, 1, 0))
        return True

    async def screen(self, *, changes: bool = False) -> list[bytes]:
        """Rows of pixels of the next update, four bytes each; changes: wait until there is something new."""
        await self._write(struct.pack(">BBHHHH", 3, int(changes), 0, 0, self.width, self.height))
        rows = [bytearray(4 * self.width) for _ in range(self.height)]
        while (kind := (await self._exactly(1))[0]) != 0:
            assert kind == 2, kind  # a bell
        (count,) = struct.unpack(">xH", await self._exactly(3))
        for _ in range(count):
            x, y, w, h, encoding = struct.unpack(">HHHHi", await self._exactly(12))
            assert encoding == 0
            for row in range(h):
                rows[y + row][4 * x : 4 * (x + w)] = await self._exactly(4 * w)
        return [bytes(r) for r in rows]

    async def type(self, text: str) -> None:
        """Keys down and up."""
        for letter in text:
            key = 0xFF0D if letter == "\n" else ord(letter)
            await self._write(b"".join(struct.pack(">BBxxI", 4, down, key) for down in (1, 0)))


def over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Rfb:
    """Over a connection."""

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    return Rfb(reader.readexactly, write)
