"""Python packages that only some commands need, and that are built here from their sources: libvirt's, oVirt's SDK.

Does: install a locked set of requirements/ into this environment, by uv, else pip; compile our own modules. Does not: find
compilers.
"""

import compileall
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from ovis.cli.faults import CliFault


def has(module: str) -> bool:
    """Whether a module can be imported."""
    importlib.invalidate_caches()
    return importlib.util.find_spec(module) is not None


def compile_sources(root: Path, *folders: str) -> None:
    """Bytecode of our own modules, where it is missing or old: with PYTHONDONTWRITEBYTECODE no start would keep it."""
    for folder in folders or ("src", "sdk/src"):
        compileall.compile_dir(root / folder, quiet=2, force=False)


def install(root: Path, name: str) -> None:
    """Install requirements/NAME.txt; CliFault with the installer's last words."""
    file = root / "requirements" / f"{name}.txt"
    print(f"Building and installing the Python packages of {file.name} ...", file=sys.stderr, flush=True)
    common = ["--no-build-isolation", "--require-hashes", "-r", str(file)]
    programs = Path(sys.executable).parent
    uv = [str(programs / "uv"), "pip", "install", "--quiet", "--python", sys.executable, *common]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *common]
    environment = {**os.environ, "UV_CACHE_DIR": str(root / ".ovis" / "cache"), "UV_NO_CONFIG": "1"}
    environment.setdefault("UV_COMPILE_BYTECODE", "1")
    if "PIP_INDEX_URL" in os.environ:
        environment.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])
    if "PIP_CERT" in os.environ:
        environment.setdefault("SSL_CERT_FILE", os.environ["PIP_CERT"])
    words: list[str] = []
    for argv in (uv, pip):
        if argv is uv and not Path(uv[0]).exists():
            continue
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        if not done.returncode:
            return
        words = words or done.stdout.strip().splitlines()[-12:]
    raise CliFault(f"The packages of {file.name} cannot be installed:\n" + "\n".join("  " + line for line in words))
