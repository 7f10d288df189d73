"""The agent's settings, read once and passed down."""

import os
from pathlib import Path

from msgspec import Struct


class AgentSettings(Struct, kw_only=True, frozen=True):
    """Every setting with its default.

    data: folder of keys and state. listen, port: where the RPC server listens. libvirt_uri: whose domains are managed.
    repository: where storage is shown (VDSM's /rhev/data-center); empty: below data. run_dir: sockets of guests.
    ensure_bridge: `BRIDGE=NIC[,...]`, made at start if missing; the NIC's addresses move to the bridge.
    network_backend: who makes VLANs and bonds: kernel, ovs, or auto (the kernel, else Open vSwitch in user space).
    resolv_conf: where resolvers of networks are written.
    migration_uri: what the source dials on the target, {host} replaced. kvm: yes, no or auto (asks libvirt and a file).
    hooks_dir: folder with a folder for each hook point. hook_seconds: after which a script is killed; 0: never.
    """

    data: str
    listen: str = "127.0.0.1"
    port: int = 54321
    address: str = ""
    driver: str = "libvirt"
    libvirt_uri: str = "qemu:///system"
    repository: str = ""
    run_dir: str = ""
    migration_uri: str = "qemu+tcp://{host}/system"
    migration_tls: bool = False
    kvm: str = "auto"
    hooks_dir: str = "/usr/libexec/vdsm/hooks"
    hook_seconds: float = 0.0
    ensure_bridge: str = ""
    network_backend: str = "auto"
    resolv_conf: str = "/etc/resolv.conf"

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    @property
    def rhev(self) -> Path:
        """The repository's folder."""
        return Path(self.repository or f"{self.data}/rhev/data-center")

    @property
    def vdsm_run(self) -> Path:
        """VDSM's run folder, as hooks know it: flags of VMs that start."""
        return Path("/run/vdsm") if os.geteuid() == 0 else self.run

    @property
    def places(self) -> dict[str, str]:
        """What hook scripts are told of the agent."""
        return {
            "OVIS_AGENT_DATA": self.data,
            "OVIS_AGENT_ADDRESS": self.listen,
            "OVIS_AGENT_PORT": str(self.port),
            "OVIS_LIBVIRT_URI": self.libvirt_uri,
            "OVIS_HOOKS_DIR": self.hooks_dir,
            "OVIS_VDSM_RUN": str(self.vdsm_run),
        }

    @property
    def run(self) -> Path:
        """Folder of sockets and payloads."""
        return Path(self.run_dir or f"{self.data}/run")
