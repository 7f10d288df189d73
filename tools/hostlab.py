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
import ipaddress
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src"))
from ovis.cli.rack import LabError, Rack, netns_exists, sh, write  # found from any Python, installed or not

# -- verbs ---------------------------------------------------------------------------


def enter(host, argv):
    """Run a command in a host's namespaces, in this terminal; return its exit status."""
    return subprocess.call(host.entered(*argv), cwd="/")


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
            rack.down(purge=args.purge)


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
                    rack.down(purge=args.purge)
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
