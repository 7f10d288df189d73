"""What a snapshot asks of libvirt, and what metadata says afterwards. Pure parts."""

from typing import Any
from xml.etree import ElementTree

import pytest

from ovis.agent.virt.snapshot import Drive, drives_of, restored_on, snapshot_xml, went_over, with_volumes
from ovis.contract.domain.chains import chains_of
from ovis.contract.errors import Code, VerbError
from tests.contract.domain.test_chains import BASE, IMAGE, POOL, TOP, XML

DOCUMENT = XML.replace("MIRROR", "")


def test_only_the_disks_that_go_over_are_named_with_their_files() -> None:
    chains = chains_of(DOCUMENT)
    root = ElementTree.fromstring(DOCUMENT)
    found = ElementTree.fromstring(snapshot_xml(chains, root, {IMAGE: "/new"}, ""))
    assert [(d.get("name"), d.get("snapshot")) for d in found.iter("disk")] == [("sdc", "no"), ("vda", "external")]
    assert found.find("disks/disk/source").get("file") == "/new"  # type: ignore[union-attr]
    assert found.find("memory").get("snapshot") == "no"  # type: ignore[union-attr]
    memory = ElementTree.fromstring(snapshot_xml(chains, root, {}, "/dump")).find("memory")
    assert memory is not None and (memory.get("snapshot"), memory.get("file")) == ("external", "/dump")


def test_a_guest_has_gone_over_when_every_disk_has() -> None:
    chains = chains_of(DOCUMENT)
    assert went_over(chains, [Drive(IMAGE, BASE, TOP)])
    assert not went_over(chains, [Drive(IMAGE, TOP, POOL)])
    assert not went_over(chains, [Drive(IMAGE, BASE, TOP), Drive(POOL, BASE, TOP)])


def test_metadata_follows() -> None:
    text = with_volumes(ElementTree.fromstring(DOCUMENT), {IMAGE: POOL})
    assert f"<volumeID>{POOL}</volumeID>" in text and TOP not in text


def test_saved_memory_goes_on_upon_the_volumes_of_the_new_document() -> None:
    wanted = DOCUMENT.replace(TOP, POOL)
    found = restored_on(DOCUMENT, wanted)
    assert "backingStore" not in found
    assert f"volumeID>{POOL}<" in found
    assert restored_on(DOCUMENT, DOCUMENT) == DOCUMENT


@pytest.mark.parametrize("given", ["x", {}, [{"imageID": IMAGE}], [3], [{"baseVolumeID": BASE, "volumeID": TOP}]])
def test_drives_that_are_none(given: Any) -> None:
    with pytest.raises(VerbError) as caught:
        drives_of(given)
    assert caught.value.code == Code.INVALID_PARAMETER
