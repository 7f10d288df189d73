"""The collection /vms/ID/snapshots, the actions of previews, and what other rooms take from here."""

from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import PUBLIC, Need, Op, Param, Resource
from ovis.engine.model.types import Cdrom, Disk, DiskSnapshot, Nic, Snapshot
from ovis.engine.resources.vms.snapshots import preview, remove, show, take
from ovis.engine.resources.vms.snapshots.tables import TABLES

SNAPSHOTS_OF_VM = Resource(
    type=Snapshot,
    collection="snapshots",
    list=Op(run=show.listed, needs=PUBLIC, params=(Param(name="all_content"),)),
    get=Op(needs=PUBLIC, params=(Param(name="all_content"),)),
    add=Op(run=take.add, needs=(Need(Permit.MANIPULATE_VM_SNAPSHOTS, "parent"),), mandatory=("description",)),
    remove=Op(run=remove.remove, needs=(Need(Permit.MANIPULATE_VM_SNAPSHOTS),), params=(Param(name="all_content"),)),
    actions=(preview.RESTORE_ACTION,),
    subs=(
        Resource(
            type=Disk,
            collection="disks",
            v3_context=show.v3_context,
            list=Op(run=show.disks, needs=PUBLIC),
            get=Op(needs=PUBLIC),
        ),
        Resource(type=Nic, collection="nics", list=Op(run=show.nics, needs=PUBLIC), get=Op(needs=PUBLIC)),
        Resource(type=Cdrom, collection="cdroms", list=Op(run=show.cdroms, needs=PUBLIC), get=Op(needs=PUBLIC)),
    ),
)
DISK_SNAPSHOTS = Resource(
    type=DiskSnapshot,
    collection="disksnapshots",
    list=Op(
        run=show.disk_snapshots, needs=PUBLIC, params=(Param(name="include_active"), Param(name="include_template"))
    ),
    get=Op(needs=PUBLIC),
)
ACTIONS = preview.ACTIONS
COMMANDS = (*take.COMMANDS, *preview.COMMANDS, *remove.COMMANDS)

__all__ = ("ACTIONS", "COMMANDS", "DISK_SNAPSHOTS", "SNAPSHOTS_OF_VM", "TABLES")
