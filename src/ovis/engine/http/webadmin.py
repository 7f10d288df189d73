"""The web admin and the VM portal as files: /ovirt-engine/webadmin/ and /ovirt-engine/web-ui/.

Does: serve what Vite built, with its content types, caching and the page's security headers; put the definitions of
plugins into the host page. Every address is relative, so a proxy may put a path before them.
Does not: know who asks (the page signs in by itself).
Follows: web admin facts, sections 1.1 and 1.2; frames of plugins are not restricted, and they may bring styles.
"""

import base64
import gzip
import hashlib
import json
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ovis.engine.http.messages import Answer, Request, packing

HOST_PAGE = "/ovirt-engine/webadmin/"
PORTAL = "/ovirt-engine/web-ui/"
PAGES = {HOST_PAGE: "index.html", PORTAL: "portal.html"}
_ALIASES = ("/ovirt-engine/webadmin/WebAdmin.html", "/webadmin/webadmin/WebAdmin.html")
_MARK = b"<!--definitions-->"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_COMPRESSED = (".js", ".css", ".svg", ".html", ".json")
_FOREVER = ("Cache-Control", "public, max-age=31536000, immutable")
_ASK = ("Cache-Control", "no-cache")
_NOT_BUILT = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ovis</title></head>
<body><h1>The web admin is not built here</h1><p>Run <code>ovis up</code> with Node.js at hand, without --no-web.</p></body></html>
"""


def security_headers(*inline: bytes) -> list[tuple[str, str]]:
    """What a page of ours may load: its own origin, and the given inline scripts by their hash."""
    hashes = "".join(f" 'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in inline)
    policy = (
        f"default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; frame-src *; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'self'"
    )
    return [
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
    ]


class WebAdmin:
    """The built files. folder: where they are, None if they are not built; plugins: the page's definitions, asked anew
    for every page."""

    def __init__(self, folder: Path | None, plugins: Callable[[], Sequence[Mapping[str, Any]]] = lambda: ()) -> None:
        self._folder = folder
        self._plugins = plugins
        self._packed: dict[tuple[str, int], bytes] = {}

    @property
    def built(self) -> bool:
        """Whether there is something to serve."""
        return self._folder is not None and (self._folder / "index.html").is_file()

    def answer(self, request: Request) -> Answer | None:
        """A page or a file; None if the address is none of these."""
        path = unquote(request.path)
        base = next((base for base in PAGES if path.startswith(base) or path == base.rstrip("/")), None)
        if base is None and path not in _ALIASES:
            return None
        if request.method not in ("GET", "HEAD"):
            return Answer(405, b"", None, [("Allow", "GET, HEAD")])
        if path in _ALIASES:
            return self._page(request, PAGES[HOST_PAGE], "../../ovirt-engine/webadmin/" if path[1] == "w" else "./")
        assert base is not None
        if path == base.rstrip("/"):
            return Answer(302, b"", None, [("Location", base.rsplit("/", 2)[1] + "/")])
        rest = path[len(base) :]
        if rest in ("", "index.html"):
            return self._page(request, PAGES[base], "")
        return self._file(request, rest)

    def _page(self, request: Request, name: str, base: str) -> Answer:
        if self._folder is None or not (self._folder / name).is_file():
            return Answer(503, _NOT_BUILT, "text/html;charset=UTF-8", [_ASK])
        html = (self._folder / name).read_bytes()
        script = b""
        if _MARK in html:
            defined = json.dumps(list(self._plugins()), ensure_ascii=True).replace("<", "\\u003c")
            script = f"var pluginDefinitions = {defined};".encode("ascii")
            head = f'<base href="{base}">'.encode() if base else b""
            html = html.replace(_MARK, head + b"<script>" + script + b"</script>")
        tag = f'"{hashlib.sha256(html).hexdigest()[:32]}"'
        headers = [("ETag", tag), _ASK, *(security_headers(script) if script else security_headers())]
        if request.headers.get("if-none-match") == tag:
            return Answer(304, b"", None, headers)
        return Answer(200, html, "text/html;charset=UTF-8", headers)

    def _file(self, request: Request, rest: str) -> Answer | None:
        if self._folder is None or "\0" in rest:
            return None
        file = (self._folder / rest).resolve()
        if not file.is_relative_to(self._folder.resolve()) or not file.is_file() or file.suffix == ".html":
            return None
        state = file.stat()
        kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
        headers = [
            ("ETag", tag),
            _FOREVER if rest.startswith("assets/") else _ASK,
            ("X-Content-Type-Options", "nosniff"),
        ]
        if request.headers.get("if-none-match") == tag:
            return Answer(304, b"", None, headers)
        if file.suffix in _COMPRESSED and packing(request.headers.get("accept-encoding", "")) == "gzip":
            key = (rest, state.st_mtime_ns)
            if key not in self._packed:
                self._packed[key] = gzip.compress(file.read_bytes(), 9, mtime=0)
            return Answer(
                200, self._packed[key], kind, [*headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
            )
        return Answer(200, file.read_bytes(), kind, headers)
