"""The `vdsm` package as scripts use it: in a bare interpreter."""

import asyncio
import os
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ovis.agent.main.identity import Identity
from ovis.agent.main.settings import AgentSettings
from ovis.agent.network.request import Kept, Net
from ovis.agent.rpc.server import RpcServer, server_context
from ovis.agent.simulated.driver import SimulatedDriver
from ovis.agent.simulated.rack import SimulatedRack
from ovis.agent.verbs.dispatch import Dispatcher
from tests.agent.hooks.test_hooking import bare, pytestmark, value
from tests.agent.rack import Keys

__all__ = ["pytestmark"]

NAMES = """
vdsm.config.config vdsm.constants.P_VDSM_RUN vdsm.common.constants.P_VDSM_RUN vdsm.common.units.GiB vdsm.common.units.MiB
vdsm.common.cpuarch.real vdsm.common.cmdutils.CommandPath vdsm.common.cmdutils.Error vdsm.common.commands.execCmd
vdsm.common.fileutils.rm_file vdsm.common.libvirtconnection.get vdsm.osinfo.nested_virtualization vdsm.cpuinfo.flags
vdsm.utils.closing vdsm.client.connect vdsm.network.api.DUMMY_BRIDGE vdsm.network.ipwrapper._IP_BINARY
vdsm.network.ipwrapper.Link vdsm.network.netinfo.cache.NetInfo vdsm.network.netswitch.configurator.netinfo
vdsm.network.netconfpersistence.RunningConfig vdsm.network.netconfpersistence.PersistentConfig vdsm.network.link.bond.Bond
vdsm.storage.constants.TAG_PREFIX_IMAGE vdsm.storage.qemuimg.FORMAT.RAW vdsm.hook.hooking.tobool
""".split()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_there_in_the_ways_that_scripts_import_it(name: str) -> None:
    parts = name.split(".")
    modules = [p for p in parts if p.islower() and p not in ("real", "flags", "closing", "connect", "get", "tobool")]
    depth = len(modules)
    while depth > 1 and bare(f"import {'.'.join(parts[:depth])}").returncode:
        depth -= 1
    module, rest = ".".join(parts[:depth]), ".".join(parts[depth:])
    assert depth > 1 and rest
    done = bare(f"import {module}\n{module}.{rest}\nfrom {module} import {rest.split('.')[0]}")
    assert done.returncode == 0, done.stderr
    above, _, last = module.rpartition(".")
    assert bare(f"from {above} import {last}\n{last}.{rest}").returncode == 0


def test_truths_of_this_host() -> None:
    assert value("__import__('vdsm.common.cpuarch').common.cpuarch.real()") == os.uname().machine
    flags = value("__import__('vdsm.cpuinfo').cpuinfo.flags()")
    assert isinstance(flags, list) and flags
    assert value("__import__('vdsm.osinfo').osinfo.nested_virtualization().enabled") in (True, False)
    code = (
        "from vdsm.config import config\nprint(config.getboolean('vars', 'ssl'), config.get('vars', 'fake_kvm_memory'))"
    )
    assert bare(code).stdout == "True 0\n"


def test_programs_are_found_or_missed_when_asked_for(tmp_path: Path) -> None:
    code = "from vdsm.common.cmdutils import CommandPath\nprint(CommandPath('sh', '/no/sh', '/bin/sh').cmd, CommandPath('sh').cmd)"
    assert bare(code).stdout.startswith("/bin/sh /")
    done = bare(
        "from vdsm.common.cmdutils import CommandPath\nx = CommandPath('no-such')\ntry: x.cmd\nexcept OSError as e: print(e.errno)"
    )
    assert done.stdout == "2\n"
    done = bare(
        "from vdsm.common import commands, cmdutils\ntry: commands.run(['false'])\nexcept cmdutils.Error as e: print(e.rc, e.cmd)"
    )
    assert done.stdout == "1 ['false']\n"
    done = bare("from vdsm.common import fileutils\nfileutils.rm_file('/no/such/file')\nprint('ok')")
    assert done.stdout == "ok\n"


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")
def test_images_are_looked_at_and_converted(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(source), "1M"], check=True)
    code = (
        "from vdsm.storage import qemuimg\n"
        f"print(qemuimg.info({str(source)!r})['virtual-size'])\n"
        f"qemuimg.convert({str(source)!r}, {str(target)!r}, srcFormat='qcow2', dstFormat=qemuimg.FORMAT.RAW).run()\n"
        f"print(qemuimg.info({str(target)!r})['format'])\n"
    )
    done = bare(code, PATH="/usr/bin:/bin")
    if "O_DIRECT" in done.stderr or "Invalid argument" in done.stderr:
        pytest.skip("this file system takes no direct writes")
    assert done.stdout == "1048576\nraw\n", done.stderr


