"""`ovis-agent hooks` as an administrator types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.hooks.scripts import PYTHON, Scene

DOMAIN = "<domain><devices><interface><filterref filter='vdsm-no-mac-spoofing'/></interface></devices></domain>"


def hooks(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program."""
    argv = [sys.executable, "-m", "ovis.agent.main.program", "hooks", *args]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, errors="replace", timeout=120)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    (tmp_path / "d.xml").write_text(DOMAIN)
    (tmp_path / "d.json").write_text('{"a": 1}')
    return scene


def dry(scene: Scene, point: str, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return hooks("run", "--hooks-dir", str(scene.hooks), "--point", point, *args, stdin=stdin)


SPOOF = f"""#!{PYTHON}
import os
import hooking
if hooking.tobool(os.environ.get('macspoof')):
    xml = hooking.read_domxml()
    for nic in xml.getElementsByTagName('interface'):
        for ref in nic.getElementsByTagName('filterref'):
            nic.removeChild(ref)
    hooking.write_domxml(xml)
"""


def test_a_hook_is_tried_dry(scene: Scene) -> None:
    scene.put("before_vm_start", "50_macspoof", SPOOF)
    scene.record("before_vm_start", "60_record")
    args = ("--domxml", str(scene.base / "d.xml"), "--vm-id", "id-1", "--device-env", '{"both": "d", "dev": "1"}')
    done = dry(scene, "before_vm_start", *args, "--env", '{"macspoof": "true", "both": "vm"}')
    assert done.returncode == 0
    assert done.stdout == '<?xml version="1.0" encoding="utf-8"?><domain><devices><interface/></devices></domain>'
    assert done.stderr.splitlines() == ["50_macspoof: exit status 0", "60_record: exit status 0"]
    env = scene.records()[0]["environment"]
    assert (env["both"], env["dev"], env["vmId"]) == ("vm", "1", "id-1")
    assert dry(scene, "before_vm_start", "--domxml", "-", stdin=DOMAIN).stdout == DOMAIN


@pytest.mark.parametrize(
    ("point", "status", "rc"),
    [
        ("before_vm_start", 1, 1),
        ("before_vm_start", 2, 1),
        ("before_vm_start", 7, 1),
        ("after_vm_start", 2, 0),
        ("before_vm_destroy", 1, 0),
    ],
)
def test_its_exit_status_is_whether_the_operation_would_have_failed(
    scene: Scene, point: str, status: int, rc: int
) -> None:
    scene.put(point, "50_x", f"#!/bin/sh\necho 'went wrong' >&2\nexit {status}\n")
    done = dry(scene, point, "--domxml", str(scene.base / "d.xml"))
    assert done.returncode == rc
    assert f"50_x: exit status {status}, stderr: 'went wrong\\n'" in done.stderr
    if rc:
        assert "failed: Hook Error: (b'went wrong\\n',)" in done.stderr


def test_json_points_take_json(scene: Scene) -> None:
    scene.put(
        "after_get_caps",
        "50_x",
        f"#!{PYTHON}\nimport hooking\nd = hooking.read_json()\nd['b'] = 2\nhooking.write_json(d)\n",
    )
    done = dry(scene, "after_get_caps", "--json", str(scene.base / "d.json"))
    assert done.returncode == 0 and json.loads(done.stdout) == {"a": 1, "b": 2}
    scene.put("after_get_caps", "60_x", "#!/bin/sh\necho nonsense >$_hook_json\n")
    done = dry(scene, "after_get_caps")
    assert done.returncode == 1 and "not JSON" in done.stderr


@pytest.mark.parametrize("content", ["", "text", "<domain", "\\377"])
def test_a_document_that_would_be_of_no_use_fails(scene: Scene, content: str) -> None:
    scene.put("before_vm_start", "50_x", f"#!/bin/sh\nprintf '{content}' >$_hook_domxml\n")
    assert dry(scene, "before_vm_start", "--domxml", str(scene.base / "d.xml")).returncode == 1
    scene.put("after_vm_start", "50_x", f"#!/bin/sh\nprintf '{content}' >$_hook_domxml\n")
    done = dry(scene, "after_vm_start", "--domxml", str(scene.base / "d.xml"))
    assert done.returncode == 0 and "does not count" in done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--point", "before_nothing"], "no hook point"),
        (["--point", "before_vm_start", "--domxml", "/no/file"], "No such file"),
        (["--point", "before_vm_start", "--json", "-"], "takes XML"),
        (["--point", "after_get_caps", "--domxml", "-"], "takes JSON"),
        (["--point", "after_get_caps", "--json", "-"], "Expecting value"),
        (["--point", "before_vm_start", "--env", "{"], "--env is no JSON"),
        (["--point", "before_vm_start", "--env", '{"a": null}'], "values are texts"),
        (["--point", "before_vm_start", "--env", '{"a": [1]}'], "values are texts"),
        (["--point", "before_vm_start", "--device-env", "[]"], "--device-env is an object"),
    ],
)
def test_a_wrong_call_is_told_and_ends_with_2(scene: Scene, args: list[str], said: str) -> None:
    done = hooks("run", "--hooks-dir", str(scene.hooks), *args)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert hooks("run", "--hooks-dir", "/no/folder", "--point", "before_vm_start").returncode == 2


def test_scripts_are_listed_in_their_order(scene: Scene) -> None:
    scene.put("before_vm_start", "9_x", "#!/bin/sh\n")
    scene.put("before_vm_start", "10_x", "#!/bin/sh\n")
    done = hooks("list", "--hooks-dir", str(scene.hooks))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["before_vm_start", "10_x", "9_x"]
    found = json.loads(hooks("list", "--hooks-dir", str(scene.hooks), "--json").stdout)
    assert list(found["before_vm_start"]) == ["10_x", "9_x"]
    assert len(hooks("list", "--points").stdout.splitlines()) == 58


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        command = [sys.executable, "-m", "ovis.agent.main.program", "hooks", "list", "--points"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_folder_is_installed_listed_run_and_removed(scene: Scene) -> None:
    folder = scene.base / "macspoof"
    folder.mkdir()
    (folder / "before_vm_start.py").write_text(SPOOF)
    (folder / "Makefile").write_text("")
    where = ("--hooks-dir", str(scene.hooks))
    done = hooks("install", str(folder), *where, "--sudoers-dir", str(scene.base / "sudoers.d"), "--number", "30")
    assert done.returncode == 0 and done.stdout.strip() == str(scene.hooks / "before_vm_start/30_macspoof")
    assert done.stderr == "not installed: Makefile\n"
    done = dry(scene, "before_vm_start", "--domxml", str(scene.base / "d.xml"), "--env", '{"macspoof": "1"}')
    assert "filterref" not in done.stdout and done.returncode == 0
    assert hooks("remove", "macspoof", *where).returncode == 0
    assert hooks("list", *where).stdout == ""
    done = hooks("remove", "macspoof", *where)
    assert done.returncode == 1 and "There is no hook macspoof" in done.stderr
    done = hooks("install", str(scene.base / "nothing"), *where)
    assert done.returncode == 1 and "is no folder" in done.stderr
    assert hooks("install", str(folder), *where, "--share", "x").returncode == 2
