"""`ovis up`: an installation from nothing to something to look at; again, it only mends what is missing.

Does: set up and start the engine, bring the hosts that were asked for, say how to go on. Does not: stay.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from ovis.cli.api import Client, read_password
from ovis.cli.faults import BadUsage, CliFault
from ovis.cli.instance import USER, Choices, Instance
from ovis.cli.processes import Child

ENGINE_S = 60
MODULES = {"ovis-engine": "ovis.engine.main.program", "ovis-agent": "ovis.agent.main.program"}


def program(name: str) -> list[str]:
    """How one of our programs is called from here: by this Python, so that PATH does not matter."""
    return [sys.executable, "-m", MODULES[name]]


def say(text: str) -> None:
    """Progress; on standard error, so that standard output keeps its last line for the answer."""
    print(text, file=sys.stderr, flush=True)


def settings_of(args: argparse.Namespace) -> tuple[Path, str, int]:
    """Data folder, address and port, from flags, OVIS_* and DATA/ovis.toml, as the engine itself reads them."""
    from ovis.engine.main.settings import load

    try:
        found = load({name: getattr(args, name, None) for name in ("data", "listen", "port", "db")})
    except (ValueError, OSError) as err:
        raise BadUsage(str(err)) from err
    return found.folder, found.listen, found.port


def up(args: argparse.Namespace) -> int:
    """Entry of the command."""
    begun = time.monotonic()
    data, listen, port = settings_of(args)
    instance = Instance(data)
    with instance.locked():
        choices = merged(instance.choices, args, listen, port)
        if choices.hosts == "local":
            from ovis.cli import local

            local.require(instance.data, apt=not args.no_apt)
        engine_up(instance, choices)
        if choices.hosts.startswith("simulated:"):
            from ovis.cli import simulated

            simulated.bring(instance)
        elif choices.hosts == "local":
            local.bring(instance)
        say(f"Ready after {time.monotonic() - begun:.1f} s.")
        tell(instance, as_json=args.json)
    return 0


def merged(kept: Choices, args: argparse.Namespace, listen: str, port: int) -> Choices:
    """What to bring up: flags, else what an earlier call chose, else the defaults. BadUsage if they do not go together."""
    hosts = args.hosts or kept.hosts or "local"
    if kept.hosts not in ("", "none", hosts):
        raise BadUsage(
            f"The data folder already has hosts of its own ({kept.hosts}). "
            "Name another one with --data, or leave out --hosts."
        )
    return Choices(
        listen=listen if args.listen or not kept.listen else kept.listen,
        port=port if args.port or not kept.port else kept.port,
        db=args.db or kept.db,
        hosts=hosts,
        base_port=kept.base_port,
        seeded=kept.seeded,
        facts=kept.facts,
    )


def engine_up(instance: Instance, choices: Choices) -> None:
    """Set up and start the engine unless it runs; CliFault if it runs with other choices."""
    running = instance.processes.find("engine")
    old = instance.choices
    if running is not None:
        if (old.listen, old.port, old.db) != (choices.listen, choices.port, choices.db):
            raise CliFault(f"The engine runs at {instance.url} with other flags. Call `ovis down` first.")
        instance.choices = choices
        instance.save()
        return
    require_free(choices.listen, choices.port)
    instance.choices = choices
    instance.save()
    address = ["--listen", choices.listen, "--port", str(choices.port)]
    say("Setting up the engine ...")
    run_engine("setup", *instance.engine_flags(), *address)
    say(f"Starting the engine at {instance.url} ...")
    child = instance.processes.start("engine", [*program("ovis-engine"), "run", *instance.engine_flags(), *address])
    await_engine(instance, child)


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
    import ssl

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


def tell(instance: Instance, *, as_json: bool) -> None:
    """What there is and how to go on."""
    told = instance.contract()
    if as_json:
        print(json.dumps(told), flush=True)
        return
    password = f"in {told['password_file']}"
    if sys.stdout.isatty():
        password = f"{read_password(instance.password_file)}   ({password})"
    data = "" if instance.data == settings_default() else f" --data '{instance.data}'"
    print(
        f"""
  API         {told["api_v4"]}   (v3: {told["api_v3"]})
  User        {told["user"]}
  Password    {password}
  CA          {told["ca_file"]}
  Hosts       {instance.choices.hosts}

Go on:
  curl --cacert '{told["ca_file"]}' -u "{told["user"]}:$(cat '{told["password_file"]}')" {told["api_v4"]}
  ovis status{data}      ovis logs -f{data}      ovis down{data}""",
        flush=True,
    )


def settings_default() -> Path:
    """The data folder when nobody names one."""
    from ovis.engine.main.settings import load

    return load({}, {key: value for key, value in os.environ.items() if key != "OVIS_DATA"}).folder
