"""The Java SDK compiles for JDK 11, its tutorial runs, and every operation that an engine describes has its method."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ovirtsdk import codegen_java
from ovis.engine.resources import RESOURCES
from ovis.engine.wire.operations3 import Description3
from tests.faults.kill import QUICK
from tests.installation import Installation, installation

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "sdk/java/src/main/java"
needs_jdk = pytest.mark.skipif(shutil.which("javac") is None, reason="there is no JDK (javac) on this machine")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("classes")
    files = [str(file) for file in SOURCES.rglob("*.java")]
    words = [
        "javac",
        "-J-XX:TieredStopAtLevel=1",
        "--release",
        "11",
        "-Xlint:all,-missing-explicit-ctor",
        "-Werror",
        "-d",
        str(out),
        *files,
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return out


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("java"), hosts=1, storage=True, **QUICK) as found:
        yield found


def run(file: Path, classes: Path, place: Installation) -> str:
    """What a program of one file says."""
    given = [f"https://127.0.0.1:{place.port}/api", str(place.folder / "admin-password"), place.ca]
    words = ["java", "-XX:TieredStopAtLevel=1", "-cp", str(classes), "-Duser.language=en", str(file), *given]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@needs_jdk
def test_the_tutorial_and_every_operation(classes: Path, place: Installation, tmp_path: Path) -> None:
    (program,) = re.findall(r"^```java\n(.*?)^```", (ROOT / "docs/tutorial/java.md").read_text(), re.M | re.S)
    (tmp_path / "Basics.java").write_text(program)
    said = run(tmp_path / "Basics.java", classes, place)
    assert re.search(r"^web1 is up on [0-9a-f-]{36}$", said, re.M) and "409" in said, said
    said = run(Path(__file__).parent / "Everything.java", classes, place)
    assert f"called {len(Description3(RESOURCES).operations)}" in said


def test_a_class_that_is_generated_no_more_is_found(tmp_path: Path) -> None:
    made = codegen_java.generate(b"<rsdl/>", b'<schema xmlns="http://www.w3.org/2001/XMLSchema"/>')
    codegen_java.write(made, tmp_path)
    old = tmp_path / "org/ovis/sdk/types/Old.java"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_text((tmp_path / "org/ovis/sdk/Entry.java").read_text())
    (tmp_path / "org/ovis/sdk/Api.java").write_text("// by hand\n")
    assert codegen_java.stale(made, tmp_path) == [old]
    codegen_java.write(made, tmp_path)
    assert not old.exists() and (tmp_path / "org/ovis/sdk/Api.java").exists()
