"""`vdsm.client.connect()`: call verbs of the agent of this host, or another.

Does: JSON-RPC over STOMP 1.2 over mutual TLS, one call at a time. Does not: events.
"""

import builtins
import json
import os
import socket
import uuid

_DESTINATION = "jms.topic.vdsm_requests"
_ESCAPES = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"}


class Error(Exception):
    """Anything that goes wrong here."""


class ConnectionError(Error):
    """There is nobody to talk to, or not any more."""


class TimeoutError(Error):
    """No answer in time."""


class ServerError(Error):
    """The verb said no. code: VDSM's."""

    def __init__(self, cmd, params, resp):
        error = resp.get("error", {}) if isinstance(resp, dict) else {}
        super().__init__(f"Command {cmd} failed: {error}")
        self.cmd, self.params, self.resp = cmd, params, resp
        self.code = error.get("code")


def connect(
    host, port=None, use_tls=True, timeout=60, gluster_enabled=False, incoming_heartbeat=None, outgoing_heartbeat=None
):
    """A client; close it."""
    if host == "localhost":
        host = os.environ.get("OVIS_AGENT_ADDRESS") or host
    port = int(port or os.environ.get("OVIS_AGENT_PORT") or 54321)
    try:
        plain = socket.create_connection((host, port), timeout)
        return Client(_tls(plain) if use_tls else plain, timeout)
    except OSError as err:
        raise ConnectionError(f"{host}:{port} cannot be reached: {err}") from err


def _tls(plain):
    import ssl

    data = os.environ.get("OVIS_AGENT_DATA")
    pki = os.path.join(data, "pki/vdsm") if data else "/etc/pki/vdsm"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # certificates of hosts are checked by their CA alone
    context.load_verify_locations(os.path.join(pki, "certs/cacert.pem"))
    context.load_cert_chain(os.path.join(pki, "certs/vdsmcert.pem"), os.path.join(pki, "keys/vdsmkey.pem"))
    return context.wrap_socket(plain)


class Client:
    """`client.Host.getVMList(onlyUUID=True)`: a namespace, a verb, arguments by name."""

    def __init__(self, connection, timeout):
        self._connection, self._rest = connection, b""
        self._timeout = timeout
        self._reply = str(uuid.uuid4())
        self._send("CONNECT", {"accept-version": "1.2", "heart-beat": "0,0"})
        command, _, body = self._receive()
        if command != "CONNECTED":
            raise ConnectionError(body.decode("utf-8", "replace") or command)
        self._send("SUBSCRIBE", {"id": self._reply, "destination": self._reply, "ack": "auto"})

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Namespace(self, name)

    def call(self, method, params, timeout=None):
        """A verb's result; ServerError if it refuses."""
        call_id = str(uuid.uuid4())
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": call_id}).encode()
        self._connection.settimeout(timeout or self._timeout)
        headers = {"destination": _DESTINATION, "reply-to": self._reply, "content-type": "application/json"}
        self._send("SEND", headers, body)
        while True:
            command, _, text = self._receive()
            if command == "ERROR":
                raise ConnectionError(text.decode("utf-8", "replace"))
            if command != "MESSAGE":
                continue
            answer = json.loads(text)
            for found in answer if isinstance(answer, list) else [answer]:
                if found.get("id") == call_id:
                    if "error" in found:
                        raise ServerError(method, params, found)
                    return found.get("result")

    def close(self):
        """Hang up."""
        self._connection.close()

    def _send(self, command, headers, body=b""):
        if body:
            headers = dict(headers, **{"content-length": str(len(body))})
        lines = [command] + [_escaped(k) + ":" + _escaped(v) for k, v in headers.items()]
        try:
            self._connection.sendall("\n".join(lines).encode() + b"\n\n" + body + b"\0")
        except OSError as err:
            raise ConnectionError(str(err)) from err

    def _receive(self):
        head = self._until(b"\n\n").lstrip(b"\r\n")
        while not head:
            head = self._until(b"\n\n").lstrip(b"\r\n")
        command, *lines = head.decode().replace("\r", "").split("\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name, value)
        if "content-length" in headers:
            wanted = int(headers["content-length"])
            while len(self._rest) < wanted + 1:
                self._more()
            body, self._rest = self._rest[:wanted], self._rest[wanted + 1 :]
        else:
            body = self._until(b"\0")
        return command, headers, body

    def _until(self, mark):
        while mark not in self._rest:
            self._more()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _more(self):
        try:
            part = self._connection.recv(65536)
        except builtins.TimeoutError as err:
            raise TimeoutError("no answer in time") from err
        except OSError as err:
            raise ConnectionError(str(err)) from err
        if not part:
            raise ConnectionError("the agent hung up")
        self._rest += part


class Namespace:
    """The verbs of one area."""

    def __init__(self, client, name):
        self._client, self._name = client, name

    def __getattr__(self, verb):
        def call(_timeout=None, **params):
            return self._client.call(f"{self._name}.{verb}", params, _timeout)

        return call


def _escaped(text):
    return "".join(_ESCAPES.get(char, char) for char in text)
