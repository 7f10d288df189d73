"""`import hooking` as scripts use it: in a bare interpreter that knows nothing but the folder on PYTHONPATH."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from ovis.agent.hooks.runner import library
from tests.agent.hooks.scripts import PYTHON

pytestmark = pytest.mark.skipif(not PYTHON, reason="needs a system's python3")


def bare(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run code in the system's Python."""
    return subprocess.run(
        [PYTHON, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": library(), **env},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def value(code: str, **env: str) -> object:
    """What an expression over `hooking` is, through JSON."""
    done = bare(f"import hooking, json\nprint(json.dumps({code}))", **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_truth_values() -> None:
    texts = [None, True, False, "true", "TRUE", "True", "1", "2", "-1", "0", "false", "yes", "on", "", "1.5", 1, 0, 7]
    found = value(f"[hooking.tobool(v) for v in {texts!r}]")
    assert found == [False, True, False, True, True, True, True, True, True, False, False, False, False, False, False,
                     True, False, True]  # fmt: skip
    assert value("hooking.tobool([])") is False


def test_a_document_goes_through_minidom_and_back_with_its_declaration(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("<domain a='ü'><b/></domain>", encoding="utf-8")
    done = bare(
        "import hooking\nd = hooking.read_domxml()\nprint(type(d).__module__, type(d).__name__)\n"
        "d.getElementsByTagName('b')[0].setAttribute('c', '\\u20ac')\nhooking.write_domxml(d)",
        _hook_domxml=str(file),
    )
    assert done.stdout == "xml.dom.minidom Document\n", done.stderr
    text = '<?xml version="1.0" encoding="utf-8"?><domain a="ü"><b c="€"/></domain>'
    assert file.read_bytes() == text.encode()


def test_json_goes_through(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text('{"a": 1}')
    done = bare("import hooking\nd = hooking.read_json()\nd['b'] = [2]\nhooking.write_json(d)", _hook_json=str(file))
    assert done.returncode == 0 and json.loads(file.read_text()) == {"a": 1, "b": [2]}


def test_log_and_exit_hook_write_to_standard_error() -> None:
    done = bare("import hooking\nhooking.log('a')\nhooking.exit_hook('b')")
    assert (done.stderr, done.stdout, done.returncode) == ("a\nb\n", "", 2)
    assert bare("import hooking\nhooking.exit_hook('b', 1)").returncode == 1
    assert bare("import hooking\nhooking.exit_hook('b', return_code=0)").returncode == 0


def test_programs_answer_in_bytes() -> None:
    found = value("repr(hooking.execCmd(['sh', '-c', 'echo a; echo b; echo c >&2; exit 3']))")
    assert found == "(3, [b'a', b'b'], [b'c'])"
    assert value("repr(hooking.execCmd(['cat'], raw=True, data=b'x\\ny'))") == "(0, b'x\\ny', b'')"
    assert value("repr(hooking.execCmd(['pwd'], raw=True, cwd='/'))") == "(0, b'/\\n', b'')"
    assert value("repr(hooking.execCmd(['sh', '-c', 'echo $A'], raw=True, env={'A': 'b'}))") == "(0, b'b\\n', b'')"
    assert value("repr(hooking.execCmd(['nice'], raw=True, nice=5)[1])") == f"b'{min(19, os.nice(0) + 5)}\\n'"
    assert value("hooking.execCmd(['no-such-program'])[0]") == 127
    missing = value("repr(hooking.execCmd(['no-such-program'], raw=True))")
    assert isinstance(missing, str) and missing.startswith("(127, b'', b'taskset: failed to execute no-such-program")


def test_sudo_is_left_out_for_root_and_asked_without_a_password_else(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        assert value("repr(hooking.execCmd(['id', '-u'], sudo=True, raw=True))") == "(0, b'0\\n', b'')"
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\n")
    sudo.chmod(0o755)
    code = f"import hooking, os\nos.geteuid = lambda: 1000\nhooking._SUDO = {str(sudo)!r}\nprint(hooking.execCmd(['x', 'y'], sudo=True))"
    assert bare(code).stdout == "(0, [b'-n|x|y|'], [])\n"


def test_start_flags_are_kept_in_a_file(tmp_path: Path) -> None:
    code = (
        "(hooking.load_vm_launch_flags_from_file('id'), hooking.dump_vm_launch_flags_to_file('id', 5), "
        "hooking.load_vm_launch_flags_from_file('id'))"
    )
    assert value(code, OVIS_VDSM_RUN=str(tmp_path)) == [0, None, 5]
    assert (tmp_path / "id/launchflags").read_text() == "5"


def test_modules_are_there_that_scripts_do_not_import_themselves() -> None:
    done = bare("import hooking, urllib\nprint(urllib.parse.quote('a b'), hooking.os.sep, hooking.sys.byteorder)")
    assert done.returncode == 0 and done.stdout.startswith("a%20b / "), done.stderr
    code = "import hooking, sys\nprint(all(m in sys.modules for m in ('json', 'os', 'sys', 'xml.dom.minidom', 'urllib.parse')))"
    assert bare(code).stdout == "True\n"
    done = bare(
        "import hooking\nprint(hooking.minidom.parseString('<a/>').documentElement.tagName, hooking.json.dumps([1]))"
    )
    assert done.stdout == "a [1]\n"
    done = bare("import hooking\nfrom xml.dom import minidom\nimport json\nprint(minidom.Document(), json.loads('2'))")
    assert done.returncode == 0 and done.stdout.endswith(" 2\n"), done.stderr


def test_nothing_of_the_agent_is_loaded() -> None:
    done = bare(
        "import hooking, sys\nfrom vdsm.hook import hooking as again\nprint([m for m in sys.modules if m.startswith('ovis')], again is hooking)"
    )
    assert done.stdout == "[] True\n", done.stderr
