"""Instance types: /instancetypes. Sizes that VMs take over when they name one, where they do not say their own.

Follows: the five types shipped by engine 4.5.
"""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from ovis.engine.declare.call import Call
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Resource
from ovis.engine.model.enums import TemplateStatus
from ovis.engine.model.types import Cpu, CpuTopology, InstanceType, MemoryPolicy, VmBase
from ovis.engine.resources import bodies, instance_type_devices
from ovis.engine.resources.custom_properties import checks as custom_checks
from ovis.engine.store.search import Field, SearchObject
from ovis.engine.store.session import Tx
from ovis.engine.store.tables import Column, Table, name_columns

TABLE = Table(
    name="instance_types",
    type=InstanceType,
    columns=(
        *name_columns(),
        Column(name="description", index=False),
        Column(name="comment", index=False),
        Column(name="memory", kind="int", index=False),
    ),
    unique=(("name_key",),),
)
# (name, id, sockets, memory MiB, maximum MiB)
_SHIPPED = (
    ("Tiny", "00000003-0003-0003-0003-0000000000be", 1, 512, 2048),
    ("Small", "00000005-0005-0005-0005-0000000002e6", 1, 2048, 8192),
    ("Medium", "00000007-0007-0007-0007-00000000010a", 2, 4096, 16384),
    ("Large", "00000009-0009-0009-0009-0000000000f1", 2, 8192, 32768),
    ("XLarge", "0000000b-000b-000b-000b-00000000021f", 4, 16384, 65536),
)
_MIB = 1 << 20
TABLES = (TABLE, *instance_type_devices.TABLES)
# What a VM takes over.
_TAKEN = (
    "memory memory_policy high_availability io migration migration_downtime display usb soundcard_enabled virtio_scsi "
    "rng_device console"
).split()
NAME_RULE = bodies.TextRule(255, 1, bodies.NAME)


def seed(tx: Tx) -> None:
    """The shipped types."""
    for name, id_, sockets, memory, maximum in _SHIPPED:
        if tx.get(InstanceType, id_) is None:
            tx.insert(
                InstanceType(
                    id=id_,
                    name=name,
                    description=f"{name} instance type",
                    status=TemplateStatus.OK,
                    creation_time=datetime(2014, 1, 1, tzinfo=UTC),
                    cpu=Cpu(topology=CpuTopology(sockets=sockets, cores=1, threads=1)),
                    memory=memory * _MIB,
                    memory_policy=MemoryPolicy(guaranteed=memory * _MIB, max=maximum * _MIB),
                )
            )


def over(base: VmBase, kind: InstanceType) -> VmBase:
    """A template's values with those of an instance type laid over them."""
    taken = {name: value for name in _TAKEN if (value := getattr(kind, name)) is not None}
    if kind.cpu is not None and kind.cpu.topology is not None:
        taken["cpu"] = Cpu(topology=kind.cpu.topology)
    return bodies.merge(base, VmBase(**taken))


def _check(tx: Tx, found: InstanceType) -> None:
    reasons = bodies.text_refusals(found.name, "name", NAME_RULE)
    bodies.raise_all(reasons + custom_checks.of_vm(tx, found, "instance type"))
    bodies.require_free_name(tx, InstanceType, found.name, "ACTION_TYPE_FAILED_NAME_ALREADY_USED", own_id=found.id)


def add(tx: Tx, call: Call, body: InstanceType) -> InstanceType:
    """POST /instancetypes."""
    made = replace(
        bodies.without_subs(body),
        id=bodies.new_id(),
        status=TemplateStatus.OK,
        creation_time=call.now,
        memory=body.memory or 1024 * _MIB,
        cpu=body.cpu or Cpu(topology=CpuTopology(sockets=1, cores=1, threads=1)),
    )
    _check(tx, made)
    return tx.insert(made)


def update(tx: Tx, call: Call, body: InstanceType) -> InstanceType:
    """PUT /instancetypes/ID."""
    new = bodies.without_subs(bodies.merge(tx.need(InstanceType, call.ids[-1]), body, keep=("status", "creation_time")))
    _check(tx, new)
    return tx.update(new)


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /instancetypes/ID."""
    tx.delete(InstanceType, call.ids[-1])


RESOURCE = Resource(
    type=InstanceType,
    collection="instancetypes",
    object_type="template",
    table=TABLE,
    search=SearchObject(
        table=TABLE,
        prefix="Instancetypes",
        fields={
            "name": Field("text", "name"),
            "description": Field("text", "description"),
            "comment": Field("text", "comment"),
            "mem": Field("int", "memory", unit=1 << 20),
            "_vmt_id": Field("uuid", "id", free=False),
        },
    ),
    list=Op(needs=PUBLIC),
    get=Op(needs=PUBLIC),
    add=Op(run=add, needs=(Need(Permit.CREATE_TEMPLATE, "system"),), mandatory=("name",)),
    update=Op(run=update, needs=(Need(Permit.EDIT_TEMPLATE_PROPERTIES),)),
    remove=Op(run=remove, needs=(Need(Permit.DELETE_TEMPLATE),)),
    subs=instance_type_devices.SUBS,
)
