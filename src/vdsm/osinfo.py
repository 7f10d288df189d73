"""What the host's kernel offers."""

from collections import namedtuple

NestedVirtualization = namedtuple("NestedVirtualization", "enabled, kvm_module")


def nested_virtualization():
    """Whether guests may run guests, and the module that says so."""
    for module in ("kvm_intel", "kvm_amd"):
        try:
            with open(f"/sys/module/{module}/parameters/nested", encoding="ascii") as file:
                if file.readline().strip() in ("Y", "1"):
                    return NestedVirtualization(True, module)
        except OSError:
            continue
    return NestedVirtualization(False, None)


def kernel_args(path="/proc/cmdline"):
    """The kernel's command line."""
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()
