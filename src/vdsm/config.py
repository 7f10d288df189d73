"""`from vdsm.config import config`: /etc/vdsm/vdsm.conf over the defaults that hooks ask for."""

import configparser
import glob
import os

_DEFAULTS = {
    "vars": {
        "ssl": "true",
        "fake_kvm_support": "false",
        "fake_kvm_architecture": "x86_64",
        "fake_kvm_memory": "0",
        "fake_vmstats_enable": "false",
        "fake_nic_speed": "0",
        "fake_nics": "dummy_*,veth_*",
        "hidden_nics": "w*,usb*",
        "hidden_bonds": "",
        "hidden_vlans": "",
        "host_mem_reserve": "256",
        "guest_ram_overhead": "65",
        "vm_watermark_interval": "2",
        "migration_destination_timeout": "21600",
        "migration_listener_timeout": "30",
        "max_outgoing_migrations": "2",
        "max_incoming_migrations": "2",
        "core_dump_enable": "true",
        "trust_store_path": "/etc/pki/vdsm",
        "connection_stats_timeout": "600",
    },
    "irs": {"repository": "/rhev/data-center", "irs_enable": "true"},
    "addresses": {"management_port": "54321", "management_ip": "::", "guests_gateway_ip": ""},
    "sampling": {"enable": "true"},
    "devel": {"api_strict_mode": "false"},
    "virt": {"vmstats_enable": "true"},
}


def load(path="/etc/vdsm/vdsm.conf"):
    """A configuration, as its file and the files in its `.d` folder change it; the later wins."""
    found = configparser.RawConfigParser()
    found.read_dict(_DEFAULTS)
    found.read([path, *sorted(glob.glob(os.path.join(path + ".d", "*.conf")))], encoding="utf-8")
    return found


config = load()
