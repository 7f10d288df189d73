"""Options of a benchmark reach it: a day of load is replayed for every policy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ovis.cli.main import main

HEAD = {"hosts": 2, "cores": 8, "memory_mib": 16384, "apart": [["a", "b"]]}
HEAD |= {"vms": [{"name": n, "vcpus": 2, "memory_mib": 2048} for n in "abc"]}


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "ovis.cli.main", "bench", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300)


def test_a_trace_is_replayed_for_every_policy(tmp_path: Path) -> None:
    trace = tmp_path / "day.jsonl"
    rows = [
        HEAD,
        {"minute": 0, "usage": [50, 60, None]},
        {"minute": 5, "usage": [50, 60, 90]},
        {"minute": 9, "usage": [1, 1, 1]},
    ]
    trace.write_text("\n".join(map(json.dumps, rows)))
    ran = bench("scheduling", "--trace", str(trace))
    assert ran.returncode == 0, ran.stderr
    lines = [line.split() for line in ran.stdout.splitlines() if line.startswith("  ")]
    assert [line[0] for line in lines] == ["none", "evenly_distributed", "power_saving", "vm_evenly_distributed"]
    assert all("rules broken 0 min, starts refused 0" in " ".join(line) for line in lines)
    trace.write_text(json.dumps(HEAD) + '\n{"minute": 0, "usage": [1]}')
    wrong = bench("scheduling", "--trace", str(trace))
    assert wrong.returncode == 1 and "in every line a use of each" in wrong.stderr and "Traceback" not in wrong.stderr


def test_options_without_a_benchmark_go_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "scheduling", "store", "--trace", "x"]) == 2
    assert "name it before them" in capsys.readouterr().err
