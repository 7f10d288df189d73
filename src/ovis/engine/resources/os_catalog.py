"""Operating systems that a VM may have: names, ids, architectures, limits. Facts of engine 4.5, as data."""

from typing import NamedTuple


class Os(NamedTuple):
    """One operating system. ram: MiB. windows: sysprep instead of cloud-init, shorter names."""

    name: str
    id: int
    title: str
    architecture: str
    windows: bool
    ram_min: int
    ram_max: int
    legacy_virtio: bool
    q35: bool
    tpm: str


SYSTEMS: tuple[Os, ...] = (
    Os("other", 0, "Other OS", "x86_64", False, 256, 67108864, False, True, "unsupported"),
    Os("other_linux", 5, "Linux", "x86_64", False, 256, 67108864, False, True, "unsupported"),
    Os("rhel_3", 9, "Red Hat Enterprise Linux 3.x", "x86_64", False, 256, 67108864, True, False, "unsupported"),
    Os("rhel_3x64", 15, "Red Hat Enterprise Linux 3.x x64", "x86_64", False, 256, 131072, True, False, "unsupported"),
    Os("rhel_4", 8, "Red Hat Enterprise Linux 4.x", "x86_64", False, 256, 67108864, True, False, "unsupported"),
    Os("rhel_4x64", 14, "Red Hat Enterprise Linux 4.x x64", "x86_64", False, 256, 262144, True, False, "unsupported"),
    Os("rhel_5", 7, "Red Hat Enterprise Linux 5.x", "x86_64", False, 512, 16384, True, False, "unsupported"),
    Os("rhel_5x64", 13, "Red Hat Enterprise Linux 5.x x64", "x86_64", False, 512, 1048576, True, False, "unsupported"),
    Os("rhel_6", 18, "Red Hat Enterprise Linux 6.x", "x86_64", False, 512, 16384, True, True, "unsupported"),
    Os("rhel_6x64", 19, "Red Hat Enterprise Linux 6.x x64", "x86_64", False, 1024, 4194304, True, True, "unsupported"),
    Os("rhel_7x64", 24, "Red Hat Enterprise Linux 7.x x64", "x86_64", False, 1024, 6291456, False, True, "supported"),
    Os("rhel_8x64", 30, "Red Hat Enterprise Linux 8.x x64", "x86_64", False, 1024, 16777216, False, True, "supported"),
    Os("rhel_9x64", 34, "Red Hat Enterprise Linux 9.x x64", "x86_64", False, 1024, 16777216, False, True, "supported"),
    Os(
        "rhel_10x64", 39, "Red Hat Enterprise Linux 10.x x64", "x86_64", False, 1024, 67108864, False, True, "supported"
    ),
    Os("rhcos_x64", 35, "Red Hat Enterprise Linux CoreOS", "x86_64", False, 1024, 16777216, False, True, "supported"),
    Os("rhel_atomic7x64", 28, "Red Hat Atomic 7.x x64", "x86_64", False, 1024, 6291456, False, True, "supported"),
    Os(
        "other_linux_kernel_4", 33, "Other Linux (kernel 4.x)", "x86_64", False, 1024, 6291456, False, True, "supported"
    ),
    Os("windows_xp", 1, "Windows XP", "x86_64", True, 256, 67108864, False, False, "unsupported"),
    Os("windows_2003", 3, "Windows 2003", "x86_64", True, 256, 67108864, False, False, "unsupported"),
    Os("windows_2008", 4, "Windows 2008", "x86_64", True, 256, 67108864, False, True, "unsupported"),
    Os("windows_2003x64", 10, "Windows 2003 x64", "x86_64", True, 1024, 1048576, False, False, "unsupported"),
    Os("windows_7", 11, "Windows 7", "x86_64", True, 256, 67108864, False, True, "unsupported"),
    Os("windows_7x64", 12, "Windows 7 x64", "x86_64", True, 1024, 196608, False, True, "unsupported"),
    Os("windows_2008x64", 16, "Windows 2008 x64", "x86_64", True, 1024, 1048576, False, True, "unsupported"),
    Os("windows_2008R2x64", 17, "Windows 2008 R2 x64", "x86_64", True, 1024, 2097152, False, True, "unsupported"),
    Os("windows_8", 20, "Windows 8", "x86_64", True, 256, 67108864, False, True, "supported"),
    Os("windows_8x64", 21, "Windows 8 x64", "x86_64", True, 1024, 524288, False, True, "supported"),
    Os("windows_2012x64", 23, "Windows 2012 x64", "x86_64", True, 1024, 4194304, False, True, "supported"),
    Os("windows_2012R2x64", 25, "Windows 2012R2 x64", "x86_64", True, 1024, 4194304, False, True, "supported"),
    Os("windows_10", 26, "Windows 10", "x86_64", True, 256, 67108864, False, True, "supported"),
    Os("windows_10x64", 27, "Windows 10 x64", "x86_64", True, 1024, 2097152, False, True, "supported"),
    Os("windows_2016x64", 29, "Windows 2016 x64", "x86_64", True, 1024, 4194304, False, True, "supported"),
    Os("windows_2019x64", 31, "Windows 2019 x64", "x86_64", True, 1024, 4194304, False, True, "supported"),
    Os("windows_11", 36, "Windows 11", "x86_64", True, 4096, 2097152, False, True, "required"),
    Os("windows_2022", 37, "Windows 2022", "x86_64", True, 1024, 4194304, False, True, "supported"),
    Os("windows_2025", 38, "Windows 2025", "x86_64", True, 1024, 4194304, False, True, "supported"),
    Os("sles_11", 1193, "SUSE Linux Enterprise Server 11+", "x86_64", False, 256, 67108864, False, True, "unsupported"),
    Os("ubuntu_12_04", 1252, "Ubuntu Precise Pangolin LTS", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("ubuntu_12_10", 1253, "Ubuntu Quantal Quetzal", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("ubuntu_13_04", 1254, "Ubuntu Raring Ringtails", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("ubuntu_13_10", 1255, "Ubuntu Saucy Salamander", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("ubuntu_14_04", 1256, "Ubuntu Trusty Tahr LTS+", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("ubuntu_18_04", 1257, "Ubuntu Bionic Beaver LTS+", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("debian_7", 1300, "Debian 7+", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("debian_9", 1301, "Debian 9+", "x86_64", False, 64, 67108864, False, True, "unsupported"),
    Os("freebsd", 1500, "FreeBSD 9.2", "x86_64", False, 256, 67108864, False, True, "unsupported"),
    Os("freebsdx64", 1501, "FreeBSD 9.2 x64", "x86_64", False, 256, 67108864, False, True, "unsupported"),
    Os("other_ppc64", 1001, "Other OS", "ppc64", False, 256, 67108864, False, False, "unsupported"),
    Os("other_linux_ppc64", 1002, "Linux", "ppc64", False, 256, 67108864, False, False, "unsupported"),
    Os(
        "rhel_6_ppc64",
        1003,
        "Red Hat Enterprise Linux up to 6.8",
        "ppc64",
        False,
        256,
        67108864,
        False,
        False,
        "unsupported",
    ),
    Os(
        "rhel_6_9_plus_ppc64",
        1007,
        "Red Hat Enterprise Linux 6.9+",
        "ppc64",
        False,
        256,
        67108864,
        False,
        False,
        "unsupported",
    ),
    Os(
        "sles_11_ppc64",
        1004,
        "SUSE Linux Enterprise Server 11",
        "ppc64",
        False,
        256,
        67108864,
        False,
        False,
        "unsupported",
    ),
    Os(
        "ubuntu_14_04_ppc64", 1005, "Ubuntu Trusty Tahr LTS+", "ppc64", False, 64, 67108864, False, False, "unsupported"
    ),
    Os("rhel_7_ppc64", 1006, "Red Hat Enterprise Linux 7.x", "ppc64", False, 256, 67108864, False, False, "supported"),
    Os("rhel_8_ppc64", 1008, "Red Hat Enterprise Linux 8.x", "ppc64", False, 256, 67108864, False, False, "supported"),
    Os("rhel_9_ppc64", 1009, "Red Hat Enterprise Linux 9.x", "ppc64", False, 256, 67108864, False, False, "supported"),
    Os("other_s390x", 2001, "Other OS", "s390x", False, 256, 67108864, False, False, "unsupported"),
    Os("other_linux_s390x", 2002, "Linux", "s390x", False, 256, 67108864, False, False, "unsupported"),
    Os("rhel_7_s390x", 2003, "Red Hat Enterprise Linux 7.x", "s390x", False, 256, 67108864, False, False, "supported"),
    Os(
        "sles_12_s390x",
        2004,
        "SUSE Linux Enterprise Server 12",
        "s390x",
        False,
        256,
        67108864,
        False,
        False,
        "unsupported",
    ),
    Os(
        "ubuntu_16_04_s390x",
        2005,
        "Ubuntu Xenial Xerus LTS+",
        "s390x",
        False,
        256,
        67108864,
        False,
        False,
        "unsupported",
    ),
)

BY_NAME = {system.name: system for system in SYSTEMS}
