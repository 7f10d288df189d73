"""UI plugins: descriptors and configuration as files, what the page is told, and no way out of a plugin's folder."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ovis.engine.http.messages import Answer, Request
from ovis.engine.http.ui_plugin_files import UiPluginFiles, file_below
from ovis.engine.http.ui_plugins import UiPlugins, blank_comments
from ovis.engine.main.plugins import set_enabled, with_enabled
from ovis.engine.main.program import main

FORMS = ("/ovirt-engine/webadmin/plugin/", "/webadmin/webadmin/plugin/")


@pytest.fixture
def plugins(tmp_path: Path) -> UiPlugins:
    """A site without plugins."""
    found = UiPlugins(tmp_path / "ui-plugins", tmp_path / "etc")
    found.folder.mkdir()
    found.config_folder.mkdir()
    return found


def put(plugins: UiPlugins, stem: str, descriptor: Any, own: Any = None) -> None:
    """Write a plugin's files; text as it is, values as JSON."""
    for file, value in ((plugins.folder / f"{stem}.json", descriptor), (plugins.config_file(stem), own)):
        if value is not None:
            file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def ask_for(served: UiPluginFiles, path: str, method: str = "GET", **headers: str) -> Answer | None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.answer(Request(method, path, "", named, receive, "127.0.0.1", "https"))


def header(answer: Answer, name: str) -> str:
    return dict(answer.headers).get(name, "")


def names(plugins: UiPlugins) -> list[str]:
    return [found["name"] for found in plugins.definitions()]


def test_the_sites_configuration_goes_over_the_plugins_and_decides_the_order(plugins: UiPlugins) -> None:
    told = """{ // a plugin
      "name": "a", "url": "plugin/a/http://x.html", /* "url": "no", */
      "config": {"kept": "// no comment", "deep": {"x": 1, "y": 2}, "changed": 1}, "lazyLoad": false, "enabled": false
    }"""
    put(plugins, "a", told, {"config": {"changed": 2, "deep": {"z": 3}}, "order": 20})
    put(plugins, "b", {"name": "b", "url": "b.html", "apiVersion": "4.4"}, {"order": 3, "enabled": False})
    put(plugins, "c", {"name": "c", "url": "c.html"})
    assert plugins.definitions() == [
        {"name": "b", "url": "b.html", "config": {}, "lazyLoad": True, "enabled": False, "apiVersion": "4.4"},
        {
            "name": "a",
            "url": "plugin/a/http://x.html",
            "config": {"kept": "// no comment", "deep": {"z": 3}, "changed": 2},
            "lazyLoad": False,
            "enabled": True,
        },
        {"name": "c", "url": "c.html", "config": {}, "lazyLoad": True, "enabled": True},
    ]


def test_changes_count_without_a_restart_and_the_last_good_version_stays(plugins: UiPlugins) -> None:
    put(plugins, "a", {"name": "a", "url": "one"})
    assert plugins.definitions()[0]["url"] == "one"
    put(plugins, "a", {"name": "a", "url": "another"})
    assert plugins.definitions()[0]["url"] == "another"
    put(plugins, "a", '{"name": "a", ')
    with capture_logs() as logs:
        assert plugins.definitions()[0]["url"] == "another"
        plugins.definitions()
    assert len(logs) == 1
    assert "a.json: it is no JSON" in logs[0]["fault"]
    put(plugins, "a", {"name": "a", "url": "mended"}, {"enabled": False})
    assert plugins.definitions() == [{"name": "a", "url": "mended", "config": {}, "lazyLoad": True, "enabled": False}]
    plugins.config_file("a").unlink()
    assert plugins.definitions()[0]["enabled"] is True
    (plugins.folder / "a.json").unlink()
    assert plugins.definitions() == []


@pytest.mark.parametrize(
    ("descriptor", "own", "faults"),
    [
        ({"url": "x"}, None, ["name is missing"]),
        (
            {"name": " ", "url": 5, "config": []},
            None,
            ["name is blank", "url must be a string", "config must be an obj"],
        ),
        ({"name": "a", "url": "x", "lazyLoad": "no"}, None, ["lazyLoad must be true or false"]),
        ({"name": "a", "url": "x", "resourcePath": "../etc"}, None, ["resourcePath leaves"]),
        ({"name": "a", "url": "x", "resourcePath": "/etc"}, None, ["resourcePath leaves"]),
        ({"name": "a", "url": "x"}, {"order": True, "enabled": 1}, ["enabled must be", "order must be an integer"]),
        ([], None, ["it is no JSON object"]),
        ("[" * 100_000, None, ["it is "]),
        ('{"name": "a", "url": "x", "config": {"n": NaN}}', None, ["NaN is no JSON"]),
    ],
)
def test_what_is_wrong_is_said_and_the_others_go_on(
    plugins: UiPlugins, descriptor: Any, own: Any, faults: list[str]
) -> None:
    put(plugins, "bad", descriptor, own)
    put(plugins, "good", {"name": "good", "url": "x"})
    with capture_logs() as logs:
        assert names(plugins) == ["good"]
    said = [entry["fault"] for entry in logs]
    assert len(said) == len(faults)
    for text, fault in zip(said, faults, strict=True):
        assert fault in text
        assert str(plugins.config_file("bad") if own else plugins.folder / "bad.json") in text


