"""VLANs and bonds by Open vSwitch in user space, for kernels without 8021q or bonding.

Does: run an ovsdb-server and an ovs-vswitchd of the agent's own (sockets and data below the agent's folders, never the
machine's), make a Layout so, tell what was made. They go on when the agent ends. Does not: decide (below), form commands
(ovs_layout). Blocks. Of a NIC, the switch takes tagged frames alone: untagged ones stay the kernel's, so that a
management network that lies on it is not touched. Slaves of bonds are its own altogether.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovis.agent.network import kernel, offloads, ovs_layout
from ovis.agent.network.below import Layout
from ovis.agent.network.bridges import Changes
from ovis.agent.network.kernel import Link
from ovis.agent.network.ovs_database import Database
from ovis.agent.network.request import BAD_BOND, BAD_NIC, BAD_VLAN
from ovis.contract.errors import Code, VerbError

log = structlog.get_logger(__name__)
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "nft")
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
_SECONDS = 30


class OpenVSwitch:
    """The switch as a maker (see below.Switch). data: its database and layout. run: sockets."""

    def __init__(self, data: Path, run: Path) -> None:
        self._data, self._run = data / "ovs", run / "ovs"
        self._file = self._data / "layout.json"
        self._database = Database(self._run / "db.sock")
        self._layout: Layout | None = None

    # -- what there is -----------------------------------------------------------------------------------------------

    def missing(self) -> str:
        """Why there is no Open vSwitch on this host; "" if there is."""
        gone = [p for p in PROGRAMS if shutil.which(p, path=_PATH) is None]
        if gone:
            return f"and there is no Open vSwitch instead ({', '.join(gone)} missing; install openvswitch-switch, nftables)"
        return "" if SCHEMA.exists() else f"and Open vSwitch is not whole: there is no {SCHEMA}"

    @property
    def layout(self) -> Layout:
        """What it has made, also before the agent's last start."""
        if self._layout is None:
            self._layout = Layout()
            if self._file.exists():
                try:
                    self._layout = msgspec.json.decode(self._file.read_bytes(), type=Layout)
                except (msgspec.DecodeError, OSError) as err:
                    log.error("the switch's layout cannot be read", error=str(err))
        return self._layout

    def seen(self, links: Mapping[str, Link]) -> dict[str, Link]:
        """Links with the switch's VLANs and bonds as such."""
        layout = self.layout
        actives = self._actives() if layout.bonds else {}
        return ovs_layout.seen(links, layout, actives)

    def along(self, device: str) -> list[str]:
        """Devices whose MTU goes with a VLAN's or bond's: the switch's end, a bond's slaves."""
        bond = self.layout.bonds.get(device)
        ours = device in self.layout.vlans or bond is not None
        return [*(bond.nics if bond else ()), *([ovs_layout.end_of(device)] if ours else ())]

    def _actives(self) -> dict[str, str]:
        """Bond -> MAC of its active slave."""
        try:
            ports = self._database.select("Port", "name", "bond_active_slave")
        except VerbError:
            return {}
        by_port = {str(p["name"]): p["bond_active_slave"] for p in ports}
        found = {b: by_port.get(ovs_layout.bond_port(b)) for b in self.layout.bonds}
        return {b: mac for b, mac in found.items() if isinstance(mac, str)}

    # -- making it so ------------------------------------------------------------------------------------------------

    def become(self, changes: Changes, before: Layout, after: Layout) -> None:
        """All of `after` and nothing else; undone by going back."""
        earlier = self.layout
        changes.later(lambda: self._apply(earlier))
        self._apply(after)

    def _apply(self, layout: Layout) -> None:
        if not layout and not self.layout and not self._alive():
            return
        links = kernel.snapshot()
        for nic in ovs_layout.nics_of(layout):
            if nic not in links:
                raise VerbError(BAD_NIC, f"There is no network device {nic} on this host.")
        wanted = ovs_layout.commands(layout, {})  # its refusals come before anything is changed
        self._ensure()
        earlier, self._layout = self.layout, layout
        self._data.mkdir(parents=True, exist_ok=True)
        _write(self._file, msgspec.json.encode(layout))
        with IPRoute() as netlink:
            for nic in ovs_layout.nics_of(layout):
                offloads.alone(nic, whole=nic in ovs_layout.slaves_of(layout))
                if not links[nic].up:
                    netlink.link("set", index=links[nic].index, state="up")
        for pair in ovs_layout.pairs_of(layout):
            _veth(links, pair)
        wanted = ovs_layout.commands(layout, self._database.bridges())
        if wanted:
            self._vsctl(*wanted)
        self._faults(layout)
        _filter(ovs_layout.filters(layout))
        ends = {p.device for p in ovs_layout.pairs_of(layout)}
        with IPRoute() as netlink:
            for old in ovs_layout.pairs_of(earlier):
                if old.device not in ends and (found := netlink.link_lookup(ifname=old.device)):
                    netlink.link("del", index=found[0])
        for nic in ovs_layout.nics_of(earlier) - ovs_layout.nics_of(layout):
            if nic in links:
                offloads.shared(nic)
        if not layout:
            self._end()

    def _faults(self, layout: Layout) -> None:
        """ovs-vsctl is content when the switch is not."""
        ours = {e for p in ovs_layout.pairs_of(layout) for e in (p.device, p.end)} | ovs_layout.nics_of(layout)
        for row in self._database.select("Interface", "name", "error"):
            if isinstance(row["error"], str) and row["name"] in ours:
                code = BAD_BOND if row["name"] in ovs_layout.slaves_of(layout) else BAD_VLAN
                raise VerbError(code, f"Open vSwitch cannot use {row['name']}: {row['error']}")

    # -- its processes -----------------------------------------------------------------------------------------------

    def revive(self) -> bool:
        """Start what died, with what it had."""
        if self._alive():
            return False
        self._apply(self.layout)
        return True

    def _alive(self) -> bool:
        return all(self._pid(p) for p in ("ovsdb-server", "ovs-vswitchd"))

    def _pid(self, program: str) -> int:
        """A process of ours; 0 if it is not there."""
        try:
            pid = int((self._run / f"{program}.pid").read_text(encoding="ascii"))
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return 0
        mine = any(str(self._run).encode() in w for w in words)
        return pid if mine and os.path.basename(words[0]) == program.encode() else 0

    def _ensure(self) -> None:
        """Both run."""
        if why := self.missing():
            raise VerbError(Code.NETWORK_PARAMETERS, f"Open vSwitch has VLANs or bonds to serve here {why}.")
        server, switch = self._pid("ovsdb-server"), self._pid("ovs-vswitchd")
        self._run.mkdir(parents=True, exist_ok=True, mode=0o755)
        self._data.mkdir(parents=True, exist_ok=True)
        database, socket = self._data / "conf.db", f"unix:{self._run}/db.sock"
        if not server:
            if not switch:  # a new start of the host: what the switch had is applied again, not trusted
                for old in (database, self._data / ".conf.db.~lock~", *self._run.glob("*")):
                    old.unlink(missing_ok=True)
            if not database.exists():
                self._program("ovsdb-tool", "create", str(database), str(SCHEMA))
            self._daemon("ovsdb-server", str(database), f"--remote=p{socket}")
            self._program("ovs-vsctl", f"--db={socket}", f"--timeout={_SECONDS}", "--no-wait", "init")
        if not switch:
            self._daemon("ovs-vswitchd", socket)
        log.info("Open vSwitch runs", run=str(self._run), began=not server or not switch)

    def _daemon(self, program: str, *arguments: str) -> None:
        quiet = ("-vconsole:off", "-vsyslog:off", "-vfile:warn")
        files = (f"--pidfile={self._run}/{program}.pid", f"--unixctl={self._run}/{program}.ctl")
        self._program(
            program, *arguments, *files, *quiet, f"--log-file={self._data}/{program}.log", "--detach", "--monitor"
        )

    def _end(self) -> None:
        """Nothing to do for it any more."""
        for program in ("ovs-vswitchd", "ovsdb-server"):
            pid = self._pid(program)
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                for _ in range(100):
                    if not self._pid(program):
                        break
                    time.sleep(0.05)

    def _vsctl(self, *commands: str) -> None:
        self._program("ovs-vsctl", f"--db=unix:{self._run}/db.sock", f"--timeout={_SECONDS}", *commands)

    def _program(self, name: str, *arguments: str) -> None:
        where = str(self._run)
        places = {"OVS_RUNDIR": where, "OVS_LOGDIR": str(self._data), "OVS_DBDIR": str(self._data)}
        environment = {"PATH": _PATH, "LC_ALL": "C.UTF-8", **places, "OVS_SYSCONFDIR": str(self._data)}
        _run([shutil.which(name, path=_PATH) or name, *arguments], environment)


