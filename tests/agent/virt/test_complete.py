"""Completion of the engine's document is a pure function: golden text, and each rule by itself."""

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from msgspec.structs import replace

from ovis.agent.virt.complete import (
    Completed,
    HostFacts,
    Prepared,
    complete,
    console_path,
    is_ours,
    metadata_text,
    payloads_of,
    read,
    volumes_of,
)
from ovis.contract.domain.builder import build_domain
from ovis.contract.domain.specs import Disk, Domain, Nic
from ovis.contract.errors import Code, VerbError

VM_ID = "5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001"
DATA = Path(__file__).parents[2] / "data/agent"
FACTS = HostFacts(
    kvm=False,
    run="/run/ovis",
    address="192.0.2.11",
    repository="/srv/rhev",
    bridges={"ovirtmgmt": "192.0.2.11", "display": "198.51.100.7"},
    machines=frozenset({"q35", "pc", "pc-q35-7.2"}),
    cpus=frozenset({"Nehalem", "Westmere", "EPYC"}),
    usable=frozenset({"Nehalem", "Westmere", "qemu64"}),
    filters=frozenset({"clean-traffic", "vdsm-no-mac-spoofing"}),
    files=frozenset({"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"}),
    os_name="Debian GNU/Linux",
    os_version="12",
    serial="11111111-2222-4333-8444-555555555555",
)
DISK = Disk(
    id="7d1f4b6e-0004-4000-8000-000000000001",
    interface="virtio",
    format="qcow2",
    bootable=True,
    pool_id="7d1f4b6e-0002-4000-8000-000000000001",
    domain_id="7d1f4b6e-0003-4000-8000-000000000001",
    image_id="7d1f4b6e-0004-4000-8000-000000000001",
    volume_id="7d1f4b6e-0005-4000-8000-000000000001",
)
NIC = Nic(id="0a6e7a52-0001-4000-8000-000000000008", mac="56:6f:1a:2b:00:01", bridge="ovirtmgmt")


def document(**values: Any) -> str:
    given: dict[str, Any] = {"memory": 1 << 30, "max_memory": 4 << 30, "guaranteed": 1 << 29, "cpu": "Nehalem"}
    return build_domain(Domain(id=VM_ID, name="web", **{**given, **values}))


def done(xml: str, facts: HostFacts = FACTS, **more: Any) -> tuple[Element, Completed]:
    found = complete(xml, facts, **more)
    return fromstring(found.xml), found


def test_a_whole_document_for_emulation_is_the_golden_text() -> None:
    xml = document(
        disks=[DISK],
        nics=[replace(NIC, filter="vdsm-no-mac-spoofing")],
        console=True,
        payload={"openstack/latest/meta_data.json": "e30="},
        payload_volume="config-2",
    )
    found = complete(xml, FACTS, {"vda": Prepared("/srv/store/v", "raw")}, {"sdb": "/run/ovis/payload/x.img"})
    golden = DATA / "complete_emulated.xml"
    assert found.xml + "\n" == golden.read_text(encoding="utf-8")
    assert found.sockets == (console_path("/run/ovis", VM_ID),)
    assert found.notes == ()


def test_completing_twice_changes_nothing_more() -> None:
    once = complete(document(nics=[NIC]), FACTS).xml
    assert complete(once, FACTS).xml == once


def test_placeholders_are_this_hosts() -> None:
    root, _ = done(document())
    entries = {e.get("name"): e.text for e in root.findall("sysinfo/system/entry")}
    assert (entries["product"], entries["version"], entries["serial"]) == ("Debian GNU/Linux", "12", FACTS.serial)


@pytest.mark.parametrize(("kvm", "kind"), [(True, "kvm"), (False, "qemu")])
def test_the_type_is_what_runs_here(kvm: bool, kind: str) -> None:
    root, _ = done(document(), replace(FACTS, kvm=kvm))
    assert root.get("type") == kind


