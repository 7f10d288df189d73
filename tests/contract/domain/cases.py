"""Virtual machines whose domain XML is kept beside this file, as specifications."""

from collections.abc import Mapping
from typing import Any

from ovis.contract.domain.specs import CONTROLLERS, Disk, Domain, Nic, NumaNode, Watchdog

GIB = 1 << 30
_POOL, _STORE = "7d1f4b6e-0002-4000-8000-000000000001", "7d1f4b6e-0003-4000-8000-000000000001"


def _disk(number: int, interface: str = "virtio", format: str = "qcow2", **more: Any) -> Disk:
    id_ = f"7d1f4b6e-0004-4000-8000-{number:012}"
    return Disk(
        id=id_,
        interface=interface,
        format=format,
        pool_id=_POOL,
        domain_id=_STORE,
        image_id=id_,
        volume_id=f"7d1f4b6e-0005-4000-8000-{number:012}",
        **more,
    )


def _nic(number: int, **more: Any) -> Nic:
    return Nic(
        id=f"0a6e7a52-0001-4000-8000-{number:012}",
        mac=f"56:6f:1a:2b:00:{number:02x}",
        **{"bridge": "ovirtmgmt", **more},
    )


def _vm(number: int, name: str, **more: Any) -> Domain:
    given: dict[str, Any] = {"memory": GIB, "max_memory": 4 * GIB, "guaranteed": GIB, "iothreads": 1, **more}
    controllers = {c: f"0a6e7a52-0000-4000-8000-{n:012}" for n, c in enumerate(CONTROLLERS, 1)}
    return Domain(id=f"5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d{number:04}", name=name, controllers=controllers, **given)


