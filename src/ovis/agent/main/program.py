"""`ovis-agent`: join an engine, serve it, simulate hosts, ask an agent, look after hooks.

Imports are inside the functions: `--help` stays quick.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ovis.agent.main import hooks

_CALL = """\
arguments: NAME=VALUE, a JSON object or list, or - for a JSON object on standard input (for secrets); the later wins.
`ovis-agent call VERB ?` tells what a verb takes.
exit status: 0 done, 1 the agent refused (its code is told), 2 wrong arguments, 3 the agent cannot be reached"""


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ovis-agent", description="The host daemon of Ovis.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text)
        sub.add_argument("--data", default="/var/lib/ovis-agent", help="folder of keys and state")
        return sub

    sub = verb("join", "get a certificate from an engine")
    sub.add_argument("url")
    sub.add_argument("token")
    sub.add_argument("--name", required=True, help="name of the host in the engine")
    sub.add_argument("--address", required=True, help="address at which the engine reaches this host")
    sub.add_argument("--port", type=int, default=54321)
    sub.add_argument("--cluster", help="name of the cluster (default: the engine's default)")
    sub = verb("run", "serve")
    sub.add_argument("--listen", default="127.0.0.1")
    sub.add_argument("--port", type=int, default=54321)
    sub.add_argument("--address", default="", help="address that other hosts and consoles use")
    sub.add_argument("--driver", choices=("libvirt", "simulated"), default="libvirt")
    sub.add_argument("--libvirt-uri", default="qemu:///system")
    sub.add_argument("--run-dir", default="")
    sub.add_argument("--kvm", choices=("yes", "no", "auto"), default="auto")
    sub.add_argument(
        "--repository", default="", help="where storage is shown (default: rhev/data-center below the data)"
    )
    sub.add_argument(
        "--ensure-bridge", default="", metavar="BRIDGE=NIC", help="make this bridge over the NIC if missing"
    )
    sub.add_argument("--migration-uri", default="qemu+tcp://{host}/system", help="what the source dials on the target")
    sub.add_argument(
        "--network-backend", choices=("auto", "kernel", "ovs"), default="auto", help="who makes VLANs and bonds"
    )
    sub.add_argument("--resolv-conf", default="/etc/resolv.conf", help="where resolvers of networks are written")
    sub.add_argument("--hooks", default="/usr/libexec/vdsm/hooks", help="folder with a folder for each hook point")
    sub.add_argument("--hook-seconds", type=float, default=0.0, help="kill a script after this long (0: never)")
    sub = verb("simulate", "many simulated hosts in one process")
    sub.add_argument("url")
    sub.add_argument("token")
    sub.add_argument("--hosts", type=int, default=1)
    sub.add_argument("--base-port", type=int, default=54400)
    sub.add_argument("--cluster")
    sub = verb("call", "call a verb of a running agent")
    sub.epilog, sub.formatter_class = _CALL, argparse.RawDescriptionHelpFormatter
    sub.add_argument("method", help="for example Host.getStats; `list` names all that are served")
    sub.add_argument("arguments", nargs="*", metavar="NAME=VALUE|JSON|-")
    sub.add_argument("--host", "--address", dest="host", default="", help="default: where this host's agent listens")
    sub.add_argument("--port", type=int, default=0)
    sub.add_argument("--timeout", type=float, default=180.0, help="seconds to wait for the answer")
    sub.add_argument("--flow", default="", help="correlation id for the agent's log")
    hooks.add_parser(verbs)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = _arguments(argv)
    if args.verb in ("hooks", "join", "call"):
        try:
            status = _said(args)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        return status
    import uvloop

    from ovis.agent.main.logs import configure

    configure()
    return uvloop.run(_run(args) if args.verb == "run" else _simulate(args))


def _said(args: argparse.Namespace) -> int:
    """Commands that say something and end."""
    if args.verb == "hooks":
        return hooks.run(args)
    if args.verb == "join":
        return _join(args)
    from ovis.agent.main import call

    return asyncio.run(call.run(args))


def _join(args: argparse.Namespace) -> int:
    from ovis.agent.main.identity import Identity, JoinRefused, join

    identity = Identity(Path(args.data))
    try:
        host_id = join(
            args.url, args.token, identity, name=args.name, address=args.address, port=args.port, cluster=args.cluster
        )
    except JoinRefused as err:
        print(f"ovis-agent: {err}", file=sys.stderr)
        return 1
    print(host_id)
    return 0


def _stopped() -> asyncio.Event:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event


async def _run(args: argparse.Namespace) -> int:
    from ovis.agent.main.call import note_place
    from ovis.agent.main.identity import Identity
    from ovis.agent.main.settings import AgentSettings
    from ovis.agent.rpc.server import RpcServer, server_context
    from ovis.agent.verbs.dispatch import Dispatcher

    settings = AgentSettings(
        data=str(Path(args.data).resolve()),
        listen=args.listen,
        port=args.port,
        address=args.address or args.listen,
        driver=args.driver,
        libvirt_uri=args.libvirt_uri,
        run_dir=args.run_dir,
        kvm=args.kvm,
        repository=args.repository,
        ensure_bridge=args.ensure_bridge,
        migration_uri=args.migration_uri,
        hooks_dir=str(Path(args.hooks).resolve()),
        hook_seconds=args.hook_seconds,
        network_backend=args.network_backend,
        resolv_conf=args.resolv_conf,
    )
    identity = Identity(settings.folder)
    if not identity.joined:
        print("ovis-agent: not joined yet; run `ovis-agent join` first", file=sys.stderr)
        return 2
    driver: Any
    if settings.driver == "simulated":
        from ovis.agent.simulated.driver import SimulatedDriver
        from ovis.agent.simulated.rack import SimulatedRack

        driver = SimulatedDriver(settings, identity, SimulatedRack(settings.folder))
    else:
        from ovis.agent.virt.driver import LibvirtDriver

        driver = LibvirtDriver(settings, identity)
    server = RpcServer(Dispatcher(driver))
    port = await server.start(settings.listen, settings.port, server_context(identity))
    note_place(identity.folder, settings.listen, port)
    await driver.start(server.publish)
    stopped = _stopped()
    await stopped.wait()
    await server.stop()
    await driver.stop()
    return 0


async def _simulate(args: argparse.Namespace) -> int:
    from ovis.agent.simulated.rack import run_rack

    return await run_rack(args, _stopped())


if __name__ == "__main__":
    sys.exit(main())
