"""Consoles and CD-ROMs of a VM: /vms/ID/graphicsconsoles, /vms/ID/cdroms, and tickets.

Does: show where graphics listen, give a password for a while, write the file that viewers open, change CDs.
Follows: flows, section 12; console ids as clients know them (the protocol's name in hex).
"""

import secrets
import string
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ovis.engine.access.check import require
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Fault, NotFound, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Action as ApiAction, Need, Op, Param, Resource
from ovis.engine.events import Audit, record
from ovis.engine.hostlink.errors import HostError, HostUnreachable
from ovis.engine.model.enums import BiosType, GraphicsType, LogSeverity
from ovis.engine.model.types import Action, Cdrom, Cluster, File, GraphicsConsole, Ticket, Vm
from ovis.engine.resources import bodies
from ovis.engine.resources.vms import graphics, rules
from ovis.engine.resources.vms.defaults import bios_of
from ovis.engine.resources.vms.graphics import console_id, protocol_of, protocols_of
from ovis.engine.resources.vms.state import ConsoleAt, VmCdrom, VmRuntime
from ovis.engine.store.session import Reader, Tx

N = LogSeverity.NORMAL
TICKET_SET = Audit(code=164, severity=N, text="{user} initiated a console session for VM {vm}.")
CD_CHANGED = Audit(code=38, severity=N, text="CD {file} was inserted into VM {vm} by {user}.")
CD_EJECTED = Audit(code=528, severity=N, text="The CD of VM {vm} was ejected by {user}.")
CD_NOT_CHANGED = Audit(
    code=102, severity=LogSeverity.ERROR, text="The CD of VM {vm} could not be changed by {user}: {why}"
)
_ALPHABET = string.ascii_letters + string.digits
MAX_TICKET_SECONDS = 86_400


def _listed(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[GraphicsConsole]]:
    chosen = protocols_of(rd, rd.get_many(Vm, parents).values())
    runtimes = rd.get_many(VmRuntime, parents)
    out: dict[str, list[GraphicsConsole]] = {}
    for parent in parents:
        runtime = runtimes.get(parent)
        live = {c.protocol: c for c in (runtime.consoles if runtime else ())}
        protocols = sorted(live) if call.flag("current") and live else chosen.get(parent, [])
        out[parent] = [_shown(parent, p, live.get(p)) for p in protocols]
    return out


def _shown(vm_id: str, protocol: str, at: ConsoleAt | None) -> GraphicsConsole:
    return GraphicsConsole(
        id=console_id(protocol),
        protocol=GraphicsType(protocol),
        address=at.address if at else None,
        port=at.port if at else None,
        tls_port=at.tls_port if at else None,
        vm=Vm(id=vm_id),
    )


async def give_ticket(
    services: Services, call: Call, protocol: str | None, value: str | None, seconds: int
) -> tuple[Vm, ConsoleAt, str, int]:
    """Set the console's password on the host; returns where it is and the password."""

    def look(rd: Reader) -> tuple[Vm, VmRuntime]:
        vm = rd.need(Vm, call.ids[0])
        bodies.raise_all(rules.TICKET.refusals(vm))
        runtime = rd.need(VmRuntime, str(vm.id))
        if runtime.client_ip and runtime.console_user not in ("", call.principal.user_id):
            require(rd, call, Permit.RECONNECT_TO_VM, "vm", str(vm.id))  # somebody else looks at it
        return vm, runtime

    vm, runtime = await services.store.read(look)
    at = next((c for c in runtime.consoles if protocol in (None, c.protocol)), None)
    if at is None or runtime.host_id is None:
        raise refuse("ACTION_TYPE_FAILED_VM_HAS_NO_CONSOLE", f"VM {vm.name} has no such console.")
    if value is not None and (not value.isascii() or not 1 <= len(value) <= 64):
        raise refuse("VALIDATION_TICKET_INVALID", "A ticket is 1 to 64 ASCII characters.", bad=True)
    length = 8 if at.protocol == "vnc" else 12  # VNC takes no more
    password = value or "".join(secrets.choice(_ALPHABET) for _ in range(length))
    try:
        await services.hosts.call(
            runtime.host_id,
            "VM.updateDevice",
            {
                "vmID": vm.id,
                "params": {
                    "deviceType": "graphics",
                    "graphicsType": at.protocol,
                    "password": password,
                    "ttl": seconds,
                    "existingConnAction": "keep" if at.protocol == "vnc" else "disconnect",
                    "disconnectAction": "LOCK_SCREEN",
                    "params": {"userName": call.principal.name, "userId": call.principal.user_id, "fips": "false"},
                },
            },
            correlation_id=call.correlation_id,
        )
    except (HostError, HostUnreachable) as err:
        raise Fault(f"[The host could not set the ticket: {err}]", status=409) from err

    def given(tx: Tx) -> None:
        now = tx.get(VmRuntime, str(vm.id))
        if now is not None and now.console_user != call.principal.user_id:
            tx.update(replace(now, console_user=call.principal.user_id))
        record(tx, TICKET_SET, call=call, vm=vm)

    await services.store.write(given)
    return vm, at, password, seconds


