"""DIMMs as libvirt takes them, found again by their alias; promises in the metadata."""

from typing import Any
from xml.etree.ElementTree import fromstring, tostring

import pytest

from ovis.agent.virt.complete import VM
from ovis.agent.virt.memory import alias_of, dimm, find_dimm, promised
from ovis.contract.errors import Code, VerbError

LIVE = fromstring(
    f"<domain xmlns:v='{VM}'><devices><memory model='dimm'><alias name='ua-a'/></memory></devices>"
    "<metadata><v:vm><v:minGuaranteedMemoryMb type='int'>64</v:minGuaranteedMemoryMb><v:custom/></v:vm></metadata></domain>"
)


def test_a_dimm_has_its_size_node_and_alias() -> None:
    found = dimm({"size": "128", "node": 1, "deviceId": "x"}, Code.MEMORY_PLUG)
    assert tostring(found, encoding="unicode") == (
        '<memory model="dimm"><target><size unit="KiB">131072</size><node>1</node></target><alias name="ua-x" /></memory>'
    )
    assert alias_of({"alias": "ua-y", "deviceId": "x"}) == "ua-y"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, Code.MISSING_PARAMETER),
        ({}, Code.MEMORY_PLUG),
        ({"size": "much", "deviceId": "x"}, Code.MEMORY_PLUG),
        ({"size": 0, "deviceId": "x"}, Code.MEMORY_PLUG),
        ({"size": 128, "node": -1, "deviceId": "x"}, Code.MEMORY_PLUG),
        ({"size": 128}, Code.MEMORY_PLUG),
    ],
)
def test_what_is_no_dimm(given: Any, code: Code) -> None:
    with pytest.raises(VerbError) as caught:
        dimm(given, Code.MEMORY_PLUG)
    assert caught.value.code == code


def test_a_dimm_is_found_by_its_alias_alone() -> None:
    assert find_dimm(LIVE, "ua-a") is not None
    assert find_dimm(LIVE, "ua-b") is None
    assert find_dimm(LIVE, "") is None


def test_a_promise_replaces_the_one_before() -> None:
    text = promised(LIVE, 256)
    assert "<minGuaranteedMemoryMb" in text and ">256<" in text and "custom" in text
    assert ">64<" not in text
