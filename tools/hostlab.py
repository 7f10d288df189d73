#!/usr/bin/env python3
"""hostlab - a virtual rack: N isolated libvirt "hosts" on one Linux machine.

Every host is a set of namespaces (network, mount, PID, UTS, IPC) around its own
libvirtd. It has its own /run, /etc/libvirt, /var/{lib,cache,log}/libvirt, host
name, host UUID and NICs, which are veth ports of a switch kept in a network
namespace of its own. Hosts share the kernel, the root file system and
DIR/shared, which sits at the same path everywhere and plays shared storage.

    hostlab.py up -n 2 --dir DIR        bring the rack up (or repair it); print JSON
    hostlab.py status --dir DIR         print the same JSON
    hostlab.py exec --dir DIR h1 -- CMD run CMD inside a host
    hostlab.py power --dir DIR h1 off   off | on | cycle | status  (fencing)
    hostlab.py link --dir DIR h1 down   cut (or mend, up) a NIC's cable: --nic K
    hostlab.py libvirtd --dir DIR h1 restart     stop | start | restart
    hostlab.py run -n 2 --dir DIR -- CMD         up, run CMD, always down
    hostlab.py down --dir DIR [--purge]
    hostlab.py selftest [--dir DIR]     boot a guest on h1, live-migrate it to h2

Needs root, iproute2, util-linux, libvirtd, virsh and qemu; with dnsmasq there is DHCP
for guests. Guests are of domain type 'qemu' (TCG) unless --kvm is given: /dev/kvm is
hidden inside the hosts. Lines for every host's libvirtd.conf and qemu.conf can be put
in DIR/extra/. Killing a host's init kills all that runs in it, so nothing outlives
`down`; after a crash, `down` (or `up`, to repair) finds what is left by its name.
"""

import argparse
import ctypes
import fcntl
import hashlib
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress

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
listen_tcp = 1
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


def sh(*argv, check=True, timeout=30):
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


def write(path, text):
    """Replace a file in one step."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(text)
    os.replace(path + ".new", path)


def proc_stat(pid):
    """(parent pid, start time) of a live process, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))


def netns_exists(name):
    return os.path.exists(f"/run/netns/{name}")