@pytest.mark.parametrize("cpu", ["hostPassthrough", "SapphireRapids,+md-clear"])
def test_a_cpu_that_emulation_cannot_give_becomes_the_best_that_it_can(cpu: str) -> None:
    root, found = done(document(cpu=cpu))
    chosen = root.find("cpu")
    assert chosen is not None
    assert chosen.findtext("model") == "Westmere" and chosen.get("mode") is None
    assert chosen.find("feature") is None and chosen.find("topology") is not None
    assert any("Westmere" in note for note in found.notes)


def test_with_kvm_the_cpu_is_left_as_it_is() -> None:
    root, found = done(document(cpu="hostPassthrough"), replace(FACTS, kvm=True))
    assert root.find("cpu").get("mode") == "host-passthrough"  # type: ignore[union-attr]
    assert found.notes == ()


def test_a_machine_that_is_not_known_becomes_its_family() -> None:
    root, found = done(document(machine="pc-q35-rhel9.6.0"))
    assert root.find("os/type").get("machine") == "q35"  # type: ignore[union-attr]
    assert "pc-q35-rhel9.6.0" in found.notes[0]


def test_a_network_without_a_bridge_here_is_named_in_the_refusal() -> None:
    with pytest.raises(VerbError, match="Network nowhere is not on this host") as caught:
        complete(document(nics=[replace(NIC, bridge="nowhere")]), FACTS)
    assert caught.value.code == Code.CREATE_FAILED


def test_a_nic_without_network_keeps_the_unconnected_bridge() -> None:
    root, _ = done(document(nics=[replace(NIC, bridge=None, linked=False)]))
    assert root.find("devices/interface/source").get("bridge") == ";vdsmdummy;"  # type: ignore[union-attr]


def test_a_filter_that_is_not_here_is_left_out_and_noted() -> None:
    root, found = done(document(nics=[replace(NIC, filter="no-such")]))
    assert root.find("devices/interface/filterref") is None
    assert "no-such" in found.notes[0]


def test_empty_bandwidth_goes_and_a_real_one_stays() -> None:
    xml = document(nics=[NIC]).replace("<mtu size", "<bandwidth/><mtu size", 1)
    root, _ = done(xml)
    assert root.find("devices/interface/bandwidth") is None
    kept, _ = done(xml.replace("<bandwidth/>", "<bandwidth><inbound average='1'/></bandwidth>"))
    assert kept.find("devices/interface/bandwidth/inbound") is not None


def test_consoles_listen_at_the_hosts_address_and_keep_the_expired_password() -> None:
    root, _ = done(document(graphics=["vnc"]))
    graphics = root.find("devices/graphics")
    assert graphics is not None
    assert graphics.find("listen").get("address") == "192.0.2.11"  # type: ignore[union-attr]
    assert graphics.get("passwdValidTo") == "1970-01-01T00:00:01"


def test_a_display_network_gives_its_bridges_address() -> None:
    xml = document().replace('type="address" address="0"', 'type="network" network="vdsm-display"')
    root, _ = done(xml)
    assert root.find("devices/graphics/listen").get("address") == "198.51.100.7"  # type: ignore[union-attr]


def test_a_vm_that_moved_listens_here() -> None:
    xml = document(console=True).replace('address="0"', 'address="192.0.2.99"')
    xml = xml.replace("/var/run/ovirt-vmconsole-console/", "/elsewhere/consoles/")
    root, found = done(xml, moved=True)
    assert root.find("devices/graphics/listen").get("address") == "192.0.2.11"  # type: ignore[union-attr]
    assert root.find("devices/console/source").get("path") == console_path("/run/ovis", VM_ID)  # type: ignore[union-attr]
    stays, _ = done(xml)
    assert stays.find("devices/graphics/listen").get("address") == "192.0.2.99"  # type: ignore[union-attr]
    assert len(found.sockets) == 1


