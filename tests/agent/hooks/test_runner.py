"""Runs of points with real scripts: documents, environment, order, exit statuses, what is fatal, what counts."""

import asyncio
import hashlib
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ovis.agent.hooks import POINTS, HookError, Hooks
from ovis.agent.hooks.runner import Running, library
from tests.agent.hooks.facts import DOCUMENTS, FACTS
from tests.agent.hooks.scripts import Scene

VM = "5c1f0f5e-1d2b-4c8e-9a51-7b1f0c3d0001"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def hooks_of(scene: Scene, **values: Any) -> Hooks:
    return Hooks(str(scene.hooks), **values)


async def call(hooks: Hooks, point: str, **values: Any) -> Any:
    """Run a point with the kind of document that it takes."""
    kind = FACTS[point][0]
    if kind == "json":
        return await hooks.data(point, {"a": 1}, **values)
    return await hooks.domain(point, DOCUMENTS[kind], **values)


def sent(point: str) -> str:
    kind = FACTS[point][0]
    return {"json": '{"a":1}', "empty": ""}.get(kind) or (DOCUMENTS[kind] if kind != "empty" else "")


@pytest.mark.parametrize("point", FACTS)
async def test_a_script_at_every_point(scene: Scene, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first script changes the document and fails with 1; the second still runs and gets what the first left."""
    monkeypatch.setenv("DAEMON", "its own")
    monkeypatch.setenv("BOTH", "daemon")
    monkeypatch.setenv("PYTHONPATH", "/first")
    kind, fatal, used, _, _ = FACTS[point]
    before = sent(point)
    after = json.dumps({"a": 2}) if kind == "json" else f"{before}<!-- changed -->"
    scene.put(
        point,
        "10_first",
        f"#!/bin/sh\nprintf first >&2\nprintf '%s' '{after.replace(chr(39), chr(34))}' >${{_hook_json:-$_hook_domxml}}\nexit 1\n",
    )
    after = after.replace("'", '"')
    scene.record(point, "20_second")
    scene.order(point, say="second\n")
    given = {"vm_id": VM, "custom": {"own": "vm", "BOTH": "vm"}}
    given["env" if kind == "json" else "device"] = {"own": "device", "only": "device"}
    failure, result = None, None
    try:
        result = await call(hooks_of(scene), point, **given)
    except HookError as err:
        failure = err
    (seen,) = scene.records(point)
    assert seen["document"] == after  # handed on
    assert (seen["arguments"], seen["mode"]) == ([], "0o600")
    env = seen["environment"]
    assert env["DAEMON"] == "its own" and env["BOTH"] == "vm" and env["own"] == "vm" and env["only"] == "device"
    assert env["vmId"] == VM and env["PYTHONPATH"] == f"/first:{library()}"
    assert ("_hook_json" in env, "_hook_domxml" in env) == (kind == "json", kind != "json")
    assert not Path(seen["path"]).exists()  # deleted afterwards
    if fatal:
        assert failure is not None and failure.code == POINTS[point].code
        said = "b'first'" if point == "before_vm_start" else "b'second\\n'"
        words = {"before_network_setup": "Hook error: ", "before_get_vm_stats": "Hook error: "}.get(point, "")
        if "destination" in point:
            words = "Destination hook failed: "
        assert failure.message == f"{words}Hook Error: ({said},)"
        if used and kind != "json":
            assert failure.document == after
    else:
        assert failure is None
        unchanged: Any = {"a": 1} if kind == "json" else DOCUMENTS[kind]
        changed: Any = {"a": 2} if kind == "json" else after
        assert result == (changed if used else unchanged)


@pytest.mark.parametrize("point", FACTS)
async def test_without_scripts_the_same_object_comes_back(scene: Scene, point: str) -> None:
    (scene.hooks / point).mkdir()
    scene.put(point, "helper_utils.py", "x = 1\n", 0o644)
    value = {"a": 1} if FACTS[point][0] == "json" else "<x/>"
    hooks = hooks_of(scene)
    result = await (hooks.data(point, value) if isinstance(value, dict) else hooks.domain(point, value))
    assert result is value


@pytest.mark.parametrize("point", [p for p, f in FACTS.items() if f[2] and not f[1]])
async def test_a_result_counts_where_it_should(scene: Scene, point: str) -> None:
    scene.put(point, "50_x", "#!/bin/sh\necho '[{\"b\": 2}]' >$_hook_json\n")
    assert await call(hooks_of(scene), point) == [{"b": 2}]


@pytest.mark.parametrize("point", [p for p, f in FACTS.items() if f[0] == "json"])
@pytest.mark.parametrize("content", ["", "{", "\\377", "nonsense"])
async def test_what_is_no_json_any_more_is_an_error_at_every_json_point(scene: Scene, point: str, content: str) -> None:
    scene.put(point, "50_x", f"#!/bin/sh\nprintf '{content}' >$_hook_json\n")
    with pytest.raises(HookError, match="not JSON") as caught:
        await call(hooks_of(scene), point)
    assert caught.value.code == POINTS[point].code and "50_x" in caught.value.message


@pytest.mark.parametrize("point", [p for p, f in FACTS.items() if f[0] != "json"])
async def test_xml_that_is_not_utf_8_is_an_error_where_it_would_count(scene: Scene, point: str) -> None:
    scene.put(point, "50_x", "#!/bin/sh\nprintf '\\377\\376' >$_hook_domxml\n")
    if FACTS[point][2]:
        with pytest.raises(HookError, match="not UTF-8"):
            await call(hooks_of(scene), point)
    else:
        assert await call(hooks_of(scene), point) == DOCUMENTS[FACTS[point][0]]


async def test_a_document_that_grew_without_measure_is_refused(scene: Scene) -> None:
    scene.put("before_vm_start", "50_x", "#!/bin/sh\ntruncate -s 40000000 $_hook_domxml\n")
    with pytest.raises(HookError, match="grew beyond 16 MiB"):
        await call(hooks_of(scene), "before_vm_start")


async def test_a_document_that_is_removed_is_an_error(scene: Scene) -> None:
    scene.put("before_vm_start", "50_x", "#!/bin/sh\nrm $_hook_domxml\n")
    with pytest.raises(HookError, match="cannot be read again"):
        await call(hooks_of(scene), "before_vm_start")


@pytest.mark.parametrize("point", [p for p, f in FACTS.items() if f[0] != "json" and not f[2]])
async def test_where_results_do_not_count_a_lost_document_is_nothing(scene: Scene, point: str) -> None:
    scene.put(point, "50_x", "#!/bin/sh\nrm $_hook_domxml\n")
    scene.put(point, "60_x", "#!/bin/sh\ntruncate -s 40000000 $_hook_domxml\n")
    assert await call(hooks_of(scene), point) == DOCUMENTS[FACTS[point][0]]


@pytest.mark.parametrize("point", FACTS)
async def test_without_room_for_the_document_only_fatal_points_fail(
    scene: Scene, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.record(point)
    monkeypatch.setattr(tempfile, "tempdir", str(scene.base / "nowhere"))
    try:
        result = await call(hooks_of(scene), point)
    except HookError as err:
        assert FACTS[point][1], err  # noqa: PT017
        return
    assert not FACTS[point][1] and scene.records() == []
    assert result == ({"a": 1} if FACTS[point][0] == "json" else DOCUMENTS[FACTS[point][0]])


async def test_the_order_is_that_of_bytes(scene: Scene) -> None:
    names = ["9_x", "10_x", "B", "a", "Z_y", "é"]
    for name in names:
        scene.record("before_vm_start", name)
    await call(hooks_of(scene), "before_vm_start")
    assert [r["script"] for r in scene.records()] == ["10_x", "9_x", "B", "Z_y", "a", "é"]


async def test_only_executable_regular_files_run(scene: Scene) -> None:
    scene.record("before_vm_start", "10_runs")
    scene.put("before_vm_start", "20_data", "#!/bin/sh\nexit 2\n", 0o644)
    (scene.hooks / "before_vm_start/30_folder").mkdir()
    os.mkfifo(scene.hooks / "before_vm_start/40_fifo")
    (scene.hooks / "before_vm_start/50_dangling").symlink_to("nowhere")
    (scene.hooks / "before_vm_start/60_link").symlink_to("10_runs")
    hooks = hooks_of(scene)
    assert [os.path.basename(p) for p in hooks.scripts("before_vm_start")] == ["10_runs", "60_link"]
    await call(hooks, "before_vm_start")
    assert [r["script"] for r in scene.records()] == ["10_runs", "60_link"]


@pytest.mark.parametrize(
    ("ending", "goes_on"),
    [
        ("exit 1", True),
        ("exit 2", False),
        ("exit 3", True),
        ("exit 255", True),
        ("kill -9 $$", True),
        ("kill $$", True),
    ],
)
async def test_what_an_exit_status_means(scene: Scene, ending: str, goes_on: bool) -> None:
    scene.put("before_vm_pause", "10_x", f"#!/bin/sh\necho said >&2\n{ending}\n")
    scene.record("before_vm_pause", "20_y")
    with pytest.raises(HookError) as caught:
        await call(hooks_of(scene), "before_vm_pause")
    assert len(scene.records()) == goes_on
    assert caught.value.message == ("Hook Error: (b'',)" if goes_on else "Hook Error: (b'said\\n',)")


async def test_the_error_is_the_last_ones_that_ran_but_at_a_start_the_last_ones_that_failed(scene: Scene) -> None:
    for point in ("before_vm_start", "before_vm_cont"):
        scene.put(point, "1", "#!/bin/sh\necho one >&2\nexit 1\n")
        scene.put(point, "2", "#!/bin/sh\necho two >&2\nexit 1\n")
        scene.put(point, "3", "#!/bin/sh\necho fine >&2\n")
        with pytest.raises(HookError) as caught:
            await call(hooks_of(scene), point)
        word = "two" if point == "before_vm_start" else "fine"
        assert caught.value.message == f"Hook Error: (b'{word}\\n',)"


async def test_values_that_no_process_can_have_are_dropped(scene: Scene) -> None:
    scene.record("before_vm_start")
    custom = {"good": "ü", "bad": "\ud800", "zero": "a\0b", "with=sign": "x", "": "y"}
    await call(hooks_of(scene), "before_vm_start", custom=custom)
    (seen,) = scene.records()
    assert seen["environment"]["good"] == "ü"
    assert not {"bad", "zero", "with=sign", "with", ""} & set(seen["environment"])


async def test_properties_that_are_known_of_a_vm_are_taken_if_none_are_given(scene: Scene) -> None:
    scene.record("before_vm_pause")
    hooks = hooks_of(scene)
    hooks.own = lambda vm_id: {"macspoof": vm_id[:4]}
    await call(hooks, "before_vm_pause", vm_id=VM)
    assert scene.records()[0]["environment"]["macspoof"] == "5c1f"


async def test_a_script_without_a_first_line_is_a_shells_unless_it_is_python(scene: Scene) -> None:
    scene.put("before_vm_start", "10_shell", "printf '<a/>' >$_hook_domxml\n")
    assert await call(hooks_of(scene), "before_vm_start") == "<a/>"
    text = "# comment\n\nimport hooking\nd = hooking.read_domxml()\nd.documentElement.setAttribute('b', 'c')\nhooking.write_domxml(d)\n"
    scene.put("before_vm_start", "20_python", text)
    assert await call(hooks_of(scene), "before_vm_start") == '<?xml version="1.0" encoding="utf-8"?><a b="c"/>'


@pytest.mark.parametrize("text", ["#!/no/such/interpreter\n", b"\x7fELF nonsense"])
async def test_a_script_that_cannot_start_has_failed_and_the_rest_runs(scene: Scene, text: str | bytes) -> None:
    scene.put("before_vm_pause", "10_x", text)
    scene.record("before_vm_pause", "20_y")
    with pytest.raises(HookError):
        await call(hooks_of(scene), "before_vm_pause")
    assert len(scene.records()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
async def test_scripts_run_as_their_user_who_owns_the_document() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        script = Path(folder) / "x"
        script.write_text("#!/bin/sh\nid -un >&2; stat -c '%U %a' $_hook_domxml >&2; echo '<b/>' >$_hook_domxml\n")
        script.chmod(0o755)
        point = replace(POINTS["before_vm_start"], user="nobody")
        done = await Hooks(folder).run(point, [str(script)], b"<a/>", {})
        assert (done.content, done.scripts[0].error) == (b"<b/>\n", b"nobody\nnobody 600\n")
        root = replace(point, user="root")
        assert (await Hooks(folder).run(root, [str(script)], b"", {})).scripts[0].error == b"root\nroot 600\n"
        nobody_knows = replace(point, user="no-such-account")  # as the agent itself then
        assert (await Hooks(folder).run(nobody_knows, [str(script)], b"", {})).scripts[0].error.startswith(b"root")


async def test_a_child_that_a_script_leaves_behind_holds_nobody_up(scene: Scene) -> None:
    scene.put("before_vm_start", "10_x", "#!/bin/sh\nsleep 300 & echo $! >${0%/*}/../../pid\nexit 0\n")
    await asyncio.wait_for(call(hooks_of(scene), "before_vm_start"), 60)
    os.kill(int((scene.base / "pid").read_text()), signal.SIGKILL)


async def test_much_output_is_not_kept(scene: Scene) -> None:
    scene.put(
        "before_vm_pause",
        "10_x",
        "#!/bin/sh\nyes | head -c 3000000\nyes no | head -c 3000000 >&2\necho end >&2\nexit 1\n",
    )
    with pytest.raises(HookError, match=r"end\\n") as caught:
        await call(hooks_of(scene), "before_vm_pause")
    assert len(caught.value.message) < 200_000


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def hanging(scene: Scene) -> int:
    """The id of a script that hangs, once it does."""
    for _ in range(600):
        file = scene.base / "pid"
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        await asyncio.sleep(0.1)
    raise AssertionError("the script did not begin")


HANGS = "#!/bin/sh\necho $$ >${0%/*}/../../pid\nsleep 600\n"


async def test_a_script_that_hangs_is_named_and_goes_with_who_gives_it_up(scene: Scene) -> None:
    scene.put("before_vm_start", "50_hangs", HANGS)
    hooks = hooks_of(scene)
    told: list[tuple[str, Running | None]] = []
    hooks.told = lambda vm_id, running: told.append((vm_id, running))
    task = asyncio.ensure_future(call(hooks, "before_vm_start", vm_id=VM))
    pid = await hanging(scene)
    running = hooks.running[VM]
    assert (running.point, running.script) == ("before_vm_start", "50_hangs") and running.begun <= time.time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        if not alive(pid):
            break
        await asyncio.sleep(0.1)
    assert not alive(pid) and hooks.running == {}
    assert told[0][1] is not None and told[-1] == (VM, None)


async def test_of_several_scripts_that_run_for_a_vm_the_oldest_is_named(scene: Scene) -> None:
    scene.put("after_vm_pause", "50_hangs", HANGS)
    scene.record("after_vm_cont")
    hooks = hooks_of(scene)
    task = asyncio.ensure_future(call(hooks, "after_vm_pause", vm_id=VM))
    await hanging(scene)
    await call(hooks, "after_vm_cont", vm_id=VM)
    assert hooks.running[VM].point == "after_vm_pause"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert hooks.running == {}


async def test_a_limit_ends_a_script_if_one_is_set(scene: Scene) -> None:
    scene.put("before_vm_pause", "50_hangs", HANGS)
    with pytest.raises(HookError, match=r"50_hangs was killed after 0\.5 s"):
        await asyncio.wait_for(call(hooks_of(scene, limit=0.5), "before_vm_pause"), 60)
    assert not alive(int((scene.base / "pid").read_text()))


async def test_what_is_installed_is_told_with_checksums(scene: Scene) -> None:
    file = scene.put("before_vm_start", "50_x", "#!/bin/sh\n")
    scene.put("before_vm_start", "data.py", "x = 1\n", 0o644)
    scene.put("no_point", "50_x", "#!/bin/sh\n")
    (scene.hooks / "after_vm_start").mkdir()
    found = hooks_of(scene).installed()
    assert found == {"before_vm_start": {"50_x": {"checksum": hashlib.sha256(file.read_bytes()).hexdigest()}}}


async def test_a_folder_that_is_not_there_has_no_scripts(tmp_path: Path) -> None:
    assert await Hooks(str(tmp_path / "none")).domain("before_vm_start", "<x/>") == "<x/>"
    assert Hooks(str(tmp_path / "none")).installed() == {}
