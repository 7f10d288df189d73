"""The virtual rack: libvirt hosts side by side, a guest that moves between them, nothing left over."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ovis.cli import packages
from ovis.cli.main import checkout
from ovis.cli.rack import LabError, Rack
from tests.installation import until

needs_host = pytest.mark.skipif(
    os.geteuid() != 0 or bool(packages.absent(packages.HOST)), reason="needs root, libvirt and QEMU"
)


@needs_host
def test_a_guest_moves_there_and_back_and_nothing_is_left() -> None:
    done = subprocess.run(
        [sys.executable, str(checkout() / "tools/hostlab.py"), "selftest"], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [move["ok"] for move in said["migrations"]] == [True, True]
    assert said["left_over"] == []


@needs_host
def test_a_host_that_lost_power_comes_back_and_goes_for_good(tmp_path: Path) -> None:
    rack = Rack(str(tmp_path / "rack"))
    rack.n, rack.nics, rack.ttl, rack.tcp = 1, 1, 600, False
    rack.net = rack.choose_subnet()
    try:
        rack.up()
        host = rack.host("h1")
        first = host.pid()
        assert first is not None
        assert host.answers()
        os.kill(first, 9)
        until(lambda: Rack(rack.dir).host("h1").pid() is None, "the host is off")
        again = Rack(rack.dir)
        again.up()
        assert again.host("h1").pid() not in (None, first)
        assert again.host("h1").answers()
        assert again.net == rack.net
        listening = subprocess.run(host.entered("ss", "-ltn"), capture_output=True, text=True).stdout
        assert ":16509" not in listening  # no way in for others on this machine
    finally:
        rack.down()
    assert rack.own_netns() == []
    assert not os.path.exists(f"/sys/class/net/{rack.uplink}")


def test_racks_of_different_folders_have_different_names(tmp_path: Path) -> None:
    one, other = Rack(str(tmp_path / "one")), Rack(str(tmp_path / "other"))
    assert one.prefix != other.prefix
    assert one.hosts == []
    with pytest.raises(LabError, match="no host h1"):
        one.host("h1")
