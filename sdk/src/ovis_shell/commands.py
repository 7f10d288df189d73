"""The commands of the shell.

Does: run one command line on a session and give its text. Errors are ShellError or the SDK's. Does not: read a terminal.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from ovis_shell import output, words
from ovis_shell.words import ShellError, Typed

_SETTLED = frozenset(
    {
        "up",
        "down",
        "paused",
        "suspended",
        "ok",
        "active",
        "inactive",
        "maintenance",
        "non_operational",
        "error",
        "illegal",
    }
)
_WANTED = {
    "start": "up",
    "stop": "down",
    "shutdown": "down",
    "suspend": "suspended",
    "activate": "up",
    "deactivate": "maintenance",
}


class Shell:
    """One session and what the user set. settings: arguments of the API class."""

    def __init__(self, settings: Dict[str, Any], *, form: str = "text") -> None:
        self.settings, self.form = settings, form
        self.api: Any = None
        self.history: List[str] = []
        self.progress: Optional[Callable[[str], None]] = None
        self.commands: Dict[str, Callable[[Typed], str]] = {
            "list": self.list,
            "show": self.show,
            "add": self.add,
            "create": self.add,
            "update": self.update,
            "remove": self.remove,
            "delete": self.remove,
            "action": self.action,
            "connect": self.connect,
            "disconnect": self.disconnect,
            "status": self.status,
            "info": self.info,
            "ping": self.ping,
            "summary": self.summary,
            "capabilities": self.capabilities,
            "console": self.console,
            "echo": self.echo,
            "file": self.file,
            "history": self.show_history,
            "help": self.help,
        }

    # running ------------------------------------------------------------------------------------------------

    def run(self, line: str) -> str:
        """One line: a command, perhaps with `| program`, `> file`, or `!program`."""
        line = line.strip()
        if not line or line.startswith("#"):
            return ""
        if line.startswith("!"):
            return _system(line[1:], "")
        command, program = _split_outside_quotes(line, "|")
        command, target = _split_outside_quotes(command, ">")
        try:
            parts = shlex.split(command)
        except ValueError as err:
            raise ShellError(f"the line cannot be read: {err}", 2) from err
        text = self.words(parts)
        if target is not None:
            more = target.startswith(">")
            path = Path(target.lstrip(">").strip()).expanduser()
            with path.open("a" if more else "w", encoding="utf-8") as out:
                out.write(text)
            return ""
        return text if program is None else _system(program, text)

    def words(self, parts: Sequence[str]) -> str:
        """One command in words."""
        verb, rest = parts[0], parts[1:]
        run = self.commands.get(verb)
        if run is None:
            raise ShellError(f"there is no command {verb!r}; there are: {', '.join(sorted(self.commands))}", 2)
        self.history.append(shlex.join(parts))
        return run(words.read_words(rest))

    def connected(self) -> Any:
        """The session, opened if it is not."""
        if self.api is None:
            if not self.settings.get("url"):
                raise ShellError("not connected: connect --url URL --user NAME", 2)
            from ovirtsdk.api import API

            self.api = API(**self.settings)
        return self.api

    # reading ------------------------------------------------------------------------------------------------

    def list(self, given: Typed) -> str:
        """list TYPE [--query Q] [--max N] [--show-all] [--output FORM] [--PROPERTY VALUE] [--parent-TYPE-name NAME]"""
        kind = _need(given, 0, "list what?")
        form, everything = self._form(given), given.take("show-all")
        query, most, kwargs = given.take("query"), given.take("max"), given.take("kwargs")
        found = words.collection(self.connected(), kind, given)
        values: Dict[str, Any] = dict(pair.split("=", 1) for pair in str(kwargs).split(";")) if kwargs else {}
        values.update((name.replace("-", "."), value) for name, value in given.options)
        if query is not None and not found._searched:
            raise ShellError(f"{kind} cannot be searched; give --PROPERTY VALUE")
        if query is not None:
            values["query"] = query
        if most is not None:
            values["max"] = words.scalar("int", "max", most)
        rows = found.list(**values)
        return (
            output.render(rows, form, brief=not everything and form in ("text", "table"), many=True)
            if rows or form == "json"
            else ""
        )

    def show(self, given: Typed) -> str:
        """show TYPE ID|NAME [--output FORM] [--parent-TYPE-name NAME]"""
        form = self._form(given)
        return output.render([self._object(given)], form, brief=False, many=False)

    def _object(self, given: Typed) -> Any:
        kind = _need(given, 0, "of which type?")
        by = "id" if given.take("id") else ""
        found = words.collection(self.connected(), kind, given)
        typed = given.plain[1] if len(given.plain) > 1 else given.take("name", "identifier")
        if not typed:
            raise ShellError(f"which {words.singular(found._segment)}? Give its id or name.", 2)
        return words.one(found, str(typed), by=by)

    def _form(self, given: Typed) -> str:
        form = given.take("output") or self.form
        if form not in output.FORMS:
            raise ShellError(f"--output is one of {', '.join(output.FORMS)}", 2)
        return str(form)

    # changing -----------------------------------------------------------------------------------------------

    def add(self, given: Typed) -> str:
        """add TYPE --name NAME [--PROPERTY VALUE]... [--parent-TYPE-name NAME] [--expect 201-created]"""
        kind = _need(given, 0, "add what?")
        form = self._form(given)
        how = {"correlation_id": given.take("correlation_id"), "expect": given.take("expect")}
        found = words.collection(self.connected(), kind, given)
        if not hasattr(found, "add"):
            raise ShellError(f"{found._segment} cannot be added here")
        body = words.fill(words.body_type(found.add)(), given.options)
        return output.render([found.add(body, **how)], form, brief=False, many=False)

    def update(self, given: Typed) -> str:
        """update TYPE ID|NAME --PROPERTY VALUE..."""
        form = self._form(given)
        o = self._object(Typed(given.plain, _parents_only(given)))
        if not hasattr(o, "update"):
            raise ShellError(f"{given.plain[0]} cannot be changed")
        if not given.options:
            raise ShellError("update what? Give --PROPERTY VALUE.", 2)
        change = type(o)()._at(o.context, o._path)
        words.fill(change, given.options)
        return output.render([change.update()], form, brief=False, many=False)

    def remove(self, given: Typed) -> str:
        """remove TYPE ID|NAME [--force] [--async] [--PROPERTY VALUE]"""
        asynchronous = given.take("async")
        o = self._object(Typed(given.plain, _parents_only(given)))
        if not hasattr(o, "delete"):
            raise ShellError(f"{given.plain[0]} cannot be removed")
        kind = words.body_type(o.delete)
        body = words.fill(kind(), given.options) if given.options else None
        o.delete(body, async_=True if asynchronous else None)
        return "complete\n"

    def action(self, given: Typed) -> str:
        """action TYPE ID|NAME ACTION [--wait] [--PROPERTY VALUE]... [--parent-TYPE-name NAME]"""
        from ovirtsdk.xml import params

        wait, asynchronous = given.take("wait"), given.take("async")
        name = _need(given, 2, "which action?")
        o = self._object(Typed(given.plain[:2], _parents_only(given)))
        if name not in words.actions_of(o):
            raise ShellError(f"{given.plain[0]} has no action {name!r}; it has: {', '.join(words.actions_of(o))}", 2)
        options = {"async_": True} if asynchronous else {}
        method = getattr(o, name, None) or getattr(o, name + "_")
        answer = method(words.fill(params.Action(), given.options), **options)
        state = answer.status.state if answer.status else "complete"
        if wait:
            state = self._settled(o, name)
        return f"status-state : {state}\n"

    def _settled(self, o: Any, action: str) -> str:
        """Wait until an object's status is one to stay; its status."""
        wanted, state = _WANTED.get(action), ""
        for _ in range(1200):
            answer = o.context.request("GET", o._path)
            found = type(o).decode(answer) if answer is not None else None
            state = str(found.status.state) if found is not None and found.status is not None else ""
            if self.progress is not None:
                self.progress(f"{o.name}: {state}")
            if state == wanted or (wanted is None and state in _SETTLED) or state in ("error", "illegal"):
                return state
            time.sleep(0.5)
        raise ShellError(f"{o.name} is still {state}")

    # the session --------------------------------------------------------------------------------------------

    def connect(self, given: Typed) -> str:
        """connect [URL] [--url URL] [--user NAME] [--password-file FILE] [--ca-file FILE] [--insecure] [--filter]"""
        for name in ("url", "ca_file", "key_file", "cert_file", "timeout", "port", "session_timeout"):
            value = given.take(name, name.replace("_", "-"))
            if value is not None:
                self.settings[name] = value
        if given.plain:
            self.settings["url"] = given.plain[0]
        user = given.take("user", "username")
        if user:
            self.settings["username"] = user
        file, password = given.take("password-file"), given.take("password")
        if file:
            password = Path(str(file)).expanduser().read_text(encoding="utf-8").strip()
        if password:
            self.settings["password"] = password
        for name in ("insecure", "filter", "debug"):
            if given.take(name):
                self.settings[name] = True
        if given.options:
            raise ShellError(f"--{given.options[0][0]} is not known here", 2)
        self.disconnect(given)
        self.connected()
        return f"connected to {self.settings['url']}\n"

    def disconnect(self, given: Typed) -> str:
        """disconnect"""
        if self.api is not None:
            self.api.disconnect()
            self.api = None
            return "disconnected\n"
        return ""

    def status(self, given: Typed) -> str:
        """status: whether there is a session, and where"""
        if self.api is None:
            return "connected : no\n"
        how = self.settings
        return f"connected : yes\nurl       : {how['url']}\nuser      : {how.get('username', '')}\n"

    def ping(self, given: Typed) -> str:
        """ping: whether the engine answers"""
        self.connected().test(throw_exception=True)
        return "success: the engine answers\n"

    def info(self, given: Typed) -> str:
        """info: versions"""
        product = self.connected().get_product_info()
        return output.render([product], self._form(given), brief=False, many=False)

    def summary(self, given: Typed) -> str:
        """summary: counts of hosts, storage domains, users and VMs"""
        found = self.connected().get_summary()
        if found is None:
            raise ShellError("only administrators see the summary")
        return output.render([found], self._form(given), brief=False, many=False)

    def capabilities(self, given: Typed) -> str:
        """capabilities: what the engine can do, by version"""
        rows = self.connected().capabilities.list()
        return output.render(rows, self._form(given), brief=False, many=True)

    def console(self, given: Typed) -> str:
        """console VM [--protocol vnc|spice] [--save FILE]: opens remote-viewer, or writes its file; --serial [--take]: the
        serial line, in this terminal"""
        import shutil
        import tempfile

        name = _need(given, 0, "the console of which VM?")
        vm = words.one(self.connected().vms, name)
        if given.take("serial"):
            from ovis_shell import serial

            serial.attach(vm.context, vm.id, str(vm.name), take=bool(given.take("take")))
            return ""
        wanted, target = given.take("protocol"), given.take("save")
        found = [c for c in vm.graphicsconsoles.list() if wanted is None or c.protocol == wanted]
        if not found:
            raise ShellError(f"{name} has no console" + (f" by {wanted}" if wanted else ""))
        text = vm.context.text(found[0]._path, accept="application/x-virt-viewer")
        if target:
            Path(str(target)).write_text(text, encoding="utf-8")
            return f"{target}\n"
        viewer = shutil.which("remote-viewer")
        if viewer is None:
            raise ShellError("remote-viewer is not installed; --save FILE writes the file that it opens")
        with tempfile.NamedTemporaryFile("w", suffix=".vv", delete=False) as out:
            out.write(text)
        subprocess.Popen([viewer, out.name], start_new_session=True)
        return ""

    # helpers ------------------------------------------------------------------------------------------------

    def echo(self, given: Typed) -> str:
        """echo WORDS"""
        return " ".join(given.plain) + "\n"

    def file(self, given: Typed) -> str:
        """file SCRIPT: runs the commands in a file, one a line"""
        path = Path(_need(given, 0, "which file?")).expanduser()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as err:
            raise ShellError(f"{path}: {err.strerror}") from err
        return "".join(self.run(line) for line in lines)

    def show_history(self, given: Typed) -> str:
        """history"""
        return "".join(f"{n} {line}\n" for n, line in enumerate(self.history, 1))

    def help(self, given: Typed) -> str:
        """help [COMMAND [TYPE]]"""
        if not given.plain:
            return "".join(f"{name:<13} {_usage(run)}\n" for name, run in sorted(self.commands.items()))
        run = self.commands.get(given.plain[0])
        if run is None:
            raise ShellError(f"there is no command {given.plain[0]!r}", 2)
        text = _usage(run) + "\n"
        if len(given.plain) > 1:
            text += self._help_of_type(given.plain[0], given.plain[1], Typed(given.plain[1:], given.options))
        return text

    def _help_of_type(self, verb: str, kind: str, given: Typed) -> str:
        found = words.collection(self.connected(), kind, given)
        method = {"add": getattr(found, "add", None), "list": getattr(found, "list", None)}.get(verb)
        if verb in ("update", "remove", "delete"):
            method = getattr(found._of, "delete" if verb != "update" else "update", None)
        if verb == "action":
            return "".join(f"  {name}\n" for name in words.actions_of(found._of))
        return (method.__doc__ or "") + "\n" if method is not None else ""


def _usage(run: Callable[..., Any]) -> str:
    return (run.__doc__ or "").strip().splitlines()[0]


def _need(given: Typed, at: int, ask: str) -> str:
    if len(given.plain) <= at:
        raise ShellError(ask, 2)
    return given.plain[at]


def _parents_only(given: Typed) -> List[Any]:
    """Options that name parents, taken from the others."""
    found = [(n, v) for n, v in given.options if n.startswith("parent-") or n.endswith("-identifier")]
    for pair in found:
        given.options.remove(pair)
    return found


def _split_outside_quotes(line: str, mark: str) -> Any:
    quote = ""
    for at, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == mark and (mark != ">" or (at and line[at - 1] == " ")):
            return line[:at], line[at + 1 :].strip()
    return line, None


def _system(program: str, text: str) -> str:
    done = subprocess.run(program, shell=True, input=text, capture_output=True, text=True)  # noqa: S602  the user's own shell
    if done.returncode:
        raise ShellError(done.stderr.strip() or f"{program.split()[0]}: status {done.returncode}", done.returncode)
    return done.stdout
