"""The prompt: completion of commands, types, names, options and values; history in a file.

Does: read lines from a terminal until `exit` or Ctrl-D. Does not: run commands itself.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, List

from ovis_shell import words

_VERBS_OF_TYPES = ("list", "show", "add", "create", "update", "remove", "delete", "action")
_HISTORY = "~/.ovis_shell_history"


def completions(shell: Any, text: str) -> Iterator[str]:
    """What may come where the text ends."""
    try:
        parts = shlex.split(text)
    except ValueError:
        return
    if text.endswith(" ") or not parts:
        parts.append("")
    last = parts[-1]
    yield from (found for found in _candidates(shell, parts) if found.startswith(last))


def _candidates(shell: Any, parts: List[str]) -> Iterable[str]:
    from ovirtsdk.infrastructure.errors import OvirtSdkError

    if len(parts) == 1:
        return [*sorted(shell.commands), "exit"]
    verb, api = parts[0], shell.api
    if verb == "console" and api is not None and len(parts) == 2:
        return [vm.name for vm in api.vms.list(max=50)]
    if verb not in _VERBS_OF_TYPES or api is None:
        return []
    if len(parts) == 2:
        names = list(words.below(api))
        return names if verb == "list" else [words.singular(name) for name in names]
    try:
        given = words.read_words(parts[2:-1])
        found = words.collection(api, parts[1], words.Typed(given.plain, given.options))
        return _third(verb, found, parts, given)
    except (words.ShellError, OvirtSdkError):
        return []


def _third(verb: str, found: Any, parts: List[str], given: Any) -> Iterable[str]:
    if parts[-1].startswith("--"):
        if verb == "list":
            return ["--query", "--max", "--show-all", "--output"]
        if verb in ("add", "create"):
            return [f"--{name}" for name in words.option_names(words.body_type(found.add))]
        if verb == "update":
            return [f"--{name}" for name in words.option_names(found._of)]
        return ["--wait", "--async", "--force"]
    if verb in ("show", "update", "remove", "delete", "action") and not given.plain:
        return [str(o.name or o.id) for o in found.list(max=50)]
    if verb == "action" and len(given.plain) == 1:
        return words.actions_of(found._of)
    return []


def interact(shell: Any, run: Callable[[Any, Any], int]) -> int:
    """Until the user leaves."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer, Completion
    from prompt_toolkit.history import FileHistory

    class Words(Completer):
        """Bridges to prompt_toolkit."""

        def get_completions(self, document: Any, complete_event: Any) -> Iterator[Completion]:
            text = document.text_before_cursor
            typed = "" if text.endswith(" ") else (text.split(" ")[-1] if text else "")
            for found in completions(shell, text):
                shown = shlex.quote(found) if " " in found else found
                yield Completion(shown, start_position=-len(typed))

    history = FileHistory(str(Path(_HISTORY).expanduser()))
    session: Any = PromptSession(history=history, completer=Words(), complete_while_typing=False)
    print("Ovis shell. `help` lists commands, Tab completes, `exit` leaves.")
    while True:
        state = "connected" if shell.api is not None else "disconnected"
        try:
            line = session.prompt(f"[ovis shell ({state})]# ").strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if line in ("exit", "quit"):
            return 0
        if line:
            run(shell, lambda line=line: shell.run(line))
