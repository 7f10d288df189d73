"""`up`, `status`, `logs` and `down` on real installations."""

import json
import os
import socket
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ovis.cli.api import Client
from tests.cli.conftest import Ovis, ovis
from tests.installation import free_port

KEYS = (
    "url api_v3 api_v4 webadmin ca_file user password_file data ui_plugins_dir ui_plugins_config_dir "
    "scheduler_plugins_dir scheduler_proxy_url hooks_dir pids"
).split()


def session(told: dict[str, Any]) -> Client:
    found = Client(told["url"], Path(told["ca_file"]), told["user"], Path(told["password_file"]).read_text().strip())
    found.login()
    return found


def test_an_engine_from_nothing_and_back(installation: Ovis) -> None:
    told = installation.up("--hosts", "none")
    assert list(told) == KEYS
    assert told["url"] == f"https://127.0.0.1:{installation.port}"
    assert told["data"] == str(installation.data)
    assert set(told["pids"]) == {"engine", "scheduler-proxy"}
    for key in ("ui_plugins_dir", "ui_plugins_config_dir", "scheduler_plugins_dir", "hooks_dir"):
        assert Path(told[key]).is_dir()
    assert stat.S_IMODE(os.stat(told["password_file"]).st_mode) == 0o600
    assert stat.S_IMODE(installation.data.stat().st_mode) == 0o700
    assert [row["name"] for row in session(told).list("/clusters")] == ["Default"]

    again = json.loads(installation.call("up", "--json").stdout.splitlines()[-1])
    assert again == told

    shown = json.loads(installation.call("status", "--json").stdout)
    assert shown["running"] is True
    assert [(row["name"], row["state"]) for row in shown["parts"]] == [
        ("engine", "running"),
        ("scheduler-proxy", "running"),
    ]
    assert f"{told['pids']['engine']}" in installation.call("status").stdout

    assert installation.call("down").stdout == "Ended: engine, scheduler-proxy.\n"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(told["url"], timeout=5)
    assert installation.call("down").stdout == "Nothing was running.\n"
    assert "Nothing runs." in installation.call("status", status=1).stdout


def test_people_are_told_how_to_go_on(installation: Ovis) -> None:
    done = installation.call("up", "--hosts", "none", "--port", str(installation.port))
    password = (installation.data / "admin-password").read_text().strip()
    assert "admin@internal" in done.stdout
    assert str(installation.data / "admin-password") in done.stdout
    assert password not in done.stdout + done.stderr  # not a terminal
    assert "ovis down --data" in done.stdout


def test_two_installations_side_by_side(installation: Ovis, neighbour: Ovis) -> None:
    one, other = installation.up("--hosts", "none"), neighbour.up("--hosts", "none")
    assert Path(one["ca_file"]).read_bytes() != Path(other["ca_file"]).read_bytes()
    assert installation.call("down").stdout == "Ended: engine, scheduler-proxy.\n"
    assert session(other).list("/clusters")
    assert json.loads(neighbour.call("status", "--json").stdout)["pids"] == other["pids"]


def test_an_engine_that_was_killed_comes_back_with_its_data(installation: Ovis) -> None:
    told = installation.up("--hosts", "none")
    session(told).post("/tags", {"name": "kept"})
    os.kill(told["pids"]["engine"], 9)
    assert "ended" in installation.call("status", status=1).stdout
    back = installation.up()
    assert back["pids"]["engine"] != told["pids"]["engine"]
    assert "kept" in [row["name"] for row in session(back).list("/tags")]


def test_a_port_in_use_is_said_before_anything_is_made(installation: Ovis) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", installation.port))
        other.listen()
        done = installation.call("up", "--hosts", "none", "--port", str(installation.port), status=1)
    assert f"port {installation.port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_running_engine_is_not_moved_to_other_flags(installation: Ovis) -> None:
    told = installation.up("--hosts", "none")
    done = installation.call("up", "--port", str(free_port()), status=1)
    assert "runs at" in done.stderr
    assert "ovis down" in done.stderr
    assert json.loads(installation.call("status", "--json").stdout)["pids"] == told["pids"]


def test_a_broken_settings_file_is_a_usage_fault(installation: Ovis) -> None:
    installation.data.mkdir()
    (installation.data / "ovis.toml").write_text("colour = 'blue'\n")
    done = installation.call("up", "--hosts", "none", status=2)
    assert "colour" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = ovis("up", "--hosts", "none", "--data", str(tmp_path / "file"))
    assert done.returncode == 1
    assert "Name another folder with --data" in done.stderr


def test_there_is_nothing_to_see_where_nothing_was_started(installation: Ovis) -> None:
    assert "There is no installation" in installation.call("status", status=1).stderr
    assert "Nothing was started" in installation.call("down").stdout


def test_logs_by_name(installation: Ovis) -> None:
    told = installation.up("--hosts", "none")
    log = Path(told["data"]) / "logs" / "engine.log"
    with log.open("a") as out:
        out.write("first\nlast\n")
    assert installation.call("logs", "-n", "1", "engine").stdout == "last\n"
    done = installation.call("logs", "proxy", status=2)
    assert "no log of proxy" in done.stderr


def test_simulated_hosts_get_vms_once(installation: Ovis) -> None:
    told = installation.up("--hosts", "simulated:2x2")
    assert set(told["pids"]) == {"agent", "engine", "scheduler-proxy"}
    api = session(told)
    assert sorted((h["name"], h["status"]) for h in api.list("/hosts")) == [
        ("sim-host-001", "up"),
        ("sim-host-002", "up"),
    ]
    vms = api.list("/vms")
    assert sorted(vm["name"] for vm in vms) == [f"sim-vm-{n:04d}" for n in (1, 2, 3, 4)]
    assert {vm["status"] for vm in vms} == {"up"}
    assert [(d["name"], d["type"]) for d in api.list("/storagedomains")] == [("data", "data")]
    assert "tiny" in [t["name"] for t in api.list("/templates")]
    gone = next(vm for vm in vms if vm["name"] == "sim-vm-0004")
    api.post(f"/vms/{gone['id']}/stop")
    api.wait(f"/vms/{gone['id']}", lambda v: v["status"] == "down", 60, "stop")
    api.delete(f"/vms/{gone['id']}")

    assert installation.up()["pids"] == told["pids"]
    assert installation.call("down").stdout == "Ended: engine, agent, scheduler-proxy.\n"
    back = installation.up()
    api = session(back)
    assert {h["status"] for h in api.list("/hosts")} == {"up"}
    assert "sim-vm-0004" not in [vm["name"] for vm in api.list("/vms")]

    done = installation.call("up", "--hosts", "simulated:3x1", status=2)
    assert "already has hosts of its own (simulated:2x2)" in done.stderr
