"""What a VM keeps beside its disks: the state of its TPM, the variables of its firmware.

Does: fetch it from the host that ran it, before that forgets the VM, and hand it to the host that runs it next. Between two
hosts of a migration QEMU itself moves it. Does not: copy it to clones and templates.
Follows: VM.getExternalData, and `_X_tpmdata` and `_X_nvramdata` of VM.create.
"""

from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.commands.services import Services
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import BiosType
from ovis.engine.model.types import Cluster, Vm
from ovis.engine.resources.vms.defaults import bios_of
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

log = structlog.get_logger(__name__)
_UEFI = (BiosType.Q35_OVMF, BiosType.Q35_SECURE_BOOT)


class VmExternal(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of vm_external_data: base64 with its hash, of either kind. id: the VM's."""

    id: str
    vm_id: str
    tpm: str = ""
    tpm_hash: str = ""
    nvram: str = ""
    nvram_hash: str = ""


TABLE = Table(
    name="vm_external_data",
    type=VmExternal,
    columns=(Column(name="vm_id", references="vms", on_delete="cascade", unique=True),),
)


def kinds_of(rd: Reader, vm: Vm) -> tuple[str, ...]:
    """What a VM keeps: `tpm`, `nvram`, both or nothing."""
    cluster = rd.get(Cluster, vm.cluster.id) if vm.cluster else None
    bios = bios_of(vm, cluster) if cluster is not None else None
    return tuple(k for k, has in (("tpm", bool(vm.tpm_enabled)), ("nvram", bios in _UEFI)) if has)


def given(rd: Reader, vm: Vm) -> dict[str, str]:
    """The part of VM.create's parameters."""
    row = rd.get(VmExternal, str(vm.id))
    kinds = kinds_of(rd, vm) if row is not None else ()
    found = {f"_X_{kind}data": str(getattr(row, kind)) for kind in kinds}
    return {name: data for name, data in found.items() if data}


async def fetch(services: Services, host_id: str, vm_id: str) -> None:
    """Take over what has changed. A host that has nothing, or does not answer, leaves what is known."""

    def look(rd: Reader) -> tuple[tuple[str, ...], VmExternal]:
        vm = rd.get(Vm, vm_id)
        row = rd.get(VmExternal, vm_id) or VmExternal(id=vm_id, vm_id=vm_id)
        return (kinds_of(rd, vm) if vm is not None else ()), row

    kinds, row = await services.store.read(look)
    for kind in kinds:
        known = getattr(row, f"{kind}_hash")
        arguments: dict[str, Any] = {"vmID": vm_id, "kind": kind, "lastHash": known or None, "forceUpdate": True}
        try:
            found = await services.hosts.call(host_id, "VM.getExternalData", arguments, timeout=30)
        except (HostError, HostUnreachable) as err:
            log.info("what a VM keeps beside its disks was not told", vm=vm_id, host=host_id, kind=kind, error=str(err))
            continue
        if found.get("_X_data") and found.get("hash") != known:
            await services.store.write(partial(_keep, vm_id, kind, str(found["_X_data"]), str(found["hash"])))


def _keep(vm_id: str, kind: str, data: str, digest: str, tx: Tx) -> None:
    if tx.get(Vm, vm_id) is None:
        return
    row = tx.get(VmExternal, vm_id) or VmExternal(id=vm_id, vm_id=vm_id)
    tx.put(replace(row, **{kind: data, f"{kind}_hash": digest}))
