"""Every command of snapshots: each step repeated, failing, and cut off, on VMs that are down and that run."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ovis.agent.simulated import driver as simulated
from ovis.engine.commands import Command, CommandStatus
from ovis.engine.model.types import Action, Cluster, Snapshot, Template, Vm
from ovis.engine.resources.templates import commands as template_commands, resource as templates
from ovis.engine.resources.vms import provision, resource as vms
from ovis.engine.resources.vms.actions import clone, start
from ovis.engine.resources.vms.snapshots import preview, remove, take
from tests.commands_harness import _cut_function, _failing, _twice
from tests.engine.resources.vms.snapshots import scenes
from tests.faults import record
from tests.faults.house import House, house, with_step
from tests.faults.test_steps import name


def begin(place: House, operation: Any, *ids: str, body: Any = None) -> Any:
    return lambda: place.begin(operation, place.call(*ids), body if body is not None else Action())


async def taking(place: House, *, up: bool, memory: bool | None = False) -> Any:
    vm_id = await scenes.vm(place, up=up)
    return begin(place, take.add, vm_id, body=Snapshot(description="s", persist_memorystate=memory))


async def removing(place: House, *, up: bool, which: int, memory: bool | None = False) -> Any:
    vm_id, snapshots = await scenes.snapped(place, up=up, count=2, memory=memory)
    return begin(place, remove.remove, vm_id, snapshots[which])


async def previewing(place: House, operation: str) -> Any:
    vm_id, snapshots = await scenes.snapped(place, count=2)
    if operation == "preview":
        return begin(place, preview.preview, vm_id, body=scenes.look_at(snapshots[0]))
    if operation == "restore":
        return begin(place, preview.restore, vm_id, snapshots[0])
    await scenes.previewed(place, vm_id, snapshots[0])
    return begin(place, preview.commit if operation == "commit" else preview.undo, vm_id)


async def cloning(place: House, *, up: bool) -> Any:
    vm_id = await scenes.vm(place, up=up)
    if up:
        await scenes.snap(place, vm_id, "before")
    return begin(place, clone.clone, vm_id, body=Action(vm=Vm(name=name())))


async def cloning_a_snapshot(place: House) -> Any:
    _, snapshots = await scenes.snapped(place, up=True, count=2)
    body = Vm(
        name=name(),
        cluster=Cluster(name="Default"),
        template=Template(name="Blank"),
        snapshots=[Snapshot(id=snapshots[0])],
    )
    return begin(place, vms.add, body=body)


async def templating(place: House) -> Any:
    vm_id, snapshots = await scenes.snapped(place, up=True, count=2)
    body = Template(name=name(), vm=Vm(id=vm_id, snapshots=[Snapshot(id=snapshots[0])]))
    return begin(place, templates.add, body=body)


async def stateless(place: House) -> Any:
    vm_id = await scenes.vm(place)
    return begin(place, start.start, vm_id, body=Action(vm=Vm(stateless=True)))


SCENES: dict[str, tuple[Command, Any]] = {
    "take": (take.TAKE, lambda p: taking(p, up=False)),
    "take live": (take.TAKE, lambda p: taking(p, up=True)),
    "take live with memory": (take.TAKE, lambda p: taking(p, up=True, memory=True)),
    "remove the older": (remove.REMOVE, lambda p: removing(p, up=False, which=0)),
    "remove the newest": (remove.REMOVE, lambda p: removing(p, up=False, which=1)),
    "remove the older live": (remove.REMOVE, lambda p: removing(p, up=True, which=0)),
    "remove the newest live with memory": (remove.REMOVE, lambda p: removing(p, up=True, which=1, memory=True)),
    "preview": (preview.PREVIEW, lambda p: previewing(p, "preview")),
    "commit": (preview.COMMIT, lambda p: previewing(p, "commit")),
    "undo": (preview.UNDO, lambda p: previewing(p, "undo")),
    "clone": (clone.CLONE, lambda p: cloning(p, up=False)),
    "clone live": (clone.CLONE, lambda p: cloning(p, up=True)),
    "clone of a snapshot": (provision.ADD, cloning_a_snapshot),
    "template of a snapshot": (template_commands.ADD, templating),
    "start stateless": (start.START, stateless),
    "restore": (preview.RESTORE, lambda p: previewing(p, "restore")),
}
# Those that do most; the others when asked.
ALWAYS = frozenset(("take live with memory", "remove the older live", "preview", "commit", "undo", "clone"))
# What a failure cannot take back.
ONE_WAY = {
    ("commit", "delete"): "the VM has gone over; layers are left to be deleted",
    ("undo", "delete"): "the VM has gone over; layers are left to be deleted",
    ("restore", "delete"): "the VM has gone over; layers are left to be deleted",
}


@pytest.mark.parametrize(
    "scene", [scene if scene in ALWAYS else pytest.param(scene, marks=pytest.mark.long) for scene in SCENES]
)
async def test_steps(scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("BOOT_SECONDS", "SHUTDOWN_SECONDS"):
        monkeypatch.setattr(simulated, seconds, 0.05)
    command, prepare = SCENES[scene]
    left: set[str] = set()

    async def wrong(place: House) -> list[str]:
        return [what for what in await place.violations(left) if what not in left]

    async with asyncio.timeout(150), house(tmp_path) as place:
        for n, step in enumerate(command.steps):
            told = f"{scene}, step {step.name}"
            row = await place.broken(with_step(command, n, _twice(step).run), await prepare(place))
            assert row.status is CommandStatus.SUCCEEDED, f"{told} run twice: {row.problem}"
            assert await wrong(place) == [], f"{told} run twice"

            start = await prepare(place)
            before = await place.picture()
            row = await place.broken(with_step(command, n, _failing(step).run), start)
            assert row.status is CommandStatus.FAILED, f"{told} failing"
            await place.at_rest()
            if (scene, step.name) in ONE_WAY:
                left |= set(await place.violations())
            else:
                assert await wrong(place) == [], f"{told} failing"
                assert await place.pictures(before) == before, f"{told} failing"

            for when in ("before", "after"):
                row = await place.cut(with_step(command, n, _cut_function(step.run, when)), await prepare(place))
                assert row.status is CommandStatus.SUCCEEDED, f"{told} cut {when}: {row.problem}"
                await place.at_rest()
                assert await wrong(place) == [], f"{told} cut {when}"
    record.deaths("engine", f"{command.name} ({scene})", steps=[step.name for step in command.steps])
