"""A VM as libvirt's domain: what the engine knows, put into the contract's specification.

Does: read VM, devices, disks and networks, and call the contract's pure builder. Does not: know the host (it completes
paths and placeholders). Follows: domain XML of engine 4.7 and 4.8.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ovis.contract.domain import specs
from ovis.contract.domain.builder import build_domain, build_hotplug
from ovis.engine.declare.faults import refuse
from ovis.engine.model.enums import BiosType, DiskFormat, DiskInterface, NicInterface
from ovis.engine.model.types import Cluster, Initialization, Network, Nic, Vm, VnicProfile
from ovis.engine.resources import bodies
from ovis.engine.resources.cpu_catalog import BY_NAME as CPUS
from ovis.engine.resources.custom_properties.rules import values_of
from ovis.engine.resources.disks.attachments import disks_of_vm
from ovis.engine.resources.disks.tables import VmDisk
from ovis.engine.resources.hosts import host_devices
from ovis.engine.resources.hosts.report import number
from ovis.engine.resources.levels import level_text
from ovis.engine.resources.live import capabilities
from ovis.engine.resources.network_filters import FILTERS
from ovis.engine.resources.os_catalog import BY_NAME as SYSTEMS
from ovis.engine.resources.vms import mediated, numa, properties, rules
from ovis.engine.resources.vms.defaults import bios_of
from ovis.engine.resources.vms.graphics import protocols_of
from ovis.engine.resources.vms.state import VmCdrom, VmNic, VmRuntime
from ovis.engine.resources.vms.watchdogs import VmWatchdog
from ovis.engine.store.session import Reader

_MODELS = {
    NicInterface.VIRTIO: "virtio",
    NicInterface.E1000: "e1000",
    NicInterface.E1000E: "e1000e",
    NicInterface.RTL8139: "rtl8139",
    NicInterface.RTL8139_VIRTIO: "virtio",
}
_TO_LINES = re.compile(r"\r\n?")


def nic_spec(rd: Reader, row: VmNic, custom: Mapping[str, str]) -> specs.Nic:
    """One NIC. custom: its VM's properties."""
    nic: Nic = row.nic
    profile = rd.get(VnicProfile, nic.vnic_profile.id) if nic.vnic_profile else None
    network = rd.get(Network, profile.network.id) if profile and profile.network else None
    chosen = FILTERS.get(profile.network_filter.id) if profile and profile.network_filter else None  # type: ignore[arg-type]
    own = values_of(profile.custom_properties) if profile else {}
    model = _MODELS.get(nic.interface or NicInterface.VIRTIO, "virtio")
    return specs.Nic(
        id=row.id,
        mac=nic.mac.address if nic.mac and nic.mac.address else "",
        model=model,
        bridge=(network.vdsm_name or str(network.name)) if network else None,
        linked=nic.linked is not False and network is not None,
        mtu=(network.mtu or 1500) if network else 1500,
        filter=chosen.name if chosen else None,
        isolated=bool(network.port_isolation) if network else False,
        custom={name: value for name, value in own.items() if name not in properties.OF_ENGINE},
        queues=properties.queues(own, model),
        driver=properties.network_driver(custom, network.name if network else None),
        send_buffer=properties.send_buffer(custom),
        mirrored=[str(network.vdsm_name)] if profile and profile.port_mirroring and network else [],
    )


def disk_specs(
    rd: Reader, vm_id: str, rows: Sequence[Any] | None = None, *, custom: Mapping[str, str]
) -> list[specs.Disk]:
    """Plugged disks, in their order. custom: the VM's properties."""
    out = []
    for row, disk, image in rows if rows is not None else disks_of_vm(rd, vm_id):
        if not row.attachment.active and rows is None:
            continue
        out.append(
            specs.Disk(
                id=row.disk_id,
                interface=(kind := (row.attachment.interface or DiskInterface.VIRTIO).value),
                cache=properties.cache(custom, kind),
                format="qcow2" if disk.format is DiskFormat.COW else "raw",
                bootable=bool(row.attachment.bootable),
                read_only=bool(row.attachment.read_only),
                shareable=bool(disk.shareable),
                discard=bool(row.attachment.pass_discard),
                propagate_errors=bool(disk.propagate_errors),
                pool_id=image.pool_id,
                domain_id=image.domain_id,
                image_id=image.image_id,
                volume_id=image.volume_id,
            )
        )
    return out


