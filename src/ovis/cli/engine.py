"""Our own programs, as the commands call them: the engine set up, started and waited for; a session with its API.

Does: run `ovis-engine` and `ovis-agent` by this very Python. Does not: know what they are started for.
"""

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

from ovis.cli.api import Client, read_password
from ovis.cli.faults import CliFault
from ovis.cli.instance import USER, Instance
from ovis.cli.processes import Child

ENGINE_S = 60
MODULES = {"ovis-engine": "ovis.engine.main.program", "ovis-agent": "ovis.agent.main.program"}
MODULES["ovis-scheduler-proxy"] = "ovis.scheduler_proxy.program"


def called_as() -> str:
    """What the user types to call us: the script in a checkout, or the installed program."""
    name = os.environ.get("OVIS_CALLED_AS", "ovis")
    return f"'{name}'" if " " in name else name


def program(name: str) -> list[str]:
    """How one of our programs is called from here: by this Python, so that PATH does not matter."""
    return [sys.executable, "-m", MODULES[name]]


def say(text: str) -> None:
    """Progress; on standard error, so that standard output keeps its last line for the answer."""
    print(text, file=sys.stderr, flush=True)


def require_free(listen: str, port: int) -> None:
    """CliFault if something else listens there."""
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen, port))
        except OSError as err:
            reason = err.strerror or str(err)
            raise CliFault(f"{listen} port {port} cannot be used: {reason}. Choose with --listen, --port.") from err


def run_engine(verb: str, *arguments: str) -> str:
    """A short call of `ovis-engine`; what it printed. CliFault with its last words if it fails."""
    done = subprocess.run(
        [*program("ovis-engine"), verb, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-12:]
        raise CliFault(f"`ovis-engine {verb}` failed:\n" + "\n".join("  " + line for line in words))
    return done.stdout.strip()


def await_engine(instance: Instance, child: Child) -> None:
    """Until the engine answers its health check."""
    context = ssl.create_default_context(cafile=str(instance.ca_file))
    deadline = time.monotonic() + ENGINE_S
    while True:
        child.require_alive()
        try:
            with urllib.request.urlopen(instance.url + "/ovirt-engine/services/health", timeout=5, context=context):
                return
        except (OSError, urllib.error.URLError) as err:
            if time.monotonic() > deadline:
                raise CliFault(
                    f"The engine does not answer after {ENGINE_S} s ({err}). Its log {child.log} says:\n{child.said()}"
                ) from err
        time.sleep(0.05)


def client(instance: Instance) -> Client:
    """A session with the instance's engine as its admin."""
    found = Client(instance.url, instance.ca_file, USER, read_password(instance.password_file))
    found.login()
    return found
