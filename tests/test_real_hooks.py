"""Through the API on a real host: an administrator's scripts change a VM, refuse its start, and are named while they hang."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.agent.hooks.scripts import PYTHON, Scene
from tests.agent.rack import missing
from tests.installation import until
from tests.real_rack import Place, real_place

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "-")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Iterator[Place]:
    with real_place(tmp_path_factory.mktemp("real"), 1, ("--hooks", str(scene.hooks))) as made:
        yield made


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.engine.client() as made:
        yield made


TITLE = f"""#!{PYTHON}
import hooking
xml = hooking.read_domxml()
title = xml.createElement('title')
title.appendChild(xml.createTextNode('changed by a hook'))
xml.documentElement.insertBefore(title, xml.getElementsByTagName('memory')[0])
hooking.write_domxml(xml)
"""


def test_a_hook_changes_the_domain_that_runs(place: Place, client: httpx.Client, scene: Scene) -> None:
    script = scene.put("before_vm_start", "50_title", TITLE)
    try:
        vm = place.add_guest(client, "titled")
        place.start(client, vm)
        assert "<title>changed by a hook</title>" in place.rack.virsh("h1", "dumpxml", "titled")
    finally:
        script.unlink()


def test_a_start_that_a_hook_refuses_is_told_with_its_words(place: Place, client: httpx.Client, scene: Scene) -> None:
    script = scene.put("before_vm_start", "50_refuses", "#!/bin/sh\necho 'not on this host' >&2\nexit 2\n")
    try:
        vm = place.add_guest(client, "refused")
        client.post(f"/vms/{vm}/start", json={})
        until(lambda: "Hook Error: (b'not on this host\\n',)" in place.event(client, 54), "the hook's words")
        until(lambda: place.status(client, vm) == "down", "a VM that is down")
        assert "refused" not in place.domains("h1")
    finally:
        script.unlink()


def test_a_hook_that_hangs_is_named_in_the_vms_job(place: Place, client: httpx.Client, scene: Scene) -> None:
    gate: Path = scene.base / "gate"
    gate.touch()
    script = scene.put("before_vm_start", "50_waits", f"#!/bin/sh\nwhile [ -e {gate} ]; do sleep 0.2; done\n")
    try:
        vm = place.add_guest(client, "waits")
        assert client.post(f"/vms/{vm}/start", json={}).status_code < 300

        def words() -> list[str]:
            jobs = client.get("/jobs").json().get("job", [])
            (job,) = (j for j in jobs if "waits" in j["description"] and "Launching" in j["description"])
            return [s["description"] for s in client.get(f"/jobs/{job['id']}/steps").json()["step"]]

        until(lambda: any("50_waits of before_vm_start" in w for w in words()), "the script's name")
        assert place.status(client, vm) == "wait_for_launch"
        gate.unlink()
        until(lambda: place.status(client, vm) in ("powering_up", "up"), "a running VM")
        assert not any("50_waits" in w for w in words())
    finally:
        gate.unlink(missing_ok=True)
        script.unlink()
