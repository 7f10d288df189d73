"""UI plugins as files: descriptors, the site's own configuration of them, and what the host page says of both.

Does: read `NAME.json` of the plugins' folder and `NAME-config.json` of the configuration's folder, again when they changed,
without a restart; say in the log, once for each fault, why one is left out.
Does not: serve a plugin's files (`ui_plugin_files`), run plugins (the web admin does).
Follows: web admin facts, section 1.1. The site's `config` goes over the plugin's, key by key of its top level.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import structlog
from msgspec import Struct

log = structlog.get_logger(__name__)

CONFIG_SUFFIX = "-config"
LARGEST = 1 << 20
_LAST = 1 << 62


class Descriptor(Struct, frozen=True):
    """What a plugin says of itself."""

    name: str
    url: str
    config: dict[str, Any]
    resource_path: str | None
    lazy_load: bool
    api_version: str | None
    version: str | None


class Choice(Struct, frozen=True):
    """What the site says of a plugin. order: small ones first; those without come last."""

    config: dict[str, Any] = {}
    enabled: bool = True
    order: int = _LAST


class UiPlugin(Struct, frozen=True):
    """A plugin that the page is told of. file: its descriptor."""

    file: Path
    descriptor: Descriptor
    choice: Choice

    @property
    def definition(self) -> dict[str, Any]:
        """An entry of `pluginDefinitions`."""
        told = self.descriptor
        found: dict[str, Any] = {
            "name": told.name,
            "url": told.url,
            "config": told.config | self.choice.config,
            "lazyLoad": told.lazy_load,
            "enabled": self.choice.enabled,
        }
        if told.api_version is not None:
            found["apiVersion"] = told.api_version
        return found


class Unreadable(Exception):
    """A file that is no JSON object; the text says why."""


def blank_comments(text: str) -> str:
    """The same text with spaces for `//` and `/* */` comments, so that places in it stay what they are.

    A comment that does not end is left, and JSON's reader complains about it.
    """
    out, at, end = [], 0, len(text)
    while at < end:
        start = at
        if text[at] == '"':
            at += 1
            while at < end and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
            at += 1
            out.append(text[start:at])
            continue
        close = -1
        if text.startswith("//", at):
            close = text.find("\n", at)
            close = end if close < 0 else close
        elif text.startswith("/*", at):
            close = text.find("*/", at + 2) + 2
            close = -1 if close < 2 else close
        if close > 0:
            out.append("".join(char if char == "\n" else " " for char in text[start:close]))
            at = close
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def read_object(text: str) -> dict[str, Any]:
    """A JSON object, comments allowed."""

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    try:
        found = json.loads(blank_comments(text), parse_constant=no_constant)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError as err:
        raise Unreadable(f"it is no JSON: {err}") from err
    if not isinstance(found, dict):
        raise Unreadable("it is no JSON object")
    return found


_KINDS = {str: "a string", dict: "an object", bool: "true or false", int: "an integer"}


def _faults(values: dict[str, Any], kinds: dict[str, type], needed: Sequence[str] = ()) -> list[str]:
    faults = [f"{key} is missing" for key in needed if values.get(key) is None]
    for key, kind in kinds.items():
        value = values.get(key)
        if value is None:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            faults.append(f"{key} must be {_KINDS[kind]}")
        elif isinstance(value, str) and not value.strip():
            faults.append(f"{key} is blank")
    return faults


_DESCRIPTOR_KEYS: dict[str, type] = {
    "name": str,
    "url": str,
    "config": dict,
    "resourcePath": str,
    "lazyLoad": bool,
    "apiVersion": str,
    "version": str,
}


def descriptor_of(values: dict[str, Any]) -> tuple[Descriptor | None, list[str]]:
    """The descriptor, or all that is wrong with it."""
    faults = _faults(values, _DESCRIPTOR_KEYS, ("name", "url"))
    path = values.get("resourcePath")
    if isinstance(path, str) and path.strip():
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\0" in path or "\\" in path:
            faults.append("resourcePath leaves the plugins' folder")
    if faults:
        return None, faults
    return Descriptor(
        name=values["name"],
        url=values["url"],
        config=values.get("config") or {},
        resource_path=path,
        lazy_load=values.get("lazyLoad") is not False,
        api_version=values.get("apiVersion"),
        version=values.get("version"),
    ), []


def choice_of(values: dict[str, Any]) -> tuple[Choice | None, list[str]]:
    """The site's configuration, or all that is wrong with it."""
    faults = _faults(values, {"config": dict, "enabled": bool, "order": int})
    if faults:
        return None, faults
    order = values.get("order")
    return Choice(
        config=values.get("config") or {},
        enabled=values.get("enabled") is not False,
        order=_LAST if order is None else order,
    ), []


