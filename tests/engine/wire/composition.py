"""Declarations with the links and actions of the worked samples, without behaviour."""

from typing import Any

from ovis.engine.declare.resource import Action, Resource
from ovis.engine.model import types as t


def _nothing(*_: Any) -> None:
    raise AssertionError("nothing runs here")


def _subs(names: str) -> tuple[Resource, ...]:
    return tuple(Resource(type=t.Statistic, collection=name) for name in names.split())


def _actions(names: str, **special: dict[str, Any]) -> tuple[Action, ...]:
    return tuple(Action(name=n, run=_nothing, **special.get(n, {})) for n in names.split())


_V4 = {"v3": False}
_V3 = {"v4": False}
LABELS = Resource(type=t.NetworkLabel, collection="networklabels")
ATTACHMENTS = Resource(type=t.DiskAttachment, collection="diskattachments", v3_collection="", link=True)
DISKS_V3 = Resource(
    type=t.Disk,
    collection="disks",
    in_v4=False,
    actions=_actions("activate deactivate export move"),
    subs=_subs("permissions statistics"),
)
NICS = Resource(
    type=t.Nic,
    collection="nics",
    actions=_actions("activate deactivate"),
    subs=_subs("networkfilterparameters reporteddevices statistics"),
)
SAMPLE: dict[str, Resource] = {
    "vm": Resource(
        type=t.Vm,
        collection="vms",
        actions=_actions(
            "start stop shutdown migrate previewsnapshot commitsnapshot undosnapshot ticket",
            previewsnapshot={"v3_name": "preview_snapshot"},
            commitsnapshot={"v3_name": "commit_snapshot"},
            undosnapshot={"v3_name": "undo_snapshot"},
        ),
        subs=(ATTACHMENTS, DISKS_V3, NICS, *_subs("snapshots statistics tags affinitylabels")),
    ),
    "template": Resource(
        type=t.Template,
        collection="templates",
        actions=_actions("export"),
        subs=_subs("diskattachments nics cdroms permissions tags watchdogs mediateddevices"),
    ),
    "disk_of_all": Resource(
        type=t.Disk,
        collection="disks",
        actions=_actions("copy export move"),
        subs=_subs("permissions statistics"),
    ),
    "host": Resource(
        type=t.Host,
        collection="hosts",
        actions=_actions("activate deactivate fence install syncallnetworks", syncallnetworks=_V4),
        subs=(
            Resource(
                type=t.HostNic,
                collection="nics",
                actions=_actions("updatevirtualfunctionsconfiguration"),
                subs=(
                    Resource(type=t.NetworkAttachment, collection="networkattachments"),
                    LABELS,
                    *_subs("statistics linklayerdiscoveryprotocolelements"),
                ),
            ),
            *_subs("storage tags statistics affinitylabels cpuunits"),
        ),
    ),
    "data_center": Resource(
        type=t.DataCenter,
        collection="datacenters",
        actions=_actions("setmaster cleanfinishedtasks", setmaster=_V4, cleanfinishedtasks=_V4),
        subs=_subs("clusters storagedomains networks permissions quotas qoss iscsibonds"),
    ),
    "cluster": Resource(
        type=t.Cluster,
        collection="clusters",
        actions=_actions("resetemulatedmachine syncallnetworks", syncallnetworks=_V4),
        subs=_subs("networks permissions affinitygroups cpuprofiles enabledfeatures"),
    ),
    "storage_domain": Resource(
        type=t.StorageDomain,
        collection="storagedomains",
        actions=_actions("activate deactivate"),
        subs=_subs("disks"),
    ),
    "network": Resource(type=t.Network, collection="networks", subs=(*_subs("permissions vnicprofiles"), LABELS)),
    "vm_pool": Resource(type=t.VmPool, collection="vmpools", actions=_actions("allocatevm"), subs=_subs("permissions")),
    "event": Resource(type=t.Event, collection="events"),
    **{
        c: Resource(type=type_, collection=c)
        for c, type_ in (
            ("macpools", t.MacPool),
            ("vnicprofiles", t.VnicProfile),
            ("schedulingpolicies", t.SchedulingPolicy),
            ("users", t.User),
            ("jobs", t.Job),
            ("tags", t.Tag),
        )
    },
}
RESOURCES = tuple(SAMPLE.values())
