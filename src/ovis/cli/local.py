"""`ovis up --hosts local`: this machine as the first host, through a real agent on a libvirtd of its own.

Does: a private rack of one host (own namespaces, sockets and state under DATA), the agent in it, a storage domain, the
tiny guest as template. Does not: touch the machine's libvirt, its networks (one veth pair apart) or anyone's domains.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ovis.agent.hooks.points import POINTS
from ovis.cli import environment, guest, packages
from ovis.cli.api import Client, Document
from ovis.cli.engine import called_as, client as session, program, say
from ovis.cli.enrol import await_hosts, token
from ovis.cli.faults import BadUsage, CliFault, MissingPackages
from ovis.cli.instance import Instance
from ovis.cli.objects import MIB, remove_vm, storage_domain, template, vm_with_disk
from ovis.cli.processes import Child
from ovis.cli.rack import PRIVATE, Host, LabError, Rack

AGENT, HOST_NAME, AGENT_PORT = "agent", "local", 54321
HOST_UP_S = 120
TEMPLATE, DISK_BYTES, MEMORY = "tiny", 256 * MIB, 256 * MIB
INSTEAD = f"Or let Ovis simulate hosts, which needs nothing:  {called_as()} up --hosts simulated:5x4"


def require(data: Path, *, apt: bool) -> None:
    """Everything a host needs is on this machine, installed now if need be; MissingPackages says what is not."""
    for hidden in PRIVATE:
        if data.is_relative_to(hidden):
            raise BadUsage(f"The data folder cannot lie below {hidden}: the host has its own. Name another by --data.")
    wanted = {**packages.HOST, **packages.GUEST}
    if not environment.has("libvirt"):
        wanted |= packages.LIBVIRT_BUILD
    missing = packages.absent(wanted)
    if missing and apt and packages.may_install():
        packages.install(missing, "for a host of libvirt and QEMU")
        missing = packages.absent(wanted)
    if missing:
        raise MissingPackages(
            f"A host on this machine needs packages that are missing: {' '.join(missing)}\n"
            f"As root:  {packages.command(missing)}\n{INSTEAD}"
        )
    if os.geteuid():
        raise MissingPackages(f"A host on this machine needs root (namespaces, libvirtd). Use sudo.\n{INSTEAD}")
    _wish_for_more(apt=apt)
    if not environment.has("libvirt"):
        root = checkout()
        if root is None:
            raise MissingPackages("The Python package libvirt-python is missing: pip install 'ovis[agent]'.")
        environment.install(root, "host")


def _wish_for_more(*, apt: bool) -> None:
    """What the host can do without is installed if that is easy; said aloud if not."""
    missing = packages.absent(packages.HOST_MAY)
    if missing and apt and packages.may_install():
        try:
            packages.install(missing, "for VLANs and bonds of a host whose kernel has none, and for NICs' options")
        except MissingPackages as err:
            say(str(err))
        missing = packages.absent(packages.HOST_MAY)
    if missing:
        say(f"Without {' and '.join(missing)} the host has only VLANs, bonds and NIC options that its kernel offers.")


def checkout() -> Path | None:
    """The source tree, if this runs from one."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "tools/make-guest-image.sh").exists() else None


def bring(instance: Instance) -> None:
    """Host, storage and template, whatever of it is missing."""
    tiny = tiny_guest(instance)
    host = rack_up(instance, kvm=uses_kvm(instance, tiny))
    child = None
    if instance.processes.find(AGENT) is None:
        child = start_agent(instance, host)
    elif instance.choices.seeded == "local":
        return
    api = session(instance)
    await_hosts(api, 1, child, HOST_UP_S)
    if instance.choices.seeded == "local":
        return
    say("Making the storage domain ...")
    domain = storage_domain(api, str(instance.folder("storage")), HOST_NAME)
    if tiny is not None:
        say(f"Making the template {TEMPLATE} ...")
        tiny_template(api, instance, tiny, domain)
    instance.choices.seeded = "local"
    instance.save()


def tiny_guest(instance: Instance) -> guest.Guest | None:
    """The guest's files; None, said aloud, if they cannot be made, or are not needed any more."""
    root = checkout()
    if instance.choices.seeded == "local" and "kvm" in instance.choices.facts:
        return None
    if root is None:
        say("No template: the tiny guest is built by tools/make-guest-image.sh of a checkout.")
        return None
    script = root / "tools/make-guest-image.sh"
    if not guest.cached(script).complete:
        say("Building the tiny guest from Debian's packages ...")
    try:
        return guest.build(script)
    except guest.NotBuilt as err:
        say(f"No template {TEMPLATE}: the guest cannot be built: {err}")
        return None


