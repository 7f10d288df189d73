"""Making a template's disks out of a VM's, and removing them: commands of /templates add and remove.

Does: full copies, one volume each, whatever the VM's chain is. Every step looks first. Follows: flows, section 4.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.access.grants import forget_object
from ovis.engine.commands import Command, Context, Step
from ovis.engine.events import Audit
from ovis.engine.model.enums import LogSeverity, TemplateStatus, VmStatus
from ovis.engine.model.types import Template, Vm
from ovis.engine.resources.disks import sets
from ovis.engine.resources.disks.tables import TemplateDisk
from ovis.engine.resources.tags import forget_tags
from ovis.engine.resources.templates.tables import TemplateNic
from ovis.engine.store.session import Reader, Tx

N, E = LogSeverity.NORMAL, LogSeverity.ERROR


class TemplateParams(Struct, kw_only=True, frozen=True):
    """copies: (the VM's disk, the template's new disk); of a removal, ("", the disk). vm_id: whose disks are copied."""

    template_id: str
    vm_id: str = ""
    copies: tuple[tuple[str, str], ...] = ()

    @property
    def disks(self) -> list[str]:
        """The template's own."""
        return [disk_id for _, disk_id in self.copies]


def words(rd: Reader, params: TemplateParams, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template, or its name once it is gone."""
    return {"template": rd.get(Template, params.template_id) or state.get("name", params.template_id)}


def forget_template(tx: Tx, template_id: str) -> None:
    """Every row of a template; its disks' rows are somebody else's."""
    for nic in tx.find(TemplateNic, template_id=template_id):
        tx.delete(TemplateNic, nic.id)
    for row in tx.find(TemplateDisk, template_id=template_id):
        tx.delete(TemplateDisk, row.id)
    forget_tags(tx, template_id)
    forget_object(tx, "template", template_id)
    if tx.get(Template, template_id) is not None:
        tx.delete(Template, template_id)


def _begin(tx: Tx, ctx: Context) -> None:
    template = tx.get(Template, ctx.params.template_id)
    ctx.state["name"] = template.name if template else ""


def _undo_add(tx: Tx, ctx: Context) -> None:
    sets.forget(tx, ctx.params.disks)
    forget_template(tx, ctx.params.template_id)
    free_vm(tx, ctx.params.vm_id)


def free_vm(tx: Tx, vm_id: str) -> None:
    """The VM whose disks were being copied is down again."""
    vm = tx.get(Vm, vm_id) if vm_id else None
    if vm is not None and vm.status is VmStatus.IMAGE_LOCKED:
        tx.update(replace(vm, status=VmStatus.DOWN))


async def _copy(ctx: Context) -> Callable[[Tx], None]:
    p: TemplateParams = ctx.params
    usable = await sets.make(ctx, p.copies)

    def save(tx: Tx) -> None:
        usable(tx)
        tx.update(replace(tx.need(Template, p.template_id), status=TemplateStatus.OK))
        free_vm(tx, p.vm_id)

    return save


async def _uncopy(ctx: Context) -> None:
    await sets.delete(ctx, ctx.params.disks)


ADD = Command(
    name="template.add",
    params=TemplateParams,
    title="Creating template {template}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_undo_add, undo_own=True),
        Step("disks", _copy, undo=_uncopy, undo_own=True, title="Copying the disks"),
    ),
    done=Audit(code=51, severity=N, text="Creation of template {template} was completed."),
    failed=Audit(code=52, severity=E, text="Template {template} could not be created: {reason}"),
)


async def _remove_disks(ctx: Context) -> Callable[[Tx], None]:
    p: TemplateParams = ctx.params
    await sets.delete(ctx, p.disks)

    def save(tx: Tx) -> None:
        forget_template(tx, p.template_id)
        sets.forget(tx, p.disks)

    return save


def _not_removed(tx: Tx, ctx: Context) -> None:
    """The template stays."""
    template = tx.get(Template, ctx.params.template_id)
    if template is not None and template.status is TemplateStatus.LOCKED:
        tx.update(replace(template, status=TemplateStatus.OK))
    sets.unlock(tx, ctx.params.disks)


def _half_removed(tx: Tx, ctx: Context) -> None:
    """Its disks may be half gone."""
    template = tx.get(Template, ctx.params.template_id)
    if template is not None:
        tx.update(replace(template, status=TemplateStatus.ILLEGAL))
    sets.condemn(tx, ctx.params.disks)


REMOVE = Command(
    name="template.remove",
    params=TemplateParams,
    title="Removing template {template}",
    words=words,
    steps=(
        Step("begin", _begin, undo=_not_removed, undo_own=True),
        Step("disks", _remove_disks, undo=_half_removed, undo_own=True, title="Removing the disks"),
    ),
    done=Audit(code=251, severity=N, text="Template {template} was removed by {user}."),
    failed=Audit(code=110, severity=E, text="Template {template} could not be removed: {reason}"),
)
COMMANDS = (ADD, REMOVE)
