"""The hook points: the one table that code, documentation and tests read.

Does: say for each point when it runs, what document its scripts get, whether a failure is the operation's, whether their
result counts, what environment they have and as whom they run. Does not: run anything.
Follows: VDSM's hook points, as observed.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

from ovis.contract.errors import Code


class Document(Enum):
    """What a script finds in its file."""

    DOMAIN = "the whole `<domain>`"
    DEVICE = "the device's element"
    MEMORY = "the `<memory>` element"
    EMPTY = "an empty file"
    JSON = "JSON"


class Environment(Enum):
    """What a script finds in its environment beside the agent's own."""

    VM = "the VM's"
    DEVICE = "the VM's and the device's"
    CALL = "the VM's and the call's"
    HOST = "nothing more"


class Level(Enum):
    """What a point is about."""

    VM = "VM"
    DEVICE = "device"
    DATA = "data"
    HOST = "host"


class Point(Struct, frozen=True, kw_only=True):
    """One hook point.

    fatal: a failing script makes the operation fail. used: the changed document counts. user: vdsm or root. serves: the
    verbs, or other operations, that run it; empty: none does yet. code, words: of the error that the operation ends with.
    last_failing: the error's text is of the last script that failed, elsewhere of the last that ran.
    """

    name: str
    level: Level
    document: Document
    environment: Environment
    when: str
    serves: tuple[str, ...] = ()
    fatal: bool = False
    used: bool = False
    user: str = "vdsm"
    code: int = Code.HOOK_ERROR
    words: str = ""
    last_failing: bool = False

    @property
    def json(self) -> bool:
        """Whether the document is in `_hook_json`; else in `_hook_domxml`."""
        return self.document is Document.JSON


_DESTINATION: dict[str, Any] = {"code": Code.HOOK, "words": "Destination hook failed: "}
_NETWORK: dict[str, Any] = {"code": Code.HOOK, "words": "Hook error: ", "user": "root"}


def _vm(name: str, when: str, *serves: str, document: Document = Document.DOMAIN, **more: Any) -> Point:
    environment = more.pop("environment", Environment.VM)
    return Point(
        name=name, level=Level.VM, document=document, environment=environment, when=when, serves=serves, **more
    )


def _device(name: str, when: str, *serves: str, **more: Any) -> Point:
    kind = Document.DEVICE
    return Point(
        name=name, level=Level.DEVICE, document=kind, environment=Environment.DEVICE, when=when, serves=serves, **more
    )


def _data(name: str, when: str, *serves: str, **more: Any) -> Point:
    environment = more.pop("environment", Environment.HOST)
    return Point(
        name=name, level=Level.DATA, document=Document.JSON, environment=environment, when=when, serves=serves, **more
    )


def _host(name: str, when: str, *serves: str, **more: Any) -> Point:
    return Point(
        name=name,
        level=Level.HOST,
        document=Document.EMPTY,
        environment=Environment.HOST,
        when=when,
        serves=serves,
        **more,
    )