class Host:
    """One host of the rack; what is written down about it lies in DIR/hN."""

    def __init__(self, rack, number):
        self.rack, self.number, self.name = rack, number, f"h{number}"
        self.dir = os.path.join(rack.dir, self.name)
        self.netns = f"{rack.prefix}-{self.name}"
        self.address = str(rack.net[10 + number])
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"hostlab:{rack.dir}:{self.name}"))
        self.hostname = f"{self.name}.{rack.prefix}.test"
        self.pid_file = os.path.join(self.dir, "init.json")
        self.socket = os.path.join(self.dir, "run/libvirt/libvirt-sock")

    def pid(self):
        """The host's init as this machine numbers it, or None when it is off."""
        try:
            with open(self.pid_file, encoding="utf-8") as f:
                seen = json.load(f)
        except (OSError, ValueError):
            return None
        stat = proc_stat(seen["pid"])
        return seen["pid"] if stat and stat[1] == seen["start"] else None

    def uri_unix(self):
        """URI through the host's socket (None where its path is too long for one)."""
        path = self.socket
        return None if len(path) > 107 else f"qemu+unix:///system?socket={path}"

    def answers(self):
        """Whether libvirtd answers on TCP, as this machine reaches it."""
        if not self.pid():
            return False
        uri = self.uri_unix() or f"qemu+tcp://{self.address}/system"
        try:
            return bool(sh("virsh", "-c", uri, "hostname", check=False, timeout=10).strip())
        except LabError:
            return False

    def configure(self):
        shutil.rmtree(os.path.join(self.dir, "run"), ignore_errors=True)  # as at any boot
        for sub in (*PRIVATE.values(), "local", "run/lock", "run/libvirt", "lib/images"):
            os.makedirs(os.path.join(self.dir, sub), exist_ok=True)
        etc = os.path.join(self.dir, "etc")
        for name, text in (("libvirtd.conf", LIBVIRTD_CONF), ("qemu.conf", QEMU_CONF)):
            own, extra = os.path.join(self.rack.dir, "extra", name), ""
            if os.path.exists(own):
                with open(own, encoding="utf-8") as f:
                    extra = f.read() + "\n"
            text = text.format(address=self.address, uuid=self.uuid)
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
            json.dumps({"hostname": self.hostname, "kvm": self.rack.kvm, "ttl": self.rack.ttl}),
        )

    def plug(self):
        """The network namespace with its NICs, cabled to the switch."""
        switch, ns = self.rack.switch, self.netns
        sh("ip", "netns", "add", ns)
        sh("ip", "-n", ns, "link", "set", "lo", "up")
        for k in range(self.rack.nics):
            port = f"{self.name}e{k}"
            mac = f"02:{self.rack.id[:2]}:{self.rack.id[2:]}:00:{self.number:02x}:{k:02x}"
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

    def start(self):
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

    def stop(self, polite=False):
        """Power off (SIGKILL to init takes every process of the host with it)."""
        pid = self.pid()
        if pid and polite:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.1)
        if self.pid():
            os.kill(pid, signal.SIGKILL)
        self.rack.remove_netns(self.netns)
        if os.path.exists(self.pid_file):
            os.unlink(self.pid_file)

    def report(self):
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
    """The switch, the hosts and DIR/rack.json, which says how they were asked for."""

    def __init__(self, directory):
        self.dir = os.path.realpath(directory)
        self.id = hashlib.sha256(self.dir.encode()).hexdigest()[:4]
        self.prefix = f"hl-{self.id}"
        self.switch, self.uplink = f"{self.prefix}-sw", f"hl{self.id}"
        self.file = os.path.join(self.dir, "rack.json")
        self.n, self.nics, self.bridge, self.kvm, self.ttl = 0, 2, "ovirtmgmt", False, 0
        self.net = ipaddress.ip_network("192.0.2.0/24")
        try:
            with open(self.file, encoding="utf-8") as f:
                kept = json.load(f)
        except FileNotFoundError:
            kept = {}
        for key in ("n", "nics", "bridge", "kvm", "ttl"):
            setattr(self, key, kept.get(key, getattr(self, key)))
        self.net = ipaddress.ip_network(kept.get("subnet", str(self.net)))
        self.known = bool(kept)

    @property
    def gateway(self):
        return str(self.net[1])

    @property
    def hosts(self):
        return [Host(self, i + 1) for i in range(self.n)]

    def host(self, name):
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"no host {name} in this rack")

    @contextmanager
    def locked(self):
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

    def save(self):
        write(
            self.file,
            json.dumps(
                {
                    "n": self.n,
                    "nics": self.nics,
                    "bridge": self.bridge,
                    "kvm": self.kvm,
                    "ttl": self.ttl,
                    "subnet": str(self.net),
                },
                indent=1,
            ),
        )

    def choose_subnet(self):
        """A 10.x.y.0/24 that no route of this machine touches."""
        taken = []
        for route in json.loads(sh("ip", "-j", "-4", "route", "show", "table", "all") or "[]"):
            if route.get("dst", "default") != "default":
                taken.append(ipaddress.ip_network(route["dst"], strict=False))
        seed = int(self.id, 16)
        for step in range(256):
            net = ipaddress.ip_network(f"10.{64 + (seed >> 8) % 64}.{(seed + step) % 256}.0/24")
            if not any(net.overlaps(other) for other in taken):
                return net
        raise LabError("no free 10.x.y.0/24; give --subnet")

    def plug_switch(self):
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

    def remove_uplink(self):
        if os.path.exists(f"/sys/class/net/{self.uplink}"):
            sh("ip", "link", "del", self.uplink, check=False)

    def remove_netns(self, name):
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

    def up(self):
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

    def await_ready(self, hosts):
        deadline = time.monotonic() + READY_S
        for host in hosts:
            while not host.answers():
                if time.monotonic() > deadline or not host.pid():
                    raise LabError(f"{host.name}: libvirtd is not answering; see {host.dir}/log")
                time.sleep(0.1)

    def own_netns(self):
        try:
            return sorted(n for n in os.listdir("/run/netns") if n.startswith(self.prefix + "-"))
        except FileNotFoundError:
            return []

    def down(self, purge=False):
        for name in self.own_netns():
            if name != self.switch:
                Host(self, int(name.rpartition("-h")[2])).stop(polite=True)
        self.remove_netns(self.switch)
        self.remove_uplink()
        if purge and self.known:
            shutil.rmtree(self.dir)

    def report(self):
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


