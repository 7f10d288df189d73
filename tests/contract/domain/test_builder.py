"""The engine's domain XML, against files that were read by people, and against libvirt's own parser.

OVIS_TEST_WRITE_XML=1 writes the files anew: read their difference before it is committed.
"""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ovis.agent.virt.complete import HostFacts, Prepared, complete, payloads_of, read, volumes_of
from ovis.contract.domain.builder import build_domain, build_hotplug, target_names
from ovis.contract.domain.tuning import cpu_set, cpu_text
from tests.contract.domain.cases import CASES, _disk, _nic

HERE = Path(__file__).parent
FACTS = HostFacts(
    kvm=True,
    run="/run/ovis",
    bridges={"ovirtmgmt": "192.0.2.11", "on9f3c2a7d41": ""},
    machines=frozenset({"q35", "pc"}),
    cpus=frozenset({"Nehalem"}),
    filters=frozenset({"clean-traffic", "vdsm-no-mac-spoofing"}),
    files=frozenset(
        f"/usr/share/OVMF/OVMF_{n}.fd" for n in ("CODE_4M", "CODE_4M.secboot", "CODE_4M.ms", "VARS_4M", "VARS_4M.ms")
    ),
    serial="11111111-2222-4333-8444-555555555555",
    hwrng=True,
    spice_tls=True,
)


def pretty(xml: str) -> str:
    """One element a line."""
    root = ET.fromstring(xml)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0", {0}), ("0-3,^2", {0, 1, 3}), ("8, 1-2", {1, 2, 8}), ("", None), ("a", None), ("3-1", None), ("0,^0", None)],
)
def test_sets_of_cpus(text: str, wanted: set[int] | None) -> None:
    found = cpu_set(text)
    assert found == wanted
    if found is not None:
        assert cpu_set(cpu_text(sorted(found))) == found


def test_every_file_has_its_case() -> None:
    assert {f.stem for f in HERE.glob("*.xml")} == {*CASES, "hotplug-disk", "hotplug-nic"}


def same(name: str, xml: str) -> None:
    file = HERE / f"{name}.xml"
    if os.environ.get("OVIS_TEST_WRITE_XML"):
        file.write_text(pretty(xml))
    assert pretty(xml) == file.read_text()


@pytest.mark.parametrize("name", CASES)
def test_a_domain_is_as_it_was_reviewed(name: str) -> None:
    same(name, build_domain(CASES[name]))


def test_hot_plug_documents_are_as_they_were_reviewed() -> None:
    others = [_disk(1, bootable=True), _disk(2)]
    same("hotplug-disk", build_hotplug(disk=_disk(3, discard=True), after=others))
    same("hotplug-nic", build_hotplug(nic=_nic(5, filter="clean-traffic", mirrored=["ovirtmgmt"])))


@pytest.mark.parametrize("name", CASES)
def test_what_every_domain_holds(name: str) -> None:
    spec, root = CASES[name], ET.fromstring(build_domain(CASES[name]))
    tops = [child.tag for child in root]
    assert tops[0] == "name"
    assert tops[-1] == "metadata"
    assert [t for t in tops if t in ("cpu", "cputune", "devices", "pm", "os", "metadata")] == (
        ["cpu", "cputune", "devices", "pm", "os", "metadata"]
    )
    # Numbers agree with each other.
    topology, vcpu = root.find("cpu/topology"), root.find("vcpu")
    assert topology is not None
    assert vcpu is not None
    maximum = int(vcpu.text or 0)
    product = 1
    for part in ("sockets", "cores", "threads"):
        product *= int(topology.get(part) or 0)
    assert product == maximum
    assert int(vcpu.get("current") or 0) == spec.sockets * spec.cores * spec.threads <= maximum <= 710
    cells = root.findall("cpu/numa/cell")
    held = [cpu for c in cells for cpu in cpu_set(c.get("cpus") or "") or ()]
    assert sorted(held) == list(range(maximum)), "every CPU that there may be is in one node"
    total = sum(int(c.get("memory") or 0) for c in cells)
    assert str(total) == root.findtext("memory") == root.findtext("currentMemory")
    assert (root.find("maxMemory") is not None) == (spec.max_memory > spec.memory)
    # Names and places are there once.
    targets = [t.get("dev") for t in root.findall("devices/disk/target")]
    assert len(targets) == len(set(targets)) == len(spec.disks) + 1 + bool(spec.payload)
    orders = sorted(int(b.get("order") or 0) for b in root.findall("devices/*/boot"))
    assert orders == list(range(1, len(orders) + 1))
    aliases = [a.get("name") for a in root.findall("devices/*/alias")]
    assert len(aliases) == len(set(aliases))
    addresses = [(a.get("target"), a.get("unit")) for a in root.findall("devices/disk/address")]
    assert len(addresses) == len(set(addresses))
    # The metadata names every volume by the target it has.
    volumes = {v.target: v.volume for v in volumes_of(read(build_domain(spec)))}
    assert volumes == {
        n[0]: d.volume_id for d in spec.disks for i, n in target_names(spec.disks, spec.q35).items() if i == d.id
    }
    assert not root.findall("os/boot"), "the order stands with the devices"


def _completed(name: str) -> str:
    """The document as an agent gives it to libvirt."""
    xml = build_domain(CASES[name])
    root = read(xml)
    volumes = {v.target: Prepared(f"/srv/{v.image}", "qcow2") for v in volumes_of(root)}
    payloads = {p.target: f"/srv/payload-{p.target}.img" for p in payloads_of(root)}
    return complete(xml, FACTS, volumes, payloads).xml


@pytest.mark.skipif(shutil.which("virsh") is None, reason="virsh is not installed")
@pytest.mark.parametrize("name", CASES)
def test_libvirt_takes_what_the_agent_makes_of_it(name: str, tmp_path: Path) -> None:
    # The test driver knows no UEFI and no KVM-only checks; what it refuses, QEMU's would refuse, too.
    xml = re.sub(r"type=\"(kvm|qemu)\"", 'type="test"', _completed(name), count=1)
    file = tmp_path / "domain.xml"
    file.write_text(xml)
    done = subprocess.run(
        ["virsh", "-c", "test:///default", f"define {file}; dumpxml --inactive {CASES[name].name}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[:200]} {done.stderr}"
    kept = ET.fromstring(done.stdout[done.stdout.index("<domain") : done.stdout.index("</domain>") + 9])
    given = ET.fromstring(xml)
    for tag in ("disk", "interface", "graphics", "watchdog", "console"):
        assert len(kept.findall(f"devices/{tag}")) == len(given.findall(f"devices/{tag}")), tag
    assert [t.get("dev") for t in sorted(kept.findall("devices/disk/target"), key=lambda t: t.get("dev") or "")] == (
        [t.get("dev") for t in sorted(given.findall("devices/disk/target"), key=lambda t: t.get("dev") or "")]
    )


@pytest.mark.skipif(shutil.which("virt-xml-validate") is None or shutil.which("xmllint") is None, reason="no validator")
@pytest.mark.parametrize("name", CASES)
def test_libvirts_schema_takes_it(name: str, tmp_path: Path) -> None:
    file = tmp_path / "domain.xml"
    # The bridge of NICs without a network has a name that the parser takes and the schema does not.
    file.write_text(_completed(name).replace(";vdsmdummy;", "dummy0"))
    done = subprocess.run(
        ["virt-xml-validate", file, "domain"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
