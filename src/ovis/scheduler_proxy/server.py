"""XML-RPC over HTTP on loopback.

Does: answer POSTs of programs on this machine, connections kept. Does not: answer pages of a browser, whose requests carry an
origin or another host's name; nor what is too long.
"""

import logging
from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.client import Fault, dumps
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from ovis.contract.xmlrpc import answer, read_call
from ovis.scheduler_proxy.calls import Calls, Misused

LONGEST = 64 << 20
_NAMES = ("127.0.0.1", "localhost", "[::1]")
log = logging.getLogger(__name__)


class _Request(SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 300
    encode_threshold = LONGEST  # never packed: it does not leave this machine
    rpc_paths = ("/", "/RPC2")

    def do_POST(self) -> None:
        name = (self.headers.get("Host") or "127.0.0.1").rsplit(":", 1)[0] or "127.0.0.1"
        length = self.headers.get("Content-Length") or ""
        if self.headers.get("Origin") is not None or name not in _NAMES:
            self._refuse(403)
        elif not length.isdigit():
            self._refuse(411)
        elif int(length) > LONGEST:
            self._refuse(413)
        else:
            super().do_POST()

    def _refuse(self, code: int) -> None:
        self.close_connection = True
        self.send_error(code)

    def log_message(self, format: str, *args: Any) -> None:
        """What fails is logged by the calls."""


class Server(ThreadingMixIn, SimpleXMLRPCServer):
    """Serves from construction of its socket; `serve_forever` answers."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, calls: Calls) -> None:
        super().__init__(("127.0.0.1", port), _Request, logRequests=False, allow_none=False)
        self.register_introspection_functions()
        self._calls = calls.methods()
        for name, function in self._calls.items():
            self.register_function(function, name)

    @property
    def port(self) -> int:
        """The one that it has."""
        return int(self.server_address[1])

    def _marshaled_dispatch(self, data: Any, dispatch_method: Any = None, path: Any = None) -> Any:
        """A call as engines write it, at once; any other by an XML parser."""
        called = read_call(bytes(data))
        if called is None:
            return super()._marshaled_dispatch(data, dispatch_method, path)
        try:
            told = answer(self._dispatch(*called))
        except Fault as fault:
            told = dumps(fault)
        except Exception as err:
            told = dumps(Fault(1, f"{type(err).__name__}: {err}"))
        return told.encode("utf-8", "xmlcharrefreplace")

    def _dispatch(self, method: str, params: Any) -> Any:
        try:
            return super()._dispatch(method, params)
        except Misused as err:
            raise Fault(1, f"{method}: {err}") from err
        except TypeError as err:
            if method in self._calls and "argument" in str(err):
                raise Fault(1, f"{method}: {err}") from err
            log.exception("%s failed", method)
            raise
        except Exception as err:
            if "is not supported" in str(err):
                raise Fault(1, f"there is no method {method}") from err
            log.exception("%s failed", method)
            raise