def test_spice_without_tls_loses_its_secure_channels() -> None:
    channel = "<channel name='main' mode='secure'/><listen"
    xml = document(graphics=["spice"]).replace("<listen", channel, 1)
    root, found = done(xml)
    graphics = root.find("devices/graphics")
    assert graphics is not None and graphics.find("channel") is None and graphics.get("tlsPort") is None
    assert found.notes
    kept, _ = done(xml, replace(FACTS, spice_tls=True))
    assert kept.find("devices/graphics/channel") is not None


def test_a_run_folder_too_deep_for_sockets_is_told() -> None:
    with pytest.raises(VerbError, match="too long for a socket"):
        complete(document(console=True), replace(FACTS, run="/" + "x" * 90))


def test_firmware_is_found_under_this_distributions_name() -> None:
    root, _ = done(document(firmware="uefi"))
    assert root.findtext("os/loader") == "/usr/share/OVMF/OVMF_CODE_4M.fd"
    assert root.find("os/nvram").get("template") == "/usr/share/OVMF/OVMF_VARS_4M.fd"  # type: ignore[union-attr]


def test_firmware_that_is_not_installed_is_told() -> None:
    with pytest.raises(VerbError, match="not installed"):
        complete(document(firmware="uefi-secure"), FACTS)


def test_leases_and_what_the_kernel_lacks_are_left_out() -> None:
    lease = "<lease><key>k</key><lockspace>l</lockspace><target path='/x'/></lease>"
    root, found = done(document(rng="hwrng").replace("</devices>", lease + "</devices>"))
    assert root.find("devices/lease") is None
    assert root.findtext("devices/rng/backend") == "/dev/urandom"
    assert len(found.notes) == 2


def test_a_volume_on_a_file_system_without_direct_io_is_written_through() -> None:
    root, _ = done(document(disks=[DISK]), volumes={"vda": Prepared("/t/v", "qcow2", direct=False)})
    disk = next(d for d in root.findall("devices/disk") if d.find("target").get("dev") == "vda")  # type: ignore[union-attr]
    assert disk.find("driver").get("cache") == "writethrough"  # type: ignore[union-attr]
    assert disk.find("source").get("file") == "/t/v"  # type: ignore[union-attr]


def test_paths_of_the_repository_are_this_hosts() -> None:
    root, _ = done(document(cdrom="/rhev/data-center/mnt/iso/a.iso", kernel="/rhev/data-center/k"))
    assert root.findtext("os/kernel") == "/srv/rhev/k"
    files = [s.get("file") for s in root.iter("source")]
    assert "/srv/rhev/mnt/iso/a.iso" in files


def test_metadata_tells_volumes_and_payloads() -> None:
    root = read(document(disks=[DISK], payload={"a/b": "aGk="}, payload_volume="config-2", paused=True))
    assert is_ours(root) and metadata_text(root, "launchPaused") == "true"
    assert volumes_of(root)[0].ids == (DISK.pool_id, DISK.domain_id, DISK.image_id, DISK.volume_id)
    payload = payloads_of(root)[0]
    assert (payload.target, payload.label, payload.files) == ("sdb", "config-2", {"a/b": b"hi"})


@pytest.mark.parametrize("xml", ["", "<domain", "no xml", "<!DOCTYPE d [<!ENTITY a 'b'>]><domain>&a;</domain>"])
def test_what_is_no_document_is_refused(xml: str) -> None:
    with pytest.raises(VerbError):
        read(xml)


def test_a_payload_that_is_not_base64_is_refused() -> None:
    with pytest.raises(VerbError, match="base64"):
        payloads_of(read(document(payload={"a": "%%%"})))


def test_other_namespaces_and_hook_made_command_lines_survive() -> None:
    xml = document().replace(
        "</metadata>",
        "</metadata><qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<qemu:arg value='-no-hpet'/></qemu:commandline>",
    )
    assert "qemu:commandline" in complete(xml, FACTS).xml
