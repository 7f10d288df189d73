#!/usr/bin/env python3
"""Runs the examples of a talk about oVirt's API against an engine: `run_talk.py FILE URL --password-file F --ca-file C`.

Does: find REST requests (`GET http(s)://server:port/api/...` with or without a body), RSDL addresses, Python blocks that import
`ovirtsdk`, completions (`api.v`), one-line SDK calls and shell commands in the text, run each against the engine at URL, in XML and
JSON where both exist, and say which passed. Where a slide leaves out a body (`...`) the least that the engine takes stands in; a
template that a slide names is made first. What was made is removed. Exit status 1 if one failed. Needs the SDK (sdk/).
"""

import argparse
import base64
import io
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.M | re.S)
_REQUEST = re.compile(r"^(GET|POST|PUT|DELETE)\s+https?(?:\(s\))?://[^/\s]+(/api\S*)\s*(.*)", re.S)
_ADDRESS = re.compile(r"https?://[^/\s`]+\s*(/api\S*)")
_HEADING = re.compile(r"^#+ +(.*)$", re.M)


class Talk:
    """The engine under test and what has been made for it."""

    def __init__(self, url: str, user: str, password: str, ca_file: str) -> None:
        self.url, self.user, self.password, self.ca_file = url.rstrip("/"), user, password, ca_file
        self.context = ssl.create_default_context(cafile=ca_file)
        from ovirtsdk.api import API

        self._api = API

    def ask(self, method: str, path: str, body: str = "", form: str = "xml") -> tuple[int, str]:
        """A request; status and text."""
        request = urllib.request.Request(
            self.url + path.removeprefix("/api"), method=method, data=body.encode() or None
        )
        request.add_header(
            "Authorization", "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        )
        request.add_header("Accept", f"application/{form}")
        if body:
            request.add_header("Content-Type", f"application/{form}")
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as err:
            return err.code, err.read().decode()

    def session(self, **_: Any) -> Any:
        """What the slides call API: this engine, whatever address they name."""
        return self._api(self.url, self.user, self.password, ca_file=self.ca_file)


def _read(text: str, form: str) -> dict[str, Any]:
    """Id and name of an answer, by either form."""
    if form == "json":
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    root = ElementTree.fromstring(text)
    return {"id": root.get("id"), "name": root.findtext("name"), "tag": root.tag, "members": len(list(root))}


def _body(form: str, name: str) -> str:
    if form == "json":
        return json.dumps({"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}})
    return f"<vm><name>{name}</name><cluster><name>Default</name></cluster><template><name>Blank</name></template></vm>"


def rest(talk: Talk, method: str, path: str, body: str, form: str) -> str:
    """One REST example. `{ID}` is a VM made for it."""
    name = f"talk-{form}-{time.monotonic_ns()}"
    needs_vm = "{ID}" in path
    if needs_vm:
        status, text = talk.ask("POST", "/api/vms", _body(form, name), form)
        assert status in (201, 202), f"no VM to try it on: {status} {text[:200]}"
        path = path.replace("{ID}", _read(text, form)["id"])
    sent = ""
    if method in ("POST", "PUT"):
        renamed = "<name>" in body
        sent = (
            (
                json.dumps({"name": name + "-new"})
                if form == "json"
                else re.sub(r"<name>.*?</name>", f"<name>{name}-new</name>", body)
            )
            if renamed
            else _body(form, name)
        )
    status, text = talk.ask(method, path, sent, form)
    assert status in (200, 201, 202), f"{status} {text[:200]}"
    if method == "PUT":
        assert _read(text, form)["name"] == name + "-new", text[:200]
    elif method == "POST":
        path = f"{path}/{_read(text, form)['id']}"
        needs_vm = True
    elif method == "GET" and not needs_vm:
        found = _read(text, form)
        assert ("vm" in found or found == {}) if form == "json" else found["tag"] == path.rsplit("/", 1)[-1], text[:200]
    if method == "DELETE":
        assert talk.ask("GET", path, "", form)[0] == 404
    elif needs_vm:
        talk.ask("DELETE", path, "" if form == "json" else "<action/>", form)
    return f"{status}"


def rsdl(talk: Talk, path: str) -> str:
    """The description: how to create, which actions, mandatory and optional, types, overloads."""
    status, text = talk.ask("GET", path)
    links = ElementTree.fromstring(text).findall("links/link")
    assert status == 200 and links
    parameters = [p for link in links for p in link.iter("parameter")]
    assert {p.get("required") for p in parameters} == {"true", "false"}
    return f"{len(links)} operations"


def sdk(talk: Talk, code: str) -> str:
    """A block as it stands, but for the engine's address and print as a statement."""
    from ovirtsdk.xml import params

    api = talk.session()
    template = re.search(r"templates\.get\(name=['\"](\w+)['\"]\)", code)
    made: list[Any] = []
    if template and api.templates.get(name=template.group(1)) is None:
        vm = api.vms.add(
            params.VM(name="talk-base", cluster=params.Cluster(name="Default"), template=params.Template(name="Blank"))
        )
        made = [api.templates.add(params.Template(name=template.group(1), vm=vm)), vm]
        _until(lambda: api.templates.get(name=template.group(1)).status.state == "ok")
    import ovirtsdk.api

    original, ovirtsdk.api.API = ovirtsdk.api.API, talk.session  # type: ignore[misc, assignment]
    names: dict[str, Any] = {}
    try:
        with redirect_stdout(io.StringIO()):
            exec(compile(re.sub(r"^print +(.+)$", r"print(\1)", code, flags=re.M), "<slide>", "exec"), names)
    finally:
        ovirtsdk.api.API = original  # type: ignore[misc]
    for value in list(names.values()):
        if hasattr(value, "_path") and type(value).__name__ == "VM":
            _until(lambda value=value: api.vms.get(id=value.id).status.state == "down")
            value.delete()
            _until(lambda value=value: api.vms.get(id=value.id) is None)
    for one in made:
        one.delete()
    return ", ".join(sorted(n for n in names if not n.startswith("_"))) or "ran"


def completion(talk: Talk, typed: str) -> str:
    """What an editor would offer after `api.v` or `api.vms.`."""
    head, _, last = typed.rpartition(".")
    at = talk.session()
    for part in head.split(".")[1:]:
        at = getattr(at, part)
    found = [n for n in dir(at) if n.startswith(last) and not n.startswith("_")]
    assert found, "nothing is offered"
    return ", ".join(found)


def shell(talk: Talk, command: str) -> str:
    """A command; its output has the slide's form."""
    env = {**os.environ, "OVIS_PASSWORD": talk.password, "OVIRTSHELLRC": os.devnull}
    base = [sys.executable, "-m", "ovis_shell.main", "-l", talk.url, "-u", talk.user, "-A", talk.ca_file]
    status, text = talk.ask("POST", "/api/vms", _body("xml", "Boston"))
    assert status in (201, 202), text[:200]
    try:
        done = subprocess.run(
            [*base, "-E", f"{command} --show-all"], env=env, capture_output=True, text=True, timeout=60
        )
    finally:
        talk.ask("DELETE", f"/api/vms/{_read(text, 'xml')['id']}", "<action/>")
    assert done.returncode == 0, done.stderr
    for key in ("id", "name", "cluster-id", "cpu-topology-cores", "cpu-topology-sockets"):
        assert re.search(rf"^{key} +: \S", done.stdout, re.M), f"no {key}"
    return f"{len(done.stdout.splitlines())} lines"


def _until(look: Callable[[], bool]) -> None:
    for _ in range(300):
        if look():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come")


def examples(talk: Talk, text: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """(title, run) of every example, in the talk's order."""
    heads = [(m.start(), m.group(1).strip("* ")) for m in _HEADING.finditer(text)]
    seen = set()
    for m in re.finditer(r"`(https?://[^`]*\?rsdl)`", text):
        path = _ADDRESS.search(m.group(1))
        if path:
            yield f"RSDL {path.group(1)}", partial(rsdl, talk, path.group(1))
    for m in re.finditer(r"`(https?://[^`]+)`\s*\n", text):
        path = _ADDRESS.search(" ".join(m.group(1).split()))
        if path and "?rsdl" not in m.group(1):
            for form in ("xml", "json"):
                yield f"REST GET {path.group(1)} ({form})", partial(rest, talk, "GET", path.group(1), "", form)
    for m in re.finditer(r"^`(api\.\w+\.\w+\(\))`", text, re.M):
        code = f"from ovirtsdk.api import API\napi = API()\nfound = {m.group(1)}\n"
        yield f"SDK {m.group(1)}", partial(sdk, talk, code)
    for m in re.finditer(r"^`((?:list|show) \w+[^`]*)`", text, re.M):
        yield f"shell {m.group(1)}", partial(shell, talk, m.group(1))
    for m in _BLOCK.finditer(text):
        code = m.group(1)
        title = next((h for at, h in reversed(heads) if at < m.start()), "")
        request = _REQUEST.match(code.strip())
        if request:
            method, path, body = request.groups()
            for form in ("xml", "json"):
                yield f"REST {method} {path} ({form})", partial(rest, talk, method, path, body, form)
        elif "from ovirtsdk" in code and code not in seen and "sys.argv" not in code:
            seen.add(code)
            yield f"SDK block under {title!r}", partial(sdk, talk, code)
        after = text[m.end() :]
        typed = re.match(r"\s*\n(?:```\n)?\s*(api\.\w*\.?)\s*\n", after)
        if typed and "from ovirtsdk" in code:
            yield f"completion {typed.group(1)}", partial(completion, talk, typed.group(1))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("url", help="https://engine[:port]/api")
    parser.add_argument("--user", default="admin@internal")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--ca-file", required=True)
    given = parser.parse_args()
    talk = Talk(given.url, given.user, given.password_file.read_text().strip(), given.ca_file)
    failed = 0
    for title, run in examples(talk, given.file.read_text(encoding="utf-8")):
        try:
            print(f"passed  {title}: {run()}")
        except Exception as err:
            failed += 1
            print(f"FAILED  {title}: {type(err).__name__}: {err}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
