"""A simulated host's networks: requests as values, with the outcome or the reason why not."""

from typing import Any

import pytest

from ovis.agent.network.request import Bond, Net, plan
from ovis.agent.simulated.networks import Now, changed
from ovis.contract.errors import VerbError

BORN = Now(networks={"ovirtmgmt": Net(name="ovirtmgmt", nic="eth0", ip="127.0.0.2", prefix=24, gateway="127.0.0.1")})


def test_networks_bonds_and_vlans_come_and_go() -> None:
    wished = plan({"blue": {"bonding": "bond0", "vlan": "7", "mtu": "9000"}}, {"bond0": {"nics": ["eth1"]}})
    made = changed(BORN, wished, {})
    assert made.networks["blue"] == Net(name="blue", nic="bond0", bond=True, vlan=7, mtu=9000)
    assert made.bonds == {"bond0": Bond(name="bond0", nics=("eth1",))}
    gone = changed(made, plan({"blue": {"remove": True}}, {"bond0": {"remove": True}}), {})
    assert gone == BORN


def test_a_network_that_is_sent_without_an_address_keeps_its_own() -> None:
    again = changed(BORN, plan({"ovirtmgmt": {"nic": "eth1", "mtu": "1400"}}, {}), {})
    wanted = Net(name="ovirtmgmt", nic="eth1", mtu=1400, ip="127.0.0.2", prefix=24, gateway="127.0.0.1")
    assert again.networks["ovirtmgmt"] == wanted


@pytest.mark.parametrize(
    ("networks", "bondings", "code"),
    [
        ({"blue": {"remove": True}}, {}, 27),
        ({"ovirtmgmt": {"remove": True}}, {}, 27),
        ({"blue": {"nic": "eth9"}}, {}, 23),
        ({"blue": {"nic": "eth0"}}, {}, 24),
        ({}, {"bond0": {"nics": ["eth0"]}}, 24),
        ({}, {"bond0": {"nics": ["eth7"]}}, 23),
    ],
    ids=["unknown", "of-a-vm", "no-such-nic", "nic-in-use", "bond-over-used-nic", "bond-without-nic"],
)
def test_what_cannot_be_is_refused(networks: Any, bondings: Any, code: int) -> None:
    with pytest.raises(VerbError) as caught:
        changed(BORN, plan(networks, bondings), {"ovirtmgmt": "vm1"})
    assert caught.value.code == code
