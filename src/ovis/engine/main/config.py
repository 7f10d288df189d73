"""`ovis-engine config`: the engine's settings, and those that are kept in its database for each cluster level.

Does: describe and show settings; set, get, merge, list and reset the definitions of custom properties. What is changed
counts at once, for a running engine within a second. Exit status: 0; 1 refused; 2 a wrong call.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_EPILOG = """examples:
  ovis-engine config list
  ovis-engine config set UserDefinedVMProperties 'macspoof=^(true|false)$' --cver 4.7
  ovis-engine config merge CustomDeviceProperties '{type=interface;prop={ifacemacspoof=^(true|false)$}}'
  ovis-engine config get UserDefinedVMProperties
"""


def add_arguments(config: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    config.epilog, config.formatter_class = _EPILOG, argparse.RawDescriptionHelpFormatter
    config.add_argument("--describe", action="store_true", help="document every setting")
    config.add_argument(
        "action",
        nargs="?",
        choices=("set", "get", "merge", "list", "reset"),
        help="settings per cluster level: change, show one, add to one, show all, as shipped again; none: engine's own",
    )
    config.add_argument("name", nargs="?")
    config.add_argument("value", nargs="?")
    config.add_argument("--cver", metavar="LEVEL", help="a cluster level, as 4.7; default: all")


def run(settings: Any, args: argparse.Namespace) -> int:
    """The command's exit status."""
    if args.describe:
        return _describe()
    if args.action is None:
        print("\n".join(f"{name} = {getattr(settings, name)!r}" for name in settings.__struct_fields__))
        return 0
    wrong = _wrong(args)
    if wrong:
        print(f"ovis-engine: {wrong}", file=sys.stderr)
        return 2
    from ovis.engine.declare.faults import Fault

    try:
        return _change(settings, args) if args.action in ("set", "merge", "reset") else _show(settings, args)
    except Fault as err:
        print(f"ovis-engine: {err.detail}", file=sys.stderr)
        return 1


def _describe() -> int:
    from ovis.engine.main.settings import describe
    from ovis.engine.resources.custom_properties.settings import KEYS

    print(describe())
    print("\nFor each cluster level, by `ovis-engine config set|get|merge|list|reset`:")
    for key in KEYS.values():
        print(f"{key.name:36} {key.doc}")
    return 0


def _wrong(args: argparse.Namespace) -> str:
    """What is wrong with the call; empty: nothing."""
    from ovis.engine.resources.custom_properties.settings import KEYS, label
    from ovis.engine.resources.levels import LEVELS

    levels = [label(level) for level in LEVELS]
    if args.cver is not None and args.cver not in levels:
        return f"there is no cluster level {args.cver}; there are: {', '.join(levels)}"
    if args.action == "list":
        return "config list takes no name" if args.name is not None else ""
    if args.name is None:
        return f"config {args.action} needs a name: {', '.join(KEYS)}"
    if args.name not in KEYS:
        return f"there is no setting {args.name}; there are: {', '.join(KEYS)}"
    if args.action in ("set", "merge") and args.value is None:
        return f"config {args.action} needs a value"
    if args.action in ("get", "reset") and args.value is not None:
        return f"config {args.action} takes no value"
    return ""


def _levels(args: argparse.Namespace) -> tuple[tuple[int, int], ...]:
    from ovis.engine.resources.custom_properties.settings import label
    from ovis.engine.resources.levels import LEVELS

    return tuple(level for level in LEVELS if args.cver in (None, label(level)))


def _store(settings: Any, work: Callable[[Any], T]) -> T:
    from ovis.engine.main.composition import open_store
    from ovis.engine.store.migrations.run import require_current

    store = open_store(settings)
    try:
        require_current(store.engine)
        store.start()
        return work(store)
    finally:
        store.close()


def _show(settings: Any, args: argparse.Namespace) -> int:
    from ovis.engine.resources.custom_properties.settings import KEYS, label, values

    levels = _levels(args)
    names = (args.name,) if args.action == "get" else tuple(KEYS)
    found = _store(settings, lambda store: store.read_now(lambda rd: values(rd, names, levels)))
    if args.action == "get" and args.cver is not None:
        print(found[args.name, levels[0]])
        return 0
    for name in names:
        for level in levels:
            print(f"{name}: {found[name, level]} version: {label(level)}")
    return 0


def _change(settings: Any, args: argparse.Namespace) -> int:
    from ovis.engine.declare.faults import Fault
    from ovis.engine.resources.custom_properties.checks import unfit
    from ovis.engine.resources.custom_properties.definitions import BadDefinition
    from ovis.engine.resources.custom_properties.settings import KEYS, change

    levels = _levels(args)

    def work(tx: Any) -> list[str]:
        try:
            if args.action == "reset":
                for level in levels:
                    change(tx, args.name, KEYS[args.name].shipped(level), (level,))
            else:
                change(tx, args.name, args.value, levels, merge=args.action == "merge")
        except BadDefinition as err:
            raise Fault(f"{args.name} stays as it is: {err}") from err
        return unfit(tx)

    left = _store(settings, lambda store: store.write_now(work))
    if left:
        names = ", ".join(left[:10]) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
        print(f"ovis-engine: these have properties that do not fit any more: {names}", file=sys.stderr)
    return 0
