"""Virtual functions on a tree like the kernel's."""

from pathlib import Path

import pytest

from ovis.agent.host.passthrough import PassthroughVerbs, address_of
from ovis.agent.virt.link import Link
from ovis.contract.errors import Code, VerbError

NIC = "pci_0000_05_00_1"


@pytest.fixture
def nic(tmp_path: Path) -> Path:
    """A NIC of up to seven functions."""
    folder = tmp_path / "0000:05:00.1"
    folder.mkdir()
    (folder / "sriov_totalvfs").write_text("7\n")
    (folder / "sriov_numvfs").write_text("0\n")
    return folder


async def refused(verbs: PassthroughVerbs, name: str, count: object) -> VerbError:
    with pytest.raises(VerbError) as caught:
        await verbs.host_hostdev_change_numvfs(name, count)
    return caught.value


def verbs_of(folder: Path) -> PassthroughVerbs:
    return PassthroughVerbs(Link("test:///default"), folder)


async def test_a_number_is_written(nic: Path) -> None:
    verbs = verbs_of(nic.parent)
    await verbs.host_hostdev_change_numvfs(NIC, "4")
    assert (nic / "sriov_numvfs").read_text() == "4"
    await verbs.host_hostdev_change_numvfs(NIC, 2)
    assert (nic / "sriov_numvfs").read_text() == "2"
    await verbs.host_hostdev_change_numvfs(NIC, 0)
    assert (nic / "sriov_numvfs").read_text() == "0"


async def test_more_than_there_can_be_is_refused_and_nothing_changes(nic: Path) -> None:
    for count in (8, -1, "many", None):
        assert (await refused(verbs_of(nic.parent), NIC, count)).code == Code.INVALID_PARAMETER
    assert (nic / "sriov_numvfs").read_text() == "0\n"


async def test_hardware_that_cannot_is_told_apart(nic: Path) -> None:
    (nic / "sriov_totalvfs").unlink()
    assert "no virtual functions" in (await refused(verbs_of(nic.parent), NIC, 1)).message
    assert "no device" in (await refused(verbs_of(nic.parent), "pci_0000_06_00_0", 1)).message


@pytest.mark.parametrize("name", ["", "pci_0000_05_00_9", "../../x", "usb_1_1", "pci_0000_05_00_1\n"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(VerbError, match="no PCI device's name"):
        address_of(name)
