"""`ovis-agent hooks`: what an administrator does with hook scripts by hand: list, run dry, install, remove.

Exit status: 0; 1 if a point run dry would have made its operation fail, or a folder was refused; 2 for a wrong call.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DIRECTORY = "/usr/libexec/vdsm/hooks"


def add_parser(verbs: Any) -> None:
    """Declare the command."""
    hooks = verbs.add_parser("hooks", help="list, try, install and remove hook scripts")
    actions = hooks.add_subparsers(dest="action", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
        sub.add_argument("--hooks-dir", default=_DIRECTORY, metavar="DIR", help=f"default: {_DIRECTORY}")
        return sub

    sub = action("list", "the scripts of every point, in the order in which they run")
    sub.add_argument("--points", action="store_true", help="all points, with what they do")
    sub.add_argument("--json", action="store_true", help="as the host's capabilities show them")
    sub = action(
        "run",
        "run a point's scripts dry: the document that comes of them on standard output, a line for each script on "
        "standard error",
    )
    sub.add_argument("--point", required=True)
    document = sub.add_mutually_exclusive_group()
    document.add_argument("--domxml", metavar="FILE", help="the document: XML (- is standard input)")
    document.add_argument("--json", metavar="FILE", help="the document of a JSON point (- is standard input)")
    sub.add_argument("--env", metavar="JSON", default="{}", help='the VM\'s custom properties: {"name": "value"}')
    sub.add_argument("--device-env", metavar="JSON", default="{}", help="the device's, or the call's")
    sub.add_argument("--vm-id", default="", metavar="ID")
    sub.add_argument("--seconds", type=float, default=0.0, help="kill a script after this long (0: never)")
    sub = action("install", "put a folder's scripts, README and sudoers in their places")
    sub.add_argument("folder")
    sub.add_argument("--sudoers-dir", default="/etc/sudoers.d", metavar="DIR")
    sub.add_argument("--number", type=int, default=50, help="where in the order (default: 50)")
    sub.add_argument(
        "--share", action="append", default=[], metavar="FILE=POINT[,POINT]", help="a script that serves several points"
    )
    sub = action("remove", "take an installed hook away")
    sub.add_argument("name")
    sub.add_argument("--force", action="store_true", help="also files that were changed since")


def run(args: argparse.Namespace) -> int:
    """The command's exit status."""
    return {"list": _list, "run": _run, "install": _install, "remove": _remove}[args.action](args)


def _wrong(text: str) -> int:
    print(f"ovis-agent: {text}", file=sys.stderr)
    return 2


# -- list -----------------------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace) -> int:
    from ovis.agent.hooks import POINTS, Hooks

    hooks = Hooks(args.hooks_dir)
    if args.points:
        for point in POINTS.values():
            words = [point.level.value, *(["fatal"] if point.fatal else []), *(["used"] if point.used else [])]
            print(f"{point.name}  ({', '.join(words)}) {point.when}")
        return 0
    found = hooks.installed()
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    for name, scripts in found.items():
        print(name)
        for script, facts in scripts.items():
            print(f"  {script}  sha256 {facts['checksum']}")
    if not found:
        print(f"No scripts in {hooks.folder}", file=sys.stderr)
    return 0


# -- run ------------------------------------------------------------------------------------------------------------


def _texts(text: str, option: str) -> Mapping[str, str]:
    """A JSON object of texts (numbers and truths as JSON writes them); ValueError with what is wrong."""
    try:
        found = json.loads(text)
    except ValueError as err:
        raise ValueError(f"{option} is no JSON: {err}") from err
    if not isinstance(found, dict) or not all(isinstance(v, str | int | float) for v in found.values()):
        raise ValueError(f'{option} is an object whose values are texts, as in {{"name": "value"}}')
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def _document(args: argparse.Namespace, *, wants_json: bool) -> bytes:
    """What the scripts get first; ValueError, OSError."""
    if wants_json and args.domxml is not None:
        raise ValueError(f"{args.point} takes JSON: give its document by --json")
    if not wants_json and args.json is not None:
        raise ValueError(f"{args.point} takes XML: give its document by --domxml")
    name = args.json if wants_json else args.domxml
    if name is None:
        return b"{}" if wants_json else b""
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    if wants_json:
        json.loads(content)
    return content


def _run(args: argparse.Namespace) -> int:
    from ovis.agent.hooks import POINTS, Hooks
    from ovis.agent.hooks.dry import dry_run
    from ovis.agent.main.logs import configure

    configure(logging.CRITICAL)  # what there is to tell is printed
    point = POINTS.get(args.point)
    if point is None:
        return _wrong(f"there is no hook point {args.point!r} (see `ovis-agent hooks list --points`)")
    if not Path(args.hooks_dir).is_dir():
        return _wrong(f"{args.hooks_dir} is no folder")
    try:
        custom, device = _texts(args.env, "--env"), _texts(args.device_env, "--device-env")
        content = _document(args, wants_json=point.json)
    except ValueError as err:
        return _wrong(str(err))
    except OSError as err:
        return _wrong(f"{err.filename}: {err.strerror}")
    hooks = Hooks(str(Path(args.hooks_dir).resolve()), limit=args.seconds)
    done = asyncio.run(dry_run(hooks, point, content, custom=custom, device=device, vm_id=args.vm_id))
    for script in done.scripts:
        said = f", stderr: {script.error.decode(errors='replace')!r}" if script.error else ""
        print(f"{os.path.basename(script.script)}: exit status {script.status}{said}", file=sys.stderr)
    if done.note:
        print(f"note: {done.note}", file=sys.stderr)
    sys.stdout.buffer.write(done.content)
    sys.stdout.buffer.flush()
    if done.failure:
        print(f"failed: {done.failure}", file=sys.stderr)
        return 1
    return 0


# -- install, remove ------------------------------------------------------------------------------------------------


def _refused(err: Exception) -> int:
    for line in str(err).splitlines():
        print(f"ovis-agent: {line}", file=sys.stderr)
    return 1


def _install(args: argparse.Namespace) -> int:
    from ovis.agent.hooks.install import Refused, install, plan

    shared = {}
    for text in args.share:
        file, equals, points = text.partition("=")
        if not equals or not points:
            return _wrong(f"--share {text!r} is not FILE=POINT[,POINT]")
        shared[file] = points.split(",")
    hooks_dir = Path(args.hooks_dir).resolve()
    try:
        wanted = plan(Path(args.folder), hooks_dir, Path(args.sudoers_dir), number=args.number, shared=shared)
        install(wanted, hooks_dir)
    except Refused as err:
        return _refused(err)
    for copy in wanted.copies:
        print(copy.target)
    for name in wanted.left:
        print(f"not installed: {name}", file=sys.stderr)
    return 0


def _remove(args: argparse.Namespace) -> int:
    from ovis.agent.hooks.install import Refused, remove

    try:
        gone = remove(Path(args.hooks_dir).resolve(), args.name, force=args.force)
    except Refused as err:
        return _refused(err)
    for path in gone:
        print(path)
    return 0
