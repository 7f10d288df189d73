"""A template's watchdog and its second graphics console: taken from its VM, and given to VMs that are made of it.

Does: keep them, show them below /templates/ID. Does not: change them; a new version of the template does.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import PUBLIC, Op, Resource
from ovis.engine.model.enums import GraphicsType
from ovis.engine.model.types import GraphicsConsole, Template, Vm, Watchdog
from ovis.engine.resources import bodies
from ovis.engine.resources.vms.graphics import console_id
from ovis.engine.resources.vms.state import VmConsole
from ovis.engine.resources.vms.watchdogs import VmWatchdog
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Column, Table


class TemplateDevices(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of template_devices. id: the template's. protocols: of its consoles, where they are several."""

    id: str
    template_id: str
    watchdog: Watchdog | None = None
    protocols: tuple[str, ...] = ()


TABLE = Table(
    name="template_devices",
    type=TemplateDevices,
    columns=(Column(name="template_id", references="templates", on_delete="cascade", unique=True),),
)


def take(tx: Tx, template_id: str, vm_id: str) -> None:
    """A new template gets what its VM has."""
    watchdog = tx.one(VmWatchdog, vm_id=vm_id)
    found = TemplateDevices(
        id=template_id,
        template_id=template_id,
        watchdog=watchdog.watchdog if watchdog is not None else None,
        protocols=tuple(
            sorted(c.console.protocol.value for c in tx.find(VmConsole, vm_id=vm_id) if c.console.protocol)
        ),
    )
    if found.watchdog is not None or found.protocols:
        tx.insert(found)


def give(tx: Tx, vm: Vm, template_id: str) -> None:
    """A new VM gets what its template has. Consoles only where its own display is among them."""
    row = tx.get(TemplateDevices, template_id)
    if row is None:
        return
    if row.watchdog is not None:
        tx.insert(VmWatchdog(id=bodies.new_id(), vm_id=str(vm.id), watchdog=row.watchdog))
    own = vm.display.type.value if vm.display and vm.display.type else None
    for protocol in row.protocols if own in row.protocols else ():
        console = GraphicsConsole(protocol=GraphicsType(protocol))
        tx.insert(VmConsole(id=f"{vm.id}/{protocol}", vm_id=str(vm.id), console=console))


def forget(tx: Tx, template_id: str) -> None:
    """The template goes."""
    if tx.get(TemplateDevices, template_id) is not None:
        tx.delete(TemplateDevices, template_id)


def watchdogs(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Watchdog]]:
    """One at most."""
    rows = rd.get_many(TemplateDevices, parents)
    out: dict[str, list[Watchdog]] = {p: [] for p in parents}
    for template_id, row in rows.items():
        if row.watchdog is not None:
            id_ = bodies.derived_id("watchdog", template_id)
            out[template_id] = [replace(row.watchdog, id=id_, vm=None, template=Template(id=template_id))]
    return out


def consoles(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[GraphicsConsole]]:
    """Several where its VM had several, else the one of its display."""
    found, rows = rd.get_many(Template, parents), rd.get_many(TemplateDevices, parents)
    out: dict[str, list[GraphicsConsole]] = {}
    for parent in parents:
        template, row = found.get(parent), rows.get(parent)
        kind = template.display.type if template and template.display else None
        protocols = row.protocols if row is not None and row.protocols else ((kind.value if kind else "vnc"),)
        out[parent] = [
            GraphicsConsole(id=console_id(p), protocol=GraphicsType(p), template=Template(id=parent)) for p in protocols
        ]
    return out


WATCHDOGS_OF_TEMPLATE = Resource(
    type=Watchdog, collection="watchdogs", list=Op(run=watchdogs, needs=PUBLIC), get=Op(needs=PUBLIC)
)
CONSOLES_OF_TEMPLATE = Resource(
    type=GraphicsConsole, collection="graphicsconsoles", list=Op(run=consoles, needs=PUBLIC), get=Op(needs=PUBLIC)
)
