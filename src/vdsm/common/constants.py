"""Places and accounts of a host. P_VDSM_RUN ends with a slash, as scripts put names right behind it."""

import os

P_VDSM_RUN = os.path.join(os.environ.get("OVIS_VDSM_RUN") or "/run/vdsm", "")
P_VDSM = "/usr/share/vdsm/"
P_VDSM_HOOKS = os.path.join(os.environ.get("OVIS_HOOKS_DIR") or "/usr/libexec/vdsm/hooks", "")
P_VDSM_LIB = "/var/lib/vdsm/"
P_VDSM_LOG = "/var/log/vdsm/"
P_VDSM_EXEC = "/usr/libexec/vdsm"
P_LIBVIRT_VMCHANNELS = "/var/lib/libvirt/qemu/channels/"
P_OVIRT_VMCONSOLES = "/var/run/ovirt-vmconsole-console/"
SYSCONF_PATH = "/etc"

VDSM_USER = "vdsm"
VDSM_GROUP = "kvm"
QEMU_PROCESS_USER = "qemu"
QEMU_PROCESS_GROUP = "qemu"
DISKIMAGE_USER = "vdsm"
DISKIMAGE_GROUP = "kvm"
SANLOCK_USER = "sanlock"

EXT_SUDO = "/usr/bin/sudo"
EXT_SERVICE = "/sbin/service"

KIB = 1 << 10
MEGAB = 1 << 20
GIB = 1 << 30