def _run(command: list[str], environment: Mapping[str, str], told: bytes = b"") -> None:
    try:
        done = subprocess.run(
            command, input=told, capture_output=True, env=dict(environment), timeout=_SECONDS + 10, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise VerbError(BAD_VLAN, f"{os.path.basename(command[0])}: {err}") from err
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise VerbError(BAD_VLAN, f"{os.path.basename(command[0])}: {' '.join(words) or done.returncode}")


def _filter(rules: str) -> None:
    """Load the kernel's part: what the switch has taken must not arrive twice."""
    _run([shutil.which("nft", path=_PATH) or "nft", "-f", "-"], {"PATH": _PATH}, rules.encode())


def _veth(links: Mapping[str, Link], pair: ovs_layout.Pair) -> None:
    """A device of the kernel whose other end the switch has."""
    device = links.get(pair.device)
    if device is None or pair.end not in links:
        if device is not None:
            raise VerbError(BAD_VLAN, f"There is a device {pair.device} on this host already.")
        try:
            with IPRoute() as netlink:
                if stale := netlink.link_lookup(ifname=pair.end):
                    netlink.link("del", index=stale[0])
                peer = {"ifname": pair.end, "address": _mac_of_end(pair.end)}
                netlink.link("add", ifname=pair.device, kind="veth", address=links[pair.like].mac, peer=peer)
        except NetlinkError as err:
            raise VerbError(BAD_VLAN, f"veth {pair.device} cannot be made: {err}") from err
    with IPRoute() as netlink:
        for name in (pair.end, pair.device):
            netlink.link("set", index=netlink.link_lookup(ifname=name)[0], state="up")
    offloads.ended(pair.device, pair.end)


def _mac_of_end(name: str) -> str:
    """A local address that nobody else has; the kernel's own choice would do, but changes at every start."""
    digits = name[3:11]
    return "0e:0f:" + ":".join(digits[i : i + 2] for i in range(0, 8, 2))


def _write(file: Path, data: bytes) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_bytes(data)
    temporary.replace(file)
