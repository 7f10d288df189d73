"""`ovis-scheduler-proxy`: serve the scheduling modules of a directory.

Does: read arguments, start, stop at SIGTERM or SIGINT. Does not: become a daemon.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ovis.scheduler_proxy.calls import Calls
from ovis.scheduler_proxy.module import Limits
from ovis.scheduler_proxy.plugins import Plugins
from ovis.scheduler_proxy.server import Server

PORT = 18781


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ovis-scheduler-proxy", description="Runs users' scheduling modules for the engine (XML-RPC on loopback)."
    )
    parser.add_argument("--plugins", required=True, metavar="DIR", help="folder of the modules; it is watched")
    parser.add_argument("--port", type=int, default=PORT, help="0: any free one")
    parser.add_argument("--seconds", type=_positive, default=30.0, help="longest run of a unit")
    parser.add_argument("--load-seconds", type=_positive, default=30.0, help="longest load of a module")
    parser.add_argument(
        "--triples", action="store_true", help="runCostFunctions answers (host, score, unit), for engines since 4.1"
    )
    engine = parser.add_argument_group("what modules get by `from ovis.scheduler_proxy import connect`")
    engine.add_argument("--engine-url", default="", metavar="URL", help="https://HOST:PORT/api")
    engine.add_argument("--engine-user", default="", metavar="USER@DOMAIN")
    engine.add_argument("--engine-password-file", default="", metavar="FILE")
    engine.add_argument("--engine-ca-file", default="", metavar="FILE")
    return parser.parse_args(argv)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("between 0 and 3600")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the program: 0 after a signal, 1 if it cannot serve."""
    args = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    if not os.path.isdir(args.plugins):
        print(f"ovis-scheduler-proxy: {args.plugins} is no folder.", file=sys.stderr)
        return 1
    try:
        password = ""
        if args.engine_password_file:
            password = Path(args.engine_password_file).read_text(encoding="utf-8").strip()
        engine = {"url": args.engine_url, "username": args.engine_user, "password": password}
        engine["ca_file"] = os.path.abspath(args.engine_ca_file) if args.engine_ca_file else ""
        plugins = Plugins(args.plugins, Limits(args.seconds, args.load_seconds), engine)
        server = Server(args.port, Calls(plugins, triples=args.triples))
    except (OSError, OverflowError) as err:
        print(f"ovis-scheduler-proxy: cannot serve at port {args.port}: {err}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with server:
        plugins.start()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        print(f"http://127.0.0.1:{server.port}/", flush=True)
        stop.wait()
        server.shutdown()
        plugins.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
