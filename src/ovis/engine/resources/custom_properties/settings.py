"""The settings that define custom properties, one value a cluster level: what is shipped, and what an administrator set.

Does: read and change them; a change counts at once, for every engine on the database. Does not: judge values (rules).
Follows: engine-config's keys and shipped values of engine 4.5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import Struct

from ovis.engine.resources.custom_properties import definitions
from ovis.engine.resources.custom_properties.definitions import BadDefinition, Devices, Properties
from ovis.engine.resources.levels import LEVELS
from ovis.engine.store.session import Reader, Tx
from ovis.engine.store.tables import Table

Level = tuple[int, int]

_SECURITY_GROUPS = (
    "^(?:(?:[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}, *)*"
    "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|)$"
)
# name: ((first level, pattern), ...)
_SHIPPED_VM: Mapping[str, tuple[tuple[Level, str], ...]] = {
    "sap_agent": (((4, 2), "^(true|false)$"),),
    "sndbuf": (((4, 2), "^[0-9]+$"),),
    "vhost": (
        ((4, 2), "^(([a-zA-Z0-9_]*):(true|false))(,(([a-zA-Z0-9_]*):(true|false)))*$"),
        ((4, 4), "^(([a-zA-Z0-9_-]*):(true|false))(,(([a-zA-Z0-9_-]*):(true|false)))*$"),
    ),
    "viodiskcache": (((4, 2), "^(none|writeback|writethrough)$"),),
    "hugepages": (((4, 2), "^[0-9]+$"),),
    "scsi_hostdev": (((4, 4), "^(scsi_generic|scsi_block|scsi_hd|virtio_blk_pci)$"),),
    "nvram_template": (((4, 4), "^.*$"),),
    "extra_cpu_flags": (((4, 6), "^([+-]?[a-zA-Z0-9_-]+)(,[+-]?[a-zA-Z0-9_-]+)*$"),),
}


class CustomPropertySetting(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A setting that is not as shipped. id: KEY/LEVEL."""

    id: str
    value: str


TABLE = Table(name="custom_property_settings", type=CustomPropertySetting)


def _shipped_vm(level: Level) -> str:
    found: dict[str, str | None] = {}
    for name, steps in _SHIPPED_VM.items():
        for since, pattern in steps:
            if since <= level:
                found[name] = pattern
    return definitions.written(found)


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. shipped: its value at a level. merge: of an old and a new value. parse: raises BadDefinition.

    rival: the key of the same kind, whose names it cannot use.
    """

    name: str
    doc: str
    shipped: Callable[[Level], str]
    parse: Callable[[str], Properties | Devices] = definitions.properties
    merge: Callable[[str, str], str] = definitions.merged
    rival: str = ""


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key(
            "PredefinedVMProperties",
            "Custom properties of VMs that the engine itself knows",
            _shipped_vm,
            rival="UserDefinedVMProperties",
        ),
        Key(
            "UserDefinedVMProperties",
            "Custom properties of VMs for hooks: name=regex;name=regex",
            lambda level: "",
            rival="PredefinedVMProperties",
        ),
        Key(
            "CustomDeviceProperties",
            "Custom properties of devices: {type=interface;prop={name=regex;name=regex}}",
            lambda level: f"{{type=interface;prop={{SecurityGroups={_SECURITY_GROUPS}}}}}",
            definitions.devices,
            definitions.merged_devices,
        ),
        Key(
            "PreDefinedNetworkCustomProperties",
            "Custom properties of networks on hosts that the engine itself knows",
            lambda level: r"bridge_opts=^[^\s=]+=[^\s=]+(\s+[^\s=]+=[^\s=]+)*$",
            rival="UserDefinedNetworkCustomProperties",
        ),
        Key(
            "UserDefinedNetworkCustomProperties",
            "Custom properties of networks on hosts for hooks: name=regex;name=regex",
            lambda level: "",
            rival="PreDefinedNetworkCustomProperties",
        ),
    )
}
VM_KEYS = ("PredefinedVMProperties", "UserDefinedVMProperties")
NETWORK_KEYS = ("PreDefinedNetworkCustomProperties", "UserDefinedNetworkCustomProperties")


def label(level: Level) -> str:
    """`4.7`."""
    return f"{level[0]}.{level[1]}"


def nearest(level: Level) -> Level:
    """The level whose settings count: the newest that is not newer; the oldest for what is older than all."""
    return max((known for known in LEVELS if known <= level), default=LEVELS[0])


def value(rd: Reader, key: str, level: Level) -> str:
    """A setting's text at a level."""
    return values(rd, (key,), (level,))[key, level]


def values(rd: Reader, keys: tuple[str, ...], levels: tuple[Level, ...] = LEVELS) -> dict[tuple[str, Level], str]:
    """Several at once."""
    wanted = {(key, level): f"{key}/{label(nearest(level))}" for key in keys for level in levels}
    kept = rd.get_many(CustomPropertySetting, wanted.values())
    return {
        (key, level): kept[id_].value if id_ in kept else KEYS[key].shipped(nearest(level))
        for (key, level), id_ in wanted.items()
    }


def _both(rd: Reader, keys: tuple[str, ...], level: Level) -> Properties:
    found = values(rd, keys, (level,))
    return {name: p for key in keys for name, p in definitions.properties(found[key, level]).items()}


def of_vms(rd: Reader, level: Level) -> Properties:
    """What VMs, templates and instance types may have."""
    return _both(rd, VM_KEYS, level)


def of_networks(rd: Reader, level: Level) -> Properties:
    """What a network's attachment to a host may have."""
    return _both(rd, NETWORK_KEYS, level)


def of_devices(rd: Reader, level: Level) -> Devices:
    """What devices may have."""
    return definitions.devices(value(rd, "CustomDeviceProperties", level))


def change(tx: Tx, name: str, text: str, levels: tuple[Level, ...], *, merge: bool = False) -> dict[Level, str]:
    """Set (or merge into) a setting at levels; its new values. BadDefinition, and nothing is changed."""
    key = KEYS[name]
    key.parse(text)
    out: dict[Level, str] = {}
    for level in levels:
        new = key.merge(value(tx, name, level), text) if merge else text
        if key.rival:
            taken = key.parse(new).keys() & definitions.properties(value(tx, key.rival, level)).keys()
            if taken:
                names = ", ".join(sorted(taken))
                raise BadDefinition(f"{names}: defined by {key.rival} at level {label(level)} already.")
        out[level] = new
    for level, new in out.items():
        id_ = f"{name}/{label(level)}"
        if new != key.shipped(level):
            tx.put(CustomPropertySetting(id=id_, value=new))
        elif tx.get(CustomPropertySetting, id_) is not None:
            tx.delete(CustomPropertySetting, id_)
    return out
