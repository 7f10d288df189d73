"""What cloud-init reads: well-formed whatever the values contain."""

import json
from typing import Any

import pytest

from ovis.engine.model.enums import BootProtocol
from ovis.engine.model.types import Initialization, Ip, NicConfiguration, Vm
from ovis.engine.resources.vms.domain import initialization_files

VM = Vm(id="11111111-2222-3333-4444-555555555555", name="guest")


def read(data: bytes) -> dict[str, Any]:
    """A cloud-config of one line a key, each value JSON (which is YAML)."""
    header, *lines = data.decode().splitlines()
    assert header == "#cloud-config"
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in lines)}


NASTY = "a\"b'c: {d}\n- e #f\\"


def test_names_users_and_keys() -> None:
    given = Initialization(host_name="h.example", user_name="root", authorized_ssh_keys="ssh-rsa A\r\n\r\nssh-rsa B\n")
    files = initialization_files(VM, given)
    meta = json.loads(files["openstack/latest/meta_data.json"])
    assert (meta["uuid"], meta["hostname"], meta["public_keys"]) == (
        VM.id,
        "h.example",
        {"0": "ssh-rsa A", "1": "ssh-rsa B"},
    )
    user = read(files["openstack/latest/user_data"])
    assert user == {"user": "root", "ssh_authorized_keys": ["ssh-rsa A", "ssh-rsa B"]}
    assert files["openstack/latest/user_data"].startswith(b"#cloud-config\n")
    assert files["user-data"] == files["openstack/latest/user_data"]
    assert json.loads(files["meta-data"]) == {"instance-id": VM.id, "local-hostname": "h.example"}


@pytest.mark.parametrize("field", ["user_name", "root_password", "timezone"])
def test_values_with_quotes_and_newlines_stay_values(field: str) -> None:
    given: dict[str, Any] = {field: NASTY}
    files = initialization_files(VM, Initialization(**given))
    user = read(files["openstack/latest/user_data"])
    assert NASTY in user.values()
    assert set(user) <= {"user", "password", "chpasswd", "ssh_pwauth", "timezone"}


def test_a_custom_script_follows_what_is_asked_for() -> None:
    files = initialization_files(VM, Initialization(user_name="u", custom_script="runcmd:\n  - echo hi\n"))
    assert files["user-data"].decode() == '#cloud-config\nuser: "u"\nruncmd:\n  - echo hi\n'


def test_networks() -> None:
    static = NicConfiguration(
        name="eth0",
        boot_protocol=BootProtocol.STATIC,
        ip=Ip(address="192.0.2.5", netmask="255.255.255.0", gateway="192.0.2.1"),
    )
    files = initialization_files(VM, Initialization(nic_configurations=[static], dns_servers="192.0.2.53"))
    text = files["openstack/content/0000"].decode()
    assert "iface eth0 inet static\n  address 192.0.2.5\n  netmask 255.255.255.0\n  gateway 192.0.2.1\n" in text
    assert "dns-nameservers 192.0.2.53" in text
