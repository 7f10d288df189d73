"""The command line of `ovis`. Modules are imported where they are used: `--help` and `--version` stay quick."""

import argparse
import re
import sys
from pathlib import Path

from ovis.cli.faults import CliFault

CHECKOUT_ONLY = ("test", "lint", "generate", "bench", "lock", "wheel")


def hosts_choice(text: str) -> str:
    """`local`, `none` or `simulated:H[xV]`, normalised to `simulated:HxV`."""
    if text in ("local", "none"):
        return text
    found = re.fullmatch(r"simulated:(\d{1,4})(?:x(\d{1,4}))?", text)
    if found is None or not 1 <= int(found[1]) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not local, none or simulated:HxV (1 to 1000 hosts of V VMs)")
    return f"simulated:{int(found[1])}x{int(found[2] or 0)}"


def port_number(text: str) -> int:
    """A TCP port."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    top = argparse.ArgumentParser(prog="ovis", description="Run and check Ovis, a virtualization manager, here.")
    top.add_argument("--version", action="store_true", help="print the version")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND")

    def verb(name: str, text: str, *, data: bool = True) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if data:
            sub.add_argument("--data", metavar="DIR", help="data folder (root: /var/lib/ovis)")
        return sub

    sub = verb("up", "start an installation in the background; does nothing twice")
    sub.add_argument("--listen", metavar="ADDR", help="address of the API (127.0.0.1)")
    sub.add_argument("--port", type=port_number, metavar="N", help="port of the API (8443)")
    sub.add_argument(
        "--hosts", type=hosts_choice, metavar="local|none|simulated:HxV", help="what to manage: this machine (local)"
    )
    sub.add_argument("--db", metavar="URL", help="database (SQLite in the data folder)")
    sub.add_argument("--json", action="store_true", help="last line of output: one JSON object that says everything")
    sub.add_argument("--no-web", action="store_true", help="do not build the web admin")
    sub.add_argument("--no-apt", action="store_true", help="never install Debian packages")
    sub = verb("status", "what runs")
    sub.add_argument("--json", action="store_true", help="as JSON")
    verb("down", "end what `up` started, guests on its own hosts included")
    sub = verb("logs", "show logs")
    sub.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    sub.add_argument("-n", "--lines", type=int, default=50, help="how many lines of each (50)")
    sub.add_argument("name", nargs="*", help="engine, agent, ... (all)")
    sub = verb("test", "the whole check, or pytest on PATH", data=False)
    sub.add_argument("--no-apt", action="store_true", help="never install Debian packages")
    sub.add_argument("path", nargs="*")
    verb("lint", "formats, types and import rules", data=False)
    sub = verb("generate", "write the generated files", data=False)
    sub.add_argument("--check", action="store_true", help="say whether they are up to date instead")
    sub = verb("bench", "run benchmarks", data=False)
    sub.add_argument("name", nargs=argparse.REMAINDER, metavar="NAME ... | NAME OPTION ...")
    verb("lock", "resolve the dependencies anew and write requirements/", data=False)
    verb("wheel", "build a wheel with the web admin inside", data=False)
    return top


def checkout() -> Path:
    """The source tree this program was installed from; CliFault if it came as a wheel."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "pyproject.toml").exists():
        raise CliFault("This command works in a checkout of Ovis only.")
    return root


def dispatch(args: argparse.Namespace) -> int:
    """Run the verb."""
    if args.verb == "up":
        from ovis.cli.up import up

        return up(args)
    if args.verb in ("status", "down", "logs"):
        from ovis.cli.look import down, logs, status

        return {"status": status, "down": down, "logs": logs}[args.verb](args)
    root = checkout()
    if args.verb == "lock":
        from ovis.cli.lock import lock

        return lock(root)
    if args.verb == "wheel":
        from ovis.cli.web import wheel

        return wheel(root)
    if args.verb == "generate":
        from ovis.cli.generate import generate

        return generate(root, check=args.check)
    if args.verb == "bench":
        from ovis.cli.bench import bench

        return bench(root, args.name)
    from ovis.cli.check import lint, test

    return lint(root) if args.verb == "lint" else test(root, args.path, apt=not args.no_apt)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status: 0, 1 refused or failed, 2 bad usage, 3 the machine lacks packages."""
    words = parser()
    args = words.parse_args(argv)
    if args.version:
        from importlib.metadata import version

        print("ovis", version("ovis"))
        return 0
    if args.verb is None:
        words.print_help()
        return 2
    try:
        return dispatch(args)
    except CliFault as err:
        print(f"ovis: {err}", file=sys.stderr)
        return err.status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