CASES: Mapping[str, Domain] = {
    "engine-properties": _vm(
        40,
        "tuned-01",
        firmware="uefi",
        nvram_template="/srv/vars.fd",
        cpu="Nehalem,+spec-ctrl",
        cpu_flags=["-spec-ctrl", "+avx"],
        hugepages=2048,
        custom={"hugepages": "2048", "sndbuf": "0"},
        disks=[_disk(1, cache="writeback"), _disk(2, "sata")],
        nics=[_nic(1, queues=4, send_buffer=0), _nic(2, driver="qemu"), _nic(3, queues=2, driver="vhost")],
    ),
    "linux-q35": _vm(
        1, "web-01", sockets=2, cpu="Nehalem,+spec-ctrl", disks=[_disk(1, bootable=True)], nics=[_nic(1)], usb=True
    ),
    "i440fx": _vm(
        2,
        "old-01",
        q35=False,
        machine="pc",
        level="4.7",
        cpu="hostModel",
        disks=[_disk(1, "ide", "raw", bootable=True), _disk(2, "ide"), _disk(3, "ide"), _disk(4)],
        nics=[_nic(1, model="rtl8139")],
        cdrom="/srv/iso/install.iso",
        boot=["cdrom", "hd"],
        payload={"meta-data": "e30="},
        payload_volume="config-2",
    ),
    "uefi": _vm(3, "uefi-01", firmware="uefi", disks=[_disk(1)], boot_menu=True),
    "secure-boot": _vm(4, "secure-01", firmware="uefi-secure", cpu="hostPassthrough", disks=[_disk(1)]),
    "disks": _vm(
        5,
        "files-01",
        disks=[
            _disk(1, "virtio_scsi", bootable=True, discard=True),
            _disk(2, "virtio_scsi", read_only=True),
            _disk(3, "virtio", "raw", shareable=True),
            _disk(4, "virtio", propagate_errors=True),
            _disk(5, "sata"),
            _disk(6, "sata", "raw"),
            _disk(7, "ide"),
        ],
    ),
    "cloud-init": _vm(
        6,
        "cloud-01",
        disks=[_disk(1, bootable=True)],
        cdrom="/srv/iso/tools.iso",
        payload={"openstack/latest/meta_data.json": "e30=", "openstack/latest/user_data": "I2Nsb3VkLWNvbmZpZwo="},
        payload_volume="config-2",
        paused=True,
    ),
    "boot-network-first": _vm(
        7,
        "pxe-01",
        boot=["network", "hd", "cdrom"],
        disks=[_disk(2), _disk(1, bootable=True)],
        nics=[_nic(2), _nic(1)],
    ),
    "kernel-console": _vm(
        8,
        "direct-01",
        kernel="/srv/boot/vmlinuz",
        initrd="/srv/boot/initrd",
        cmdline="console=ttyS0 root=/dev/vda",
        console=True,
        disks=[_disk(1)],
        rng="hwrng",
        serial_number="S-1 & <2>",
    ),
    "spice": _vm(
        9,
        "desk-01",
        graphics=["spice"],
        usb=True,
        file_transfer=False,
        copy_paste=False,
        smartcard=True,
        disks=[_disk(1)],
    ),
    "both-graphics": _vm(10, "desk-02", graphics=["spice", "vnc"], keyboard="de", usb=True, disks=[_disk(1)]),
    "headless": _vm(11, "headless-01", graphics=[], rng=None, disks=[_disk(1)]),
    "custom-properties": _vm(
        12,
        "hooked-01",
        custom={"sap_agent": "true", "note": "a & b"},
        disks=[_disk(1)],
        nics=[_nic(1, custom={"SecurityGroups": "web"})],
        resume="leave_paused",
    ),
    "networks": _vm(
        13,
        "router-01",
        disks=[_disk(1)],
        nics=[
            _nic(1, filter="vdsm-no-mac-spoofing"),
            _nic(2, bridge="on9f3c2a7d41", mtu=9000, mirrored=["on9f3c2a7d41"], isolated=True, model="e1000e"),
            _nic(3, bridge=None, linked=False),
            _nic(4, linked=False, model="e1000"),
        ],
    ),
    "no-hot-plug": _vm(
        14,
        "fixed-01",
        memory=2 * GIB,
        max_memory=2 * GIB,
        iothreads=0,
        balloon=False,
        virtio_scsi=False,
        disks=[_disk(1)],
        watchdog=Watchdog(id="0a6e7a52-0002-4000-8000-000000000001", model="i6300esb", action="reset"),
    ),
    "sockets-cores-threads": _vm(15, "big-01", sockets=4, cores=8, threads=2, memory=64 * GIB, max_memory=256 * GIB),
    "most-cpus": _vm(16, "huge-01", sockets=16, cores=22, threads=2, disks=[_disk(1)]),
    "pinned-numa": _vm(
        17,
        "db-01",
        sockets=2,
        cores=2,
        memory=4 * GIB,
        max_memory=8 * GIB,
        numa=[
            NumaNode(index=0, cpus=[0, 1], memory=2 * GIB, mode="strict", pins=[0]),
            NumaNode(index=1, cpus=[2, 3], memory=2 * GIB, mode="preferred", pins=[1]),
        ],
        pins={0: "0", 1: "1", 2: "2-3", 3: "^1,0-3"},
        pin_policy="manual",
        shares=1024,
        disks=[_disk(1)],
    ),
    "dedicated-hugepages": _vm(
        18,
        "hp-01",
        cores=4,
        pin_policy="dedicated",
        hugepages=2048,
        graphics=[],
        custom={"hugepages": "2048", "extra_cpu_flags": "+pcid,-hle"},
        disks=[_disk(1)],
    ),
    "tpm-sound": _vm(
        19, "desk-03", firmware="uefi-secure", tpm=True, sound=True, graphics=["spice"], usb=True, disks=[_disk(1)]
    ),
    "cloud-init-scsi": _vm(
        20,
        "cloud-02",
        payload={"openstack/latest/meta_data.json": "e30="},
        payload_volume="config-2",
        payload_scsi=True,
        disks=[_disk(1, "virtio_scsi", bootable=True), _disk(2, "virtio_scsi")],
    ),
}
