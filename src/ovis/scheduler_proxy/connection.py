"""The connection to the engine's API that modules are offered: `api = connect()`.

Does: open the SDK's `API` with what the proxy was started with. Does not: share a connection between runs; each is a process
of its own.
"""

from typing import Any

_ENGINE: dict[str, str] = {}


def configure(engine: dict[str, str]) -> None:
    """Where the engine is: url, username, password, ca_file."""
    _ENGINE.clear()
    _ENGINE.update({name: value for name, value in engine.items() if value})


def connect(**more: Any) -> Any:
    """An `ovirtsdk.api.API` of the engine that asks. more: its further arguments. RuntimeError if none was named."""
    from ovirtsdk.api import API

    if "url" not in _ENGINE:
        raise RuntimeError("the proxy was started without --engine-url: open a connection with API(url=...) yourself")
    return API(**{**_ENGINE, **more})