def test_a_second_plugin_of_a_name_is_left_out_and_a_broken_configuration_counts_as_none(plugins: UiPlugins) -> None:
    put(plugins, "a", {"name": "same", "url": "first"}, "{ not json")
    put(plugins, "b", {"name": "same", "url": "second"})
    with capture_logs() as logs:
        assert [found["url"] for found in plugins.definitions()] == ["first"]
        plugins.look()
    assert len(logs) == 2
    assert set(plugins.faults()) == {"a", "b"}


def test_files_come_by_both_addresses_with_their_type_and_are_asked_again(plugins: UiPlugins) -> None:
    put(plugins, "a", {"name": "a b", "url": "x", "resourcePath": "files"})
    put(plugins, "bare", {"name": "bare", "url": "x"})
    (plugins.folder / "files" / "deep").mkdir(parents=True)
    (plugins.folder / "files" / "start.html").write_text("<p>here", encoding="utf-8")
    (plugins.folder / "files" / "deep" / "x.js").write_text("1", encoding="utf-8")
    served = UiPluginFiles(plugins)
    for form in FORMS:
        page = ask_for(served, form + "a%20b/start.html")
        assert page is not None
        assert (page.status, page.body, page.content_type) == (200, b"<p>here", "text/html;charset=UTF-8")
        assert header(page, "Cache-Control") == "no-cache"
        script = ask_for(served, form + "a%20b/deep/x.js")
        assert script is not None
        assert script.content_type == "text/javascript;charset=UTF-8"
        again = ask_for(served, form + "a%20b/start.html", if_none_match=f'"old", W/{header(page, "ETag")}')
        assert again is not None
        assert again.status == 304
        for missing in ("a%20b", "a%20b/", "a%20b/deep", "a%20b/deep/", "a%20b/no.js", "nobody/x", "bare/x", ""):
            refused = ask_for(served, form + missing)
            assert refused is not None
            assert refused.status == 404, missing
        posted = ask_for(served, form + "a%20b/start.html", "POST")
        assert posted is not None
        assert posted.status == 405
    assert ask_for(served, "/ovirt-engine/webadmin/") is None


def test_no_path_leaves_the_plugins_folder(plugins: UiPlugins, tmp_path: Path) -> None:
    put(plugins, "a", {"name": "a", "url": "x", "resourcePath": "files"}, {"config": {"secret": 1}})
    folder = plugins.folder / "files"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "ok.txt").write_text("inside", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("outside", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    (folder / "round").symlink_to("round")
    os.mkfifo(folder / "pipe")
    served = UiPluginFiles(plugins)
    pieces = (
        "..", "%2e%2e", "%252e%252e", ".%2e", "/", "//", "%2f", "%5c", "\\", "%00", ".", "in", "up", "link.txt", "round",
        "pipe", "secret.txt", "ok.txt", "a.json", "etc", "passwd", "files", "%c0%ae", "%ff", "~", "C:", "x" * 300, ";", "?", "\n",
    )  # fmt: skip
    chance = random.Random(20)
    for _ in range(6000):
        path = "".join(chance.choice(pieces) + chance.choice(("", "/", "/")) for _ in range(chance.randrange(1, 8)))
        found = ask_for(served, chance.choice(FORMS) + "a/" + path)
        assert found is not None
        assert found.status == 404 or found.body == b"inside", path
    inside = file_below(folder, "in/ok.txt")
    assert inside is not None
    assert inside.read_text(encoding="utf-8") == "inside"


def test_comments_go_and_nothing_moves() -> None:
    text = '{"a": "/* no */ \\" // no", /* yes\n */ "b": 1 // yes\n}'
    plain = blank_comments(text)
    assert len(plain) == len(text)
    assert json.loads(plain) == {"a": '/* no */ " // no', "b": 1}
    assert blank_comments('{} /* "open') == '{} /* "open'


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("{}", '{"enabled": false}'),
        ('/* {} */ {"order": 1 /* ours */}', '/* {} */ {"enabled": false, "order": 1 /* ours */}'),
        (
            '{"config": {"enabled": true}, "enabled": /* on */ true, "order": 2}',
            '{"config": {"enabled": true}, "enabled": /* on */ false, "order": 2}',
        ),
    ],
)
def test_a_plugin_is_disabled_without_touching_what_else_is_said(text: str, changed: str) -> None:
    assert with_enabled(text, False) == changed


def test_the_command_line_lists_and_switches(
    plugins: UiPlugins, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    put(plugins, "steps", {"name": "first-steps", "url": "x", "version": "1.2"})
    put(plugins, "bad", {"name": "bad"})
    (tmp_path / "ovis.toml").write_text(f'ui_plugins_config_dir = "{plugins.config_folder}"\n', encoding="utf-8")
    call = ["plugins", "--data", str(tmp_path)]
    assert main([*call, "disable", "first-steps"]) == 0
    assert main([*call, "list"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["first-steps", "disabled", "1.2", "steps.json"]
    assert "url is missing" in said[2]
    assert plugins.definitions()[0]["enabled"] is False
    assert main([*call, "enable", "first-steps"]) == 0
    assert plugins.definitions()[0]["enabled"] is True
    assert main([*call, "enable", "nobody"]) == 1
    assert main([*call, "enable"]) == 2
    set_enabled(plugins.config_folder / "new" / "x-config.json", True)
    assert json.loads((plugins.config_folder / "new" / "x-config.json").read_text(encoding="utf-8")) == {
        "enabled": True
    }
