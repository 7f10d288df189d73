"""An App over a small composition of our own, served by uvicorn on a free port: a real store, real sockets.

Does: bookmarks (plain rows), vms with nics, disks, actions and commands, secrets (needs undeclared), events (`from`).
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from msgspec import Struct
from msgspec.structs import replace

from ovis.engine import events
from ovis.engine.access import grants
from ovis.engine.access.directory import add_internal_user, hash_password, seed_admin
from ovis.engine.access.tables import TABLES as ACCESS_TABLES
from ovis.engine.access.tokens import Sessions
from ovis.engine.commands import TABLES as COMMAND_TABLES, Command, Step, begin
from ovis.engine.commands.runner import Runner
from ovis.engine.commands.services import Services
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Kind, Refusal, Refused, refuse
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import ADMIN, PUBLIC, Action as Verb, Need, Op, Param, Resource, Started
from ovis.engine.http.app import App
from ovis.engine.http.endpoints import Endpoints
from ovis.engine.http.ui_plugins import UiPlugins
from ovis.engine.model.enums import DiskInterface, VmStatus
from ovis.engine.model.types import (
    Action,
    Bookmark,
    Cluster,
    Disk,
    DiskAttachment,
    GraphicsConsole,
    Icon,
    Nic,
    Ticket,
    Vm,
)
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.store import Store
from ovis.engine.store.tables import Column, Table, name_columns
from ovis.engine.wire.dialect3 import Context

ADMIN_PASSWORD, USER_PASSWORD = "admin-secret", "user-secret"
_HASHES = {p: hash_password(p) for p in (ADMIN_PASSWORD, USER_PASSWORD)}
BOOKMARKS = Table(name="bookmarks", type=Bookmark, columns=name_columns(), unique=(("name_key",),))
CLUSTERS = Table(
    name="clusters",
    type=Cluster,
    columns=(*name_columns(), Column(name="data_center_id", path="data_center.id")),
)
VMS = Table(
    name="vms",
    type=Vm,
    columns=(
        *name_columns(),
        Column(name="status"),
        Column(name="cluster_id", path="cluster.id", references="clusters"),
    ),
)
NICS = Table(
    name="vm_nics",
    type=Nic,
    columns=(*name_columns(), Column(name="vm_id", path="vm.id", references="vms", on_delete="cascade")),
)
ICONS = Table(name="icons", type=Icon, columns=())
VM_SEARCH = SearchObject(
    table=VMS,
    prefix="Vms",
    fields={
        "name": Field(column="name_key"),
        "status": Field(kind="enum", column="status"),
        "cluster": Field(via=Join("clusters", "cluster_id", "name_key")),
    },
    default=("name_key", "id"),
)
BOOKMARK_SEARCH = SearchObject(
    table=BOOKMARKS, prefix="Bookmarks", fields={"name": Field(column="name_key")}, default=("name_key", "id")
)


class Work(Struct, kw_only=True, frozen=True):
    """Parameters of the lab's commands."""

    vm_id: str
    fail: bool = False


