"""The tiny guest: a 16 MB Linux of Debian's own packages that gets an address and answers the guest agent.

Does: build it once with tools/make-guest-image.sh and keep it in the user's cache; find out whether KVM really runs it.
Does not: fail `up` when it cannot be had.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BUILD_S, KVM_S = 300, 15


@dataclass(frozen=True, slots=True)
class Guest:
    """Files of the built guest."""

    folder: Path

    @property
    def disk(self) -> Path:
        """Boots by itself; 82 MiB, qcow2."""
        return self.folder / "guest.qcow2"

    @property
    def kernel(self) -> Path:
        """For direct boot."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """For direct boot."""
        return self.folder / "initrd.gz"

    @property
    def complete(self) -> bool:
        """Whether all files are there."""
        return self.disk.exists() and self.kernel.exists() and self.initrd.exists()


class NotBuilt(Exception):
    """The guest cannot be had; the text says why."""


def cached(script: Path) -> Guest:
    """Where the guest of this version of the script is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Guest(cache / "ovis" / f"guest-{hashlib.sha256(script.read_bytes()).hexdigest()[:12]}")


def build(script: Path) -> Guest:
    """The guest, built now if it never was; NotBuilt with the reason. Safe when two do it at once."""
    found = cached(script)
    if found.complete:
        return found
    found.folder.parent.mkdir(parents=True, exist_ok=True)
    with (found.folder.parent / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found.complete:
            return found
        with tempfile.TemporaryDirectory(dir=found.folder.parent, prefix="making-") as folder:
            made = Path(folder) / "guest"
            error = _make(script, made)
            if error and os.geteuid() == 0:  # package lists may be old
                update = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-qq", "update"]
                subprocess.run(update, stdin=subprocess.DEVNULL, capture_output=True)
                error = _make(script, made)
            if error:
                raise NotBuilt(error)
            shutil.rmtree(found.folder, ignore_errors=True)
            made.rename(found.folder)
    return found


def _make(script: Path, folder: Path) -> str:
    """Run the script; what it said if it failed, else nothing."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    try:
        done = subprocess.run(
            ["bash", str(script), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_S,
            env={**os.environ, "PATH": path},
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {BUILD_S} s"
    if done.returncode == 0 and Guest(folder).complete:
        return ""
    return done.stdout.decode("utf-8", "replace").strip()[-400:] or f"status {done.returncode}"


def kvm_boots(guest: Guest) -> bool:
    """Whether the guest comes up under KVM: a device that is there may still hang every guest."""
    qemu = shutil.which("qemu-system-x86_64")
    if qemu is None or not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    argv = [
        *(qemu, "-accel", "kvm", "-cpu", "host", "-m", "160", "-nodefaults", "-display", "none", "-no-reboot"),
        *("-kernel", str(guest.kernel), "-initrd", str(guest.initrd), "-append", "console=ttyS0 quiet panic=-1"),
        *("-serial", "stdio", "-monitor", "none"),
    ]
    with tempfile.TemporaryFile() as console:
        qemu_process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + KVM_S
        try:
            while time.monotonic() < deadline and qemu_process.poll() is None:
                console.seek(0)
                if b"GUEST-UP" in console.read():
                    return True
                time.sleep(0.1)
            return False
        finally:
            qemu_process.kill()
            qemu_process.wait()
