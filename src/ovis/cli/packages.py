"""Debian packages that commands need: which are missing, and installing them where that may be done.

Does: ask dpkg, say the command, run it as root. Does not: start any service that a package brings.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ovis.cli.faults import MissingPackages

# A package and a file by which it is known, so that what was installed otherwise counts too; "": dpkg is asked.
HOST = {
    "libvirt-daemon-system": "/usr/sbin/libvirtd",
    "libvirt-clients": "/usr/bin/virsh",
    "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
    "qemu-utils": "/usr/bin/qemu-img",
    "ovmf": "/usr/share/OVMF",
    "swtpm": "/usr/bin/swtpm",
    "swtpm-tools": "/usr/bin/swtpm_setup",
    "iproute2": "/sbin/ip",
    "util-linux": "/usr/bin/nsenter",
    "dnsmasq-base": "/usr/sbin/dnsmasq",
    "genisoimage": "/usr/bin/genisoimage",
    "ebtables": "/usr/sbin/ebtables",
    "nftables": "/usr/sbin/nft",
}
"""What a host of libvirt and QEMU runs."""
HOST_MAY = {"openvswitch-switch": "/usr/sbin/ovs-vswitchd", "ethtool": "/usr/sbin/ethtool"}
"""What a host uses for VLANs and bonds that its kernel cannot make, and for options of NICs; it works without."""
LIBVIRT_BUILD = {
    "libvirt-dev": "/usr/include/libvirt/libvirt.h",
    "gcc": "/usr/bin/gcc",
    "pkg-config": "/usr/bin/pkg-config",
    "python3-dev": "",
}
"""What building libvirt-python takes."""
GUEST = {
    "busybox-static": "",
    "cpio": "/usr/bin/cpio",
    "kmod": "/sbin/depmod",
    "mtools": "/usr/bin/mcopy",
    "dosfstools": "/sbin/mkfs.vfat",
    "e2fsprogs": "/sbin/mke2fs",
    "fdisk": "/sbin/sfdisk",
    "syslinux": "/usr/bin/syslinux",
    "syslinux-common": "/usr/lib/syslinux/mbr/mbr.bin",
}
"""What tools/make-guest-image.sh calls."""
TESTS = {
    "postgresql": "/usr/lib/postgresql",
    "libxml2-dev": "/usr/include/libxml2/libxml/parser.h",
    "curl": "/usr/bin/curl",
    "icinga2-bin": "/usr/sbin/icinga2",
    "chromium": "/usr/bin/chromium",
}
"""What tests use beside that; ovirt-engine-sdk-python is built against libxml2, chromium shows the web admin, Icinga runs check_ovis."""


def absent(wanted: dict[str, str]) -> list[str]:
    """Those packages of which neither the file nor dpkg's record is there."""
    return [name for name, file in wanted.items() if not _present(name, file)]


def _present(name: str, file: str) -> bool:
    if name == "python3-dev":
        import sysconfig

        return (Path(sysconfig.get_path("include")) / "Python.h").exists()
    if file:
        return Path(file).exists()
    if shutil.which("dpkg-query") is None:
        return False
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    return subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout == "installed"


def may_install() -> bool:
    """Whether this process can install Debian packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def command(names: Sequence[str]) -> str:
    """What an administrator types to install them."""
    return "apt-get install -y --no-install-recommends " + " ".join(names)


def install(names: Sequence[str], why: str) -> None:
    """Install packages, said aloud; MissingPackages if apt cannot."""
    print(f"Installing Debian packages {why}: {' '.join(names)}", file=sys.stderr, flush=True)
    call = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-q", "-y"]
    arguments = [*call, "install", "--no-install-recommends", *names]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    said = b""
    with _no_daemons():
        for before in ([], [*call, "update"]):
            if before:
                subprocess.run(before, stdin=subprocess.DEVNULL, capture_output=True, env=environment)
            done = subprocess.run(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
            )
            if not done.returncode:
                return
            said = done.stdout
    words = said.decode("utf-8", "replace").strip().splitlines()[-8:]
    raise MissingPackages("apt-get failed:\n" + "\n".join("  " + line for line in words))


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Debian's way to say that packages shall not start their services, unless the administrator has a say there."""
    policy = Path("/usr/sbin/policy-rc.d")
    try:
        policy.touch(mode=0o755, exist_ok=False)
    except OSError:
        yield
        return
    try:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        yield
    finally:
        policy.unlink(missing_ok=True)