def _watchdog(rd: Reader, vm_id: str) -> specs.Watchdog | None:
    row = rd.one(VmWatchdog, vm_id=vm_id)
    if row is None or row.watchdog.model is None:
        return None
    action = row.watchdog.action.value if row.watchdog.action else "none"
    return specs.Watchdog(id=row.id, model=row.watchdog.model.value, action=action)


def initialization_files(vm: Vm, given: Initialization) -> dict[str, bytes]:
    """The files of a config drive (config-2) for cloud-init. Pure."""
    name = given.host_name or vm.name or "vm"
    meta: dict[str, Any] = {"uuid": vm.id, "hostname": name, "name": name, "local-hostname": name}
    user: dict[str, Any] = {}
    if given.user_name:
        user["user"] = given.user_name
    if given.root_password:
        user["password"] = given.root_password
        user["chpasswd"] = {"expire": False}
        user["ssh_pwauth"] = True
    if given.timezone:
        user["timezone"] = given.timezone
    keys = [k.strip() for k in _TO_LINES.sub("\n", given.authorized_ssh_keys or "").split("\n") if k.strip()]
    if keys:
        user["ssh_authorized_keys"] = keys
        meta["public_keys"] = {str(i): k for i, k in enumerate(keys)}
    text = "#cloud-config\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in user.items())
    if given.custom_script:
        text += given.custom_script.rstrip("\n") + "\n"
    files = {
        "openstack/latest/meta_data.json": json.dumps(meta).encode(),
        "openstack/latest/user_data": text.encode(),
        # The same for readers of NoCloud's names.
        "meta-data": json.dumps({"instance-id": str(vm.id), "local-hostname": name}).encode(),
        "user-data": text.encode(),
    }
    nics = [n for n in given.nic_configurations or () if n.name]
    if nics or given.dns_servers:
        lines = []
        for nic in nics:
            lines += [f"auto {nic.name}"] if nic.on_boot is not False else []
            if nic.boot_protocol is not None and nic.boot_protocol.value == "static" and nic.ip is not None:
                lines += [f"iface {nic.name} inet static", f"  address {nic.ip.address}", f"  netmask {nic.ip.netmask}"]
                lines += [f"  gateway {nic.ip.gateway}"] if nic.ip.gateway else []
            else:
                lines.append(f"iface {nic.name} inet dhcp")
        if given.dns_servers:
            lines.append(f"  dns-nameservers {given.dns_servers}")
        files["openstack/content/0000"] = ("\n".join(lines) + "\n").encode()
    return files


