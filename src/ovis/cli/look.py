"""`ovis status`, `down` and `logs`: look at an installation, and end it.

Does: read the records that `up` left. Does not: touch a process it cannot prove to be its own.
"""

import argparse
import json
import sys
import time
from collections import deque
from datetime import datetime
from pathlib import Path

from ovis.cli.faults import BadUsage, CliFault
from ovis.cli.instance import Instance
from ovis.cli.up import settings_of

GRACE_S = {"engine": 20.0}
ORDER = ("engine",)
"""Ended first: an engine that is gone does not take its hosts' end for a failure."""


def _instance(args: argparse.Namespace) -> Instance:
    instance = Instance(settings_of(args)[0])
    if not instance.known:
        raise CliFault(f"There is no installation in {instance.data}. Start one with `ovis up`, or name it by --data.")
    return instance


def status(args: argparse.Namespace) -> int:
    """A table or JSON of what runs; exit status 0 if all that was started is alive, else 1."""
    instance = _instance(args)
    rows = []
    for name in instance.processes.names():
        found = instance.processes.find(name)
        rows.append(
            {
                "name": name,
                "state": "running" if found else "ended",
                "pid": found.pid if found else None,
                "since": datetime.fromtimestamp(found.since).astimezone().isoformat(timespec="seconds")
                if found
                else None,
                "memory_mib": round(found.memory() / (1 << 20)) if found else None,
                "log": str(instance.processes.log(name)),
            }
        )
    if instance.choices.hosts == "local":
        from ovis.cli import local

        rows.append(local.status_row(instance))
    running = bool(rows) and all(row["state"] == "running" for row in rows)
    if args.json:
        print(json.dumps({**instance.contract(), "hosts": instance.choices.hosts, "running": running, "parts": rows}))
        return 0 if running else 1
    print(f"{instance.url}   data {instance.data}   hosts {instance.choices.hosts}")
    if not rows:
        print("Nothing runs.")
    for row in rows:
        print(
            f"  {row['name']:12} {row['state']:8} {row['pid'] or '-':>8} {row['since'] or '-':26}"
            f"{row['memory_mib'] or '-':>6} MiB   {row['log']}"
        )
    return 0 if running else 1


def down(args: argparse.Namespace) -> int:
    """End what this data folder's `up` started, and nothing else."""
    instance = Instance(settings_of(args)[0])
    if not instance.known:
        print(f"Nothing was started from {instance.data}.")
        return 0
    with instance.locked():
        names = instance.processes.names()
        ended = [
            name
            for name in sorted(names, key=lambda n: (n not in ORDER, n))
            if instance.processes.stop(name, grace=GRACE_S.get(name, 10.0))
        ]
        if instance.choices.hosts == "local":
            from ovis.cli import local

            ended += local.take_down(instance)
    print("Ended: " + ", ".join(ended) + "." if ended else "Nothing was running.")
    return 0


def logs(args: argparse.Namespace) -> int:
    """The last lines of the logs; with --follow, what comes."""
    instance = _instance(args)
    folder = instance.data / "logs"
    known = {file.stem: file for file in sorted(folder.glob("*.log"))}
    unknown = [name for name in args.name if name not in known]
    if unknown:
        raise BadUsage(f"There is no log of {', '.join(unknown)}; there are {', '.join(known) or 'none yet'}.")
    chosen = {name: known[name] for name in args.name} if args.name else known
    positions = {name: _tail(name, file, args.lines, named=len(chosen) > 1) for name, file in chosen.items()}
    while args.follow:
        time.sleep(0.3)
        for name, file in chosen.items():
            positions[name] = _more(name, file, positions[name], named=len(chosen) > 1)
    return 0


def _tail(name: str, file: Path, lines: int, *, named: bool) -> int:
    with file.open("rb") as log:
        kept = deque(log, maxlen=max(lines, 0))
        position = log.tell()
    _write(name, list(kept), named=named)
    return position


def _more(name: str, file: Path, position: int, *, named: bool) -> int:
    if file.stat().st_size < position:
        position = 0  # begun anew
    with file.open("rb") as log:
        log.seek(position)
        found = log.readlines()
        position = log.tell()
    _write(name, found, named=named)
    return position


def _write(name: str, lines: list[bytes], *, named: bool) -> None:
    prefix = f"{name}: ".encode() if named else b""
    for line in lines:
        sys.stdout.buffer.write(prefix + line.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()
