"""Custom properties and their devices in a domain XML."""

from xml.etree.ElementTree import fromstring

import pytest

from ovis.agent.hooks.documents import alone, custom_of, custom_of_device, devices_with_custom, element_of

DOMAIN = """<domain xmlns:ovirt-vm="http://ovirt.org/vm/1.0"><devices>
<disk><target dev="vda"/><alias name="ua-d"/></disk>
<interface><mac address="56:6F:00:00:00:01"/></interface>
<interface><alias name="ua-n2"/><mac address="56:6f:00:00:00:02"/></interface>
<interface><mac address="56:6f:00:00:00:03"/></interface>
<hostdev><source><address uuid="u-1"/></source></hostdev>
</devices><metadata><ovirt-vm:vm>
<ovirt-vm:custom><ovirt-vm:macspoof>true</ovirt-vm:macspoof><ovirt-vm:empty/></ovirt-vm:custom>
<ovirt-vm:device devtype="disk" name="vda"><ovirt-vm:custom><ovirt-vm:d>1</ovirt-vm:d></ovirt-vm:custom></ovirt-vm:device>
<ovirt-vm:device mac_address="56:6f:00:00:00:01"><ovirt-vm:custom/></ovirt-vm:device>
<ovirt-vm:device alias="ua-n2"><ovirt-vm:custom><ovirt-vm:n>2</ovirt-vm:n></ovirt-vm:custom></ovirt-vm:device>
<ovirt-vm:device mac_address="56:6f:00:00:00:03"/>
<ovirt-vm:device devtype="hostdev" uuid="u-1"><ovirt-vm:custom><ovirt-vm:h>3</ovirt-vm:h></ovirt-vm:custom></ovirt-vm:device>
</ovirt-vm:vm></metadata></domain>"""


def test_properties_of_a_vm_are_texts() -> None:
    assert custom_of(fromstring(DOMAIN)) == {"macspoof": "true", "empty": ""}
    assert custom_of(fromstring("<domain/>")) == {}


def test_devices_are_found_by_mac_alias_name_and_uuid_even_with_an_empty_custom() -> None:
    found = list(devices_with_custom(fromstring(DOMAIN)))
    assert [(f.element.tag, dict(f.properties)) for f in found] == [
        ("disk", {"d": "1"}), ("interface", {}), ("interface", {"n": "2"}), ("hostdev", {"h": "3"}),
    ]  # fmt: skip
    assert found[1].xml.startswith("<interface>") and found[1].xml.endswith("</interface>")
    assert list(devices_with_custom(fromstring("<domain><devices/></domain>"))) == []


def test_one_devices_properties() -> None:
    root = fromstring(DOMAIN)
    nic = fromstring("<interface><mac address='56:6f:00:00:00:02'/><alias name='ua-n2'/></interface>")
    assert custom_of_device(root, nic) == {"n": "2"}
    assert custom_of_device(root, fromstring("<interface/>")) == {}


def test_an_element_is_told_without_what_follows_it() -> None:
    root = fromstring("<a><b/>tail</a>")
    assert alone(root[0]) == "<b />" and root[0].tail == "tail"


@pytest.mark.parametrize("text", ["", "<a", "<!DOCTYPE a><a/>", "no"])
def test_what_is_no_xml_is_none(text: str) -> None:
    assert element_of(text) is None
