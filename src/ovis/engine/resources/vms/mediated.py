"""Mediated devices (vGPUs) of VMs and templates: /vms/ID/mediateddevices, /templates/ID/mediateddevices.

Does: keep which types are wanted; they take effect at the next start. Does not: make them (the host's agent does, by what
the document says), or check that a host has the type.
Follows: VmMediatedDevice of engine 4.5: spec_params mdevType, nodisplay, driverParams; permits of AddMdev and its likes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.contract.domain.hostdevs import MediatedDevice as Spec
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import record
from ovis.engine.model.types import Property, Template, Vm, VmMediatedDevice
from ovis.engine.resources import bodies
from ovis.engine.resources.vms.watchdogs import CHANGED
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table

_TYPE = re.compile(r"[\w.-]{1,128}")
_KNOWN = frozenset({"mdevType", "nodisplay", "driverParams"})
_MOST = 16


class Mediated(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row: of a VM or of a template. params: by name, as they were given."""

    id: str
    vm_id: str | None = None
    template_id: str | None = None
    params: dict[str, str] = {}


TABLE = Table(
    name="mediated_devices",
    type=Mediated,
    columns=(
        Column(name="vm_id", references="vms", on_delete="cascade"),
        Column(name="template_id", references="templates", on_delete="cascade"),
    ),
)


def shown(row: Mediated) -> VmMediatedDevice:
    """As the API shows it."""
    return VmMediatedDevice(
        id=row.id,
        name="vgpu",
        spec_params=[Property(name=name, value=value) for name, value in row.params.items()],
        vm=Vm(id=row.vm_id) if row.vm_id else None,
        template=Template(id=row.template_id) if row.template_id else None,
    )


def _params(body: VmMediatedDevice, before: Mapping[str, str]) -> dict[str, str]:
    given = {str(p.name): str(p.value or "") for p in body.spec_params or ()} if body.spec_params else dict(before)
    strange = sorted(set(given) - _KNOWN)
    if strange:
        raise refuse(
            "ACTION_TYPE_FAILED_INVALID_MDEV_PROPERTY", f"{', '.join(strange)} are no parameters.", "", bad=True
        )
    if not _TYPE.fullmatch(given.get("mdevType", "")):
        text = "mdevType must name a type of mediated devices."
        raise refuse("ACTION_TYPE_FAILED_INVALID_MDEV_TYPE", text, "For example nvidia-22.", bad=True)
    if given.get("nodisplay", "false").lower() not in ("true", "false") or "\n" in given.get("driverParams", ""):
        text = "nodisplay is true or false, driverParams one line."
        raise refuse("ACTION_TYPE_FAILED_INVALID_MDEV_PROPERTY", text, "", bad=True)
    return given


def _collection(owner: str, type_: Any) -> Resource:
    column = f"{owner}_id"

    def listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[VmMediatedDevice]]:
        out: dict[str, list[VmMediatedDevice]] = {p: [] for p in parents}
        for row in rd.find(Mediated, **{column: list(parents)}):
            out[getattr(row, column)].append(shown(row))
        return out

    def told(tx: Tx, call: Call) -> None:
        if owner == "vm":
            record(tx, CHANGED, call=call, vm=tx.need(Vm, call.ids[0]))

    def one(rd: Reader, call: Call) -> Mediated:
        row = rd.get(Mediated, call.ids[1])
        if row is None or getattr(row, column) != call.ids[0]:
            raise NotFound(f"VmMediatedDevice: id={call.ids[1]}")
        return row

    def add(tx: Tx, call: Call, body: VmMediatedDevice) -> VmMediatedDevice:
        tx.need(type_, call.ids[0])
        if tx.count(Mediated, **{column: call.ids[0]}) >= _MOST:
            raise refuse("ACTION_TYPE_FAILED_TOO_MANY_MDEVS", f"There are {_MOST} mediated devices already.")
        row = tx.insert(Mediated(id=bodies.new_id(), params=_params(body, {}), **{column: call.ids[0]}))
        told(tx, call)
        return shown(row)

    def update(tx: Tx, call: Call, body: VmMediatedDevice) -> VmMediatedDevice:
        row = one(tx, call)
        after = replace(row, params=_params(body, row.params))
        if after != row:
            row = tx.update(after)
            told(tx, call)
        return shown(row)

    def remove(tx: Tx, call: Call, body: Any) -> None:
        tx.delete(Mediated, one(tx, call).id)
        told(tx, call)

    permit = Permit.EDIT_VM_PROPERTIES  # of templates, too
    return Resource(
        type=VmMediatedDevice,
        collection="mediateddevices",
        list=Op(run=listed, needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=add, needs=(Need(permit, "parent"),)),
        update=Op(run=update, needs=(Need(permit),)),
        remove=Op(run=remove, needs=(Need(permit),)),
    )


def specs(rd: Reader, vm_id: str) -> list[Spec]:
    """The devices for a VM's document."""
    return [
        Spec(
            id=row.id,
            type=row.params["mdevType"],
            display=row.params.get("nodisplay", "false").lower() != "true",
            parameters=row.params.get("driverParams", ""),
        )
        for row in sorted(rd.find(Mediated, vm_id=vm_id), key=lambda r: r.id)
    ]


MEDIATED_OF_VM = _collection("vm", Vm)
MEDIATED_OF_TEMPLATE = _collection("template", Template)
