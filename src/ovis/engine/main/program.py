"""`ovis-engine`: run, set up, and administer an engine.

Does: read arguments and settings, start what is asked for. Imports are inside the functions: `--help` stays quick.
"""

import argparse
import asyncio
import signal
import sys
from typing import Any

from ovis.engine.main.config import add_arguments as add_config
from ovis.engine.main.plugins import add_arguments as add_plugins


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ovis-engine", description="The engine of Ovis.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text)
        sub.add_argument("--data", help="folder of the database, keys and logs")
        sub.add_argument("--db", help="database URL (default: SQLite in the data folder)")
        return sub

    for name, text in (("run", "serve the API"), ("setup", "make keys, database and first data; idempotent")):
        sub = verb(name, text)
        sub.add_argument("--listen", help="address (default 127.0.0.1)")
        sub.add_argument("--port", type=int, help="port (default 8443)")
        sub.add_argument("--fqdn", help="name for the certificate")
        if name == "run":
            sub.add_argument("--scheduler-proxy-url", metavar="URL", help="where users' scheduling modules run")
    token = verb("host-token", "print a token by which hosts may join")
    token.add_argument("--uses", type=int, default=1, help="how many hosts (default 1)")
    token.add_argument("--hours", type=float, default=24, help="validity (default 24)")
    password = verb("password", "set an internal user's password; reads it from standard input")
    password.add_argument("user", nargs="?", default="admin")
    user = verb("user", "people of the internal directory; passwords come from standard input")
    user.add_argument("what", choices=("add", "password", "unlock", "remove", "list"))
    user.add_argument("name", nargs="?")
    for option in ("first-name", "last-name", "email"):
        user.add_argument(f"--{option}", default="")
    verbs.add_parser("schedule", help="decide one case of scheduling: a world in JSON from standard input, no engine")
    add_config(verb("config", "show settings; define custom properties for each cluster level"))
    add_plugins(verb("plugins", "UI plugins of the web admin: list them, enable or disable one"))
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = _arguments(argv)
    if args.verb == "schedule":
        from ovis.engine.main.paper import schedule

        return schedule(sys.stdin.buffer.read(), sys.stdout, sys.stderr)
    from ovis.engine.main import settings as settings_module

    try:
        settings = settings_module.load(vars(args))
    except ValueError as err:
        print(f"ovis-engine: {err}", file=sys.stderr)
        return 2
    if args.verb == "config":
        from ovis.engine.main.config import run as configure

        return configure(settings, args)
    if args.verb == "plugins":
        from ovis.engine.main.plugins import run as plugins

        return plugins(settings, args)
    if args.verb == "setup":
        from ovis.engine.main.setup import run as set_up

        set_up(settings)
        return 0
    if args.verb == "password":
        args.what, args.name = "password", args.user
        return _user(settings, args)
    if args.verb == "user":
        return _user(settings, args)
    if args.verb == "host-token":
        return _host_token(settings, args.uses, args.hours)
    return _run(settings)


def _user(settings: Any, args: argparse.Namespace) -> int:
    from ovis.engine.declare.faults import Fault
    from ovis.engine.main import users

    if args.what != "list" and not args.name:
        print(f"ovis-engine: user {args.what} needs a name", file=sys.stderr)
        return 2
    try:
        if args.what == "list":
            print("\n".join(users.listed(settings)))
        elif args.what in ("add", "password"):
            password = sys.stdin.readline().rstrip("\n")
            if not password:
                print("ovis-engine: the password, on standard input, is empty", file=sys.stderr)
                return 2
            if args.what == "password":
                users.set_password(settings, args.name, password)
            else:
                users.add(settings, args.name, password, first=args.first_name, last=args.last_name, email=args.email)
        elif args.what == "unlock":
            users.unlock(settings, args.name)
        else:
            users.remove(settings, args.name)
    except (users.NoSuchUser, Fault) as err:
        print(f"ovis-engine: {err}", file=sys.stderr)
        return 1
    return 0


def _host_token(settings: Any, uses: int, hours: float) -> int:
    from ovis.engine.main.composition import open_store
    from ovis.engine.main.pki import Pki
    from ovis.engine.resources.hosts.enrol import issue_token

    store = open_store(settings)
    store.start()
    try:
        secret = store.write_now(lambda tx: issue_token(tx, uses=uses, hours=hours))
    finally:
        store.close()
    print(f"{secret}.{Pki(settings.folder / 'pki').fingerprint()}")
    return 0


def _run(settings: Any) -> int:
    import uvloop

    if not (settings.folder / "pki" / "engine.pem").exists():
        print("ovis-engine: not set up yet; run `ovis-engine setup` first", file=sys.stderr)
        return 2
    from ovis.engine.declare.faults import Fault

    try:
        return uvloop.run(_serve(settings))
    except Fault as err:  # the database is not one that this engine may use, or is not there
        print(f"ovis-engine: {err.detail}", file=sys.stderr)
        return 2


async def _serve(settings: Any) -> int:
    import uvicorn

    from ovis.engine.main.composition import Engine
    from ovis.engine.main.logs import configure
    from ovis.engine.main.setup import instance_id
    from ovis.engine.store.migrations.run import require_current

    configure()
    engine = Engine(settings, instance_id(settings.folder))
    require_current(engine.store.engine)
    await engine.start()
    pki = settings.folder / "pki"
    server = uvicorn.Server(
        uvicorn.Config(
            engine.app,
            host=settings.listen,
            port=settings.port,
            ssl_keyfile=str(pki / "engine.key"),
            ssl_certfile=str(pki / "engine.pem"),
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=1 << 20,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=5,
        )
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()

    def end() -> None:
        server.should_exit = True
        engine.leave()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        await server.serve()
    finally:
        await engine.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