class Gates:
    """Commands of the lab stop here until the test lets them go on."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()


GATES: dict[int, Gates] = {}


async def _wait(ctx: Any) -> None:
    await GATES[id(ctx.services.store)].open.wait()


def _end(tx: Tx, ctx: Any) -> None:
    if ctx.params.fail:
        raise refuse("LAB_FAILED", "It was to fail.")
    vm = tx.get(Vm, ctx.params.vm_id)
    if vm is not None:
        tx.update(replace(vm, status=VmStatus.UP))


WORK = Command(name="lab.work", params=Work, steps=(Step("wait", _wait), Step("end", _end)), title="Work")


def _bookmark_add(tx: Tx, call: Call, body: Bookmark) -> Bookmark:
    if tx.one(Bookmark, name_key=str(body.name).lower()) is not None:
        raise refuse("BOOKMARK_NAME_IN_USE", "The name is in use.")
    return tx.insert(Bookmark(id=str(uuid.uuid4()), name=body.name, value=body.value))


def _bookmark_update(tx: Tx, call: Call, body: Bookmark) -> Bookmark:
    old = tx.need(Bookmark, call.ids[-1])
    return tx.update(replace(old, name=body.name or old.name, value=body.value or old.value))


def _vm_add(tx: Tx, call: Call, body: Vm) -> Any:
    vm = replace(
        body, id=str(uuid.uuid4()), status=VmStatus.DOWN, cluster=Cluster(id="c1"), comment=_flags(call) or body.comment
    )
    if vm.name == "slow":
        tx.insert(vm)
        return begin(tx, WORK, Work(vm_id=str(vm.id)), call=call, entity=vm)
    if vm.name == "doomed":
        tx.insert(vm)
        return begin(tx, WORK, Work(vm_id=str(vm.id), fail=True), call=call, entity=vm)
    return tx.insert(vm)


def _flags(call: Call) -> str:
    names = ("clone", "clone_permissions", "force", "detach_only", "all_content", "current", "host")
    return " ".join(f"{n}={call.params[n]}" for n in names if n in call.params)


def _vm_update(tx: Tx, call: Call, body: Vm) -> Vm:
    old = tx.need(Vm, call.ids[-1])
    return tx.update(replace(old, name=body.name or old.name, description=body.description or old.description))


def _vm_remove(tx: Tx, call: Call, body: Any) -> Started | None:
    vm = tx.need(Vm, call.ids[-1])
    if vm.name == "kept":
        raise Refused([Refusal("LAB", f"Kept with {_flags(call) or 'nothing'}.")])
    if vm.name == "slow":
        return begin(tx, WORK, Work(vm_id=str(vm.id)), call=call)
    tx.delete(Vm, str(vm.id))
    return None


def _start(tx: Tx, call: Call, action: Action) -> Started:
    vm = tx.need(Vm, call.ids[0])
    if vm.status is VmStatus.UP:
        raise Refused([Refusal("VM_IS_RUNNING", "The VM is up.", "Stop it first.")])
    return begin(tx, WORK, Work(vm_id=str(vm.id), fail=vm.name == "doomed"), call=call, entity=None)


def _ticket(tx: Tx, call: Call, action: Action) -> Action:
    return replace(action, ticket=Ticket(value="secret", expiry=7200))


def _crash(tx: Tx, call: Call, action: Action) -> None:
    raise RuntimeError("the lab's own crash")


def _forbidden_and_bad(tx: Tx, call: Call, action: Action) -> None:
    raise Refused([Refusal("A", "One.", kind=Kind.CONFLICT), Refusal("B", "Two.", kind=Kind.BAD)])


def _echo(tx: Tx, call: Call, action: Action) -> None:
    return None


async def _ask(services: Services, call: Call, action: Action) -> Action:
    await asyncio.sleep(0)
    return Action(reason=_flags(call) or "nothing")


def _viewer(tx: Tx, call: Call, action: Action) -> Action:
    return Action(remote_viewer_connection_file="[virt-viewer]\ntype=vnc\n")


def _consoles(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[GraphicsConsole]]:
    return {p: [GraphicsConsole(id="766e63")] for p in parents}


def _disk(vm_id: str) -> Disk:
    return Disk(id=f"d-{vm_id}", name="disk1", provisioned_size=1 << 30)


def _attachments(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[DiskAttachment]]:
    return {
        p: [
            DiskAttachment(
                id=f"d-{p}", disk=Disk(id=f"d-{p}"), bootable=True, interface=DiskInterface.VIRTIO, vm=Vm(id=p)
            )
        ]
        for p in parents
    }


def _all_disks(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    return {"": [_disk(str(vm.id)) for vm in rd.select(Vm)]}


def _v3_disks(rd: Reader, call: Call, parents: Sequence[str]) -> Mapping[str, list[Disk]]:
    return {p: [_disk(p)] for p in parents}


def _v3_context(rd: Reader, found: Sequence[Disk]) -> Context:
    return Context(
        attachments={
            str(d.id): DiskAttachment(id=d.id, bootable=True, interface=DiskInterface.VIRTIO, active=True)
            for d in found
        }
    )


def _icons_add(tx: Tx, call: Call, body: Icon) -> Icon:
    return tx.insert(Icon(id=body.id or "x", media_type=body.media_type, data=body.data))


_MARK = (Need(Permit.BOOKMARK_MANAGEMENT, "system"),)
RESOURCES = (
    Resource(
        type=Bookmark,
        collection="bookmarks",
        table=BOOKMARKS,
        search=BOOKMARK_SEARCH,
        list=Op(needs=PUBLIC),
        get=Op(needs=PUBLIC),
        add=Op(run=_bookmark_add, needs=_MARK, mandatory=("name", "value")),
        update=Op(run=_bookmark_update, needs=_MARK),
        remove=Op(run=lambda tx, call, body: tx.delete(Bookmark, call.ids[-1]), needs=_MARK),
    ),
    Resource(
        type=Cluster,
        collection="clusters",
        object_type="cluster",
        table=CLUSTERS,
        list=Op(needs=PUBLIC),
        get=Op(needs=PUBLIC),
    ),
    Resource(
        type=Vm,
        collection="vms",
        object_type="vm",
        table=VMS,
        search=VM_SEARCH,
        list=Op(needs=PUBLIC, params=(Param(name="max", type=int),)),
        get=Op(needs=PUBLIC),
        add=Op(run=_vm_add, needs=(Need(Permit.CREATE_VM, "cluster"),), mandatory=("name", "cluster.id|cluster.name")),
        update=Op(run=_vm_update, needs=(Need(Permit.EDIT_VM_PROPERTIES),)),
        remove=Op(run=_vm_remove, needs=(Need(Permit.DELETE_VM),)),
        actions=(
            Verb(name="start", run=_start, needs=(Need(Permit.RUN_VM),)),
            Verb(name="ticket", run=_ticket, needs=(Need(Permit.CONNECT_TO_VM),)),
            Verb(name="previewsnapshot", run=_echo, needs=PUBLIC, v3_name="preview_snapshot"),
            Verb(name="crash", run=_crash, needs=PUBLIC),
            Verb(name="refuse", run=_forbidden_and_bad, needs=PUBLIC),
            Verb(name="undeclared", run=_echo),
            Verb(name="ask", run=_ask, needs=PUBLIC),
            Verb(name="demand", run=_echo, needs=PUBLIC, mandatory=("host.id|host.name",)),
            Verb(name="sweep", run=_ask, needs=PUBLIC, on="collection"),
        ),
        subs=(
            Resource(
                type=Nic,
                collection="nics",
                table=NICS,
                parent_column="vm_id",
                list=Op(needs=PUBLIC),
                get=Op(needs=PUBLIC),
            ),
            Resource(
                type=DiskAttachment,
                collection="diskattachments",
                v3_collection="",
                list=Op(run=_attachments, needs=PUBLIC),
                get=Op(needs=PUBLIC),
            ),
            Resource(
                type=Disk,
                collection="disks",
                in_v4=False,
                v3_context=_v3_context,
                list=Op(run=_v3_disks, needs=PUBLIC),
                get=Op(needs=PUBLIC),
            ),
            Resource(
                type=GraphicsConsole,
                collection="graphicsconsoles",
                list=Op(run=_consoles, needs=PUBLIC),
                get=Op(needs=PUBLIC),
                actions=(Verb(name="remoteviewerconnectionfile", run=_viewer, needs=PUBLIC, v3=False),),
            ),
        ),
    ),
    Resource(type=Disk, collection="disks", list=Op(run=_all_disks, needs=PUBLIC), get=Op(needs=PUBLIC)),
    Resource(
        type=Icon,
        collection="icons",
        table=ICONS,
        list=Op(),
        get=Op(),
        add=Op(run=_icons_add, needs=ADMIN),
        update=Op(run=_icons_add),
        remove=Op(run=lambda tx, call, body: tx.delete(Icon, call.ids[-1])),
    ),
)


@dataclass
class Lab:
    """A served composition. vms: names to ids."""

    store: Store
    app: App
    sessions: Sessions
    runner: Runner
    gates: Gates
    port: int
    vms: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, user: str = "admin", dialect: int = 4, **headers: str) -> httpx.AsyncClient:
        """A client that signs in by Basic with each request. Paths are below the API."""
        password = ADMIN_PASSWORD if user == "admin" else USER_PASSWORD
        return httpx.AsyncClient(
            base_url=self.url + ("/ovirt-engine/api" if dialect == 4 else "/api"),
            auth=(f"{user}@internal", password),
            headers=headers,
            timeout=30,
        )

    async def raw(self, data: bytes, *, seconds: float = 20) -> bytes:
        """Everything that the server says to these bytes until it closes, or is silent for long."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        try:
            return await asyncio.wait_for(reader.read(), seconds)
        finally:
            writer.close()


