"""`ovis-agent call`: a verb of a running agent, for administrators.

Does: read arguments by the verb's declaration, call with this host's own certificate, print JSON. Exit status: 0 done,
1 the agent said no, 2 wrong arguments, 3 the agent cannot be reached. Does not: put secrets where `ps` shows them; `-`
reads arguments from standard input.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, TextIO

from ovis.agent.main.identity import Identity
from ovis.agent.rpc.client import AgentClient
from ovis.contract.checks import holds_text, words
from ovis.contract.errors import Code, VerbError
from ovis.contract.verbs import VERBS, Verb

DONE, REFUSED, WRONG, UNREACHABLE = 0, 1, 2, 3
PORT = 54321


class WrongArguments(Exception):
    """Arguments that cannot be sent."""


def describe(verb: Verb) -> str:
    """A verb and what it takes, in a few lines. Pure."""
    lines = [verb.name + ("" if verb.served else "   (not served)")]
    lines += [f"  {p.name}{'' if p.mandatory else '?'}: {words(p.type)}" for p in verb.params]
    lines.append(f"  -> {words(verb.result) if verb.result is not None else 'true'}")
    return "\n".join(lines)


def value_of(text: str, shape: Any) -> Any:
    """What a NAME=VALUE means: text where text is declared, else JSON. WrongArguments. Pure."""
    if shape is not None and holds_text(shape):
        return text
    try:
        return json.loads(text)
    except ValueError as err:
        if text and text[0] not in '[{"':
            return text
        raise WrongArguments(f"{text[:80]!r} is no JSON: {err}") from err


def params_of(method: str, arguments: list[str], stdin: TextIO) -> Any:
    """The call's params: an object, or a list if one JSON list is given. WrongArguments."""
    verb = VERBS.get(method)
    shapes = {p.name: p.type for p in verb.params} if verb is not None else {}
    found: dict[str, Any] = {}
    for argument in arguments:
        if argument == "-" or argument[:1] in "[{":
            text = stdin.read() if argument == "-" else argument
            try:
                given = json.loads(text)
            except ValueError as err:
                where = "standard input" if argument == "-" else repr(argument[:80])
                raise WrongArguments(f"{where} is no JSON: {err}") from None
            if isinstance(given, list) and len(arguments) == 1:
                return given
            if not isinstance(given, dict):
                raise WrongArguments("A list of arguments stands alone.")
            found |= given
            continue
        name, equals, text = argument.partition("=")
        if not equals or not name:
            raise WrongArguments(f"{argument[:80]!r} is neither NAME=VALUE nor JSON.")
        if shapes and name not in shapes:
            raise WrongArguments(f"{method} has no argument {name!r}; it takes {', '.join(shapes) or 'none'}.")
        found[name] = value_of(text, shapes.get(name))
    return found


def place(folder: Path, host: str, port: int) -> tuple[str, int]:
    """Where to call: as told, or where this host's agent said that it listens."""
    kept_host, kept_port = "127.0.0.1", PORT
    try:
        kept = json.loads((folder / "listening").read_text(encoding="utf-8"))
        kept_host, kept_port = str(kept["host"]), int(kept["port"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # an agent elsewhere, or one of before
    if host:
        return host, port or PORT
    return kept_host, port or kept_port


def note_place(folder: Path, host: str, port: int) -> None:
    """Where this host's agent listens, for `call`."""
    reachable = "127.0.0.1" if host in ("0.0.0.0", "") else "::1" if host == "::" else host
    (folder / "listening").write_text(json.dumps({"host": reachable, "port": port}) + "\n", encoding="utf-8")


async def run(args: argparse.Namespace, stdin: TextIO | None = None) -> int:
    """The command; returns its exit status."""
    if args.method in ("?", "list"):
        print("\n".join(sorted(name for name, verb in VERBS.items() if verb.served)))
        return DONE
    if args.arguments == ["?"]:
        if args.method not in VERBS:
            print(f"ovis-agent: there is no verb {args.method}", file=sys.stderr)
            return WRONG
        print(describe(VERBS[args.method]))
        return DONE
    try:
        params = params_of(args.method, args.arguments, stdin or sys.stdin)
    except WrongArguments as err:
        print(f"ovis-agent: {err}", file=sys.stderr)
        return WRONG
    identity = Identity(Path(args.data))
    if not identity.joined:
        print(f"ovis-agent: there is no certificate below {args.data}; say --data, or join first", file=sys.stderr)
        return UNREACHABLE
    host, port = place(identity.folder, args.host, args.port)
    try:
        client = await AgentClient.connect(host, port, identity.client_context(), min(20, args.timeout))
        try:
            found = await client.call(args.method, params, args.timeout, args.flow)
        finally:
            await client.close()
    except VerbError as err:
        print(f"ovis-agent: {err.message} (code {err.code})", file=sys.stderr)
        return UNREACHABLE if err.code == Code.PEER_UNREACHABLE else REFUSED
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return DONE
