"""What the engine serves beside the API: health, certificates, registration of hosts, the landing page, the web admin.

Follows: API facts, section 1 (`/ovirt-engine/services/...`).
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec

from ovis.contract.enrol import EnrolAnswer, EnrolRequest
from ovis.engine.declare.faults import Fault
from ovis.engine.http.messages import Answer, Request
from ovis.engine.http.ui_plugin_files import UiPluginFiles
from ovis.engine.http.ui_plugins import UiPlugins
from ovis.engine.http.webadmin import WebAdmin
from ovis.engine.store.store import Store

HEALTH = b"DB Up!Welcome to Health Status!"
_FORMATS = {
    "X509-PEM-CA": "application/x-x509-ca-cert",
    "X509-PEM": "application/x-x509-cert",
    "OPENSSH-PUBKEY": "text/plain",
}
_LANDING = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Ovis</title><meta name="viewport" content="width=device-width">
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}a{color:#06c}</style></head>
<body><h1>Ovis</h1><p>A virtualization manager that speaks oVirt.</p><ul>
<li><a href="webadmin/">Web admin</a></li><li><a href="web-ui/">VM portal</a></li>
<li><a href="api">REST API, version 4</a></li><li><a href="../api">REST API, version 3</a></li>
<li><a href="apidoc/">API reference</a></li>
<li><a href="services/pki-resource?resource=ca-certificate&amp;format=X509-PEM-CA">CA certificate</a></li>
</ul></body></html>
"""


class Endpoints:
    """Fixed paths. register: what admits a host (`resources.hosts.enrol`); static: where the built web admin is;
    plugins: those of the web admin."""

    def __init__(
        self,
        store: Store,
        pki: Any,
        register: Callable[[EnrolRequest], Awaitable[EnrolAnswer]],
        static: Path | None,
        plugins: UiPlugins,
    ) -> None:
        self._store = store
        self._pki = pki
        self._register = register
        self.web = WebAdmin(static, plugins.definitions)
        self._plugin_files = UiPluginFiles(plugins)

    async def answer(self, request: Request) -> Answer | None:
        """The answer, or None if the path is not one of these."""
        path = request.path.rstrip("/") or "/"
        if path == "/ovirt-engine/services/health":
            await self._store.read(lambda rd: rd.connection.exec_driver_sql("SELECT 1").scalar())
            return Answer(200, HEALTH, "text/html;charset=UTF-8")
        if path == "/ovirt-engine/services/pki-resource":
            return self._certificate(request)
        if path == "/ca.crt":
            return Answer(200, self._pki.ca_pem(), _FORMATS["X509-PEM-CA"])
        if path == "/ovirt-engine/services/host-register" and request.method == "POST":
            return await self._enrol(request)
        if path == "/":
            return Answer(
                302, b"", None, [("Location", "ovirt-engine/webadmin/" if self.web.built else "ovirt-engine/")]
            )
        if path == "/ovirt-engine":
            if not request.path.endswith("/"):
                return Answer(302, b"", None, [("Location", "ovirt-engine/")])
            return Answer(200, _LANDING, "text/html;charset=UTF-8")
        return self._plugin_files.answer(request) or self.web.answer(request)

    def _certificate(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        resource = query.get("resource", ["ca-certificate"])[0]
        form = query.get("format", ["X509-PEM-CA" if "ca" in resource else "X509-PEM"])[0]
        if form not in _FORMATS or resource not in ("ca-certificate", "qemu-ca-certificate", "engine-certificate"):
            return Answer(404)
        if form == "OPENSSH-PUBKEY":
            return Answer(200, self._pki.engine_ssh_key(), _FORMATS[form])
        pem = self._pki.engine_pem() if resource == "engine-certificate" else self._pki.ca_pem()
        return Answer(200, pem, _FORMATS[form])

    async def _enrol(self, request: Request) -> Answer:
        try:
            body = msgspec.json.decode(await request.body(), type=EnrolRequest)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            return Answer(400, msgspec.json.encode({"error": str(err)}), "application/json")
        try:
            answer = await self._register(body)
        except Fault as err:
            return Answer(err.status, msgspec.json.encode({"error": err.detail}), "application/json")
        return Answer(200, msgspec.json.encode(answer), "application/json")
