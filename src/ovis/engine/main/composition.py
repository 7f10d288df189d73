"""Putting the engine together: resources, store, access, hosts, commands, HTTP; started and stopped in order.

Does: the only place that knows all rooms. Does not: contain behaviour.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from ovis.engine import events, resources
from ovis.engine.access.consoles import Consoles
from ovis.engine.access.sealed import Secrets, key_of
from ovis.engine.access.tables import TABLES as ACCESS_TABLES
from ovis.engine.access.tokens import Sessions
from ovis.engine.commands import TABLES as COMMAND_TABLES
from ovis.engine.commands.runner import Runner
from ovis.engine.commands.services import Services
from ovis.engine.hostlink import TABLES as HOSTLINK_TABLES
from ovis.engine.hostlink.hosts import Hosts
from ovis.engine.http.app import App
from ovis.engine.http.endpoints import Endpoints
from ovis.engine.http.ui_plugins import UiPlugins
from ovis.engine.main.pki import Pki
from ovis.engine.main.settings import Settings
from ovis.engine.resources.history import UsageHistory
from ovis.engine.resources.hosts.enrol import register
from ovis.engine.resources.observer import EngineObserver
from ovis.engine.resources.stream import Changes
from ovis.engine.store.database import DatabaseLost
from ovis.engine.store.store import Store

log = structlog.get_logger(__name__)


def open_store(settings: Settings) -> Store:
    """The store with the tables of all rooms."""
    tables = (*events.TABLES, *ACCESS_TABLES, *COMMAND_TABLES, *HOSTLINK_TABLES, *resources.TABLES)
    return Store(settings.database_url, tables)


class Engine:
    """A whole engine inside one event loop."""

    def __init__(self, settings: Settings, instance_id: str) -> None:
        self.settings = settings
        self.pki = Pki(settings.folder / "pki")
        self.store = open_store(settings)
        self.hosts = Hosts(self.store, self.pki.client_context(), settings)
        self.services = Services(store=self.store, hosts=self.hosts, runner=None, settings=settings, pki=self.pki)
        self.runner = Runner(self.services, resources.COMMANDS, owner=instance_id)
        self.services.runner = self.runner
        self.services.consoles = Consoles()
        self.services.secrets = Secrets(key_of(settings.folder))
        self.observer = EngineObserver(self.services)
        self.sessions = Sessions(self.store)
        plugins = UiPlugins(settings.ui_plugins_folder, settings.ui_plugins_config_folder)
        endpoints = Endpoints(self.store, self.pki, self._register, _webadmin(), plugins)
        idle = settings.session_idle_minutes
        self.app = App(
            resources.RESOURCES,
            self.services,
            self.sessions,
            endpoints,
            instance_id=instance_id,
            idle_minutes=idle,
            pages=resources.PAGES,
        )
        commands = {command.name: command for command in resources.COMMANDS}
        self.services.stream = self.stream = Changes(
            self.store, self.hosts.live, self.app.codecs, resources.RESOURCES, commands
        )
        self.services.history = self.history = UsageHistory(self.store, self.hosts.live, instance_id)
        self._chores: list[asyncio.Task[None]] = []

    async def _register(self, request: Any) -> Any:
        return await register(self.services, request)

    async def start(self) -> None:
        """Store first, then commands (what was interrupted goes on), then hosts."""
        self.store.start(asyncio.get_running_loop())
        await self.runner.start()
        await self.hosts.start(self.observer)
        self.observer.start()
        self.history.start()
        self._chores = [asyncio.create_task(self._sweep()), asyncio.create_task(self._look_elsewhere())]

    def leave(self) -> None:
        """Answers without an end come to their end, so that the server can stop."""
        self.stream.close()

    async def stop(self) -> None:
        """In the opposite order; commands stop between steps and go on at the next start."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self.history.stop()
        await self.observer.stop()
        await self.hosts.stop()
        await self.runner.stop()
        await asyncio.to_thread(self.store.close)

    async def _look_elsewhere(self) -> None:
        """Every second: what the command line or another engine changed is not answered from memory."""
        while True:
            await asyncio.sleep(1)
            try:
                await self.store.look_elsewhere()
            except DatabaseLost as err:
                log.warning("cannot look for changes", error=err.detail)

    async def _sweep(self) -> None:
        """Expired sessions every minute, old events every hour."""
        minutes = 0
        while True:
            await asyncio.sleep(60)
            minutes += 1
            await self.sessions.sweep()
            if minutes % 60 == 0:
                await self.store.write(
                    lambda tx: events.drop_old(tx, datetime.now(UTC), timedelta(days=self.settings.event_days))
                )


def _webadmin() -> Path:
    """The built web admin: part of the installed package, or of the checkout that this is."""
    package = Path(__file__).resolve().parents[2]
    shipped = package / "webadmin"
    return shipped if shipped.is_dir() else package.parents[1] / "webadmin" / "dist"
