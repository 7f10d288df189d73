"""`check_ovis`: data centers, clusters, hosts, storage domains, VMs and pools, for Nagios and Icinga.

Does: take check_rhev3's options, print one line in its form with performance data, exit with 0 to 3. A session is kept in a file
of the caller's alone between calls (-o).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, Dict, List, NoReturn, Optional, Sequence

_KINDS = (
    ("-D", "--dc", "data center"),
    ("-C", "--cluster", "cluster"),
    ("-R", "--host", "host"),
    ("-S", "--storage", "storage domain"),
    ("-M", "--vm", "VM"),
    ("-P", "--vmpool", "VM pool"),
)


class _Parser(argparse.ArgumentParser):
    """Says UNKNOWN, as monitoring wants it."""

    def error(self, message: str) -> NoReturn:
        print(f"UNKNOWN: {message}")
        raise SystemExit(3)


def parser() -> argparse.ArgumentParser:
    """Options, named as check_rhev3's."""
    made = _Parser(prog="check_ovis", description="Check an engine that speaks oVirt's API.")
    made.add_argument("-H", "--hostname", required=True, help="name or address of the engine")
    made.add_argument("-p", "--port", type=int, default=443, help="port (443)")
    made.add_argument("-A", "--api", default="/api", help="path of the API (/api)")
    made.add_argument("-t", "--timeout", type=int, default=15, help="seconds until UNKNOWN (15)")
    made.add_argument("-f", "--authfile", help="file with lines username=USER@DOMAIN and password=PASSWORD")
    made.add_argument(
        "-a", "--authorization", metavar="USER@DOMAIN:PASSWORD", help="others can read it in `ps`; better -f"
    )
    made.add_argument("--ca-file", help="PEM file of the engine's CA (else those that this machine trusts)")
    made.add_argument("--insecure", action="store_true", help="do not check the engine's certificate")
    made.add_argument("-o", "--cookie", action="store_true", help="keep the session between calls")
    for short, long, what in _KINDS:
        made.add_argument(short, long, metavar="NAME", help=f"{what}; * stands for any text")
    made.add_argument("-l", "--check", default="", help="what to look at")
    made.add_argument("-I", dest="check", help=argparse.SUPPRESS)
    made.add_argument("-s", "--subcheck", default="", help="what of that")
    made.add_argument("-n", "--nics", action="append", default=[], help="only this NIC; may be repeated")
    made.add_argument("-w", "--warning", help="range, or how many must be up")
    made.add_argument("-c", "--critical", help="range, or how many must be up")
    made.add_argument("--prefix", default="RHEV", help="first word of the answer (RHEV)")
    made.add_argument("--ignore-xml-warn", action="store_true", help=argparse.SUPPRESS)
    made.add_argument("-v", "--verbose", action="count", default=0, help="print requests on stderr")
    made.add_argument("-V", "--version", action="version", version="check_ovis 0.1.0")
    return made


def credentials(given: argparse.Namespace) -> Dict[str, str]:
    """User and password of -f or -a."""
    from check_ovis.checks import CannotTell

    if given.authfile:
        try:
            lines = Path(given.authfile).read_text(encoding="utf-8").splitlines()
        except OSError as err:
            raise CannotTell(f"{given.authfile}: {err.strerror}") from err
        pairs = dict(line.split("=", 1) for line in lines if "=" in line)
        found = {k.strip(): v.strip() for k, v in pairs.items()}
    else:
        user, mark, password = (given.authorization or os.environ.get("CHECK_OVIS_AUTH", "")).partition(":")
        found = {"username": user, "password": password} if mark else {}
    if not found.get("username") or "password" not in found:
        raise CannotTell("no user and password: give -f FILE")
    return {"username": found["username"], "password": found["password"]}


def _session_file(given: argparse.Namespace, user: str) -> Path:
    key = hashlib.sha256(f"{given.hostname}\0{given.port}\0{given.api}\0{user}".encode()).hexdigest()[:24]
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/check_ovis-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} is another user's")
    return folder / f"check_ovis-{key}"


def _system_ca() -> Optional[str]:
    """The file of CAs that this machine trusts."""
    import ssl

    found = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    return found if os.path.exists(found) else None


def _open(given: argparse.Namespace) -> Any:
    from ovirtsdk.api import API
    from ovirtsdk.infrastructure.errors import RequestError

    who = credentials(given)
    how: Dict[str, Any] = {
        **who,
        "ca_file": given.ca_file or _system_ca(),
        "insecure": given.insecure,
        "timeout": given.timeout,
        "persistent_auth": given.cookie,
        "renew_session": True,
        "debug": False,
    }
    url = f"https://{given.hostname}:{given.port}{given.api}"
    if not given.cookie:
        return API(url, **how)
    file = _session_file(given, who["username"])
    token = file.read_text(encoding="ascii").strip() if file.exists() else None
    try:
        api = API(url, **how, session_id=token)
    except RequestError:
        if token is None:
            raise
        api = API(url, **how)
    if api.session_id and api.session_id != token:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
            out.write(api.session_id)
    return api


def _chosen(given: argparse.Namespace) -> Any:
    from check_ovis.checks import CHECKS, CannotTell

    kinds = [long[2:] for _, long, _ in _KINDS if getattr(given, long[2:])]  # an empty name is none, as macros give it
    if len(kinds) != 1:
        raise CannotTell("give one of " + ", ".join(f"{short} ({what})" for short, _, what in _KINDS))
    kind = kinds[0]
    checks = CHECKS[kind]
    name = given.check or next(iter(checks))
    if name not in checks:
        raise CannotTell(f"{kind} has no check {name}; it has {', '.join(checks)}")
    return checks[name], getattr(given, kind)


def _line(prefix: str, state: int, text: str, perf: Sequence[str] = ()) -> str:
    from check_ovis.checks import WORDS

    tail = " |" + " ".join(p.replace("'", "") for p in perf) if perf else ""
    return f"{prefix} {WORDS[state]}: {text}{tail}"


def main(argv: Optional[List[str]] = None) -> int:
    """Entry point."""
    given = parser().parse_args(argv)
    from check_ovis.checks import UNKNOWN, WORDS, CannotTell, Limits, Outcome
    from ovirtsdk.infrastructure.errors import OvirtSdkError, RequestError

    def late(*_: object) -> None:
        raise CannotTell(f"no answer in {given.timeout} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(given.timeout)
    try:
        check, name = _chosen(given)
        api = _open(given)
        outcome: Outcome = check(
            api, name, Limits(given.warning or None, given.critical or None), given.subcheck, given.nics
        )
    except CannotTell as err:
        print(_line(given.prefix, UNKNOWN, str(err)))
        return UNKNOWN
    except RequestError as err:
        print(_line(given.prefix, UNKNOWN, f"{err.status} {err.reason} {' '.join(str(err.detail).split())}"))
        return UNKNOWN
    except (OvirtSdkError, OSError) as err:
        print(_line(given.prefix, UNKNOWN, " ".join(str(err).removeprefix("[ERROR]::").split())))
        return UNKNOWN
    finally:
        signal.alarm(0)
    word = WORDS[outcome.state].lower()
    print(_line(given.prefix, outcome.state, f"{outcome.topic} {word} - {outcome.text}", outcome.perf))
    return int(outcome.state)


if __name__ == "__main__":
    sys.exit(main())
