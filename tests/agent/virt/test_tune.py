"""Policies in a VM's metadata, limits, quotas."""

from xml.etree.ElementTree import fromstring

import pytest

from ovis.agent.virt.tune import disks, limits, quota_of, read_policy, shown, target_of, write_policy
from ovis.contract.errors import Code, VerbError

LIVE = fromstring(
    """<domain><devices>
    <disk type='file' device='disk'><source file='/s/images/i/v'/><target dev='vda'/></disk>
    <disk type='network' device='disk'><source protocol='nfs' name='/n'/><target dev='sda'/></disk>
    <disk type='file' device='cdrom'><target dev='sdc'/></disk></devices>
    <metadata><ovirt-vm:vm xmlns:ovirt-vm='http://ovirt.org/vm/1.0'><ovirt-vm:device devtype='disk' name='vda'>
    <ovirt-vm:poolID>p</ovirt-vm:poolID><ovirt-vm:domainID>d</ovirt-vm:domainID><ovirt-vm:imageID>i</ovirt-vm:imageID>
    <ovirt-vm:volumeID>v</ovirt-vm:volumeID></ovirt-vm:device></ovirt-vm:vm></metadata></domain>"""
)


def test_a_policy_is_read_as_it_was_written() -> None:
    rows = [
        {"name": "vda", "path": "/s/images/i/v", "guaranteed": {"read_iops_sec": 5}, "maximum": {"write_bytes_sec": 7}},
        {"name": "sda", "path": "/n", "guaranteed": {}, "maximum": {}},
    ]
    assert read_policy(write_policy(50, rows)) == (50, rows)
    assert read_policy(write_policy(None, [])) == (None, [])
    assert read_policy("") == (None, [])


def test_a_row_of_statistics_tells_limits_and_policy() -> None:
    live = """<domain><devices><disk device='disk'><source file='/v'/><target dev='vda'/>
    <iotune><read_iops_sec>5</read_iops_sec></iotune></disk><disk device='cdrom'><target dev='sda'/></disk></devices>
    <metadata><t:qos xmlns:t='http://ovirt.org/vm/tune/1.0'><t:vcpuLimit>50</t:vcpuLimit></t:qos></metadata></domain>"""
    found = shown(live)
    assert found["vcpuUserLimit"] == 50
    (row,) = found["ioTune"]
    assert (row["name"], row["path"], row["ioTune"]["read_iops_sec"], row["ioTune"]["total_bytes_sec"]) == (
        "vda",
        "/v",
        5,
        0,
    )
    assert shown("<domain/>") == {"ioTune": []}


def test_a_policy_with_names_of_its_own_space_is_read() -> None:
    text = "<t:qos xmlns:t='http://ovirt.org/vm/tune/1.0'><t:vcpuLimit>25</t:vcpuLimit></t:qos>"
    assert read_policy(text) == (25, [])


def test_disks_are_found_by_name_path_and_ids() -> None:
    assert disks(LIVE) == {"vda": "/s/images/i/v", "sda": "/n"}
    assert target_of(LIVE, {"name": "sda"}, 64) == "sda"
    assert target_of(LIVE, {"path": "/s/images/i/v"}, 64) == "vda"
    wanted = {"poolID": "p", "domainID": "d", "imageID": "i", "volumeID": "v"}
    assert target_of(LIVE, wanted, 64) == "vda"
    for wrong in ({}, {"name": "sdc"}, {"path": ""}, wanted | {"volumeID": "w"}):
        with pytest.raises(VerbError) as caught:
            target_of(LIVE, wrong, Code.IO_TUNE)
        assert caught.value.code == Code.IO_TUNE


@pytest.mark.parametrize(
    "wrong",
    [None, [], {"x": 1}, {"read_iops_sec": "fast"}, {"read_iops_sec": -1}, {"read_iops_sec": 1 << 70}, {"total_bytes_sec": 1, "read_bytes_sec": 1}],
)  # fmt: skip
def test_limits_that_are_none(wrong: object) -> None:
    with pytest.raises(VerbError):
        limits(wrong, Code.IO_TUNE)


def test_limits_come_as_numbers_and_as_text() -> None:
    assert limits({"total_bytes_sec": "10", "read_iops_sec": 5}, 64) == {"total_bytes_sec": 10, "read_iops_sec": 5}


@pytest.mark.parametrize(
    ("limit", "cpus", "vcpus", "quota"),
    [(50, 4, 2, 100_000), (10, 2, 4, 5_000), (100, 4, 2, -1), (0, 4, 2, -1), (1, 1, 16, 1_000), (25, 8, 1, 200_000)],
)
def test_a_share_of_the_host_becomes_a_quota_of_each_cpu(limit: int, cpus: int, vcpus: int, quota: int) -> None:
    assert quota_of(limit, cpus, vcpus) == quota
