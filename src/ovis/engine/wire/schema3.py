"""The types of dialect 3, as values: what `?schema`, `?rsdl`, the SDK and documentation are made from.

Does: apply the rules of dialect 3 (`facts3`) and what its shims add to the types of the v4 model. Does not: write a
document, or know operations. Follows: rules of the v3 server of engine 4.x; held against tests/data/wire/schema3.json.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ovis.engine.declare.shape import Attribute, attributes, has_href
from ovis.engine.model import types as model
from ovis.engine.wire.facts3 import (
    ATTRIBUTES,
    STATUS,
    hidden,
    is_long,
    item3,
    names3,
    renamed,
    unwrapped,
)

# Types whose name differs from the model's.
TYPE_NAMES: Mapping[str, str] = {
    "Api": "API",
    "Cdrom": "CdRom",
    "Cpu": "CPU",
    "CpuTopology": "CpuTopology",
    "Dns": "DNS",
    "HostNic": "HostNIC",
    "HostStorage": "Storage",
    "Io": "IO",
    "Ip": "IP",
    "Ksm": "KSM",
    "Mac": "MAC",
    "NetworkLabel": "Label",
    "Nic": "NIC",
    "NicConfiguration": "GuestNicConfiguration",
    "OpenstackVolumeAuthenticationKey": "OpenstackVolumeAuthenticationKey",
    "Qos": "QoS",
    "SeLinux": "SELinux",
    "SkipIfSdActive": "SkipIfSDActive",
    "Spm": "SPM",
    "Ssh": "SSH",
    "SshPublicKey": "SSHPublicKey",
    "VcpuPin": "VCpuPin",
    "Vlan": "VLAN",
    "Vm": "VM",
    "VmSummary": "VmSummary",
    "VirtioScsi": "VirtIO_SCSI",
    "Watchdog": "WatchDog",
}
# Lists whose type is not the member's name with the list's ending.
LIST_NAMES: Mapping[str, str] = {
    "HostNIC": "HostNics",
    "NIC": "Nics",
    "GuestNicConfiguration": "GuestNicsConfiguration",
    "Storage": "HostStorage",
    "QoS": "QoSs",
    "KatelloErratum": "KatelloErrata",
}
# Lists named after their element where the member has no list of its own.
WRAPPER_NAMES: Mapping[str, str] = {
    "RequiredRngSources": "RngSources",
    "SupportedRngSources": "RngSources",
}
_PLURAL = (("y", "ies"), ("ss", "sses"))


@dataclass(frozen=True, slots=True)
class Property3:
    """One property. kind: `string`, `int`, `long`, `boolean`, `date`, `decimal`, or the name of a type.

    many: repeated. attribute: an XML attribute. doc: for people.
    """

    name: str
    kind: str
    many: bool = False
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class Type3:
    """One type. element: of one object at the root of a document, "" if it has none. wraps: the member's type of a list.

    identified: has `href`, `id`, actions and links.
    """

    name: str
    element: str
    properties: tuple[Property3, ...]
    identified: bool = False
    wraps: str = ""

    def get(self, name: str) -> Property3 | None:
        """A property by name."""
        return next((p for p in self.properties if p.name == name), None)


P = Property3
_SCALARS = {"str": "string", "bool": "boolean", "float": "decimal", "date": "date", "enum": "string"}
# Types that only dialect 3 has.
_OWN: tuple[Type3, ...] = (
    Type3("Status", "status", (P("state", "string"), P("detail", "string"))),
    Type3("Link", "link", (P("href", "string", attribute=True), P("rel", "string", attribute=True))),
    Type3("Actions", "", (P("link", "Link", many=True),)),
    Type3("GuestInfo", "", (P("ips", "IPs"), P("fqdn", "string"))),
    Type3("StorageManager", "", (P("value", "boolean"), P("priority", "int", attribute=True))),
    Type3("PortMirroring", "", (P("networks", "Networks"),)),
    Type3("TagParent", "", (P("tag", "Tag"),)),
    Type3(
        "SchedulingPolicyThresholds",
        "",
        (
            P("low", "int", attribute=True),
            P("high", "int", attribute=True),
            P("duration", "int", attribute=True),
        ),
    ),
    Type3("Creation", "creation", (P("status", "Status"), P("fault", "Fault")), identified=True),
)
# What shims add to a type, or show in another shape.
_ADDED: Mapping[str, tuple[Property3, ...]] = {
    "SchedulingPolicy": (P("policy", "string"), P("thresholds", "SchedulingPolicyThresholds")),
    "API": (P("link", "Link", many=True),),
    "DataCenter": (P("storage_type", "string"),),
    "Disk": (P("size", "long"), P("type", "string")),
    "Host": (
        P("storage_manager", "StorageManager"),
        P("live_snapshot_support", "boolean"),
        P("reboot_after_installation", "boolean"),
    ),
    "NIC": (P("active", "boolean"), P("network", "Network"), P("port_mirroring", "PortMirroring")),
    "OperatingSystem": (P("boot", "Boot", many=True),),
    "ProductInfo": (P("full_version", "string"),),
    "Snapshot": (P("type", "string"), P("guest_info", "GuestInfo"), P("timezone", "string")),
    "SpecialObjects": (P("link", "Link", many=True),),
    "Tag": (P("parent", "TagParent"),),
    "VM": (P("guest_info", "GuestInfo"), P("timezone", "string")),
    "VmBase": (P("timezone", "string"),),
    "Template": (P("timezone", "string"), P("disks", "Disks")),
    "InstanceType": (P("timezone", "string"),),
    "VmPlacementPolicy": (P("host", "Host"),),
    "ReportedConfigurations": (P("in_sync", "boolean"),),
    "Values": (P("type", "string", attribute=True),),
    "Disks": (P("clone", "boolean"), P("detach_only", "boolean")),
    "Permissions": (P("clone", "boolean"),),
    "Snapshots": (P("collapse_snapshots", "boolean"),),
    "Action": (P("detach", "boolean"), P("network", "Network"), P("host_nics", "HostNics")),
    "StorageDomain": (P("format", "boolean"), P("destroy", "boolean")),
    "Boot": (P("dev", "string", attribute=True),),
}
_DROPPED: Mapping[str, frozenset[str]] = {
    "Boot": frozenset({"devices"}),
    "NetworkAttachment": frozenset({"in_sync"}),
    "ProductInfo": frozenset(),
    "Snapshot": frozenset({"snapshot_type"}),
    "SpecialObjects": frozenset({"blank_template", "root_tag"}),
}


def type_name(type_: type) -> str:
    """The name of a model type in v3."""
    found = type_.__name__
    return TYPE_NAMES.get(found, found)


def list_name(type_: type) -> str:
    """The name of the type that wraps a list of these."""
    name = type_name(type_)
    if name in LIST_NAMES:
        return LIST_NAMES[name]
    for ending, many in _PLURAL:
        if name.endswith(ending) and not name.endswith(("ay", "ey", "oy")):
            return name[: -len(ending)] + many
    return name + "s"


class Schema3:
    """All types reachable from some model types, by name."""

    def __init__(self, roots: Iterable[type]) -> None:
        self.types: dict[str, Type3] = {t.name: t for t in _OWN}
        self._seen: set[type] = set()
        for root in roots:
            self._add(root)
        self.types = dict(sorted(self.types.items()))

    def of(self, type_: type) -> Type3:
        """A model type's."""
        return self.types[type_name(type_)]

    def list_of(self, type_: type) -> Type3:
        """The list of a model type."""
        self._wrap(list_name(type_), names3(type_)[0], type_name(type_), names3(type_)[1])
        return self.types[list_name(type_)]

    def _add(self, type_: type) -> None:
        if type_ in self._seen:
            return
        self._seen.add(type_)
        name = type_name(type_)
        identified = has_href(type_)
        rows = [r for r in attributes(type_) if not hidden(type_.__name__, r.name)]
        dropped = _DROPPED.get(name, frozenset())
        found: dict[str, Property3] = {}
        for row in rows:
            if row.name in dropped or (identified and row.name == "id"):
                continue
            made = self._property(type_, row)
            found[made.name] = made
        for added in _ADDED.get(name, ()):
            found[added.name] = added
        if identified:
            found = {**{n: found.pop(n) for n in ("name", "description", "comment") if n in found}, **found}
        self.types[name] = Type3(name, names3(type_)[0], tuple(found.values()), identified=identified)

    def _property(self, type_: type, row: Attribute) -> Property3:
        owner = type_.__name__
        tag = renamed(owner, row.name) or row.tag
        if row.kind == "struct" and row.type is model.DiskAttachment:
            self._add(model.Disk)
            self._wrap("Disks", "disk", "Disk", "disks")
            return P("disks", "Disks")
        if row.kind == "struct":
            self._add(row.type)
            kind = type_name(row.type)
        elif row.kind == "int":
            kind = "long" if is_long(owner, row.name) else "int"
        else:
            kind = _SCALARS[row.kind]
        if not row.many:
            if row.name in STATUS.get(owner, ()) and row.kind in ("enum", "str"):
                return P(tag, "Status")
            return P(tag, kind, attribute=row.name in ATTRIBUTES.get(owner, ()) or row.xml_attribute)
        item = item3(owner, row)
        if unwrapped(owner, row.name):
            return P(item, kind, many=True)
        return P(tag, self._wrapper(row, tag, item, kind))

    def _wrapper(self, row: Attribute, tag: str, item: str, kind: str) -> str:
        if row.kind == "struct" and item == names3(row.type)[0]:
            name = list_name(row.type)
            self._wrap(name, item, kind, names3(row.type)[1])
        else:
            name = "".join(part.capitalize() for part in tag.split("_"))
            name = WRAPPER_NAMES.get(name, name)
            self._wrap(name, item, kind, "")
        return name

    def _wrap(self, name: str, item: str, kind: str, element: str) -> None:
        if name in self.types:
            return
        extra = _ADDED.get(name, ())
        self.types[name] = Type3(name, element, (P(item, kind, many=True), *extra), wraps=kind)


__all__ = ["Property3", "Schema3", "Type3", "list_name", "type_name"]
