"""Hooks put in their places and taken away."""

import shutil
import stat
from pathlib import Path

import pytest

from ovis.agent.hooks.install import Refused, install, names, plan, remove

SCRIPT = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    """A folder as they are shipped."""
    folder = tmp_path / "macspoof"
    folder.mkdir()
    (folder / "before_vm_start.py").write_text("#!/usr/bin/python3\nimport hooking\n")
    (folder / "after_vm_destroy").write_text(SCRIPT)
    (folder / "macspoof_utils.py").write_text("x = 1\n")
    (folder / "README").write_text("what it does\n")
    (folder / "Makefile").write_text("install:\n")
    (folder / "sudoers").write_text("vdsm ALL=(ALL) NOPASSWD: /sbin/ip\nDefaults:vdsm !requiretty\n")
    (folder / "before_nic_hotplug").mkdir()
    (folder / "before_nic_hotplug" / "10_first").write_text(SCRIPT)
    (folder / "before_nic_hotplug" / "data.json").write_text("{}")
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def put(folder: Path, tmp_path: Path, **more: object) -> Path:
    hooks = tmp_path / "hooks"
    install(plan(folder, hooks, tmp_path / "sudoers.d", **more), hooks)  # type: ignore[arg-type]
    return hooks


def everything(hooks: Path) -> list[str]:
    return sorted(str(f.relative_to(hooks)) for f in hooks.rglob("*") if f.is_file())


def test_every_file_gets_its_place_and_mode_and_goes_again(hook: Path, tmp_path: Path) -> None:
    hooks = put(hook, tmp_path)
    assert everything(hooks) == [
        ".installed/macspoof.json",
        ".installed/macspoof/README",
        "after_vm_destroy/50_macspoof",
        "after_vm_destroy/macspoof_utils.py",
        "before_nic_hotplug/10_first",
        "before_nic_hotplug/data.json",
        "before_nic_hotplug/macspoof_utils.py",
        "before_vm_start/50_macspoof",
        "before_vm_start/macspoof_utils.py",
    ]
    assert mode(hooks / "before_vm_start/50_macspoof") == 0o755
    assert mode(hooks / "before_vm_start/macspoof_utils.py") == 0o644
    assert mode(tmp_path / "sudoers.d/50_vdsm_hook_macspoof") == 0o440
    assert names(hooks) == ["macspoof"]
    gone = remove(hooks, "macspoof")
    assert len(gone) == 9 and everything(hooks) == [] and names(hooks) == []
    assert not (tmp_path / "sudoers.d/50_vdsm_hook_macspoof").exists()


def test_a_newer_version_takes_the_olders_place(hook: Path, tmp_path: Path) -> None:
    put(hook, tmp_path)
    (hook / "after_vm_destroy").unlink()
    (hook / "before_vm_start.py").write_text("#!/usr/bin/python3\n# new\n")
    hooks = put(hook, tmp_path)
    assert "after_vm_destroy/50_macspoof" not in everything(hooks)
    assert "new" in (hooks / "before_vm_start/50_macspoof").read_text()


def test_a_number_and_points_that_share_a_script(tmp_path: Path) -> None:
    folder = tmp_path / "extnet"
    folder.mkdir()
    (folder / "extnet_vnic.py").write_text("#!/usr/bin/python3\n")
    hooks = put(folder, tmp_path, number=10, shared={"extnet_vnic.py": ["before_nic_hotplug", "before_device_create"]})
    assert [f for f in everything(hooks) if not f.startswith(".")] == [
        "before_device_create/10_extnet",
        "before_nic_hotplug/10_extnet",
    ]


def refusal(folder: Path, tmp_path: Path, **more: object) -> str:
    with pytest.raises(Refused) as caught:
        put(folder, tmp_path, **more)
    assert not (tmp_path / "hooks").exists() or everything(tmp_path / "hooks") == []
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("before_vm_strat.py", SCRIPT, "no point before_vm_strat"),
        ("before_vm_pause.py", "print(1)\n", "no `#!` line"),
        ("before_vm_pause", "", "is empty"),
    ],
)
def test_a_bad_folder_is_refused_whole_with_every_reason(
    hook: Path, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (hook / name).write_text(text)
    (hook / "before_vm_cont").symlink_to("/bin/true")
    found = refusal(hook, tmp_path)
    assert said in found and "before_vm_cont is a link" in found


def test_nothing_to_install_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README").write_text("x")
    assert "has no scripts" in refusal(tmp_path / "empty", tmp_path)
    assert "is no folder" in refusal(tmp_path / "none", tmp_path)
    bad = tmp_path / "bad name"
    bad.mkdir()
    assert "cannot be a hook's name" in refusal(bad, tmp_path)
    assert "no point nope" in refusal(tmp_path / "empty", tmp_path, shared={"README": ["nope"]})
    assert "no file x.py" in refusal(tmp_path / "empty", tmp_path, shared={"x.py": ["before_vm_start"]})


@pytest.mark.skipif(shutil.which("visudo", path="/usr/sbin:/usr/bin") is None, reason="needs visudo")
def test_sudo_rules_that_sudo_would_not_take_are_refused(hook: Path, tmp_path: Path) -> None:
    (hook / "sudoers").write_text("vdsm ALL=(ALL NOPASSWD\n")
    assert "no valid sudo rule" in refusal(hook, tmp_path)


def test_files_of_others_stay(hook: Path, tmp_path: Path) -> None:
    other = tmp_path / "hooks/before_vm_start/50_macspoof"
    other.parent.mkdir(parents=True)
    other.write_text("mine")
    with pytest.raises(Refused, match="not of this hook"):
        put(hook, tmp_path)
    assert other.read_text() == "mine" and everything(tmp_path / "hooks") == ["before_vm_start/50_macspoof"]


def test_what_somebody_changed_is_removed_only_by_force(hook: Path, tmp_path: Path) -> None:
    hooks = put(hook, tmp_path)
    (hooks / "before_vm_start/50_macspoof").write_text("changed")
    with pytest.raises(Refused, match="was changed"):
        remove(hooks, "macspoof")
    assert len(everything(hooks)) == 9
    remove(hooks, "macspoof", force=True)
    assert everything(hooks) == []
    for name in ("macspoof", "../x"):
        with pytest.raises(Refused):
            remove(hooks, name)


def test_an_installation_that_fails_half_way_leaves_nothing(hook: Path, tmp_path: Path) -> None:
    (tmp_path / "sudoers.d").write_text("a file where a folder should be")
    assert "Nothing was installed" in refusal(hook, tmp_path)
