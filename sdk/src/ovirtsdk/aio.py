"""The SDK for asyncio: `api = await aio.connect(url, ...)`, then every method that asks the engine is awaited.

    async with await aio.connect(url="https://engine/api", username="admin@internal", password=secret, ca_file="ca.pem") as api:
        vm = await api.vms.get(name="web1")
        async for other in api.vms.stream():
            ...

Does: run each request of the ordinary SDK in a thread, several at once over its own connections, so that the loop goes on; collections and
objects are the same ones in a wrapping that knows which of their methods ask. Properties are read at once, as they are; `.plain` is the
object itself, to be given to other methods. Does not: have a second set of classes: names and parameters are those of `ovirtsdk.api`.
"""

from __future__ import annotations

import asyncio
import functools
from itertools import islice
from typing import Any, AsyncIterator, Callable, Iterator, List

from ovirtsdk.infrastructure.common import Collection, Resource

_END = object()
_BATCH = 100  # members of a stream that one turn of a thread brings


async def connect(*args: Any, **how: Any) -> "Async":
    """A session: arguments and errors of `ovirtsdk.api.API`."""
    from ovirtsdk.api import API

    return Async(await _in_thread(functools.partial(API, *args, **how)))


async def _in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call)


def wrapped(value: Any) -> Any:
    """A collection, an object or a list of them for asyncio; everything else as it is."""
    if isinstance(value, (Collection, Resource)):
        return Async(value)
    return [wrapped(one) for one in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """The other way, for arguments."""
    return value.plain if isinstance(value, Async) else value


class Async:
    """A session, a collection or an object whose methods are awaited."""

    def __init__(self, of: Any) -> None:
        self.__dict__["plain"] = of

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.plain, name)
        if name == "stream":
            return functools.partial(_streamed, found)
        if not callable(found) or (name.startswith(("get_", "set_", "add_")) and isinstance(self.plain, Resource)):
            return wrapped(found)

        @functools.wraps(found)
        async def asked(*args: Any, **how: Any) -> Any:
            given = [plain(value) for value in args]
            named = {key: plain(value) for key, value in how.items()}
            return wrapped(await _in_thread(functools.partial(found, *given, **named)))

        return asked

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.plain, name, plain(value))

    def __dir__(self) -> List[str]:
        return dir(self.plain)

    def __repr__(self) -> str:
        return f"<Async {self.plain!r}>"

    def __eq__(self, other: object) -> bool:
        return bool(self.plain == plain(other))

    def __hash__(self) -> int:
        return hash(self.plain)

    async def __aenter__(self) -> "Async":
        return self

    async def __aexit__(self, *_: object) -> None:
        await _in_thread(self.plain.disconnect)


async def _streamed(stream: Callable[..., Iterator[Any]], *args: Any, **how: Any) -> AsyncIterator[Any]:
    found = stream(*args, **how)

    def batch() -> List[Any]:
        return list(islice(found, _BATCH))

    while rows := await _in_thread(batch):
        for row in rows:
            yield wrapped(row)


__all__ = ["Async", "connect"]
