"""The host's architecture, and the one that guests are meant to see."""

import os

X86_64 = "x86_64"
PPC64 = "ppc64"
PPC64LE = "ppc64le"
S390X = "s390x"
AARCH64 = "aarch64"
SUPPORTED_ARCHITECTURES = (X86_64, PPC64, PPC64LE, S390X, AARCH64)


class UnsupportedArchitecture(Exception):
    """An architecture that nobody here knows."""

    def __init__(self, target_arch):
        super().__init__(target_arch)
        self.target_arch = target_arch

    def __str__(self):
        return f"{self.target_arch} is not a supported architecture."


def real():
    """What this host is."""
    return _supported(os.uname().machine)


def effective():
    """What it shows itself as: another one only where KVM is faked."""
    from vdsm.config import config

    if config.getboolean("vars", "fake_kvm_support"):
        return _supported(config.get("vars", "fake_kvm_architecture"))
    return real()


def is_x86(arch):
    """Whether that is x86."""
    return arch == X86_64


def is_ppc(arch):
    """Whether that is POWER."""
    return arch in (PPC64, PPC64LE)


def is_s390(arch):
    """Whether that is Z."""
    return arch == S390X


def is_arm(arch):
    """Whether that is 64-bit ARM."""
    return arch == AARCH64


def _supported(arch):
    if arch not in SUPPORTED_ARCHITECTURES:
        raise UnsupportedArchitecture(arch)
    return arch