def _seed(tx: Tx) -> dict[str, str]:
    grants.seed(tx)
    seed_admin(tx, "00000000-0000-4000-8000-00000000000a", _HASHES[ADMIN_PASSWORD])
    add_internal_user(tx, "jane", _HASHES[USER_PASSWORD], user_id="00000000-0000-4000-8000-00000000000b")
    tx.insert(Cluster(id="c1", name="Default"))
    vms = {}
    for n, name in enumerate(("alpha", "beta", "kept", "doomed", "slow")):
        vms[name] = f"0000000{n}-1111-4222-8333-00000000000{n}"
        tx.insert(Vm(id=vms[name], name=name, status=VmStatus.DOWN, cluster=Cluster(id="c1"), memory=1 << 30))
        tx.insert(Nic(id=f"nic-{n}", name="nic1", vm=Vm(id=vms[name])))
    grants.grant(tx, "00000000-0000-4000-8000-00000000000b", "UserVmManager", "vm", vms["alpha"])
    return vms


class _Pki:
    """Certificates are texts here; the real ones have tests of their own."""

    def ca_pem(self) -> bytes:
        return b"-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n"

    def engine_pem(self) -> bytes:
        return b"-----BEGIN CERTIFICATE-----\nengine\n-----END CERTIFICATE-----\n"

    def engine_ssh_key(self) -> bytes:
        return b"ssh-rsa AAAA engine\n"


