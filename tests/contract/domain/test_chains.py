"""Layers of disks as a domain's XML shows them."""

import pytest

from ovis.contract.domain.chains import chains_of

POOL, DOMAIN, IMAGE, BASE, TOP, TEMPLATE = (f"{n}0000000-0000-4000-8000-000000000000" for n in "123456")
XML = f"""<domain type='qemu' xmlns:ovirt-vm='http://ovirt.org/vm/1.0'><devices>
<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
<source file='/rhev/{DOMAIN}/images/{IMAGE}/{TOP}' index='3'/>
<backingStore type='file' index='2'><format type='qcow2'/><source file='/rhev/{DOMAIN}/images/{IMAGE}/{BASE}'/>
<backingStore type='file' index='1'><format type='raw'/><source file='/rhev/{DOMAIN}/images/{TEMPLATE}/{TEMPLATE}'/>
<backingStore/></backingStore></backingStore>MIRROR
<target dev='vda' bus='virtio'/></disk></devices>
<metadata><ovirt-vm:vm><ovirt-vm:device devtype='disk' name='vda'><ovirt-vm:poolID>{POOL}</ovirt-vm:poolID>
<ovirt-vm:domainID>{DOMAIN}</ovirt-vm:domainID><ovirt-vm:imageID>{IMAGE}</ovirt-vm:imageID>
<ovirt-vm:volumeID>{TOP}</ovirt-vm:volumeID></ovirt-vm:device></ovirt-vm:vm></metadata></domain>"""


def test_a_chain_is_read_down_to_the_template() -> None:
    (chain,) = chains_of(XML.replace("MIRROR", "")).values()
    assert (chain.target, chain.pool, chain.domain, chain.image) == ("vda", POOL, DOMAIN, IMAGE)
    assert chain.volumes == (TOP, BASE, TEMPLATE)
    assert [layer.index for layer in chain.layers] == [3, 2, 1]
    assert chain.layers[2].image == TEMPLATE
    assert (chain.mirroring, chain.ready) == (False, False)
    assert chain.layer(BASE) == chain.layers[1] and chain.layer(POOL) is None


@pytest.mark.parametrize(("attribute", "ready"), [("", False), (" ready='yes'", True), (" ready='abort'", False)])
def test_a_commit_of_the_top_says_when_it_can_be_ended(attribute: str, ready: bool) -> None:
    xml = XML.replace("MIRROR", f"<mirror type='file' job='active-commit'{attribute}><source file='/x'/></mirror>")
    (chain,) = chains_of(xml).values()
    assert (chain.mirroring, chain.ready) == (True, ready)


def test_what_is_no_volume_is_left_out() -> None:
    assert chains_of("<domain/>") == {}
    assert chains_of(XML.replace("MIRROR", "").replace(f"{IMAGE}/{TOP}", "other.iso")) == {}
    with pytest.raises(ValueError, match="cannot be read"):
        chains_of("<domain>")
