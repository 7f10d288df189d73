"""Devices of a simulated host: a graphics card with its sound in one IOMMU group, a bridge, a NIC with virtual functions, a
USB key. In VDSM's words; the same on every host of a rack, but for the USB key's place.
"""

import zlib
from typing import Any


def _pci(bus: int, slot: int, function: int, product: str, vendor: str, **more: Any) -> dict[str, Any]:
    params = {
        "capability": "pci",
        "parent": "pci_0000_00_01_0" if bus else "computer",
        "product": product,
        "product_id": f"0x{zlib.crc32(product.encode()) & 0xFFFF:04x}",
        "vendor": vendor,
        "vendor_id": f"0x{zlib.crc32(vendor.encode()) & 0xFFFF:04x}",
        "address": {"domain": "0", "bus": str(bus), "slot": str(slot), "function": str(function)},
        "is_assignable": "true",
        "driver": "vfio-pci",
    }
    return {f"pci_0000_{bus:02x}_{slot:02x}_{function}": {"params": params | more}}


def host_devices(name: str) -> dict[str, Any]:
    """By libvirt's names."""
    mediated = {
        "sim-4": {"available_instances": "4", "name": "SIM-4Q", "description": "heads=4"},
        "sim-8": {"available_instances": "2", "name": "SIM-8Q", "description": "heads=4"},
    }
    key = {
        "capability": "usb_device",
        "parent": "usb_usb1",
        "product": "Simulated key",
        "product_id": "0x5567",
        "vendor": "Ovis",
        "vendor_id": "0x0781",
        "address": {"bus": "1", "device": str(2 + zlib.crc32(name.encode()) % 3)},
        "is_assignable": "true",
    }
    return {
        **_pci(0, 1, 0, "Simulated bridge", "Ovis", is_assignable="false", iommu_group="0"),
        **_pci(1, 0, 0, "Simulated GPU", "Ovis", iommu_group="12", mdev=mediated),
        **_pci(1, 0, 1, "Simulated GPU sound", "Ovis", iommu_group="12"),
        **_pci(5, 0, 0, "Simulated NIC", "Ovis", iommu_group="20", totalvfs="8"),
        "usb_1_1": {"params": key},
    }
