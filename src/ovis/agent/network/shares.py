"""Host QoS: the networks on one NIC share what leaves it.

Does: an HFSC queue where the kernel has it, else HTB, with a class for each network that has a share and one for the rest;
by the tag of each frame, so that bridges, VLAN devices and the switch are all the same to it. Does not: incoming traffic.
Follows: tc-hfsc(8), tc-htb(8), tc-bpf(8). Blocks.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping

import structlog

from ovis.agent.network.bridges import Changes
from ovis.agent.network.request import BAD_NIC, Bond, Net, Share
from ovis.contract.errors import VerbError

log = structlog.get_logger(__name__)
HANDLE = "5a5a"
_REST = 1
_UNIT = 1_000_000
_FASTEST = 100_000_000_000
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_SECONDS = 20
# Places of a frame's tag: in its bookkeeping (the kernel's VLANs), or in the frame (others').
_TAG_PRESENT, _TAG, _ALL = 0xFFFFF030, 0xFFFFF02C, 0xFFFFFFFF


def by_nic(networks: Iterable[Net], bonds: Mapping[str, Bond]) -> dict[str, list[Net]]:
    """NIC -> networks on it, where at least one has a share. Pure."""
    found: dict[str, list[Net]] = {}
    for net in networks:
        bond = bonds.get(net.nic)
        for nic in bond.nics if bond is not None else (net.nic,) if net.nic else ():
            found.setdefault(nic, []).append(net)
    return {nic: nets for nic, nets in found.items() if any(n.share for n in nets)}


def program(vlan: int | None) -> str:
    """A classic BPF program that is true of frames with a tag (None: without), as tc takes it. Pure."""
    if vlan is None:
        ops = [
            (48, 0, 0, _TAG_PRESENT),
            (21, 0, 3, 0),
            (40, 0, 0, 12),
            (21, 1, 0, 0x8100),
            (6, 0, 0, _ALL),
            (6, 0, 0, 0),
        ]
    else:
        ops = [
            (48, 0, 0, _TAG_PRESENT),
            (21, 2, 0, 0),
            (32, 0, 0, _TAG),
            (5, 0, 0, 3),
            (40, 0, 0, 12),
            (21, 0, 4, 0x8100),
            (40, 0, 0, 14),
            (84, 0, 0, 0xFFF),
            (21, 0, 1, vlan),
            (6, 0, 0, _ALL),
            (6, 0, 0, 0),
        ]
    return f"{len(ops)}," + ",".join(" ".join(map(str, op)) for op in ops)


def _class(kind: str, share: Share, unit: int) -> list[str]:
    """What a class may have. unit: bit/s that a weight of 1 stands for."""
    weight = (share.weight or 1) * unit
    if kind == "hfsc":
        curves = (("ls", weight), ("rt", share.rate), ("ul", share.ceiling))
        return [w for name, rate in curves if rate for w in (name, "m2", f"{rate}bit")]
    rate = share.rate or min(weight, share.ceiling or _FASTEST)
    return ["rate", f"{rate}bit", "ceil", f"{max(rate, share.ceiling or _FASTEST)}bit"]


def commands(nic: str, nets: Iterable[Net], kind: str) -> list[list[str]]:
    """Calls of tc after the queue itself: networks by name; what has no share counts as much as the greatest. Pure."""
    shares = [(n, n.share) for n in sorted(nets, key=lambda n: n.name) if n.share is not None]
    greatest = max((s.weight for _, s in shares), default=1) or 1
    unit = 1 if greatest >= _UNIT else _UNIT

    def one(number: int, share: Share) -> list[str]:
        where = ["parent", f"{HANDLE}:", "classid", f"{HANDLE}:{number:x}"]
        return ["class", "add", "dev", nic, *where, kind, *_class(kind, share, unit)]

    out = [one(_REST, Share(weight=greatest))]
    for number, (net, share) in enumerate(shares, _REST + 1):
        match = ["bpf", "bytecode", program(net.vlan), "flowid", f"{HANDLE}:{number:x}"]
        order = ["protocol", "all", "prio", str(number)]
        out += [one(number, share), ["filter", "add", "dev", nic, "parent", f"{HANDLE}:", *order, *match]]
    return out


def become(changes: Changes, before: Mapping[str, list[Net]], after: Mapping[str, list[Net]]) -> None:
    """Make queues so; undone by going back."""
    if before == after:
        return
    changes.later(lambda: _apply(after, before))
    _apply(before, after)


def _apply(before: Mapping[str, list[Net]], after: Mapping[str, list[Net]]) -> None:
    for nic in before.keys() | after.keys():
        if before.get(nic) == after.get(nic):
            continue
        if nic in before:
            _tc(["qdisc", "del", "dev", nic, "root"], must=False)
        if nic in after:
            _queue(nic, after[nic])


def _queue(nic: str, nets: Iterable[Net]) -> None:
    _tc(["qdisc", "del", "dev", nic, "root"], must=False)
    kind = "hfsc"
    why = _tc(["qdisc", "add", "dev", nic, "root", "handle", f"{HANDLE}:", kind, "default", str(_REST)], must=False)
    if why:
        kind = "htb"
        _tc(["qdisc", "add", "dev", nic, "root", "handle", f"{HANDLE}:", kind, "default", str(_REST)])
        log.info("this kernel has no HFSC: host QoS by HTB", nic=nic)
    for words in commands(nic, nets, kind):
        _tc(words)


def _tc(words: list[str], *, must: bool = True) -> str:
    """Why it failed; "" if it did not. VerbError if it must not fail."""
    try:
        environment = {"PATH": _PATH, "LC_ALL": "C"}
        done = subprocess.run(["tc", *words], capture_output=True, text=True, timeout=_SECONDS, env=environment)
        why = "" if not done.returncode else (done.stderr.strip().splitlines() or [str(done.returncode)])[0]
    except (OSError, subprocess.TimeoutExpired) as err:
        why = str(err)
    if why and must:
        raise VerbError(BAD_NIC, f"Host QoS cannot be set: tc {' '.join(words[:4])}: {why}")
    return why
