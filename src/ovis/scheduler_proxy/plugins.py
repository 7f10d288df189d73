"""The directory of modules: which files there are, loaded, again when they change.

Does: look twice a second; load changed files beside those that serve, then swap; name what is wrong with which file.
Does not: run units.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ovis.scheduler_proxy.answers import METHODS, Kind
from ovis.scheduler_proxy.module import Limits, Module

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
_DRAIN_SECONDS = 1.0
Stamp = tuple[int, int, int]


class Plugins:
    """All modules of a directory."""

    def __init__(self, folder: str, limits: Limits, engine: Mapping[str, str]) -> None:
        self.folder, self._limits, self._engine = os.path.abspath(folder), limits, engine
        self._modules: dict[str, Module] = {}
        self._stamps: dict[str, Stamp] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._loads = ThreadPoolExecutor(8, "load")
        self._loading: dict[str, Future[None]] = {}
        self._watch = threading.Thread(target=self._watching, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to load and to watch."""
        self.look()
        self._watch.start()

    def stop(self) -> None:
        """End all processes of modules."""
        self._stop.set()
        with contextlib.suppress(RuntimeError):
            self._watch.join(2)
        self._loads.shutdown(wait=True, cancel_futures=True)
        for module in self._modules.values():
            module.end()

    def settle(self, seconds: float) -> None:
        """Look now, and give what is being loaded some time."""
        self.look()
        with self._lock:
            waiting = list(self._loading.values())
        for each in waiting:
            with contextlib.suppress(TimeoutError):
                each.exception(seconds)

    def _watching(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """What was added, changed or taken away since the last look; and modules whose process is gone."""
        found = self._files()
        with self._lock:
            changed = {f for f in found.keys() | self._stamps.keys() if found.get(f) != self._stamps.get(f)}
            self._stamps = found
            due = set(changed)
            for name, module in self._modules.items():
                if changed & set(module.beside) or (not module.error and not module.alive):
                    due.add(name)
            for name in sorted(due):
                if name not in found:
                    gone = self._modules.pop(name, None)
                    if gone is not None:
                        log.info("%s is gone", name)
                        self._end_later(gone)
                elif name not in self._loading:
                    self._loading[name] = self._loads.submit(self._load, name, found[name])
                else:
                    self._stamps.pop(name)  # it changed while it was loaded: seen at the next look

    def _files(self) -> dict[str, Stamp]:
        found: dict[str, Stamp] = {}
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py") and not entry.name.startswith((".", "__")):
                    with contextlib.suppress(OSError):
                        stat = entry.stat()
                        found[entry.name] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        return found

    def _load(self, name: str, stamp: Stamp) -> None:
        module = Module(os.path.join(self.folder, name), self._limits)
        try:
            module.start(self._engine)
        except OSError as err:
            module.error = f"no process can be started for it: {err}"
        if module.error:
            log.warning("%s is not usable: %s", name, module.error)
        else:
            log.info("%s is loaded: %s", name, ", ".join(u for k in METHODS for u in module.units[k]) or "no unit")
        with self._lock:
            self._loading.pop(name, None)
            here = name in self._stamps or name in self._files()
            old = self._modules.pop(name, None)
            if here:
                self._modules[name] = module
        for unused in (old, None if here else module):
            if unused is not None:
                self._end_later(unused)

    @staticmethod
    def _end_later(module: Module) -> None:
        """Runs that it has begun may end."""
        timer = threading.Timer(_DRAIN_SECONDS, module.end)
        timer.daemon = True
        timer.start()

    def modules(self) -> list[Module]:
        """By file name."""
        with self._lock:
            return [self._modules[name] for name in sorted(self._modules)]

    def find(self, kind: Kind, unit: str) -> Module | None:
        """Whose unit it is: of two files with a unit of one name the first has it."""
        return next((m for m in self.modules() if unit in m.units.get(kind, ())), None)

    def units(self, kind: Kind) -> dict[str, list[str]]:
        """Name -> [doc, patterns]."""
        found: dict[str, list[str]] = {}
        for module in self.modules():
            for name, told in module.units.get(kind, {}).items():
                found.setdefault(name, list(told))
        return found

    def problems(self) -> dict[str, str]:
        """File -> what is wrong with it."""
        found: dict[str, str] = {}
        owner: dict[tuple[str, str], str] = {}
        for module in self.modules():
            if module.error:
                found[module.name] = module.error
            for kind in METHODS:
                for unit in module.units.get(kind, {}):
                    first = owner.setdefault((kind, unit), module.name)
                    if first != module.name:
                        found[module.name] = f"{first} has a unit {unit}, too; that one is used"
        return found


def described(plugins: Plugins) -> dict[str, Any]:
    """What `discover` answers."""
    return {
        "filters": plugins.units("filter"),
        "scores": plugins.units("score"),
        "balance": plugins.units("balance"),
    }