def domain_xml(rd: Reader, vm: Vm, runtime: VmRuntime, *, cloud_init: bool = False, paused: bool = False) -> str:
    """The whole document for a start."""
    cluster = rd.need(Cluster, vm.cluster.id if vm.cluster else None)
    topology = vm.cpu.topology if vm.cpu else None
    bios = bios_of(vm, cluster)
    q35 = bios is not BiosType.I440FX_SEA_BIOS
    system = SYSTEMS.get(vm.os.type or "") if vm.os else None
    windows = system is not None and system.windows
    cdrom = rd.one(VmCdrom, vm_id=str(vm.id))
    file = cdrom.cdrom.file.id if cdrom and cdrom.cdrom.file else None
    nics = rd.find_in_order(VmNic, ("name_key",), vm_id=str(vm.id))
    cpu_type = cluster.cpu.type if cluster.cpu else ""
    model = vm.custom_cpu_model or (CPUS[cpu_type].verb if cpu_type in CPUS else "")
    files: dict[str, str] = {}
    custom = values_of(vm.custom_properties)
    pages = capabilities(runtime.host_id or "").get("hugepages") or ()
    if cloud_init and vm.initialization is not None:
        found = initialization_files(vm, vm.initialization)
        files = {path: base64.b64encode(data).decode() for path, data in found.items()}
    spec = specs.Domain(
        id=str(vm.id),
        name=str(vm.name),
        memory=vm.memory or 0,
        max_memory=(vm.memory_policy.max if vm.memory_policy else None) or vm.memory or 0,
        guaranteed=(vm.memory_policy.guaranteed if vm.memory_policy else None) or vm.memory or 0,
        sockets=(topology.sockets if topology else None) or 1,
        cores=(topology.cores if topology else None) or 1,
        threads=(topology.threads if topology else None) or 1,
        machine=vm.custom_emulated_machine or ("q35" if q35 else "pc"),
        q35=q35,
        firmware="uefi-secure" if bios is BiosType.Q35_SECURE_BOOT else "uefi" if bios is BiosType.Q35_OVMF else "bios",
        cpu=model,
        level=level_text(vm.custom_compatibility_version or cluster.version),
        iothreads=(vm.io.threads if vm.io else None) or 0,
        boot=[d.value for d in rules.boot_devices(vm)],
        boot_menu=bool(vm.bios and vm.bios.boot_menu and vm.bios.boot_menu.enabled),
        kernel=vm.os.kernel if vm.os else None,
        initrd=vm.os.initrd if vm.os else None,
        cmdline=vm.os.cmdline if vm.os else None,
        graphics=protocols_of(rd, [vm])[str(vm.id)],
        file_transfer=not (vm.display and vm.display.file_transfer_enabled is False),
        copy_paste=not (vm.display and vm.display.copy_paste_enabled is False),
        smartcard=bool(vm.display and vm.display.smartcard_enabled),
        keyboard=vm.display.keyboard_layout if vm.display else None,
        console=bool(vm.console and vm.console.enabled),
        balloon=not (vm.memory_policy and vm.memory_policy.ballooning is False),
        rng=vm.rng_device.source.value if vm.rng_device and vm.rng_device.source else None,
        watchdog=_watchdog(rd, str(vm.id)),
        virtio_scsi=not (vm.virtio_scsi and vm.virtio_scsi.enabled is False),
        usb=bool(vm.usb and vm.usb.enabled),
        disks=disk_specs(rd, str(vm.id), custom=custom),
        nics=[nic_spec(rd, row, custom) for row in nics if row.nic.plugged is not False],
        host_devices=host_devices.specs(rd, vm),
        mediated_devices=mediated.specs(rd, str(vm.id)),
        cdrom=file or "",
        custom=custom,
        cpu_flags=properties.cpu_flags(custom),
        hugepages=properties.page_size(custom, [int(number(size)) for size in pages]),
        nvram_template=custom.get("nvram_template", ""),
        payload=files,
        payload_volume="config-2" if files else "",
        payload_scsi=not windows,
        numa=numa.numa_specs(rd, vm),
        pins=numa.pinning(vm),
        pin_policy=vm.cpu_pinning_policy.value if vm.cpu_pinning_policy else "none",
        shares=vm.cpu_shares or 0,
        tpm=bool(vm.tpm_enabled) and q35,
        sound=bool(vm.soundcard_enabled),
        paused=paused,
        resume=vm.storage_error_resume_behaviour.value if vm.storage_error_resume_behaviour else "auto_resume",
        serial_number=str(vm.serial_number.value) if vm.serial_number and vm.serial_number.value else "",
        controllers={n: bodies.derived_id("controller", str(vm.id), n) for n in specs.CONTROLLERS},
    )
    return build_domain(spec)


def hotplug_disk_xml(rd: Reader, vm: Vm, row: VmDisk) -> str:
    """The document that plugs or unplugs one disk."""
    rows = [r for r in disks_of_vm(rd, str(vm.id)) if r[0].id == row.id]
    if not rows:
        raise refuse("ACTION_TYPE_FAILED_DISK_NOT_EXIST", "The disk is not there.")
    custom = properties.running(rd, str(vm.id))
    others = [d for d in disk_specs(rd, str(vm.id), custom=custom) if d.id != row.disk_id]
    return build_hotplug(disk=disk_specs(rd, str(vm.id), rows, custom=custom)[0], after=others)


def hotplug_nic_xml(rd: Reader, row: VmNic) -> str:
    """The document that plugs, unplugs or changes one NIC."""
    return build_hotplug(nic=nic_spec(rd, row, properties.running(rd, row.vm_id)))
