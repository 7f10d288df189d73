"""`ovis up`: an installation from nothing to something to look at; again, it only mends what is missing.

Does: set up and start the engine, bring the hosts that were asked for, say how to go on. Does not: stay.
"""

import argparse
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

from ovis.cli import environment, web
from ovis.cli.api import read_password
from ovis.cli.engine import await_engine, called_as, program, require_free, run_engine, say
from ovis.cli.faults import BadUsage, CliFault
from ovis.cli.instance import PROXY, USER, Choices, Instance, proxy_url

PROXY_PORT = 18781


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
    compile_checkout()
    with instance.locked():
        choices = merged(instance.choices, args, listen, port)
        if choices.hosts == "local":
            from ovis.cli import local

            local.require(instance.data, apt=not args.no_apt)
        building = None if args.no_web else web_up()
        proxy = choose_proxy(choices)
        engine_up(instance, choices, proxy)
        proxy_up(instance, proxy)
        if choices.hosts.startswith("simulated:"):
            from ovis.cli import simulated

            simulated.bring(instance)
        elif choices.hosts == "local":
            local.bring(instance)
        if building is not None:
            building.join()
        say(f"Ready after {time.monotonic() - begun:.1f} s.")
        tell(instance, as_json=args.json)
    return 0


def compile_checkout() -> None:
    """Engines and agents start from bytecode."""
    root = Path(__file__).resolve().parents[3]
    if (root / "pyproject.toml").is_file():
        environment.compile_sources(root)


def web_up() -> threading.Thread | None:
    """Build the web admin beside everything else, in a checkout; without it, the rest works all the same."""
    root = Path(__file__).resolve().parents[3]
    if not web.folder(root).is_dir() or web.is_built(root):
        return None

    def build() -> None:
        try:
            web.build(root)
        except (CliFault, OSError) as err:
            say(f"The web admin is not built. {err}")

    building = threading.Thread(target=build, name="web")
    building.start()
    return building


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


def choose_proxy(choices: Choices) -> int:
    """The port of the scheduler proxy, the same for ever: the usual one if nobody has it."""
    facts = choices.facts
    if "scheduler_proxy_port" not in facts:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", PROXY_PORT))
            except OSError:
                probe.bind(("127.0.0.1", 0))
            facts["scheduler_proxy_port"] = probe.getsockname()[1]
    return int(facts["scheduler_proxy_port"])


def proxy_up(instance: Instance, port: int) -> None:
    """Start the scheduler proxy unless it runs. Its modules reach the engine as the administrator."""
    if instance.processes.find(PROXY) is not None:
        return
    argv = [*program("ovis-scheduler-proxy"), "--plugins", str(instance.folder("scheduler-plugins"))]
    argv += ["--port", str(port), "--seconds", "8", "--engine-url", instance.url + "/api", "--engine-user", USER]
    argv += ["--engine-password-file", str(instance.password_file), "--engine-ca-file", str(instance.ca_file)]
    child = instance.processes.start(PROXY, argv)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        child.require_alive()
        time.sleep(0.05)
    raise CliFault("The scheduler proxy does not answer. See `ovis logs`.")


def engine_up(instance: Instance, choices: Choices, proxy: int) -> None:
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
    modules = ["--scheduler-proxy-url", proxy_url(proxy)]
    child = instance.processes.start(
        "engine", [*program("ovis-engine"), "run", *instance.engine_flags(), *address, *modules]
    )
    await_engine(instance, child)


def tell(instance: Instance, *, as_json: bool) -> None:
    """What there is and how to go on."""
    told = instance.contract()
    if as_json:
        print(json.dumps(told), flush=True)
        return
    password = f"in {told['password_file']}"
    if sys.stdout.isatty():
        password = f"{read_password(instance.password_file)}   ({password})"
    ovis = called_as()
    data = "" if instance.data == settings_default() else f" --data '{instance.data}'"
    print(
        f"""
  Web admin   {told["webadmin"]}
  API         {told["api_v4"]}   (v3: {told["api_v3"]})
  User        {told["user"]}
  Password    {password}
  CA          {told["ca_file"]}
  Hosts       {instance.choices.hosts}

Go on:
  curl --cacert '{told["ca_file"]}' -u "{told["user"]}:$(cat '{told["password_file"]}')" {told["api_v4"]}
  {ovis} status{data}
  {ovis} logs -f{data}
  {ovis} down{data}""",
        flush=True,
    )


def settings_default() -> Path:
    """The data folder when nobody names one."""
    from ovis.engine.main.settings import load

    return load({}, {key: value for key, value in os.environ.items() if key != "OVIS_DATA"}).folder
