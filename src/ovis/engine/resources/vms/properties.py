"""Custom properties that the engine itself acts upon, as parts of the domain.

Does: viodiskcache, hugepages, sndbuf, vhost, extra_cpu_flags of VMs; queues of vNIC profiles, which hosts never see. Does
not: sap_agent (a host's hook reads it), scsi_hostdev (of SCSI host devices, which VMs have none yet); nvram_template goes
as it is. Follows: domain XML of engine 4.7 and 4.8.
"""

from collections.abc import Collection, Mapping

from ovis.engine.model.types import Vm
from ovis.engine.resources.custom_properties.rules import values_of
from ovis.engine.resources.vms.state import VmRuntime
from ovis.engine.store.session import Reader

OF_ENGINE = frozenset({"queues", "failover"})  # of a vNIC profile, taken out of what goes to hosts
_CACHED = ("virtio", "virtio_scsi")
_COMMON_PAGE = 2048  # KiB


def running(rd: Reader, vm_id: str) -> dict[str, str]:
    """A VM's properties as it runs: those of its run-once, if it was started so."""
    runtime = rd.get(VmRuntime, vm_id)
    once = runtime.run_once if runtime is not None else None
    if once is not None and once.custom_properties is not None:
        return values_of(once.custom_properties)
    vm = rd.get(Vm, vm_id)
    return values_of(vm.custom_properties) if vm is not None else {}


def cache(values: Mapping[str, str], interface: str) -> str:
    """How QEMU caches a disk."""
    return values.get("viodiskcache", "none") if interface in _CACHED else "none"


def network_driver(values: Mapping[str, str], network: str | None) -> str:
    """vhost or qemu, where `vhost` (NETWORK:true,...) names the network; empty: the host's choice."""
    for part in values.get("vhost", "").split(","):
        name, _, wanted = part.partition(":")
        if network is not None and name == network:
            return "vhost" if wanted == "true" else "qemu"
    return ""


def send_buffer(values: Mapping[str, str]) -> int | None:
    """Bytes of a tap's send buffer; 0: unlimited."""
    text = values.get("sndbuf", "")
    return int(text) if text.isdecimal() else None


def queues(device: Mapping[str, str], model: str) -> int:
    """Queues of a NIC; 0: nobody asked."""
    text = device.get("queues", "")
    return int(text) if text.isdecimal() and model.startswith("virtio") else 0


def page_size(values: Mapping[str, str], offered: Collection[int]) -> int:
    """KiB of the pages that hold a VM's memory; 0: ordinary ones. offered: sizes that its host has."""
    text = values.get("hugepages", "")
    wanted = int(text) if text.isdecimal() else 0
    return wanted if not wanted or wanted in offered else _COMMON_PAGE


def cpu_flags(values: Mapping[str, str]) -> list[str]:
    """`+flag` required, `-flag` disabled, `flag` as libvirt sees fit."""
    return [flag for flag in values.get("extra_cpu_flags", "").split(",") if flag]
