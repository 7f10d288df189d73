"""A template's own part of its making and removal: the commands of /templates add and remove.

Does: full copies of a VM's disks, of its snapshot's if so wanted, one volume each, whatever the chain is. The steps are
those of everything that owns disks (`disks.owned`).
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.events import Audit
from ovis.engine.model.enums import LogSeverity, TemplateStatus, VmStatus
from ovis.engine.model.types import Template, Vm
from ovis.engine.resources.disks import owned
from ovis.engine.resources.disks.tables import TemplateDisk
from ovis.engine.resources.tags import forget_tags
from ovis.engine.resources.templates import devices
from ovis.engine.resources.templates.tables import TemplateNic
from ovis.engine.store.session import Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class TemplateParams(Struct, kw_only=True, frozen=True):
    """copies: (the VM's disk, the template's new disk); of a removal, ("", the disk). vm_id: that is held meanwhile.
    volumes: of the VM's disks, where it is a snapshot's that is copied."""

    template_id: str
    vm_id: str = ""
    copies: tuple[tuple[str, str], ...] = ()
    volumes: dict[str, str] = {}

    @property
    def disks(self) -> list[str]:
        """The template's own."""
        return [disk_id for _, disk_id in self.copies]


def forget_template(tx: Tx, template_id: str) -> None:
    """Every row of a template; its disks' rows are somebody else's."""
    for nic in tx.find(TemplateNic, template_id=template_id):
        tx.delete(TemplateNic, nic.id)
    for row in tx.find(TemplateDisk, template_id=template_id):
        tx.delete(TemplateDisk, row.id)
    devices.forget(tx, template_id)
    forget_tags(tx, template_id)
    forget_object(tx, "template", template_id)
    if tx.get(Template, template_id) is not None:
        tx.delete(Template, template_id)


def _forget(tx: Tx, params: Any) -> None:
    forget_template(tx, params.template_id)
    free_vm(tx, params.vm_id)


def free_vm(tx: Tx, vm_id: str) -> None:
    """The VM whose disks were being copied is down again."""
    vm = tx.get(Vm, vm_id) if vm_id else None
    if vm is not None and vm.status is VmStatus.IMAGE_LOCKED:
        tx.update(replace(vm, status=VmStatus.DOWN))


def _ready(tx: Tx, params: Any) -> None:
    tx.update(replace(tx.need(Template, params.template_id), status=TemplateStatus.OK))
    free_vm(tx, params.vm_id)


def _stays(tx: Tx, params: Any) -> None:
    template = tx.get(Template, params.template_id)
    if template is not None and template.status is TemplateStatus.LOCKED:
        tx.update(replace(template, status=TemplateStatus.OK))


def _spoiled(tx: Tx, params: Any) -> None:
    template = tx.get(Template, params.template_id)
    if template is not None:
        tx.update(replace(template, status=TemplateStatus.ILLEGAL))


OWNER = owned.Owner(
    noun="template",
    label="template",
    params=TemplateParams,
    find=lambda rd, params: rd.get(Template, params.template_id),
    forget=_forget,
    ready=_ready,
    stays=_stays,
    spoiled=_spoiled,
)
ADD = owned.add(
    OWNER,
    done=Audit(code=51, severity=N, text="Creation of template {template} was completed."),
    failed=Audit(code=52, severity=E, text="Template {template} could not be created: {reason}"),
)
REMOVE = owned.remove(
    OWNER,
    done=Audit(code=251, severity=N, text="Template {template} was removed by {user}."),
    failed=Audit(code=110, severity=E, text="Template {template} could not be removed: {reason}"),
)
COMMANDS = (ADD, REMOVE)