async def _nobody(_: Any) -> Any:
    raise refuse("LAB", "No hosts here.")


@asynccontextmanager
async def lab(folder: Path) -> AsyncIterator[Lab]:
    """Open, seed, serve; all ended at exit."""
    tables = (events.TABLE, *ACCESS_TABLES, *COMMAND_TABLES, BOOKMARKS, CLUSTERS, VMS, NICS, ICONS)
    store = Store(f"sqlite:///{folder}/lab.db", tables)
    store.create_tables()
    store.start(asyncio.get_running_loop())
    services: Any = Services(store=store, hosts=None, runner=None, settings=None, pki=_Pki())  # type: ignore[arg-type]
    runner = Runner(services, (WORK,))
    services.runner = runner
    gates = GATES[id(store)] = Gates()
    vms = await store.write(_seed)
    await runner.start()
    sessions = Sessions(store)
    endpoints = Endpoints(store, services.pki, _nobody, None, UiPlugins(Path(os.devnull), Path(os.devnull)))
    app = App(RESOURCES, services, sessions, endpoints, instance_id="11111111-2222-4333-8444-555555555555")
    taken = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, http="httptools", lifespan="off", log_config=None, access_log=False, server_header=False, loop="none"
        )
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Lab(store, app, sessions, runner, gates, taken.getsockname()[1], vms)
    finally:
        gates.open.set()
        server.should_exit = True
        await serving
        await runner.stop()
        await asyncio.to_thread(store.close)
        del GATES[id(store)]
