"""ethtool_options runs ethtool for the networks that say so."""

import json
from pathlib import Path

from ovis.agent.hooks.points import POINTS
from tests.hooks.shipped import installed, make

REQUEST = {
    "request": {
        "networks": {
            "plain": {"nic": "eth0", "custom": {"ethtool_opts": "--offload %device% rx on"}},
            "bonded": {"bonding": "bond0", "custom": {"ethtool_opts": '--set "a b"'}},
            "gone": {"remove": True, "custom": {"ethtool_opts": "--x"}},
            "without": {"nic": "eth1", "custom": {}},
            "bare": {"nic": "eth2"},
        },
        "bondings": {},
        "options": {},
    }
}


async def test_each_network_with_options_is_given_to_ethtool(tmp_path: Path) -> None:
    """The program is a recorder: this machine's NICs are not for tests."""
    hooks = installed("ethtool_options", tmp_path)
    script = next(iter(make("ethtool_options", tmp_path).glob("after_network_setup/*")))
    recorder = tmp_path / "ethtool"
    recorder.write_text(
        f'#!/bin/sh\nfor a in "$@"; do printf "%s|" "$a"; done >> {tmp_path}/calls; echo >> {tmp_path}/calls\n'
    )
    recorder.chmod(0o755)
    script.write_text(script.read_text().replace("/usr/sbin/ethtool", str(recorder)))
    assert await hooks.data("after_network_setup", REQUEST) == REQUEST
    assert (tmp_path / "calls").read_text().splitlines() == ["--set|a b|", "--offload|eth0|rx|on|"]


async def test_a_failure_is_logged_and_undoes_nothing(tmp_path: Path) -> None:
    hooks = installed("ethtool_options", tmp_path)
    script = next(iter((tmp_path / "hooks/after_network_setup").iterdir()))
    script.write_text(script.read_text().replace("/usr/sbin/ethtool", "/bin/false"))
    ran = await hooks.run(
        POINTS["after_network_setup"],
        [str(script)],
        json.dumps(REQUEST).encode(),
        {},
    )
    assert [s.status for s in ran.scripts] == [1]
    assert b"network plain" in ran.scripts[0].error
    assert await hooks.data("after_network_setup", REQUEST) == REQUEST