def _seconds(services: Services, ticket: Ticket | None) -> int:
    wanted = ticket.expiry if ticket and ticket.expiry is not None else int(services.settings.console_ticket_seconds)
    if not 1 <= wanted <= MAX_TICKET_SECONDS:
        raise refuse("VALIDATION_TICKET_EXPIRY", f"A ticket is valid for 1 to {MAX_TICKET_SECONDS} seconds.", bad=True)
    return wanted


async def ticket(services: Services, call: Call, action: Action) -> Action:
    """POST ticket: of the VM, or of one of its consoles."""
    protocol = protocol_of(call.ids[1]) if len(call.ids) > 1 else None
    seconds = _seconds(services, action.ticket)
    wanted = action.ticket.value if action.ticket and action.ticket.value else None
    _, _, password, valid = await give_ticket(services, call, protocol, wanted, seconds)
    return replace(action, ticket=Ticket(value=password, expiry=valid))


def viewer_file(vm: Vm, at: ConsoleAt, password: str, ca: str) -> str:
    """What virt-viewer opens."""
    lines = ["[virt-viewer]", f"type={at.protocol}", f"host={at.address}"]
    lines += [f"port={at.port}"] if at.port else []
    lines += [f"tls-port={at.tls_port}"] if at.tls_port else []
    lines += [
        f"password={password}",
        "delete-this-file=1",
        "fullscreen=0",
        f"title={vm.name}:%d - Press SHIFT+F12 to Release Cursor",
        "toggle-fullscreen=shift+f11",
        "release-cursor=shift+f12",
        "secure-attention=ctrl+alt+end",
    ]
    if at.tls_port:
        escaped = ca.replace("\n", "\\n")
        lines.append(f"ca={escaped}")
    return "\n".join(lines) + "\n"


async def connection_file(services: Services, call: Call, action: Action) -> Action:
    """POST remoteviewerconnectionfile."""
    protocol = protocol_of(call.ids[1])
    vm, at, password, _ = await give_ticket(services, call, protocol, None, _seconds(services, None))
    text = viewer_file(vm, at, password, services.pki.ca_pem().decode())
    return replace(action, remote_viewer_connection_file=text)


_CONNECT = (Need(Permit.CONNECT_TO_VM),)
CONSOLES_OF_VM = Resource(
    type=GraphicsConsole,
    collection="graphicsconsoles",
    list=Op(run=_listed, needs=PUBLIC, params=(Param(name="current"),)),
    get=Op(needs=PUBLIC),
    add=Op(run=graphics.add, needs=(Need(Permit.EDIT_VM_PROPERTIES, "parent"),), mandatory=("protocol",)),
    remove=Op(run=graphics.remove, needs=(Need(Permit.EDIT_VM_PROPERTIES),)),
    actions=(
        ApiAction(
            name="ticket", run=ticket, needs=_CONNECT, body=("ticket",), v3=False, asks=(Permit.RECONNECT_TO_VM,)
        ),
        ApiAction(name="remoteviewerconnectionfile", run=connection_file, needs=_CONNECT, v3=False),
    ),
)
TICKET = ApiAction(name="ticket", run=ticket, needs=_CONNECT, body=("async", "ticket"), asks=(Permit.RECONNECT_TO_VM,))


