"""The switch's commands, filters and view, and queues of shares: as values."""

from typing import Any

import pytest

from ovis.agent.network import ovs_layout, shares
from ovis.agent.network.below import Layout, Vlan, layout_of
from ovis.agent.network.kernel import Link
from ovis.agent.network.request import Bond, Kept, Net, Share
from ovis.contract.errors import VerbError

BOND = Bond(name="bond0", nics=("eth1", "eth2"), mode=4, options={"miimon": "100", "lacp_rate": "fast"})
LAYOUT = Layout(bonds={"bond0": BOND}, vlans={"bond0.10": Vlan("bond0", 10), "eth0.20": Vlan("eth0", 20)})


def calls(words: list[str]) -> list[list[str]]:
    """Words of ovs-vsctl, command by command."""
    out: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            out.append([])
        else:
            out[-1].append(word)
    return out


def test_networks_need_their_tags_and_bonds() -> None:
    nets = [
        Net(name="a", nic="bond0", bond=True, vlan=10),
        Net(name="b", nic="eth0", vlan=20),
        Net(name="c", nic="eth3"),
    ]
    assert layout_of(Kept(networks={n.name: n for n in nets}, bonds={"bond0": BOND})) == LAYOUT


def test_a_layout_is_made_from_nothing_and_again_without_a_change() -> None:
    bond, nic = ovs_layout.bridge_of("bond0"), ovs_layout.bridge_of("eth0")
    made = calls(ovs_layout.commands(LAYOUT, {}))
    assert ["add-bond", bond, ovs_layout.bond_port("bond0"), "eth1", "eth2"] in made
    assert ["set", "port", "eth0", "vlan_mode=trunk", "trunks=20"] in made  # untagged frames stay the kernel's
    settings = next(c for c in made if c[:3] == ["set", "port", ovs_layout.bond_port("bond0")])
    assert "bond_mode=balance-tcp" in settings and "lacp=active" in settings and '"lacp-time"="fast"' in settings[-1]
    there: ovs_layout.Bridges = {
        bond: {
            bond: (bond,),
            ovs_layout.bond_port("bond0"): ("eth1", "eth2"),
            **{e: (e,) for e in map(ovs_layout.end_of, ("bond0", "bond0.10"))},
        },
        nic: {nic: (nic,), "eth0": ("eth0",), ovs_layout.end_of("eth0.20"): (ovs_layout.end_of("eth0.20"),)},
    }
    assert {c[0] for c in calls(ovs_layout.commands(LAYOUT, there))} == {"set"}
    less = Layout(bonds={"bond0": Bond(name="bond0", nics=("eth2", "eth3"))})
    changed = calls(ovs_layout.commands(less, there))
    port = ovs_layout.bond_port("bond0")
    assert ["del-bond-iface", port, "eth1"] in changed and ["add-bond-iface", port, "eth3"] in changed
    assert ["del-port", bond, ovs_layout.end_of("bond0.10")] in changed and ["del-br", nic] in changed
    kinds = [c[0] for c in changed]
    assert max(i for i, k in enumerate(kinds) if k.startswith("del")) < kinds.index("add-bond-iface")
    single = calls(ovs_layout.commands(Layout(bonds={"bond0": Bond(name="bond0", nics=("eth1",))}), there))
    assert ["del-port", bond, port] in single and ["add-port", bond, "eth1"] in single


@pytest.mark.parametrize(
    ("values", "words"),
    [({"mode": 0}, "mode 0"), ({"mode": 2}, "mode 2"), ({"options": {"arp_interval": "1"}}, "arp_interval")],
)
def test_what_the_switch_cannot_is_said(values: dict[str, Any], words: str) -> None:
    with pytest.raises(VerbError, match=words) as caught:
        ovs_layout.commands(Layout(bonds={"b": Bond(name="b", nics=("x", "y"), **values)}), {})
    assert caught.value.code == 25


def link(name: str, kind: str = "", **values: Any) -> Link:
    return Link(
        index=1, name=name, kind=kind, mac=f"02:00:00:00:00:{len(name):02x}", mtu=1500, up=True, carrier=True, **values
    )


def test_links_are_seen_as_what_they_are() -> None:
    rows = [link("eth0"), link("eth1"), link("eth2"), link("bond0", "veth"),
            link("bond0.10", "veth", master="red"), link("eth0.20", "veth"), link(ovs_layout.end_of("bond0"), "veth"),
            link(ovs_layout.bridge_of("bond0"), "tun")]  # fmt: skip
    found = ovs_layout.seen({x.name: x for x in rows}, LAYOUT, {})
    assert set(found) == {"eth0", "eth1", "eth2", "bond0", "bond0.10", "eth0.20"}
    assert (found["bond0"].kind, found["eth1"].master, found["eth2"].master) == ("bond", "bond0", "bond0")
    assert found["bond0"].opts == {"mode": "4", "miimon": "100", "lacp_rate": "fast"}
    assert (found["bond0.10"].kind, found["bond0.10"].lower, found["bond0.10"].vlan) == ("vlan", "bond0", 10)
    assert found["bond0.10"].master == "red"


def test_the_kernel_drops_what_the_switch_takes() -> None:
    rules = ovs_layout.filters(LAYOUT)
    assert (
        'device "eth1" priority -450; drop;' in rules and 'device "eth0" priority -450; vlan id { 20 } drop;' in rules
    )
    assert 'oifname "eth0" vlan id { 20 } drop' in rules
    assert "chain" not in ovs_layout.filters(Layout())


def run(program: str, frame: bytes, tag: int | None) -> bool:
    """A classic BPF program on a frame. tag: the one that the kernel holds beside it."""
    ops = [tuple(map(int, op.split())) for op in program.split(",")[1:]]
    at = value = 0
    while True:
        code, yes, no, k = ops[at]
        at += 1
        if code == 48:
            value = int(tag is not None)
        elif code == 32:
            value = tag or 0
        elif code == 40:
            value = int.from_bytes(frame[k : k + 2], "big")
        elif code == 84:
            value &= k
        elif code == 5:
            at += k
        elif code == 21:
            at += yes if value == k else no
        else:
            return bool(k)


PLAIN = bytes(12) + b"\x08\x00" + bytes(20)


def tagged(tag: int) -> bytes:
    return bytes(12) + b"\x81\x00" + (0x6000 | tag).to_bytes(2, "big") + b"\x08\x00"


def test_frames_are_told_apart_by_their_tag_wherever_it_is() -> None:
    for frame, beside, vlan in (
        (PLAIN, None, None),
        (PLAIN, 10, 10),
        (tagged(10), None, 10),
        (tagged(4094), None, 4094),
    ):
        for asked in (None, 10, 11, 4094):
            assert run(shares.program(asked), frame, beside) is (asked == vlan)


def test_small_weights_are_shares_too() -> None:
    nets = [Net(name="a", nic="e", vlan=1, share=Share(weight=5, ceiling=9_000_000)), Net(name="b", nic="e")]
    rest, own, match = shares.commands("e", nets, "htb")
    assert rest[-4:] == ["rate", "5000000bit", "ceil", "100000000000bit"]
    assert own[-4:] == ["rate", "5000000bit", "ceil", "9000000bit"] and match[-1] == "5a5a:2"
    assert shares.by_nic(nets, {}) == {"e": nets} and shares.by_nic(nets[1:], {}) == {}