def mount(source, target, fstype=None, flags=0):
    libc = ctypes.CDLL(None, use_errno=True)
    enc = [None if v is None else v.encode() for v in (source, target, fstype)]
    if libc.mount(*enc, ctypes.c_ulong(flags), None):
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}")


def host_init(directory):
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

    def libvirtd():
        return subprocess.Popen(
            ["libvirtd", "-l", "-f", "/etc/libvirt/libvirtd.conf", "-p", "/run/libvirtd.pid"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, []),
        )

    daemon, again = libvirtd(), False
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


# -- verbs ---------------------------------------------------------------------------


def enter(host, argv):
    """Run a command in a host's namespaces, in this terminal; return its exit status."""
    pid = host.pid()
    if not pid:
        raise LabError(f"{host.name} is off")
    return subprocess.call(["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "--", *argv], cwd="/")


def verb_up(rack, args):
    with rack.locked():
        asked = {"nics": args.nics, "bridge": args.bridge, "kvm": args.kvm}
        if not netns_exists(rack.switch):
            vars(rack).update(asked)
            rack.net = ipaddress.ip_network(args.subnet) if args.subnet else rack.choose_subnet()
        elif any(getattr(rack, key) != value for key, value in asked.items()):
            raise LabError("this rack is up with other NICs, bridge or KVM: take it down first")
        rack.n, rack.ttl = args.n, args.ttl
        try:
            rack.up()
        except BaseException:
            if not args.keep:
                rack.down()
            raise
        return rack.report()


def verb_run(rack, args):
    verb_up(rack, args)
    try:
        env = {**os.environ, "HOSTLAB_DIR": rack.dir, "HOSTLAB_JSON": json.dumps(rack.report())}
        return subprocess.call(args.command, env=env)
    finally:
        with rack.locked():
            rack.down(args.purge)


def verb_power(rack, args):
    host = rack.host(args.host)
    with rack.locked():
        if args.action in ("off", "cycle"):
            host.stop()
        if args.action in ("on", "cycle") and not host.pid():
            rack.plug_switch()
            host.start()
            rack.await_ready([host])
    return {"name": host.name, "power": "on" if host.pid() else "off"}


def verb_link(rack, args):
    port = f"{rack.host(args.host).name}e{args.nic}"
    sh("ip", "-n", rack.switch, "link", "set", port, args.action)
    return {"name": args.host, "nic": f"eth{args.nic}", "link": args.action}


def verb_libvirtd(rack, args):
    host = rack.host(args.host)
    pid = host.pid()
    if not pid:
        raise LabError(f"{host.name} is off")
    os.kill(pid, signal.SIGUSR1 if args.action == "stop" else signal.SIGHUP)
    time.sleep(0.5)
    if args.action != "stop":
        rack.await_ready([host])
    return {"name": host.name, "libvirtd": host.answers()}


# A guest of one disk sector: prints GUEST-UP, then on every BIOS tick (18.2 Hz) a
# counter, to COM1, and keeps dirtying 512 KiB. It needs no file of anyone's.
BOOT_SECTOR = bytes.fromhex(
    "fa31c08ed88ed0bc007cfbfcbe697cac84c07405e83f00ebf631edb800108ec026fe060000050001"
    "3d009072f1f4a06c0438d874e688c34589eab90400c1c20488d0240f049027144027e80900e2eeb0"
    "0ae80200ebc55288c4bafd03eca82074fbbaf80388e0ee5ac347554553542d55500a00"
)
GUEST_XML = """\
<domain type='{type}'><name>hostlab-selftest</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
 <os><type arch='x86_64' machine='pc'>hvm</type></os><on_crash>destroy</on_crash>
 <devices>
  <disk type='file'><driver name='qemu' type='raw' cache='none'/><source file='{disk}'/>
   <target dev='vda' bus='virtio'/></disk>
  <interface type='bridge'><source bridge='{bridge}'/><model type='virtio'/>
   <rom enabled='no'/></interface>
  <serial type='file'><source path='/var/log/libvirt/selftest-tty.log' append='on'/></serial>
  <memballoon model='none'/>
 </devices></domain>
"""


def ticks(host):
    """The guest's counter as its serial log on that host last shows it, or None."""
    try:
        with open(os.path.join(host.dir, "log/libvirt/selftest-tty.log"), "rb") as log:
            seen = re.findall(rb"^([0-9A-F]{4})\n", log.read(), re.M)
    except FileNotFoundError:
        return None
    return int(seen[-1], 16) if seen else None


def await_tick(host, after, limit):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        now = ticks(host)
        if now is not None and now > after:
            return now
        time.sleep(0.05)
    raise LabError(f"{host.name}: the guest shows no sign of life in {limit} s")


def migrate_and_watch(rack, source, target):
    """Boot the guest on source, live-migrate it to target (peer to peer over TCP)."""
    disk, name = os.path.join(rack.dir, "shared/selftest.raw"), "hostlab-selftest"
    with open(disk, "wb") as out:
        out.write(BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    xml = os.path.join(rack.dir, "selftest.xml")
    write(xml, GUEST_XML.format(type="kvm" if rack.kvm else "qemu", disk=disk, bridge=rack.bridge or "br0"))
    for host in (source, target):
        log = os.path.join(host.dir, "log/libvirt/selftest-tty.log")
        if os.path.exists(log):
            os.unlink(log)
    begun = time.monotonic()
    source_uri, target_uri = (f"qemu+tcp://{h.address}/system" for h in (source, target))
    sh("virsh", "-c", source_uri, "create", xml)
    try:
        before = await_tick(source, 0, 30)
        booted = time.monotonic()
        sh("virsh", "-c", source_uri, "migrate", "--live", "--p2p", "--unsafe", name, target_uri, timeout=120)
        moved = time.monotonic()
        after = await_tick(target, before, 30)
        info = sh("virsh", "-c", target_uri, "domjobinfo", "--completed", name)
        stats = dict(re.findall(r"^([^:\n]+):\s+([\d.]+ ?\S*)", info, re.M))
        gone = name not in sh("virsh", "-c", source_uri, "list", "--all", "--name")
        there = name in sh("virsh", "-c", target_uri, "list", "--name")
    finally:
        for uri in (source_uri, target_uri):
            sh("virsh", "-c", uri, "destroy", name, check=False)
    return {
        "ok": gone and there,
        "boot_s": round(booted - begun, 2),
        "migration_s": round(moved - booted, 2),
        "ticks": [before, after],
        "downtime": stats.get("Total downtime"),
        "transferred": stats.get("Data processed"),
        "from": source.name,
        "to": target.name,
    }


def verb_selftest(rack, args):
    mine = not args.dir
    with rack.locked():
        was_up = netns_exists(rack.switch)
        if not was_up:
            rack.n, rack.ttl = max(rack.n, 2), 600
            rack.net = rack.choose_subnet()
        begun = time.monotonic()
        try:
            rack.up()
            up_s = round(time.monotonic() - begun, 2)
            first, second = rack.hosts[:2]
            result = [migrate_and_watch(rack, first, second), migrate_and_watch(rack, second, first)]
        finally:
            if not was_up:
                rack.down()
            if mine:
                shutil.rmtree(rack.dir, ignore_errors=True)
    left = [] if was_up else rack.own_netns()
    return {"ok": all(r["ok"] for r in result) and not left, "up_s": up_s, "migrations": result, "left_over": left}


def arguments(argv):
    parser = argparse.ArgumentParser(prog="hostlab.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name, text):
        sub = verbs.add_parser(name, help=text)
        sub.add_argument("--dir", required=name != "selftest", help="the rack's folder")
        return sub

    for name, text in (("up", "bring the rack up"), ("run", "up, run a command, down")):
        sub = verb(name, text)
        sub.add_argument("-n", type=int, default=2, help="hosts (2)")
        sub.add_argument("--nics", type=int, default=2, help="NICs of each host (2)")
        sub.add_argument("--bridge", default="ovirtmgmt", help="bridge made over eth0; '' leaves the address on eth0")
        sub.add_argument("--subnet", help="a /24 (default: a free 10.x.y.0/24)")
        sub.add_argument("--kvm", action="store_true", help="leave /dev/kvm visible")
        sub.add_argument(
            "--ttl", type=int, default=14400, help="seconds until a forgotten host ends itself; 0: never (14400)"
        )
        sub.add_argument("--keep", action="store_true", help="leave a failed rack for a look")
        if name == "run":
            sub.add_argument("--purge", action="store_true", help="remove DIR afterwards")
            sub.add_argument("command", nargs="+")
    verb("status", "what is up")
    verb("down", "take everything down").add_argument("--purge", action="store_true", help="remove DIR too")
    verb("selftest", "boot a guest and live-migrate it there and back")
    sub = verb("exec", "run a command in a host")
    sub.add_argument("host")
    sub.add_argument("command", nargs="+")
    for name, actions in (
        ("power", ("on", "off", "cycle", "status")),
        ("link", ("up", "down")),
        ("libvirtd", ("start", "stop", "restart")),
    ):
        sub = verb(name, "|".join(actions))
        sub.add_argument("host")
        sub.add_argument("action", choices=actions)
        if name == "link":
            sub.add_argument("--nic", type=int, default=0)
    return parser.parse_args(argv)


def main(argv):
    if argv[:1] == ["_init"]:
        host_init(argv[1])
        return 0
    args = arguments(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):  # so that clean-up runs
        signal.signal(number, lambda *_: sys.exit(143))
    try:
        if os.geteuid():
            raise LabError("hostlab needs root")
        rack = Rack(args.dir or tempfile.mkdtemp(prefix="hostlab-"))
        if args.verb in ("up", "run"):
            result = {"up": verb_up, "run": verb_run}[args.verb](rack, args)
        elif args.verb == "selftest":
            result = verb_selftest(rack, args)
        elif args.verb == "down":
            if os.path.isdir(rack.dir) or rack.own_netns():
                with rack.locked():
                    rack.down(args.purge)
            result = {"rack": rack.id, "up": False}
        elif not rack.known:
            raise LabError("no rack in that folder")
        elif args.verb == "exec":
            result = enter(rack.host(args.host), args.command)
        else:
            result = {
                "status": lambda r, _: r.report(),
                "power": verb_power,
                "link": verb_link,
                "libvirtd": verb_libvirtd,
            }[args.verb](rack, args)
    except LabError as fault:
        print(f"hostlab: {fault}", file=sys.stderr)
        return 1
    if isinstance(result, int):
        return result
    print(json.dumps(result, indent=1))
    return 0 if result.get("ok", True) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