# -- CD-ROMs ------------------------------------------------------------------------------------------------------

CDROM_ID = "00000000-0000-0000-0000-000000000000"


def cdrom_of(rd: Reader, vm_id: str) -> VmCdrom:
    """A VM's CD-ROM; every VM has one."""
    return rd.one(VmCdrom, vm_id=vm_id) or VmCdrom(id=vm_id, vm_id=vm_id, cdrom=Cdrom())


def _cdroms(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Cdrom]]:
    out = {}
    for parent in parents:
        row = cdrom_of(rd, parent)
        file = row.current if call.flag("current") and row.current is not None else _file(row)
        out[parent] = [Cdrom(id=CDROM_ID, file=File(id=file) if file else None, vm=Vm(id=parent))]
    return out


def _file(row: VmCdrom) -> str:
    return row.cdrom.file.id or "" if row.cdrom.file else ""


async def change_cd(services: Services, call: Call, body: Cdrom) -> Cdrom:
    """PUT: what is in the drive from the next start on, or now with `current`. An empty file ejects."""
    if call.ids[-1] != CDROM_ID:
        raise NotFound(f"Cdrom: id={call.ids[-1]}")
    file = (body.file.id or "") if body.file else ""
    if file and (not file.startswith("/") or not file.endswith(".iso")):
        raise refuse(
            "ACTION_TYPE_FAILED_INVALID_CDROM_DISK_FORMAT",
            f"{file!r} is not the absolute path of an .iso file.",
            bad=True,
        )
    current = call.flag("current")
    permit = Permit.CHANGE_VM_CD if current else Permit.EDIT_VM_PROPERTIES
    await services.store.read(lambda rd: require(rd, call, permit, "vm", call.ids[0]))
    if current:

        def look(rd: Reader) -> tuple[Vm, VmRuntime, str]:
            vm = rd.need(Vm, call.ids[0])
            bodies.raise_all(rules.CHANGE_CD.refusals(vm))
            bios = bios_of(vm, rd.need(Cluster, vm.cluster.id if vm.cluster else None))
            return vm, rd.need(VmRuntime, str(vm.id)), "ide" if bios is BiosType.I440FX_SEA_BIOS else "sata"

        vm, runtime, bus = await services.store.read(look)
        try:
            await services.hosts.call(
                str(runtime.host_id),
                "VM.changeCD",
                {"vmID": vm.id, "driveSpec": {"iface": bus, "index": "2", "path": file}},
                correlation_id=call.correlation_id,
            )
        except (HostError, HostUnreachable) as err:
            why = str(err)
            await services.store.write(lambda tx: record(tx, CD_NOT_CHANGED, call=call, vm=vm, why=why))
            raise Fault(f"[The host could not change the CD: {err}]", status=409) from err

    def save(tx: Tx) -> None:
        vm = tx.need(Vm, call.ids[0])
        row = cdrom_of(tx, str(vm.id))
        after = (
            replace(row, current=file) if current else replace(row, cdrom=Cdrom(file=File(id=file) if file else None))
        )
        tx.put(after)
        record(tx, CD_CHANGED if file else CD_EJECTED, call=call, vm=vm, file=file)

    await services.store.write(save)
    return Cdrom(id=CDROM_ID, file=File(id=file) if file else None, vm=Vm(id=call.ids[0]))


CDROMS_OF_VM = Resource(
    type=Cdrom,
    collection="cdroms",
    list=Op(run=_cdroms, needs=PUBLIC, params=(Param(name="current"),)),
    get=Op(needs=PUBLIC),
    update=Op(
        run=change_cd,
        needs=(Need(Permit.CHANGE_VM_CD),),
        params=(Param(name="current"),),
        asks=(Permit.EDIT_VM_PROPERTIES,),
    ),
)
