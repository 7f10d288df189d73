"""`ovis up` as most people will call it: this machine as a host, and a real guest's life by real clients."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ovis.cli import environment, guest, packages
from ovis.cli.main import checkout
from ovis.cli.rack import Rack
from tests.cli.conftest import Ovis
from tests.installation import free_port

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or bool(packages.absent({**packages.HOST, **packages.GUEST})) or not environment.has("libvirt"),
    reason="needs root, libvirt, QEMU and what builds the guest",
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ovis, Path]]:
    """This machine as a host; the folder's file up.json holds what `up --json` said."""
    folder = tmp_path_factory.mktemp("local")
    try:
        guest.build(checkout() / "tools/make-guest-image.sh")
    except guest.NotBuilt as err:
        pytest.skip(f"the guest cannot be built: {err}")
    made = Ovis(folder / "data", free_port())
    said = folder / "up.json"
    try:
        said.write_text(json.dumps(made.up()))
        yield made, said
    finally:
        made.call("down", status=None)
    rack = Rack(str(folder / "data" / "rack"))
    assert rack.own_netns() == []
    assert not os.path.exists(f"/sys/class/net/{rack.uplink}")


def run(*argv: str) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_second_call_changes_nothing(here: tuple[Ovis, Path]) -> None:
    made, said = here
    assert made.up() == json.loads(said.read_text())
    rows = json.loads(made.call("status", "--json").stdout)["parts"]
    names = ("agent", "engine", "host", "scheduler-proxy")
    assert {row["name"]: row["state"] for row in rows} == dict.fromkeys(names, "running")


def test_a_vms_life_by_the_real_sdk(here: tuple[Ovis, Path]) -> None:
    if not environment.has("ovirtsdk4"):
        pytest.skip("needs ovirt-engine-sdk-python")
    told = run(sys.executable, str(checkout() / "docs/examples/first_vm.py"), str(here[1]))
    assert "address: 10." in told
    assert "console: vnc://" in told
    assert "removed: True" in told


def test_three_vms_lives_at_once_by_curl_in_three_forms(here: tuple[Ovis, Path]) -> None:
    script = str(checkout() / "docs/examples/first_vm.sh")
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda form: run("bash", script, str(here[1]), form), ("xml3", "json3", "json4")))
    for words in told:
        assert "got a console ticket" in words
        assert words.endswith("is gone\n")


@pytest.mark.long  # tests/test_real_hosts.py kills agents and engines
def test_after_a_power_cut_the_host_comes_back(here: tuple[Ovis, Path]) -> None:
    """Last in this file: host and engine are killed, then `up` mends what is missing."""
    made, said = here
    Rack(str(made.data / "rack")).host("h1").stop()
    before = json.loads(said.read_text())["pids"]
    os.kill(before["engine"], 9)
    after = made.up()["pids"]
    assert set(after) == set(before)
    for lost in ("agent", "engine"):
        assert after[lost] not in before.values()
    assert after["scheduler-proxy"] == before["scheduler-proxy"]  # nothing happened to it
