"""Device points over a whole document, with real scripts."""

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from ovis.agent.hooks import HookError, Hooks
from ovis.agent.hooks.calls import changed_device, create_devices, each_device
from tests.agent.hooks.scripts import Scene
from tests.agent.hooks.test_documents import DOMAIN


async def test_before_device_create_runs_for_empty_custom_but_not_for_disks_and_moves_what_it_ran_for(
    tmp_path: Path,
) -> None:
    scene = Scene(tmp_path)
    scene.record("before_device_create")
    scene.order("before_device_create", replace=["<mac", "<seen /><mac"])
    root = fromstring(DOMAIN)
    await create_devices(Hooks(str(scene.hooks)), root, "id", {"macspoof": "true", "n": "vm wins"})
    seen = scene.records()
    assert [r["document"][:10] for r in seen] == ["<interface", "<interface", "<hostdev><"]
    assert [r["environment"].get("n") for r in seen] == ["vm wins"] * 3
    assert [r["environment"].get("h") for r in seen] == [None, None, "3"]
    devices = root.find("devices")
    assert devices is not None
    assert [(d.tag, d.find("seen") is not None) for d in devices] == [
        ("disk", False), ("interface", False), ("interface", True), ("interface", True), ("hostdev", False),
    ]  # fmt: skip


async def test_other_device_points_run_only_where_there_are_properties(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.record("after_device_create")
    await each_device(Hooks(str(scene.hooks)), "after_device_create", DOMAIN, "id", {})
    assert [r["document"].split(">")[0] for r in scene.records()] == ["<disk", "<interface", "<hostdev"]


async def test_a_device_that_is_no_xml_any_more_is_refused(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.record("before_nic_hotplug")
    element = fromstring("<interface/>")
    for content in ("", "<interface", "text"):
        scene.order("before_nic_hotplug", write=content)
        with pytest.raises(HookError, match="no XML"):
            await changed_device(Hooks(str(scene.hooks)), "before_nic_hotplug", element, "id", {}, {})
    scene.order("before_nic_hotplug", write="<interface type='x'/>")
    changed = await changed_device(Hooks(str(scene.hooks)), "before_nic_hotplug", element, "id", {}, {})
    assert changed.get("type") == "x"