def test_networks_that_the_agent_keeps_are_told_in_vdsms_words(tmp_path: Path) -> None:
    kept = Kept(networks={
        "red": Net(name="red", nic="eth1", vlan=7, mtu=9000, ip="10.0.0.2", prefix=24, gateway="10.0.0.1"),
        "blue": Net(name="blue", nic="bond0", bond=True, bridged=False, dhcp=True),
    })  # fmt: skip
    (tmp_path / "networks.json").write_bytes(msgspec.json.encode(kept))
    env = {"OVIS_AGENT_DATA": str(tmp_path)}
    found: Any = value(
        "__import__('vdsm.network.netconfpersistence').network.netconfpersistence.RunningConfig().networks", **env
    )
    red = found["red"]
    assert (red["nic"], red["vlan"], red["mtu"], red["ipaddr"], red["netmask"]) == (
        "eth1",
        7,
        9000,
        "10.0.0.2",
        "255.255.255.0",
    )
    assert red["bridged"] is True and red["gateway"] == "10.0.0.1"
    assert found["blue"]["bonding"] == "bond0" and found["blue"]["bridged"] is False and "nic" not in found["blue"]
    code = (
        "from vdsm.network import netinfo, netswitch\n"
        "n = netinfo.cache.NetInfo(netswitch.configurator.netinfo())\n"
        "print(n.getNicsVlanAndBondingForNetwork('red'), n.getNicsVlanAndBondingForNetwork('blue')[3])"
    )
    done = bare(code, **env)
    assert done.stdout == "(['eth1'], 'eth1.7', 7, None) bond0\n", done.stderr
    assert bare("from vdsm.network.netconfpersistence import RunningConfig as R\nprint(R().networks)").stdout == "{}\n"


async def test_the_client_calls_verbs_of_an_agent(tmp_path: Path) -> None:
    keys = Keys()
    identity: Identity = keys.give(tmp_path, "127.0.0.1")
    settings = AgentSettings(data=str(tmp_path), driver="simulated", address="127.0.0.1", port=0)
    driver = SimulatedDriver(settings, identity, SimulatedRack(tmp_path))
    server = RpcServer(Dispatcher(driver))
    context: ssl.SSLContext = server_context(identity)
    port = await server.start("127.0.0.1", 0, context)
    try:
        await driver.start(server.publish)
        code = (
            "from vdsm import client, utils\n"
            "cli = client.connect('localhost', use_tls=True)\n"
            "with utils.closing(cli):\n"
            "    print(cli.Host.getVMList(), cli.Host.ping2(), sorted(cli.Host.getStats())[:1])\n"
            "    try: cli.VM.cont(vmID='5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001')\n"
            "    except client.ServerError as e: print(e.code)\n"
        )
        env = {"OVIS_AGENT_DATA": str(tmp_path), "OVIS_AGENT_ADDRESS": "127.0.0.1", "OVIS_AGENT_PORT": str(port)}
        done = await asyncio.to_thread(lambda: bare(code, **env))
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0].startswith("[] True [") and lines[1] == "1"
        env["OVIS_AGENT_PORT"] = "1"
        done = await asyncio.to_thread(lambda: bare("from vdsm import client\nclient.connect('localhost')", **env))
        assert "vdsm.client.ConnectionError" in done.stderr
    finally:
        await server.stop()
        await driver.stop()
