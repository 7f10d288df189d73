"""Network custom properties that the host itself heeds: bridge_opts and ethtool_opts.

Does: check and set them, undoably where the kernel tells what was. Does not: know others: they are for hooks.
Follows: bridge_opts `NAME=VALUE ...`, files of /sys/class/net/BRIDGE/bridge; ethtool_opts `--OPERATION NIC ARGUMENT ...`,
words of ethtool(8). Blocks.
"""

import os
import re
import shlex
import shutil
import subprocess
from functools import partial
from pathlib import Path

from ovis.agent.network.bridges import Changes
from ovis.agent.network.request import BAD_BRIDGE, BAD_NIC, BAD_PARAMETERS, Net
from ovis.contract.errors import VerbError

SYS = Path("/sys/class/net")
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_SECONDS = 20


def bridge_options(net: Net) -> dict[str, str]:
    """Name -> value. VerbError 21 for what is no option. Pure."""
    found = {}
    for word in net.custom.get("bridge_opts", "").split():
        name, given, value = word.partition("=")
        if not given or not _NAME.fullmatch(name) or not value:
            raise VerbError(BAD_PARAMETERS, f"Network {net.name}: {word[:40]!r} in bridge_opts is not NAME=VALUE.")
        found[name] = value
    return found


def ethtool_calls(net: Net, nics: frozenset[str]) -> list[list[str]]:
    """Arguments of each call. nics: those the network lies on, which alone may be named. Pure."""
    try:
        words = shlex.split(net.custom.get("ethtool_opts", ""))
    except ValueError as err:
        raise VerbError(BAD_PARAMETERS, f"Network {net.name}: ethtool_opts: {err}") from err
    calls: list[list[str]] = []
    for word in words:
        if word.startswith("-"):
            calls.append([word])
        elif not calls:
            raise VerbError(BAD_PARAMETERS, f"Network {net.name}: ethtool_opts begins with an operation, as --offload.")
        else:
            calls[-1].append(word)
    for call in calls:
        if len(call) < 2 or (call[1] != "*" and call[1] not in nics):
            raise VerbError(BAD_PARAMETERS, f"Network {net.name}: {' '.join(call)[:60]!r} names no NIC of the network.")
    return [[c[0], nic, *c[2:]] for c in calls for nic in (sorted(nics) if c[1] == "*" else [c[1]])]


def put(changes: Changes, net: Net, nics: frozenset[str]) -> None:
    """Both, of a network that is there."""
    calls = ethtool_calls(net, nics)
    if net.bridged:
        for name, value in bridge_options(net).items():
            bridge(changes, net.name, name, value)
    if calls and shutil.which("ethtool", path=_PATH) is None:
        raise VerbError(BAD_NIC, f"Network {net.name}: ethtool_opts needs ethtool, which this host has not.")
    for call in calls:
        done = subprocess.run(
            ["ethtool", *call], capture_output=True, text=True, timeout=_SECONDS, env={"PATH": _PATH, "LC_ALL": "C"}
        )
        if done.returncode:
            words = (done.stderr.strip() or str(done.returncode)).splitlines()[-1]
            raise VerbError(BAD_NIC, f"Network {net.name}: ethtool {' '.join(call)}: {words}")


def bridge(changes: Changes, bridge: str, name: str, value: str) -> None:
    file = SYS / bridge / "bridge" / name
    if not file.exists():
        raise VerbError(BAD_BRIDGE, f"Network {bridge}: this kernel's bridges have no option {name}.")
    try:
        before = file.read_text(encoding="ascii").strip()
        if before != value:
            file.write_text(value, encoding="ascii")
            changes.later(partial(_back, file, before))
    except OSError as err:
        raise VerbError(BAD_BRIDGE, f"Network {bridge}: {name}={value[:40]} is not taken: {err.strerror}") from err


def _back(file: Path, value: str) -> None:
    if file.exists():
        file.write_text(value, encoding="ascii")
