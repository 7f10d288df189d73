"""`ovis-engine plugins`: the UI plugins of a site: listed, enabled, disabled.

Does: show what the web admin is told, and why a plugin is left out; write `enabled` into the site's own configuration file,
leaving comments and all else in it as they are. What is changed counts at the next load of the page.
Exit status: 0; 1 refused; 2 a wrong call.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ovis.engine.http.ui_plugins import UiPlugin, UiPlugins, Unreadable, blank_comments, read_object


def add_arguments(plugins: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    plugins.add_argument("action", choices=("list", "enable", "disable"))
    plugins.add_argument("name", nargs="?", help="the plugin's name")


def run(settings: Any, args: argparse.Namespace) -> int:
    """The command's exit status."""
    found = UiPlugins(settings.ui_plugins_folder, settings.ui_plugins_config_folder, lambda fault, kept: None)
    plugins = found.look()
    if args.action == "list":
        _list(found, plugins)
        return 0
    if not args.name:
        print(f"ovis-engine: plugins {args.action} needs a plugin's name", file=sys.stderr)
        return 2
    plugin = next((plugin for plugin in plugins if plugin.descriptor.name == args.name), None)
    if plugin is None:
        print(f"ovis-engine: there is no usable plugin named {args.name} in {found.folder}", file=sys.stderr)
        return 1
    try:
        set_enabled(found.config_file(plugin.file.stem), args.action == "enable")
    except (OSError, Unreadable) as err:
        print(f"ovis-engine: {found.config_file(plugin.file.stem)}: {err}", file=sys.stderr)
        return 1
    return 0


def _list(found: UiPlugins, plugins: list[UiPlugin]) -> None:
    rows = [("NAME", "STATE", "VERSION", "FILE")]
    for plugin in plugins:
        state = "enabled" if plugin.choice.enabled else "disabled"
        rows.append((plugin.descriptor.name, state, plugin.descriptor.version or "-", plugin.file.name))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), row[3]]))
    for _, faults in sorted(found.faults().items()):
        for fault in faults:
            print(f"not used as written: {fault}")


def set_enabled(file: Path, enabled: bool) -> None:
    """Write it into a configuration file, which is made if it is missing. Unreadable if the file is no JSON object."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = "{}\n"
    except UnicodeDecodeError as err:
        raise Unreadable("it is not UTF-8") from err
    changed = with_enabled(text, enabled)
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(changed, encoding="utf-8")
    os.replace(temporary, file)


def with_enabled(text: str, enabled: bool) -> str:
    """The text of a JSON object, comments allowed, with its `enabled` set and all else untouched."""
    values = read_object(text)
    word = "true" if enabled else "false"
    plain = blank_comments(text)
    span = _value_of(plain, "enabled") if "enabled" in values else None
    if span is None:
        at = plain.index("{") + 1
        return f'{text[:at]}"enabled": {word}{", " if values else ""}{text[at:]}'
    return text[: span[0]] + word + text[span[1] :]


def _value_of(plain: str, key: str) -> tuple[int, int] | None:
    """Where the value of the object's last member of that name stands."""
    decoder = json.JSONDecoder()
    found, at = None, plain.index("{") + 1
    while True:
        while plain[at] in " \t\r\n,":
            at += 1
        if plain[at] == "}":
            return found
        name, at = decoder.raw_decode(plain, at)
        at = plain.index(":", at) + 1
        while plain[at] in " \t\r\n":
            at += 1
        start = at
        _, at = decoder.raw_decode(plain, start)
        if name == key:
            found = (start, at)
