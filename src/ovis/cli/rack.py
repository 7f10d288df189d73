"""A virtual rack: isolated libvirt "hosts" on one Linux machine, for `ovis up --hosts local` and for tests.

Does: make a host of namespaces (network, mount, PID, UTS, IPC) around its own libvirtd, with its own /run, /etc/libvirt,
/var/{lib,cache,log}/libvirt, name, UUID and NICs, which are veth ports of a switch in a namespace of its own; find
again and remove all of it. Does not: use or touch the machine's own libvirt. Killing a host's init is a power cut:
nothing of the host outlives it. Standard library only: a host's init runs this very file.
"""

import ctypes
import fcntl
import hashlib
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

MAX_HOSTS, MAX_NICS = 16, 8
READY_S, STOP_S = 60, 10
BIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What a host has of its own: path seen in the host -> folder under DIR/hN.
PRIVATE = {
    "/run": "run",
    "/etc/libvirt": "etc/libvirt",
    "/var/lib/libvirt": "lib",
    "/var/cache/libvirt": "cache",
    "/var/log/libvirt": "log/libvirt",
}

LIBVIRTD_CONF = """\
listen_tls = 0
listen_tcp = {tcp}
listen_addr = "{address}"
tcp_port = "16509"
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
host_uuid = "{uuid}"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
# No virtlogd/virtlockd, no labels or owner xattrs (hosts share files), and the
# PID and mount namespaces already isolate guests.
QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
auto_dump_path = "/var/lib/libvirt/qemu/dump"
migration_address = "0.0.0.0"
migration_host = "{address}"
vnc_listen = "0.0.0.0"
"""


class LabError(Exception):
    """A fault to be told in one line."""


def sh(*argv: str, check: bool = True, timeout: float = 30) -> str:
    """Run a command; return its standard output."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, env={**os.environ, "PATH": BIN_PATH, "LC_ALL": "C"}
        )
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"timed out after {timeout} s: {' '.join(argv)}") from None
    if check and done.returncode:
        raise LabError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def write(path: str, text: str) -> None:
    """Replace a file in one step."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(path + ".new", path)


