"""What operations that talk to hosts are handed: the running parts of the engine."""

from dataclasses import dataclass
from typing import Any

from ovis.engine.hostlink.hosts import Hosts
from ovis.engine.store.store import Store


@dataclass(slots=True)
class Services:
    """The engine's running parts. runner: commands.runner.Runner; settings: main.settings.Settings; pki: main.pki.Pki.

    stream, history: what pages read (resources.stream, resources.history). consoles: access.consoles.Consoles.
    secrets: access.sealed.Secrets.
    """

    store: Store
    hosts: Hosts
    runner: Any
    settings: Any
    pki: Any
    stream: Any = None
    history: Any = None
    consoles: Any = None
    secrets: Any = None
