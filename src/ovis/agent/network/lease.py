"""What a DHCP server lends."""

from typing import Protocol

from msgspec import Struct


class Lent(Struct, frozen=True, kw_only=True):
    """An address. valid: seconds; renew: seconds until it is to be asked for again."""

    ip: str
    prefix: int
    valid: int
    renew: int
    server: bytes
    gateway: str = ""
    nameservers: tuple[str, ...] = ()


class Exchange(Protocol):
    """One protocol: sockets and messages."""

    async def ask(self, known: Lent | None, ip: str, wait: float) -> Lent | None:
        """A lease: that of `known` anew, or the address `ip` again, or any. None: nobody answered in `wait` seconds.
        Refused if the server says no."""


class Refused(Exception):
    """The server takes its address back."""
