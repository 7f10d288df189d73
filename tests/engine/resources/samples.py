"""A body for every collection to which something can be added, as v4's JSON, and what to change in it afterwards.

Does: make bodies that are new each time. Does not: send them.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.engine.resources.lab import GIB, named_role
from tests.engine.resources.walk import Walker

_COUNT = itertools.count(1)
Body = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """make(walker, parents): a body. change: what an update gives. same_twice: adding it again answers the object there is.

    unique: a second one of the same name is refused. empty_name: it may have none. below: parents to add it to, where
    not any will do.
    """

    make: Callable[[Walker, Sequence[str]], Body]
    change: Body = field(default_factory=dict)
    same_twice: bool = False
    unique: bool = True
    empty_name: bool = False
    below: Callable[[Walker], tuple[str, ...]] | None = None

    def parents(self, walker: Walker, path: str) -> tuple[str, ...]:
        """Ids of the objects above."""
        if self.below is not None:
            return self.below(walker)
        example = walker.example(path)
        assert example is not None, f"{path} has no parent"
        return example.parents


def _new(prefix: str) -> str:
    return f"{prefix}-{next(_COUNT)}"


def _one(walker: Walker, path: str, key: str, **wanted: str) -> str:
    rows = walker.client(4, "json").get(path).json()[key]
    return next(str(r["id"]) for r in rows if all(r.get(k) == v for k, v in wanted.items()))


def _mediated(walker: Walker, parents: Any) -> dict[str, Any]:
    return {"spec_params": {"property": [{"name": "mdevType", "value": "sim-4"}]}}


def _center(walker: Walker) -> str:
    return _one(walker, "/datacenters", "data_center", name="Default")


def _cluster(walker: Walker) -> str:
    return _one(walker, "/clusters", "cluster", name="Default")


def _network(walker: Walker) -> str:
    return _one(walker, "/networks", "network")


def _jane(walker: Walker) -> str:
    return _one(walker, "/users", "user", user_name="jane@internal")


def _tag(walker: Walker) -> Body:
    name = _new("t")
    made = walker.client(4, "json").post("/tags", json={"name": name}).json()
    return {"id": made["id"]}


def _permission(walker: Walker, parents: Sequence[str]) -> Body:
    role = named_role(walker.client(4, "json"), "UserTemplateBasedVm")
    return {"role": {"id": role}, "user": {"id": _jane(walker)}}


def _permission_of_principal(walker: Walker, parents: Sequence[str]) -> Body:
    vm = _one(walker, "/vms", "vm", name="golden")
    return {"role": {"id": named_role(walker.client(4, "json"), "UserTemplateBasedVm")}, "vm": {"id": vm}}


def _nic(walker: Walker, parents: Sequence[str]) -> Body:
    profile = _one(walker, "/vnicprofiles", "vnic_profile", name="ovirtmgmt")
    return {"name": _new("nic"), "interface": "virtio", "vnic_profile": {"id": profile}}


def _disk(walker: Walker, parents: Sequence[str]) -> Body:
    return {
        "name": _new("disk"),
        "format": "cow",
        "provisioned_size": str(GIB),
        "storage_domains": {"storage_domain": [{"name": "data"}]},
    }


def _mac_pool(walker: Walker, parents: Sequence[str]) -> Body:
    number = next(_COUNT)
    start = f"00:1a:4a:{number >> 8 & 255:02x}:{number & 255:02x}"
    return {"name": f"pool-{number}", "ranges": {"range": [{"from": f"{start}:00", "to": f"{start}:ff"}]}}


def _named(prefix: str, **more: Any) -> Callable[[Walker, Sequence[str]], Body]:
    return lambda walker, parents: {"name": _new(prefix), **more}


_DESCRIBED = {"description": "changed"}
_PERMISSION = Sample(_permission, unique=False, same_twice=True)
_TAGGED = Sample(lambda walker, parents: _tag(walker), unique=False, same_twice=True)
_EVENT = {"origin": "walk", "severity": "warning", "custom_id": "7", "description": "seen"}

SAMPLES: Mapping[str, Sample] = {
    "/bookmarks": Sample(_named("mark", value="Vms: status = up"), {"value": "Hosts: status = up"}),
    "/clusters": Sample(
        lambda walker, parents: {
            "name": _new("cluster"),
            "data_center": {"id": _center(walker)},
            "cpu": {"type": "Intel Nehalem Family", "architecture": "x86_64"},
            "memory_policy": {"over_commit": {"percent": "150"}},
        },
        _DESCRIBED,
    ),
    "/clusters/{id}/networks": Sample(
        lambda walker, parents: {
            "id": walker.client(4, "json")
            .post("/networks", json={"name": _new("net"), "data_center": {"id": _center(walker)}})
            .json()["id"],
            "required": "false",
        },
        {"required": "true"},
        unique=False,
    ),
    "/clusters/{id}/cpuprofiles": Sample(_named("cpu"), _DESCRIBED),
    "/cpuprofiles": Sample(
        lambda walker, parents: {"name": _new("cpu"), "cluster": {"id": _cluster(walker)}}, _DESCRIBED
    ),
    "/datacenters": Sample(_named("center", local="false"), _DESCRIBED),
    "/datacenters/{id}/clusters": Sample(_named("cluster"), _DESCRIBED),
    "/datacenters/{id}/quotas": Sample(_named("quota"), _DESCRIBED),
    "/datacenters/{id}/networks": Sample(_named("net", vlan={"id": "12"}, mtu="1400"), _DESCRIBED),
    "/diskprofiles": Sample(
        lambda walker, parents: {
            "name": _new("dp"),
            "storage_domain": {"id": _one(walker, "/storagedomains", "storage_domain", name="data")},
        },
        _DESCRIBED,
    ),
    "/storagedomains/{id}/diskprofiles": Sample(_named("dp"), _DESCRIBED),
    "/disks": Sample(_disk, _DESCRIBED, unique=False, empty_name=True),
    "/events": Sample(lambda walker, parents: dict(_EVENT), unique=False),
    "/groups": Sample(_named("group"), same_twice=True, unique=False),
    "/instancetypes": Sample(_named("type", memory=str(GIB)), _DESCRIBED),
    "/instancetypes/{id}/nics": Sample(_named("nic", interface="virtio"), {"linked": "false"}),
    "/instancetypes/{id}/graphicsconsoles": Sample(
        lambda walker, parents: {"protocol": "spice"},
        below=lambda walker: (_one(walker, "/instancetypes", "instance_type", name="Small"),),
    ),
    "/instancetypes/{id}/watchdogs": Sample(
        lambda walker, parents: {"model": "i6300esb", "action": "reset"},
        {"action": "poweroff"},
        below=lambda walker: (_one(walker, "/instancetypes", "instance_type", name="Small"),),
    ),
    "/jobs": Sample(lambda walker, parents: {"description": _new("job")}, unique=False),
    "/jobs/{id}/steps": Sample(
        lambda walker, parents: {"type": "executing", "description": "walked", "external_type": "gluster"},
        unique=False,
        below=lambda walker: (_one(walker, "/jobs", "job", description="elsewhere"),),
    ),
    "/macpools": Sample(_mac_pool, _DESCRIBED),
    "/networks": Sample(
        lambda walker, parents: {
            "name": _new("net"),
            "data_center": {"id": _center(walker)},
            "vlan": {"id": "11"},
            "mtu": "9000",
        },
        _DESCRIBED,
    ),
    "/networks/{id}/vnicprofiles": Sample(_named("profile"), _DESCRIBED),
    "/permissions": _PERMISSION,
    "/groups/{id}/permissions": Sample(_permission_of_principal, unique=False, same_twice=True),
    "/users/{id}/permissions": Sample(_permission_of_principal, unique=False, same_twice=True),
    "/roles": Sample(_named("role", administrative="true", permits={"permit": [{"id": "1"}]}), _DESCRIBED),
    "/schedulingpolicies": Sample(_named("policy"), _DESCRIBED),
    "/affinitylabels": Sample(_named("label"), {"name": "renamed-label"}),
    "/clusters/{id}/affinitygroups": Sample(_named("group"), _DESCRIBED),
    "/tags": Sample(_named("tag"), _DESCRIBED),
    "/users": Sample(lambda walker, parents: {"user_name": f"{_new('user')}@internal"}, same_twice=True, unique=False),
    "/users/{id}/options": Sample(_named("option", content='{"a": 1}'), {"content": '["b", 2]'}),
    "/vmpools": Sample(
        _named("pool", cluster={"name": "Default"}, template={"name": "tpl"}, size="0", max_user_vms="3"), _DESCRIBED
    ),
    "/vms": Sample(_named("vm", cluster={"name": "Default"}, template={"name": "Blank"}), _DESCRIBED),
    "/vms/{id}/graphicsconsoles": Sample(
        lambda walker, parents: {"protocol": "spice"},
        below=lambda walker: (_one(walker, "/vms", "vm", name="golden"),),
    ),
    "/vms/{id}/watchdogs": Sample(
        lambda walker, parents: {"model": "i6300esb", "action": "reset"},
        {"action": "poweroff"},
        below=lambda walker: (_one(walker, "/vms", "vm", name="golden"),),
    ),
    "/vms/{id}/mediateddevices": Sample(
        _mediated,
        {"spec_params": {"property": [{"name": "mdevType", "value": "sim-8"}]}},
        unique=False,
        below=lambda walker: (_one(walker, "/vms", "vm", name="golden"),),
    ),
    "/templates/{id}/mediateddevices": Sample(
        _mediated,
        {"spec_params": {"property": [{"name": "mdevType", "value": "sim-8"}]}},
        unique=False,
        below=lambda walker: (_one(walker, "/templates", "template", name="tpl"),),
    ),
    "/vms/{id}/numanodes": Sample(
        lambda walker, parents: {"index": "7", "memory": "1", "cpu": {"cores": {"core": [{"index": "0"}]}}},
        {"memory": "2"},
        below=lambda walker: (_one(walker, "/vms", "vm", name="golden"),),
    ),
    "/vms/{id}/snapshots": Sample(
        lambda walker, parents: {"description": _new("snapshot"), "persist_memorystate": "false"},
        unique=False,
        below=lambda walker: (_one(walker, "/vms", "vm", name="golden"),),
    ),
    "/vms/{id}/nics": Sample(_nic, {"linked": "false"}),
    "/templates/{id}/nics": Sample(_nic, {"linked": "false"}),
    "/vnicprofiles": Sample(
        lambda walker, parents: {"name": _new("profile"), "network": {"id": _network(walker)}}, _DESCRIBED
    ),
}
# Where what is added cannot be made from a body alone; each has tests of its own.
ELSEWHERE = frozenset(
    """/hosts /storagedomains /storageconnections /templates /datacenters/{id}/storagedomains /vms/{id}/diskattachments
    /datacenters/{id}/quotas/{id}/quotaclusterlimits /datacenters/{id}/quotas/{id}/quotastoragelimits
    /vms/{id}/disks /roles/{id}/permits /networks/{id}/networklabels /datacenters/{id}/networks/{id}/networklabels
    /schedulingpolicies/{id}/filters /schedulingpolicies/{id}/weights /schedulingpolicies/{id}/balances
    /affinitylabels/{id}/vms /affinitylabels/{id}/hosts /vms/{id}/affinitylabels /hosts/{id}/affinitylabels
    /clusters/{id}/affinitygroups/{id}/vms /clusters/{id}/affinitygroups/{id}/hosts
    /clusters/{id}/affinitygroups/{id}/vmlabels /clusters/{id}/affinitygroups/{id}/hostlabels
    /datacenters/{id}/clusters/{id}/affinitygroups/{id}/vms /datacenters/{id}/clusters/{id}/affinitygroups/{id}/hosts
    /datacenters/{id}/clusters/{id}/affinitygroups/{id}/vmlabels
    /datacenters/{id}/clusters/{id}/affinitygroups/{id}/hostlabels
    /vms/{id}/hostdevices /hosts/{id}/fenceagents /hosts/{id}/networkattachments /hosts/{id}/nics/{id}/networkattachments /hosts/{id}/nics/{id}/networklabels
    /explainplacement /vms/{id}/explainplacement""".split()
)


def sample_of(path: str) -> Sample | None:
    """The sample for a collection's path."""
    path = path.removesuffix(" (v3)")
    if path in SAMPLES:
        return SAMPLES[path]
    if path.endswith("/permissions"):
        return _PERMISSION
    if path.endswith("/tags") and path.count("/") > 1:
        return _TAGGED
    tail = "/" + "/".join(path.split("/")[-3:])
    return SAMPLES.get(tail) if path.count("/") > 3 else None