Stamp = tuple[int, int, int] | None


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST:
            raise Unreadable(f"it is longer than {LARGEST} bytes")
        return read_object(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as err:
        raise Unreadable("it is not UTF-8") from err
    except OSError as err:
        raise Unreadable(f"it cannot be read: {err.strerror}") from err


class _Known(Struct):
    """The last look at one descriptor and its configuration. plugin: the last good version."""

    stamps: tuple[Stamp, Stamp]
    plugin: UiPlugin | None
    faults: list[str]


def _log(fault: str, kept: bool) -> None:
    log.warning("ui plugin's file is faulty", fault=fault, earlier_version_kept=kept)


class UiPlugins:
    """All plugins of a site. folder: descriptors and files; config_folder: the site's configuration.

    tell: hears of each new fault, and whether an earlier version stays in use; the log, if nothing else is said.
    """

    def __init__(self, folder: Path, config_folder: Path, tell: Callable[[str, bool], None] = _log) -> None:
        self._tell = tell
        self.folder = folder
        self.config_folder = config_folder
        self._known: dict[str, _Known] = {}
        self._doubles: set[tuple[Path, str]] = set()
        self._by_name: dict[str, UiPlugin] | None = None

    def look(self) -> list[UiPlugin]:
        """Read what changed; the plugins in the order in which the page loads them."""
        try:
            files = {file.stem: file for file in sorted(self.folder.glob("*.json")) if file.is_file()}
        except OSError as err:
            log.warning("ui plugins cannot be listed", folder=str(self.folder), error=err.strerror)
            files = {}
        for stem in [stem for stem in self._known if stem not in files]:
            del self._known[stem]
        by_name: dict[str, UiPlugin] = {}
        doubles: set[tuple[Path, str]] = set()
        for stem, file in files.items():
            plugin = self._look_at(stem, file).plugin
            if plugin is None:
                continue
            name = plugin.descriptor.name
            first = by_name.setdefault(name, plugin)
            if first is not plugin:
                doubles.add((file, name))
                if (file, name) not in self._doubles:
                    self._tell(f"{file}: left out, {first.file.name} has the name {name} already", False)
        self._doubles = doubles
        self._by_name = by_name
        return sorted(by_name.values(), key=lambda plugin: (plugin.choice.order, plugin.file.name))

    def definitions(self) -> list[dict[str, Any]]:
        """`pluginDefinitions` of the host page, as the files are now."""
        return [plugin.definition for plugin in self.look()]

    def faults(self) -> dict[str, list[str]]:
        """What the last look found wrong, by the descriptor's stem."""
        found = {stem: known.faults for stem, known in self._known.items() if known.faults}
        for file, name in self._doubles:
            found[file.stem] = [*found.get(file.stem, []), f"{file}: another plugin has the name {name}"]
        return found

    def resources(self, name: str) -> Path | None:
        """The folder of a plugin's files; does not look whether descriptors changed."""
        if self._by_name is None:
            self.look()
        plugin = (self._by_name or {}).get(name)
        if plugin is None or plugin.descriptor.resource_path is None:
            return None
        return self.folder / plugin.descriptor.resource_path

    def config_file(self, stem: str) -> Path:
        """Where the site configures the plugin of that descriptor."""
        return self.config_folder / f"{stem}{CONFIG_SUFFIX}.json"

    def _look_at(self, stem: str, file: Path) -> _Known:
        own = self.config_file(stem)
        stamps = (_stamp(file), _stamp(own))
        known = self._known.get(stem)
        if known is not None and known.stamps == stamps:
            return known
        plugin, faults = self._compose(file, own, stamps[1] is not None)
        if plugin is None and known is not None:
            plugin = known.plugin
        for fault in faults:
            self._tell(fault, plugin is not None)
        self._known[stem] = found = _Known(stamps, plugin, faults)
        return found

    def _compose(self, file: Path, own: Path, configured: bool) -> tuple[UiPlugin | None, list[str]]:
        try:
            descriptor, faults = descriptor_of(_read(file))
        except Unreadable as err:
            descriptor, faults = None, [str(err)]
        told = [f"{file}: {fault}" for fault in faults]
        choice: Choice | None = Choice()
        if configured:
            try:
                choice, faults = choice_of(_read(own))
            except Unreadable as err:
                faults = [str(err)]  # as if it were empty
            told += [f"{own}: {fault}" for fault in faults]
        if descriptor is None or choice is None:
            return None, told
        return UiPlugin(file, descriptor, choice), told
