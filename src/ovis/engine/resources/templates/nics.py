"""NICs of a template: /templates/ID/nics. VMs made from it get them with MACs of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity, NicInterface
from ovis.engine.model.types import Nic, Template, VnicProfile
from ovis.engine.resources import bodies
from ovis.engine.resources.templates.tables import TemplateNic
from ovis.engine.resources.vms import nics as vm_nics
from ovis.engine.store.session import Reader, Tx

N = LogSeverity.NORMAL
ADDED = Audit(code=936, severity=N, text="Interface {nic} was added to template {template} by {user}.")
UPDATED = Audit(code=940, severity=N, text="Interface {nic} of template {template} was updated by {user}.")
REMOVED = Audit(code=938, severity=N, text="Interface {nic} was removed from template {template} by {user}.")


def _shown(row: TemplateNic) -> Nic:
    return replace(row.nic, id=row.id, template=Template(id=row.template_id))


def _listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Nic]]:
    out: dict[str, list[Nic]] = {p: [] for p in parents}
    for row in rd.find(TemplateNic, template_id=list(parents)):
        out[row.template_id].append(_shown(row))
    return out


def create(tx: Tx, template: Template, body: Nic) -> TemplateNic:
    """Store a NIC of a template."""
    nic = Nic(
        name=body.name,
        comment=body.comment,
        interface=body.interface or NicInterface.VIRTIO,
        linked=body.linked is not False,
        plugged=body.plugged is not False,
    )
    profile = vm_nics.profile_for(tx, template, body)
    nic = replace(nic, vnic_profile=VnicProfile(id=profile.id) if profile else None)
    _check(tx, template, nic)
    return tx.insert(TemplateNic(id=bodies.new_id(), template_id=str(template.id), nic=nic))


def _check(rd: Reader, template: Template, nic: Nic, *, own_id: str = "") -> None:
    bodies.raise_all(bodies.text_refusals(nic.name, "name", vm_nics.NAME_RULE))
    for other in rd.find(TemplateNic, template_id=str(template.id), name_key=(nic.name or "").lower()):
        if other.id != own_id:
            raise refuse(
                "NETWORK_INTERFACE_NAME_ALREADY_IN_USE",
                f"Template {template.name} already has an interface {nic.name}.",
            )


def _add(tx: Tx, call: Call, body: Nic) -> Nic:
    template = tx.need(Template, call.ids[0])
    row = create(tx, template, body)
    record(tx, ADDED, call=call, template=template, nic=row.nic.name)
    return _shown(row)


def _row(rd: Reader, call: Call) -> TemplateNic:
    row = rd.get(TemplateNic, call.ids[1])
    if row is None or row.template_id != call.ids[0]:
        raise NotFound(f"Nic: id={call.ids[1]}")
    return row


def _update(tx: Tx, call: Call, body: Nic) -> Nic:
    template, row = tx.need(Template, call.ids[0]), _row(tx, call)
    given = replace(body, network=None, vnic_profile=None, mac=None, vm=None, template=None)
    new = bodies.merge(row.nic, given)
    if body.vnic_profile is not None or body.network is not None:
        profile = vm_nics.profile_for(tx, template, body)
        new = replace(new, vnic_profile=VnicProfile(id=profile.id) if profile else None)
    _check(tx, template, new, own_id=row.id)
    after = replace(row, nic=new)
    if after != row:
        tx.update(after)
        record(tx, UPDATED, call=call, template=template, nic=new.name)
    return _shown(after)


def _remove(tx: Tx, call: Call, body: Any) -> None:
    template, row = tx.need(Template, call.ids[0]), _row(tx, call)
    tx.delete(TemplateNic, row.id)
    record(tx, REMOVED, call=call, template=template, nic=row.nic.name)


_MAY = (Need(Permit.CONFIGURE_TEMPLATE_NETWORK),)
_PROFILE = Need(
    Permit.CONFIGURE_TEMPLATE_NETWORK,
    "vnic_profile",
    when=lambda n: n is not None and n.vnic_profile is not None and n.vnic_profile.id is not None,
)
NICS_OF_TEMPLATE = Resource(
    type=Nic,
    collection="nics",
    v3_context=vm_nics.v3_context,
    list=Op(run=_listed, needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(
        run=_add,
        needs=(Need(Permit.CONFIGURE_TEMPLATE_NETWORK, "parent"), _PROFILE),
        mandatory=("name",),
    ),
    update=Op(run=_update, needs=(*_MAY, _PROFILE)),
    remove=Op(run=_remove, needs=_MAY),
)
