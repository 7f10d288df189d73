"""A server that answers every connection with the same bytes."""

import contextlib
import socket
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """The port of one that runs meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()
        server.settimeout(0.1)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    link, _ = server.accept()
                except TimeoutError:
                    continue
                with link:
                    link.settimeout(2)
                    with contextlib.suppress(OSError):
                        link.recv(65536)
                        link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            stopped.set()
            thread.join(5)