_ALL: tuple[Point, ...] = (
    _vm(
        "before_vm_start",
        "the document is about to be defined; also at a restore, where its result does not count",
        "VM.create",
        fatal=True,
        used=True,
        last_failing=True,
    ),
    _vm("after_vm_start", "the domain runs, the VM is not told to be up yet", "VM.create"),
    _vm("before_vm_pause", "before the CPUs are stopped", "VM.pause", fatal=True),
    _vm("after_vm_pause", "the CPUs stopped, by a verb or an I/O error", "libvirt's event"),
    _vm("before_vm_cont", "before the CPUs run again", "VM.cont", fatal=True),
    _vm("after_vm_cont", "the CPUs run again", "libvirt's event"),
    _vm("before_vm_hibernate", "before the memory is saved", "VM.hibernate", fatal=True),
    _vm("after_vm_hibernate", "the memory was saved", "libvirt's event"),
    _vm(
        "before_vm_dehibernate",
        "before saved memory is restored; FROM_SNAPSHOT says whether it is a snapshot's",
        "VM.create",
        fatal=True,
        environment=Environment.CALL,
    ),
    _vm(
        "after_vm_dehibernate",
        "the restored VM runs; FROM_SNAPSHOT as before",
        "VM.create",
        environment=Environment.CALL,
    ),
    _vm("before_vm_migrate_source", "on the source, before the target is asked", "VM.migrate", fatal=True),
    _vm("after_vm_migrate_source", "on the source, the VM left", "VM.migrate"),
    _vm(
        "before_vm_migrate_destination",
        "on the target, its disks are prepared; the document is the source's",
        "VM.migrationCreate",
        fatal=True,
        **_DESTINATION,
    ),
    _vm("after_vm_migrate_destination", "on the target, the VM arrived", "VM.migrationCreate"),
    _vm("before_vm_destroy", "before the domain is ended", "VM.destroy", document=Document.EMPTY),
    _vm("after_vm_destroy", "what the VM held is given back; the document is the last one", "VM.destroy"),
    _vm(
        "before_vm_set_ticket",
        "before a console gets a password",
        "VM.setTicket",
        "VM.updateDevice",
        environment=Environment.CALL,
    ),
    _vm(
        "after_vm_set_ticket",
        "a console got a password",
        "VM.setTicket",
        "VM.updateDevice",
        environment=Environment.CALL,
    ),
    _vm(
        "before_set_num_of_cpus",
        "before CPUs are plugged",
        "VM.setNumberOfCpus",
        document=Document.EMPTY,
        environment=Environment.HOST,
        fatal=True,
    ),
    _vm(
        "after_set_num_of_cpus",
        "CPUs are plugged",
        "VM.setNumberOfCpus",
        document=Document.EMPTY,
        environment=Environment.HOST,
    ),
    _vm(
        "before_memory_hotplug",
        "before memory is plugged",
        "VM.hotplugMemory",
        document=Document.MEMORY,
        fatal=True,
        used=True,
    ),
    _vm("after_memory_hotplug", "memory is plugged", "VM.hotplugMemory", document=Document.MEMORY),
    # -- devices -------------------------------------------------------------------------------------------------
    _device(
        "before_device_create",
        "at a start or restore, for each device with a `<custom>` in its metadata, even an empty one; never for disks",
        "VM.create",
        fatal=True,
        used=True,
    ),
    _device("after_device_create", "after after_vm_start, for devices with custom properties", "VM.create"),
    _device(
        "before_device_destroy",
        "before the VM's own point, for devices with custom properties",
        "VM.destroy",
        fatal=True,
    ),
    _device("after_device_destroy", "the VM ended, for devices with custom properties", "VM.destroy"),
    _device(
        "before_device_migrate_source",
        "before before_vm_migrate_source, for devices with custom properties",
        "VM.migrate",
        fatal=True,
    ),
    _device(
        "after_device_migrate_source",
        "after after_vm_migrate_source, for devices with custom properties",
        "VM.migrate",
    ),
    _device(
        "before_device_migrate_destination",
        "before before_vm_migrate_destination, for devices with custom properties",
        "VM.migrationCreate",
        fatal=True,
        **_DESTINATION,
    ),
    _device(
        "after_device_migrate_destination",
        "after after_vm_migrate_destination, for devices with custom properties",
        "VM.migrationCreate",
    ),
    _device("before_nic_hotplug", "before a NIC is plugged", "VM.hotplugNic", fatal=True, used=True),
    _device("after_nic_hotplug", "a NIC is plugged", "VM.hotplugNic"),
    _device("after_nic_hotplug_fail", "libvirt refused to plug a NIC", "VM.hotplugNic"),
    _device("before_nic_hotunplug", "before a NIC is unplugged", "VM.hotunplugNic", fatal=True),
    _device("after_nic_hotunplug", "a NIC is unplugged", "VM.hotunplugNic"),
    _device("after_nic_hotunplug_fail", "a NIC was not unplugged", "VM.hotunplugNic"),
    _device(
        "before_update_device",
        "before a NIC's link, network or filter changes; custom properties are the call's",
        "VM.updateDevice",
        fatal=True,
        used=True,
    ),
    _device("after_update_device", "a NIC was changed", "VM.updateDevice"),
    _device("after_update_device_fail", "libvirt refused to change a NIC", "VM.updateDevice"),
    _device("before_disk_hotplug", "before a disk is plugged", "VM.hotplugDisk", fatal=True, used=True),
    _device("after_disk_hotplug", "a disk is plugged", "VM.hotplugDisk"),
    _device("before_disk_hotunplug", "before a disk is unplugged", "VM.hotunplugDisk", fatal=True),
    _device("after_disk_hotunplug", "a disk is unplugged", "VM.hotunplugDisk"),
    # -- data ----------------------------------------------------------------------------------------------------
    _data(
        "after_disk_prepare",
        "a disk of a storage domain is prepared: path, format and diskType may be changed",
        "VM.create",
        "VM.migrationCreate",
        "VM.hotplugDisk",
        environment=Environment.VM,
        fatal=True,
        used=True,
    ),
    _data(
        "before_network_setup",
        'before networks are set up: `{"request": {"networks", "bondings", "options"}}`',
        "Host.setupNetworks",
        fatal=True,
        used=True,
        **_NETWORK,
    ),
    _data("after_network_setup", "networks are set up; the same document", "Host.setupNetworks", **_NETWORK),
    _data(
        "after_network_setup_fail", "networks could not be set up; the same document", "Host.setupNetworks", **_NETWORK
    ),
    _data("before_get_caps", "before capabilities are read: `{}`", "Host.getCapabilities", fatal=True),
    _data("after_get_caps", "capabilities are read: all of them", "Host.getCapabilities", used=True),
    _data("before_get_stats", "before the host's statistics are read: `{}`", "Host.getStats", fatal=True),
    _data("after_get_stats", "the host's statistics are read: all of them", "Host.getStats", used=True),
    _data(
        "before_get_vm_stats",
        "before one VM's statistics are read: `{}`",
        "VM.getStats",
        fatal=True,
        code=Code.HOOK,
        words="Hook error: ",
    ),
    _data(
        "after_get_vm_stats",
        "one VM's statistics are read: a list of one",
        "VM.getStats",
        used=True,
        code=Code.HOOK,
        words="Hook error: ",
    ),
    _data("before_get_all_vm_stats", "before all VMs' statistics are read: `{}`", "Host.getAllVmStats", fatal=True),
    _data("after_get_all_vm_stats", "all VMs' statistics are read: the list", "Host.getAllVmStats", used=True),
    _data(
        "after_hostdev_list_by_caps",
        "host devices are read: a map by name",
        "Host.hostdevListByCaps",
        used=True,
    ),
    # -- host ----------------------------------------------------------------------------------------------------
    _host("before_vdsm_start", "the agent begins, before it serves", "ovis-agent run", user="root"),
    _host("after_vdsm_stop", "the agent ends", "ovis-agent run"),
)

POINTS: Mapping[str, Point] = {point.name: point for point in _ALL}
"""All points by name, in the order of the documentation."""
