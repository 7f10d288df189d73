"""`ovis-engine`: what it says when it cannot run, keys, settings, and the last SuperUser."""

import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from ovis.engine.main.pki import Pki, engine_names
from ovis.engine.main.settings import describe, load
from tests.installation import Installation, free_port, installation, program


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("ovis-engine"), *arguments], capture_output=True, text=True, timeout=60, **more)  # type: ignore[call-overload, no-any-return]


def test_an_engine_that_is_not_set_up_says_so(tmp_path: Path) -> None:
    done = run("run", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "ovis-engine setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_a_newer_engine_is_refused(tmp_path: Path) -> None:
    made = Installation(tmp_path, port=free_port())
    made.set_up()
    with sqlite3.connect(tmp_path / "engine.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = run("run", "--data", str(tmp_path), "--port", str(made.port))
    assert done.returncode == 2
    assert "newer engine" in done.stderr
    assert "Traceback" not in done.stderr


def test_set_up_twice_changes_nothing(tmp_path: Path) -> None:
    made = Installation(tmp_path, port=free_port())
    made.set_up()
    before = {f.name: f.read_bytes() for f in (tmp_path / "pki").iterdir()} | {"password": made.password.encode()}
    made.set_up()
    assert before == {f.name: f.read_bytes() for f in (tmp_path / "pki").iterdir()} | {
        "password": made.password.encode()
    }


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    made = Installation(tmp_path, port=free_port())
    made.set_up()
    for name in ("admin-password", "pki/ca.key", "pki/engine.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
    assert len(made.password) >= 16


def test_the_last_super_user_stays_whoever_asks(tmp_path: Path) -> None:
    with installation(tmp_path) as made:
        for name in ("eve", "adam"):
            command = [program("ovis-engine"), "user", "add", name, "--last-name", "X", "--data", str(tmp_path)]
            subprocess.run(command, input="a-good-password\n", text=True, check=True, timeout=60, capture_output=True)
        with made.client() as admin:
            users = {u["user_name"].split("@")[0]: u for u in admin.get("/users").json()["user"]}
            body = {"role": {"name": "SuperUser"}, "user": {"id": users["eve"]["id"]}}
            assert admin.post("/permissions", json=body).status_code in (200, 201)
        with made.client() as eve:
            eve.auth = ("eve@internal", "a-good-password")
            assert eve.delete(f"/users/{users['admin']['id']}").status_code == 200
            refused = eve.delete(f"/users/{users['eve']['id']}")
            assert refused.status_code == 409
            assert "yourself" in refused.text
            own = eve.get(f"/users/{users['eve']['id']}/permissions").json()["permission"]
            mine = next(p["id"] for p in own if p["role"]["id"] == "00000000-0000-0000-0000-000000000001")
            last = eve.delete(f"/permissions/{mine}")
            assert last.status_code == 409
            assert "SuperUser" in last.text


def test_an_engine_certificate_is_made_anew_when_it_lacks_an_address(tmp_path: Path) -> None:
    keys = Pki(tmp_path)
    keys.prepare(engine_names("127.0.0.1", ""))
    first, ca = keys.engine_pem(), keys.ca_pem()
    keys.prepare(engine_names("127.0.0.1", ""))
    assert keys.engine_pem() == first
    keys.prepare(engine_names("127.0.0.1", "engine.example.org"))
    assert keys.engine_pem() != first
    assert keys.ca_pem() == ca


@pytest.mark.parametrize(
    "text", ["", "not a request", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"]
)
def test_what_is_no_request_is_not_signed(tmp_path: Path, text: str) -> None:
    keys = Pki(tmp_path)
    keys.prepare(["localhost"])
    with pytest.raises(ValueError):
        keys.sign_request(text, ["h1"])


def test_flags_beat_the_environment_and_that_the_file(tmp_path: Path) -> None:
    (tmp_path / "ovis.toml").write_text("port = 1001\nevent_days = 7\nlisten = '127.0.0.9'\n")
    found = load({"data": str(tmp_path), "port": 1003}, {"OVIS_PORT": "1002", "OVIS_EVENT_DAYS": "8"})
    assert (found.port, found.event_days, found.listen) == (1003, 8, "127.0.0.9")
    (tmp_path / "ovis.toml").write_text("colour = 'red'\n")
    with pytest.raises(ValueError, match="colour"):
        load({"data": str(tmp_path)}, {})


def test_every_setting_is_described() -> None:
    lines = describe().splitlines()
    assert len(lines) == len(load({"data": "/x"}, {}).__struct_fields__)
    assert all(len(line.split()) > 3 for line in lines)
