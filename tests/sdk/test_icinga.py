"""A real Icinga 2 runs check_ovis by the command definitions of the tutorial, and knows states and figures."""

import contextlib
import datetime
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.installation import Installation, free_port, program, until
from tests.sdk.test_tutorials import blocks

ICINGA = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu" / "icinga2/sbin/icinga2"
NODE, SECRET = "monitor", "for-this-test"
pytestmark = pytest.mark.skipif(not ICINGA.exists(), reason="icinga2-bin is not installed")

# What the tutorial leaves to the reader: how often, and what must fail.
MORE = """
object Service "two data centers" {
  host_name = "engine"
  check_command = "ovis"
  vars.ovis_warning = 2
  vars.ovis_critical = 2
}
object Service "nobody" {
  host_name = "engine"
  check_command = "ovis"
  vars.ovis_dc = ""
  vars.ovis_vm = "nobody"
}
"""


def certificate(folder: Path) -> None:
    """A certificate of the node by itself: Icinga's API wants one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NODE)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True)
    for file in (f"{NODE}.crt", "ca.crt"):
        (folder / file).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / f"{NODE}.key").write_bytes(text)


def configuration(place: Installation, folder: Path, port: int) -> Path:
    """The tutorial's definitions with this engine's values, and Icinga's own parts."""
    auth = folder / "auth"
    auth.write_text(f"username=admin@internal\npassword={place.password}\n")
    command, objects = blocks("monitoring.md", "icinga")
    values = {"ENGINE": "127.0.0.1", "PORT": str(place.port), "AUTH": str(auth), "CA": place.ca, "HOST": "sim-host-001"}
    objects = re.sub(r"\b(ENGINE|PORT|AUTH|CA|HOST)\b", lambda found: values[found.group()], objects)
    text = f"""
object Endpoint "{NODE}" {{ }}
object Zone "{NODE}" {{ endpoints = [ "{NODE}" ] }}
object ApiListener "api" {{ bind_host = "127.0.0.1"; bind_port = {port} }}
object ApiUser "test" {{ password = "{SECRET}"; permissions = [ "*" ] }}
object CheckerComponent "checker" {{ }}
{command.replace("/usr/local/bin/check_ovis", program("check_ovis"))}
{objects}
{MORE}"""
    often = "  check_interval = 3s\n  retry_interval = 1s\n  max_check_attempts = 1\n  enable_active_checks = true\n"
    file = folder / "icinga2.conf"
    file.write_text(re.sub(r'  check_command = "ovis"\n', lambda found: found.group() + often, text))
    return file


@contextlib.contextmanager
def icinga(place: Installation, folder: Path) -> Iterator[httpx.Client]:
    """The daemon with folders, user and port of its own, and a client of its API."""
    port = free_port()
    paths = {"DataDir": "data", "CacheDir": "cache", "LogDir": "log", "SpoolDir": "spool", "InitRunDir": "run"}
    for path in (*paths.values(), "etc"):
        (folder / path).mkdir()
    certificate(folder / "data/certs")
    settings = {name: str(folder / path) for name, path in paths.items()} | {"ConfigDir": str(folder / "etc")}
    settings |= {"NodeName": NODE, "ZoneName": NODE, "RunAsUser": "root", "RunAsGroup": "root"}
    words = [str(ICINGA), "daemon", "-c", str(configuration(place, folder, port)), "--log-level", "warning"]
    words += [part for name, value in settings.items() for part in ("-D", f"{name}={value}")]
    with (folder / "icinga.log").open("wb") as log:
        run = subprocess.Popen(
            words,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder / "run"), "ICINGA2_RUN_DIR": str(folder / "run")},
        )
    try:
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}/v1", auth=("test", SECRET), verify=False, timeout=30
        ) as client:

            def answers() -> bool:
                assert run.poll() is None, (folder / "icinga.log").read_text()
                with contextlib.suppress(httpx.HTTPError):
                    return client.get("/status/IcingaApplication").status_code == 200
                return False

            until(answers, "Icinga's API", 90)
            yield client
    finally:
        run.terminate()
        try:
            run.wait(30)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait(10)


@pytest.mark.skipif(os.geteuid() != 0, reason="Icinga 2 changes to the user that it is told, which root may")
def test_icinga_runs_the_checks_of_the_tutorial(place: Installation, tmp_path: Path) -> None:
    with icinga(place, tmp_path) as client:

        def results() -> Any:
            found: dict[str, Any] = {}
            for kind in ("hosts", "services"):
                for row in client.get(f"/objects/{kind}").raise_for_status().json()["results"]:
                    if row["attrs"]["last_check_result"]:
                        found[row["attrs"]["name"]] = row["attrs"]["last_check_result"]
            return found if len(found) == 5 else None

        found = until(results, "five results", 120)
    states = {name: (int(r["exit_status"]), int(r["state"])) for name, r in found.items()}
    assert states == {
        "engine": (0, 0),
        "cluster hosts": (0, 0),
        "memory of sim-host-001": (0, 0),
        "two data centers": (2, 2),
        "nobody": (3, 3),
    }, found
    assert found["engine"]["output"].startswith("RHEV OK: Datacenters ok - 1/1 Datacenters with state UP")
    assert found["two data centers"]["performance_data"][0] == "up=1;2;2;0;"
    assert found["nobody"]["output"].startswith("RHEV UNKNOWN: VM nobody not found")
    memory = found["memory of sim-host-001"]["performance_data"]
    assert re.fullmatch(r"memory=[0-9.]+%;90;95;0;100", memory[0])
    assert re.fullmatch(r"memory_used=[0-9]+B;;;0;[0-9]+", memory[1])
