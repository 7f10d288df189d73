"""A plugin's own files: `/ovirt-engine/webadmin/plugin/NAME/PATH`, and the first form `/webadmin/webadmin/plugin/NAME/PATH`.

Does: answer with a file below the plugin's folder, its type by its ending, asked anew each time (ETag).
Does not: leave that folder, list folders, ask who wants it: a frame's request carries no token, so nothing secret belongs there.
Follows: web admin facts, section 1.2: whatever is not such a file is 404. No policy of ours: a plugin's page is its own.
"""

import mimetypes
import stat
from pathlib import Path
from urllib.parse import unquote

from ovis.engine.http.messages import Answer, Request
from ovis.engine.http.ui_plugins import UiPlugins

PREFIXES = ("/ovirt-engine/webadmin/plugin/", "/webadmin/webadmin/plugin/")
_TYPES = {
    ".html": "text/html;charset=UTF-8",
    ".htm": "text/html;charset=UTF-8",
    ".js": "text/javascript;charset=UTF-8",
    ".mjs": "text/javascript;charset=UTF-8",
    ".css": "text/css;charset=UTF-8",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain;charset=UTF-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".eot": "application/vnd.ms-fontobject",
    ".wasm": "application/wasm",
}


def file_below(folder: Path, path: str) -> Path | None:
    """The regular file that `path` names below `folder`, all links followed; None if there is none or it is outside."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(char in path for char in "\0\\"):
        return None
    try:
        root = folder.resolve(strict=True)
        found = root.joinpath(*parts).resolve(strict=True)
        if not found.is_relative_to(root) or not stat.S_ISREG(found.stat().st_mode):
            return None
    except (OSError, RuntimeError, ValueError):  # missing, too long, links in a circle, no name of a file
        return None
    return found


class UiPluginFiles:
    """The endpoint."""

    def __init__(self, plugins: UiPlugins) -> None:
        self._plugins = plugins

    def answer(self, request: Request) -> Answer | None:
        """A file or 404; None if the address is not a plugin's."""
        path = unquote(request.path)
        prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix)), None)
        if prefix is None:
            return None
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", None, [("Allow", "GET, HEAD")])
        name, _, rest = path[len(prefix) :].partition("/")
        folder = self._plugins.resources(name)
        file = file_below(folder, rest) if folder is not None else None
        if file is None:
            return Answer(404, b"", None, [("Cache-Control", "no-cache")])
        try:
            state = file.stat()
            tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
            headers = [("ETag", tag), ("Cache-Control", "no-cache")]
            if _matches(request.headers.get("if-none-match", ""), tag):
                return Answer(304, b"", None, headers)
            return Answer(200, file.read_bytes(), _kind(file), headers)
        except OSError:  # gone or forbidden meanwhile
            return Answer(404, b"", None, [("Cache-Control", "no-cache")])


def _kind(file: Path) -> str:
    return _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _matches(told: str, tag: str) -> bool:
    return told.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in told.split(",")]