def proc_stat(pid: int | str) -> tuple[int, int] | None:
    """(parent pid, start time) of a live process, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))


def netns_exists(name: str) -> bool:
    return os.path.exists(f"/run/netns/{name}")


class Host:
    """One host of the rack; what is written down about it lies in DIR/hN."""

    def __init__(self, rack: "Rack", number: int) -> None:
        self.rack, self.number, self.name = rack, number, f"h{number}"
        self.dir = os.path.join(rack.dir, self.name)
        self.netns = f"{rack.prefix}-{self.name}"
        self.address = str(rack.net[10 + number])
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"hostlab:{rack.dir}:{self.name}"))
        self.hostname = f"{self.name}.{rack.prefix}.test"
        self.pid_file = os.path.join(self.dir, "init.json")
        self.socket = os.path.join(self.dir, "run/libvirt/libvirt-sock")

    def pid(self) -> int | None:
        """The host's init as this machine numbers it, or None when it is off."""
        try:
            with open(self.pid_file, encoding="utf-8") as f:
                seen = json.load(f)
        except (OSError, ValueError):
            return None
        stat = proc_stat(seen["pid"])
        return seen["pid"] if stat and stat[1] == seen["start"] else None

    def uri_unix(self) -> str | None:
        """URI through the host's socket (None where its path is too long for one)."""
        path = self.socket
        return None if len(path) > 107 else f"qemu+unix:///system?socket={path}"

    def answers(self) -> bool:
        """Whether libvirtd answers: on its socket, or on TCP where the socket's path is too long for one."""
        if not self.pid():
            return False
        uri = self.uri_unix() or f"qemu+tcp://{self.address}/system"
        try:
            if self.uri_unix() or self.rack.tcp:
                return bool(sh("virsh", "-c", uri, "hostname", check=False, timeout=10).strip())
            inside = self.entered("virsh", "-c", "qemu:///system", "hostname")
            return bool(sh(*inside, check=False, timeout=10).strip())
        except LabError:
            return False

    def entered(self, *argv: str) -> list[str]:
        """The command that runs `argv` inside the host; LabError if it is off."""
        pid = self.pid()
        if not pid:
            raise LabError(f"{self.name} is off")
        return ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "--", *argv]

    def configure(self) -> None:
        """Write its configuration; what lies in /run goes, as at any boot."""
        shutil.rmtree(os.path.join(self.dir, "run"), ignore_errors=True)  # as at any boot
        for sub in (*PRIVATE.values(), "local", "run/lock", "run/libvirt", "lib/images"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        etc = os.path.join(self.dir, "etc")
        for name, text in (("libvirtd.conf", LIBVIRTD_CONF), ("qemu.conf", QEMU_CONF)):
            own, extra = os.path.join(self.rack.dir, "extra", name), ""
            if os.path.exists(own):
                with open(own, encoding="utf-8") as f:
                    extra = f.read() + "\n"
            text = text.format(address=self.address, uuid=self.uuid, tcp=int(self.rack.tcp))
            write(os.path.join(etc, "libvirt", name), extra + text)  # the first of two counts
        filters = os.path.join(etc, "libvirt/nwfilter")
        if os.path.isdir("/etc/libvirt/nwfilter") and not os.path.isdir(filters):
            shutil.copytree("/etc/libvirt/nwfilter", filters)
        write(os.path.join(etc, "no-kvm"), "")
        write(os.path.join(etc, "hostname"), self.hostname + "\n")
        write(os.path.join(etc, "machine-id"), self.uuid.replace("-", "") + "\n")
        write(
            os.path.join(etc, "hosts"),
            "127.0.0.1 localhost\n" + "".join(f"{h.address} {h.hostname} {h.name}\n" for h in self.rack.hosts),
        )
        write(
            os.path.join(self.dir, "spec.json"),
            json.dumps({"hostname": self.hostname, "kvm": self.rack.kvm, "ttl": self.rack.ttl, "tcp": self.rack.tcp}),
        )

    def plug(self) -> None:
        """The network namespace with its NICs, cabled to the switch."""
        switch, ns = self.rack.switch, self.netns
        sh("ip", "netns", "add", ns)
        sh("ip", "-n", ns, "link", "set", "lo", "up")
        for k in range(self.rack.nics):
            port = f"{self.name}e{k}"
            mac = f"02:{self.rack.id[:2]}:{self.rack.id[2:4]}:00:{self.number:02x}:{k:02x}"
            sh(
                "ip",
                "-n",
                switch,
                "link",
                "add",
                port,
                "type",
                "veth",
                "peer",
                "name",
                f"eth{k}",
                "address",
                mac,
                "netns",
                ns,
            )
            sh("ip", "-n", switch, "link", "set", port, "master", f"br{k}", "up")
            sh("ip", "-n", ns, "link", "set", f"eth{k}", "up")
        dev = "eth0"
        if self.rack.bridge:
            dev = self.rack.bridge
            sh("ip", "-n", ns, "link", "add", dev, "type", "bridge", "forward_delay", "0")
            sh("ip", "-n", ns, "link", "set", "eth0", "master", dev)
            sh("ip", "-n", ns, "link", "set", dev, "up")
        sh("ip", "-n", ns, "addr", "add", f"{self.address}/24", "dev", dev)
        sh("ip", "-n", ns, "route", "add", "default", "via", self.rack.gateway)

    def start(self) -> None:
        """Power the host on; answers() tells when libvirtd is ready."""
        self.stop()
        self.configure()
        self.plug()
        with open(os.path.join(self.dir, "log/init.log"), "ab") as log:
            outer = subprocess.Popen(
                [
                    "nsenter",
                    f"--net=/run/netns/{self.netns}",
                    "--",
                    "unshare",
                    "--mount",
                    "--uts",
                    "--ipc",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    "--kill-child=KILL",
                    "--",
                    sys.executable,
                    os.path.abspath(__file__),
                    "_init",
                    self.dir,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env={"PATH": BIN_PATH, "LC_ALL": "C.UTF-8", "HOME": "/root"},
            )
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline:
            if outer.poll() is not None:
                break
            for pid in filter(str.isdigit, os.listdir("/proc")):
                stat = proc_stat(pid)
                if stat and stat[0] == outer.pid:
                    write(self.pid_file, json.dumps({"pid": int(pid), "start": stat[1]}))
                    return
            time.sleep(0.05)
        raise LabError(f"{self.name}: init did not start; see {self.dir}/log/init.log")

    def stop(self, *, polite: bool = False) -> None:
        """Power off (SIGKILL to init takes every process of the host with it)."""
        pid = self.pid()
        if pid and polite:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.1)
        pid = self.pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
        self.rack.remove_netns(self.netns)
        if os.path.exists(self.pid_file):
            os.unlink(self.pid_file)

    def report(self) -> dict[str, Any]:
        """What there is to know from outside."""
        pid = self.pid()
        return {
            "name": self.name,
            "hostname": self.hostname,
            "uuid": self.uuid,
            "address": self.address,
            "netns": self.netns,
            "pid": pid,
            "power": "on" if pid else "off",
            "libvirtd": self.answers(),
            "uri": f"qemu+tcp://{self.address}/system",
            "uri_unix": self.uri_unix(),
            "bridge": self.rack.bridge,
            "nics": [f"eth{k}" for k in range(self.rack.nics)],
            "run": os.path.join(self.dir, "run"),
            "log": os.path.join(self.dir, "log"),
            "local": os.path.join(self.dir, "local"),
        }


class Rack:
    """The switch, the hosts and DIR/rack.json, which says how they were asked for.

    n, nics: hosts, and NICs of each. bridge: made over eth0, "" for none. kvm: leave /dev/kvm visible. ttl: seconds until
    a forgotten host ends itself, 0 never. tcp: libvirtd listens on the host's address, for anyone on this machine.
    """

    def __init__(self, directory: str) -> None:
        self.dir = os.path.realpath(directory)
        self.file = os.path.join(self.dir, "rack.json")
        self.n, self.nics, self.bridge, self.kvm, self.ttl = 0, 2, "ovirtmgmt", False, 0
        self.tcp = True
        self.net = ipaddress.IPv4Network("192.0.2.0/24")
        try:
            with open(self.file, encoding="utf-8") as f:
                kept = json.load(f)
        except FileNotFoundError:
            kept = {}
        for key in ("n", "nics", "bridge", "kvm", "ttl", "tcp"):
            setattr(self, key, kept.get(key, getattr(self, key)))
        self.net = ipaddress.IPv4Network(kept.get("subnet", str(self.net)))
        self.known = bool(kept)
        digest = hashlib.sha256(self.dir.encode()).hexdigest()
        self.id: str = kept.get("id", digest[: 4 if kept else 8])  # racks from before "id" was written have four
        self.prefix = f"hl-{self.id}"
        self.switch, self.uplink = f"{self.prefix}-sw", f"hl{self.id}"

    @property
    def gateway(self) -> str:
        """This machine's address in the rack."""
        return str(self.net[1])

    @property
    def hosts(self) -> list[Host]:
        """All hosts, on or off."""
        return [Host(self, i + 1) for i in range(self.n)]

    def host(self, name: str) -> Host:
        """A host by name, h1 and so on."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"no host {name} in this rack")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One change at a time."""
        os.makedirs(self.dir, exist_ok=True)
        with open(os.path.join(self.dir, "lock"), "w", encoding="ascii") as lock:
            deadline = time.monotonic() + 120
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise LabError("another hostlab holds this rack") from None
                    time.sleep(0.2)
            yield

    def save(self) -> None:
        """Write down how it was asked for."""
        write(
            self.file,
            json.dumps(
                {
                    "n": self.n,
                    "nics": self.nics,
                    "bridge": self.bridge,
                    "kvm": self.kvm,
                    "ttl": self.ttl,
                    "tcp": self.tcp,
                    "id": self.id,
                    "subnet": str(self.net),
                },
                indent=1,
            ),
        )

    def choose_subnet(self) -> ipaddress.IPv4Network:
        """A 10.x.y.0/24 that no route of this machine touches."""
        taken = []
        for route in json.loads(sh("ip", "-j", "-4", "route", "show", "table", "all") or "[]"):
            if route.get("dst", "default") != "default":
                taken.append(ipaddress.IPv4Network(route["dst"], strict=False))
        seed = int(self.id, 16)
        for step in range(256):
            net = ipaddress.IPv4Network(f"10.{64 + (seed >> 8) % 64}.{(seed + step) % 256}.0/24")
            if not any(net.overlaps(other) for other in taken):
                return net
        raise LabError("no free 10.x.y.0/24; give --subnet")

    def plug_switch(self) -> None:
        """Bridges br0.. in a namespace of their own, br0 with a cable to this machine."""
        if netns_exists(self.switch):
            return
        self.remove_uplink()
        sh("ip", "netns", "add", self.switch)
        for k in range(self.nics):
            sh("ip", "-n", self.switch, "link", "add", f"br{k}", "type", "bridge", "forward_delay", "0")
            sh("ip", "-n", self.switch, "link", "set", f"br{k}", "up")
        sh("ip", "link", "add", self.uplink, "type", "veth", "peer", "name", "root", "netns", self.switch)
        sh("ip", "-n", self.switch, "link", "set", "root", "master", "br0", "up")
        sh("ip", "addr", "add", f"{self.gateway}/24", "dev", self.uplink)
        sh("ip", "link", "set", self.uplink, "up")
        if shutil.which("dnsmasq", path=BIN_PATH):  # addresses for guests: .100 to .199
            sh("ip", "-n", self.switch, "link", "set", "lo", "up")
            sh("ip", "-n", self.switch, "addr", "add", f"{self.net[2]}/24", "dev", "br0")
            subprocess.Popen(
                [
                    "nsenter",
                    f"--net=/run/netns/{self.switch}",
                    "--",
                    "timeout",
                    str(self.ttl),
                    "dnsmasq",
                    "--keep-in-foreground",
                    "--conf-file=/dev/null",
                    "--port=0",
                    "--user=root",
                    "--pid-file=",
                    "--interface=br0",
                    "--bind-interfaces",
                    f"--dhcp-range={self.net[100]},{self.net[199]},12h",
                    f"--dhcp-option=3,{self.gateway}",
                    f"--dhcp-leasefile={self.dir}/leases",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env={"PATH": BIN_PATH},
            )

    def remove_uplink(self) -> None:
        """Pull this machine's cable."""
        if os.path.exists(f"/sys/class/net/{self.uplink}"):
            sh("ip", "link", "del", self.uplink, check=False)

    def remove_netns(self, name: str) -> None:
        """Delete one of our namespaces; a process in it can only be of our making."""
        if not netns_exists(name):
            return
        deadline = time.monotonic() + STOP_S
        while pids := sh("ip", "netns", "pids", name, check=False).split():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            if time.monotonic() > deadline:
                raise LabError(f"{name}: processes {' '.join(pids)} do not die")
            time.sleep(0.1)
        for k in range(MAX_NICS):  # veth ends die late with a namespace: take ours first
            port = f"{name.rpartition('-')[2]}e{k}"
            if name != self.switch and netns_exists(self.switch):
                sh("ip", "-n", self.switch, "link", "del", port, check=False)
        sh("ip", "netns", "del", name)

    def up(self) -> None:
        """Bring up what is not; LabError if a host does not get ready."""
        if not 1 <= self.n <= MAX_HOSTS or not 1 <= self.nics <= MAX_NICS:
            raise LabError(f"1 to {MAX_HOSTS} hosts of 1 to {MAX_NICS} NICs")
        os.makedirs(os.path.join(self.dir, "shared"), exist_ok=True)
        self.save()  # before anything is made, so that `down` knows
        for name in self.own_netns():  # hosts beyond -n
            if name != self.switch and name not in [h.netns for h in self.hosts]:
                Host(self, int(name.rpartition("-h")[2])).stop()
        self.plug_switch()
        fresh = [h for h in self.hosts if not (h.pid() and netns_exists(h.netns))]
        for host in fresh:
            host.start()
        self.await_ready(fresh)

    def await_ready(self, hosts: Sequence[Host]) -> None:
        """Until their libvirtd answers."""
        deadline = time.monotonic() + READY_S
        for host in hosts:
            while not host.answers():
                if time.monotonic() > deadline or not host.pid():
                    raise LabError(f"{host.name}: libvirtd is not answering; see {host.dir}/log")
                time.sleep(0.1)

    def own_netns(self) -> list[str]:
        """Names of our network namespaces, also of hosts that nobody asks for any more."""
        try:
            return sorted(n for n in os.listdir("/run/netns") if n.startswith(self.prefix + "-"))
        except FileNotFoundError:
            return []

    def down(self, *, purge: bool = False) -> None:
        """Everything off and gone, but for the folder, unless `purge`."""
        for name in self.own_netns():
            if name != self.switch:
                Host(self, int(name.rpartition("-h")[2])).stop(polite=True)
        self.remove_netns(self.switch)
        self.remove_uplink()
        if purge and self.known:
            shutil.rmtree(self.dir)

    def report(self) -> dict[str, Any]:
        """What there is to know from outside."""
        return {
            "rack": self.id,
            "dir": self.dir,
            "shared": os.path.join(self.dir, "shared"),
            "subnet": str(self.net),
            "gateway": self.gateway,
            "up": netns_exists(self.switch),
            "hosts": [h.report() for h in self.hosts],
        }


# -- inside a host -----------------------------------------------------------------


def mount(source: str | None, target: str, fstype: str | None = None, flags: int = 0) -> None:
    """mount(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    enc = [None if v is None else v.encode() for v in (source, target, fstype)]
    if libc.mount(*enc, ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}")


def host_init(directory: str) -> None:
    """PID 1 of a host: private mounts, then libvirtd, then reap until told to stop."""
    bind, read_only, remount, detach = 4096, 1, 32, 2
    with open(os.path.join(directory, "spec.json"), encoding="utf-8") as f:
        spec = json.load(f)
    ctypes.CDLL(None).umount2(b"/sys", detach)  # /sys/class/net must show our NICs
    mount("sysfs", "/sys", "sysfs")
    for path, sub in PRIVATE.items():
        mount(os.path.join(directory, sub), path, flags=bind)
    for name in ("hostname", "hosts", "machine-id"):
        if os.path.exists("/etc/" + name):
            mount(os.path.join(directory, "etc", name), "/etc/" + name, flags=bind)
    if not spec["kvm"] and os.path.exists("/dev/kvm"):
        # A read-only plain file: access(2) refuses it even to root. Were it accessible,
        # libvirt would think that KVM came back and probe QEMU anew at every start (5 s).
        mount(os.path.join(directory, "etc/no-kvm"), "/dev/kvm", flags=bind)
        mount(None, "/dev/kvm", flags=bind | remount | read_only)
    socket.sethostname(spec["hostname"])

    watched = {signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    signal.alarm(spec["ttl"])

    def libvirtd() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [
                "libvirtd",
                *(["-l"] if spec["tcp"] else []),
                "-f",
                "/etc/libvirt/libvirtd.conf",
                "-p",
                "/run/libvirtd.pid",
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, []),
        )

    daemon: subprocess.Popen[bytes] | None = libvirtd()
    again = False
    while True:
        got = signal.sigwait(watched)
        if got in (signal.SIGTERM, signal.SIGALRM):
            break
        if got in (signal.SIGUSR1, signal.SIGHUP):  # stop; stop and start
            again = got == signal.SIGHUP
            if daemon:
                daemon.terminate()
        try:
            while (gone := os.waitpid(-1, os.WNOHANG))[0]:
                if daemon and gone[0] == daemon.pid:
                    print(time.strftime("%F %T"), "libvirtd ended, status", gone[1], flush=True)
                    daemon = None
        except ChildProcessError:
            pass
        if again and not daemon:
            daemon, again = libvirtd(), False
    if daemon:
        daemon.terminate()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and os.waitpid(daemon.pid, os.WNOHANG) == (0, 0):
            time.sleep(0.05)
    # The kernel now kills what is left in this PID namespace.


if __name__ == "__main__":
    if sys.argv[1] != "_init":
        sys.exit("this file is run by a rack's hosts; see tools/hostlab.py")
    host_init(sys.argv[2])