def uses_kvm(instance: Instance, tiny: guest.Guest | None) -> bool:
    """Whether guests run under KVM, found out once."""
    facts = instance.choices.facts
    if "kvm" not in facts:
        if not Path("/dev/kvm").exists():
            say("This machine has no KVM: guests run under emulation (TCG), much slower.")
            facts["kvm"] = False
        elif tiny is None:
            say("Whether KVM works cannot be tried without the tiny guest: guests run under emulation (TCG).")
            return False
        else:
            say(f"Trying KVM (up to {guest.KVM_S} s) ...")
            facts["kvm"] = guest.kvm_boots(tiny)
            said = "works" if facts["kvm"] else "is there but boots no guest: guests run under emulation (TCG), slower"
            say(f"KVM {said}.")
        instance.save()
    return bool(facts["kvm"])


def rack_of(instance: Instance) -> Rack:
    """The instance's rack of one host."""
    rack = Rack(str(instance.data / "rack"))
    rack.n, rack.nics, rack.ttl, rack.tcp = 1, 1, 0, False
    return rack


def rack_up(instance: Instance, *, kvm: bool) -> Host:
    """The host, powered on, with libvirtd answering."""
    rack = rack_of(instance)
    try:
        with rack.locked():
            if not rack.known:
                rack.net = rack.choose_subnet()
            if rack.host("h1").pid() is None:
                say("Starting the host's libvirtd ...")
                rack.kvm = kvm
            rack.up()
    except LabError as err:
        raise CliFault(f"The private host cannot be made: {err}") from err
    return rack.host("h1")


def start_agent(instance: Instance, host: Host) -> Child:
    """Join the engine, once, then serve it from inside the host."""
    folder = instance.folder("agent")
    if not (folder / "pki/vdsm/certs/cacert.pem").exists():
        say("Enrolling the host ...")
        argv = [*program("ovis-agent"), "join", "--data", str(folder), "--name", HOST_NAME, "--address", host.address]
        done = subprocess.run(
            [*argv, "--port", str(AGENT_PORT), instance.url, token(instance, 1)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise CliFault(f"The host cannot join: {done.stderr.strip()}")
    say("Starting the host's agent ...")
    kvm = "yes" if instance.choices.facts.get("kvm") else "no"
    serve = ["--listen", host.address, "--address", host.address, "--port", str(AGENT_PORT), "--kvm", kvm]
    serve += ["--hooks", str(instance.folder("hooks")), "--resolv-conf", str(folder / "resolv.conf")]
    for point in POINTS:
        instance.folder("hooks", point)
    agent = [*program("ovis-agent"), "run", "--data", str(folder), *serve]
    return instance.processes.start(AGENT, host.entered(*agent), inner=True)


def tiny_template(api: Client, instance: Instance, tiny: guest.Guest, domain: Document) -> None:
    """The guest's disk in the storage domain, then a template of a VM with it.

    Image transfer is not in the API yet: the disk is made through the API, then its bits are put into its volume, where
    a POSIX domain keeps it: PATH/DOMAIN/images/DISK/IMAGE.
    """
    if api.find("/templates", TEMPLATE) is None:
        model = f"{TEMPLATE}-model"
        disk = {
            "name": TEMPLATE,
            "format": "cow",
            "sparse": True,
            "provisioned_size": DISK_BYTES,
            "storage_domains": {"storage_domain": [{"id": domain["id"]}]},
        }
        vm = vm_with_disk(api, model, memory=MEMORY, disk=disk)
        attachment = api.list(f"/vms/{vm['id']}/diskattachments")[0]
        made = api.get(f"/disks/{attachment['id']}")
        volume = instance.data / "storage" / domain["id"] / "images" / made["id"] / made["image_id"]
        fill(tiny.disk, volume)
        template(
            api, TEMPLATE, vm, "A 16 MB Linux that gets an address and answers the guest agent; root has no password"
        )
    else:
        template(api, TEMPLATE, {}, "")
    remove_vm(api, f"{TEMPLATE}-model")


def fill(image: Path, volume: Path) -> None:
    """Put an image's bits into a volume that nobody uses; its size and format stay."""
    if not volume.exists():
        raise CliFault(f"The disk's volume is not where it should be: {volume}")
    argv = ["qemu-img", "convert", "-n", "-f", "qcow2", "-O", "qcow2", str(image), str(volume)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise CliFault(f"The guest's disk cannot be written: {done.stderr.strip()}")


def status_row(instance: Instance) -> dict[str, Any]:
    """The host in `ovis status`."""
    host = rack_of(instance).host("h1")
    pid = host.pid()
    return {
        "name": "host",
        "state": "running" if pid else "ended",
        "pid": pid,
        "since": None,
        "memory_mib": None,
        "log": str(Path(host.dir) / "log"),
    }


def take_down(instance: Instance) -> list[str]:
    """Power the host off, with its guests, and take its network away."""
    rack = rack_of(instance)
    if not rack.known or not rack.own_netns():
        return []
    try:
        with rack.locked():
            rack.down()
    except LabError as err:
        print(f"ovis: {err}", file=sys.stderr)
        return []
    return ["host and its guests"]
