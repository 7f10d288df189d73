"""The firewall hook: what its property reads, and what passes a real bridge with it."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ovis.agent.hooks.runner import HookError
from tests.hooks.shipped import FOLDER, VM_ID, installed, make

ROOT = FOLDER.parent


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    sys.path.insert(0, str(ROOT / "src"))
    spec = importlib.util.spec_from_file_location("firewall_rules", FOLDER / "firewall/firewall_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ("tcp/22", ["tcp dport 22 accept"]),
        ("udp/50-53@192.0.2.7", ["ip saddr 192.0.2.7/32 udp dport 50-53 accept"]),
        ("tcp@2001:db8::/32", ["ip6 saddr 2001:db8::/32 meta l4proto tcp accept"]),
        ("icmp", ["ip protocol icmp accept", "ip6 nexthdr icmpv6 accept"]),
        ("all@10.0.0.0/8", ["ip saddr 10.0.0.0/8 accept"]),
    ],
)
def test_an_item_becomes_rules(rules: ModuleType, item: str, wanted: list[str]) -> None:
    assert rules.rule(item) == wanted


@pytest.mark.parametrize(
    "item", ["", "sctp/1", "tcp/0", "tcp/9-2", "tcp/70000", "icmp/8", "all@10.0.0.0/40", "tcp/22;x"]
)
async def test_what_it_cannot_read_refuses_the_start(tmp_path: Path, item: str) -> None:
    hooks = installed("firewall", tmp_path)
    xml = "<domain><devices/></domain>"
    with pytest.raises(HookError, match="firewall: "):
        await hooks.domain("before_vm_start", xml, vm_id=VM_ID, custom={"firewall": f"icmp,{item}"})


def test_what_the_property_names_passes_and_nothing_else(tmp_path: Path) -> None:
    for program in ("nft", "unshare", "ip"):
        if os.geteuid() or shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin") is None:
            pytest.skip(f"needs root and {program}")
    folder = make("firewall", tmp_path)
    argv = ["unshare", "-n", sys.executable, "-m", "tests.hooks.bridge", str(folder)]
    env = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    everything = ["arp", "ping", "tcp22in", "tcp22out", "tcpreply", "udp53", "udp54"]
    assert told["listed"] == told["listed from the host"] == ["arp", "tcp22in", "tcpreply", "udp53"]
    assert told["none"] == ["arp", "tcpreply"]
    assert told["network"] == ["arp", "ping", "tcp22out", "tcpreply"]
    assert told["tap"].startswith("fw")
    assert len(told["tap"]) < 16
    assert told["plugged"] != told["tap"]
    assert told["joined"]
    assert told["gone"] == everything
    assert told["rules"] == ""
    assert told["without"]
