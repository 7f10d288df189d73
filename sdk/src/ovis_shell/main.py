"""`ovis-shell`: one command, a script, or a prompt.

Does: read options, ~/.ovirtshellrc and what is piped in; say errors in one line on stderr; exit with a status.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

EPILOG = """examples:
  ovis-shell -l https://engine:8443/api -u admin@internal list vms --query "status=up"
  ovis-shell -E 'add vm --name web1 --cluster-name Default --template-name Blank'
  ovis-shell -E 'action vm web1 start --wait'
  ovis-shell < script

The password comes from --password-file, OVIS_PASSWORD, ~/.ovirtshellrc or a question. exit status: 0 done, 1 refused or not found,
2 not understood, 3 no connection."""


def parser() -> argparse.ArgumentParser:
    """Options, named as the original's."""
    made = argparse.ArgumentParser(
        prog="ovis-shell",
        description="The engine from a terminal.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("-l", "--url", help="https://engine[:port]/api")
    made.add_argument("-u", "--username", help="user@domain")
    made.add_argument("--password-file", help="a file that holds the password")
    made.add_argument("-p", "--password", help=argparse.SUPPRESS)
    made.add_argument("-K", "--key-file", help="PEM file of the client's key")
    made.add_argument("-C", "--cert-file", help="PEM file of the client's certificate")
    made.add_argument("-A", "--ca-file", help="PEM file of the engine's CA")
    made.add_argument(
        "-I", "--insecure", action="store_true", default=None, help="do not check the engine's certificate"
    )
    made.add_argument("-F", "--filter", action="store_true", default=None, help="see what an ordinary user sees")
    made.add_argument("-T", "--timeout", type=float, help="seconds for each answer")
    made.add_argument("-P", "--port", type=int, help="port, if the URL has none")
    made.add_argument("-c", "--connect", action="store_true", help="connect at once")
    made.add_argument("-E", "--execute-command", metavar="COMMANDS", help="commands, separated by `;`")
    made.add_argument("-f", "--file", help="a script, one command a line")
    made.add_argument(
        "-o", "--output", choices=("text", "table", "json", "xml", "csv"), default=None, help="form of what is shown"
    )
    made.add_argument(
        "--status-always-0", action="store_true", help="exit with 0 whatever happened, as older shells did"
    )
    made.add_argument("words", nargs=argparse.REMAINDER, help="a command; `help` lists them")
    return made


def settings_file() -> Dict[str, Any]:
    """What ~/.ovirtshellrc says (OVIRTSHELLRC names another file)."""
    import configparser

    path = Path(os.environ.get("OVIRTSHELLRC", "~/.ovirtshellrc")).expanduser()
    if not path.exists():
        return {}
    read = configparser.ConfigParser(interpolation=None, strict=False)
    read.read(path, encoding="utf-8")
    found: Dict[str, Any] = {}
    for section in read.sections():
        found.update({k: v for k, v in read.items(section) if v and v.lower() != "none"})
    made: Dict[str, Any] = {
        k: found[k] for k in ("url", "username", "password", "key_file", "cert_file", "ca_file") if k in found
    }
    for name in ("insecure", "filter"):
        if found.get(name, "").lower() in ("true", "yes", "1"):
            made[name] = True
    for name in ("port", "timeout", "session_timeout"):
        if found.get(name, "-1").lstrip("-").isdigit() and int(found.get(name, "-1")) > 0:
            made[name] = int(found[name])
    return made


def _settings(given: argparse.Namespace) -> Dict[str, Any]:
    made = settings_file()
    for name in (
        "url",
        "username",
        "password",
        "key_file",
        "cert_file",
        "ca_file",
        "insecure",
        "filter",
        "timeout",
        "port",
    ):
        value = getattr(given, name)
        if value is not None:
            made[name] = value
    if given.password_file:
        made["password"] = Path(given.password_file).expanduser().read_text(encoding="utf-8").strip()
    made.setdefault("password", os.environ.get("OVIS_PASSWORD"))
    if made.get("password") is None and made.get("username") and sys.stdin.isatty():
        import getpass

        made["password"] = getpass.getpass(f"Password of {made['username']}: ")
    return {k: v for k, v in made.items() if v is not None}


def commands_of(text: str) -> List[str]:
    """The commands of a line, separated by `;` outside quotes."""
    found, quote, current = [], "", ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == ";":
            found.append(current)
            current = ""
            continue
        current += char
    return [part.strip() for part in [*found, current] if part.strip()]


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Entry point."""
    given = parser().parse_args(argv)
    from ovis_shell.words import ShellError

    try:
        status = _run(given)
    except ShellError as err:
        print(f"error: {err}", file=sys.stderr)
        status = err.status
    except OSError as err:
        print(f"error: {err}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        status = 0
    return 0 if given.status_always_0 else status


def _run(given: argparse.Namespace) -> int:
    from ovis_shell.commands import Shell

    shell = Shell(_settings(given), form=given.output or "text")
    try:
        if given.words:
            return _one(shell, lambda: shell.words(given.words))
        if given.execute_command is not None:
            return _all(shell, commands_of(given.execute_command))
        if given.file:
            return _all(shell, Path(given.file).expanduser().read_text(encoding="utf-8").splitlines())
        if not sys.stdin.isatty():
            return _all(shell, sys.stdin.read().splitlines())
        from ovis_shell.prompt import interact

        if given.connect:
            _one(shell, lambda: shell.words(["connect"]))
        return interact(shell, _one)
    finally:
        if shell.api is not None:
            shell.api.disconnect()


def _all(shell: Any, lines: Sequence[str]) -> int:
    """Every line, also after one that failed; the first failure's status."""
    first = 0
    for line in lines:
        if line.strip() in ("exit", "quit"):
            break
        status = _one(shell, lambda line=line: shell.run(line))
        first = first or status
    return first


def _one(shell: Any, run: Any) -> int:
    from ovirtsdk.infrastructure.errors import ConnectionError, OvirtSdkError, RequestError
    from ovis_shell.words import ShellError

    try:
        sys.stdout.write(run())
        sys.stdout.flush()
    except ShellError as err:
        print(f"error: {err}", file=sys.stderr)
        return err.status
    except RequestError as err:
        print(f"error: {err.status} {err.reason}: {' '.join(str(err.detail).split())}", file=sys.stderr)
        return 1
    except ConnectionError as err:
        print(f"error: {str(err).removeprefix('[ERROR]::')}", file=sys.stderr)
        return 3
    except OvirtSdkError as err:
        print(f"error: {str(err).removeprefix('[ERROR]::')}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
