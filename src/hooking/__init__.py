"""What hook scripts import: `import hooking`, or `from vdsm.hook import hooking`.

Does: read and write a point's document, report and end, run programs, read truth values, start flags of a VM.
Does not: import anything of Ovis: a script's interpreter may be any Python 3, with nothing but the standard library.
Follows: VDSM's module of this name: its functions, their arguments and what they return, which for programs is bytes.
The modules that scripts expect to find imported with it are, but are loaded only when something of them is used.
"""

import importlib.util
import os
import sys
import urllib
import xml.dom

__all__ = [
    "dump_vm_launch_flags_to_file",
    "execCmd",
    "exit_hook",
    "json",
    "load_vm_launch_flags_from_file",
    "log",
    "minidom",
    "os",
    "read_domxml",
    "read_json",
    "sys",
    "tobool",
    "urllib",
    "write_domxml",
    "write_json",
]


def _lazily(name):
    """A module that is loaded when first used: most scripts need one of them, if any."""
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = importlib.util.find_spec(name)
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


json = _lazily("json")
minidom = xml.dom.minidom = _lazily("xml.dom.minidom")
urllib.parse = _lazily("urllib.parse")

_DOMXML, _JSON = "_hook_domxml", "_hook_json"  # variables that name the document's file
_SUDO = "/usr/bin/sudo"
_NOT_FOUND = 127


def tobool(value):
    """Truth of a custom property: `true` in any case, or a number that is not 0. All else is False."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    try:
        return value.lower() == "true" or bool(int(value))
    except AttributeError:
        pass
    except ValueError:
        return False
    try:
        return bool(int(value))
    except (TypeError, ValueError):
        return False


# -- the document ---------------------------------------------------------------------------------------------------


def read_domxml():
    """The document as a minidom Document."""
    with open(os.environ[_DOMXML], encoding="utf-8") as file:
        return minidom.parseString(file.read().encode("utf-8"))


def write_domxml(domxml):
    """Put a minidom Document in the document's place."""
    content = domxml.toxml(encoding="utf-8")
    with open(os.environ[_DOMXML], "wb") as file:
        file.write(content)


def read_json():
    """The document of a JSON point."""
    with open(os.environ[_JSON], encoding="utf-8") as file:
        return json.loads(file.read())


def write_json(data):
    """Put other data in its place."""
    content = json.dumps(data)
    with open(os.environ[_JSON], "w", encoding="utf-8") as file:
        file.write(content)


# -- reports --------------------------------------------------------------------------------------------------------


def log(message):
    """A line in the agent's log, and in the error of a hook that fails."""
    sys.stderr.write(str(message) + "\n")


def exit_hook(message, return_code=2):
    """Say why, and end: 2 stops the hooks of this point, 1 lets the others run."""
    sys.stderr.write(str(message) + "\n")
    sys.exit(return_code)


# -- programs -------------------------------------------------------------------------------------------------------


def execCmd(
    command,
    sudo=False,
    cwd=None,
    data=None,
    raw=False,
    printable=None,
    env=None,
    sync=True,
    nice=None,
    ioclass=None,
    ioclassdata=None,
    setsid=False,
    execCmdLogger=None,
    deathSignal=None,
    resetCpuAffinity=True,
    childUmask=None,
):
    """Run a program: (exit status, output, errors), both bytes; raw=False: lists of lines of bytes.

    sudo: by `sudo -n`, unless we are root. data: its standard input. A program that is not there gives status 127.
    """
    import subprocess

    command = [os.fspath(word) if hasattr(word, "__fspath__") else word for word in command]
    if ioclass is not None:
        level = [] if ioclassdata is None else ["-n", str(ioclassdata)]
        command = ["ionice", "-c", str(ioclass), *level, *command]
    if nice is not None:
        command = ["nice", "-n", str(nice), *command]
    if sudo and os.geteuid() != 0:
        command = [_SUDO, "-n", *command]
    if isinstance(data, str):
        data = data.encode("utf-8")
    more = {} if childUmask is None else {"preexec_fn": lambda: os.umask(childUmask)}
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=bool(setsid),
            **more,
        )
    except OSError as err:
        status, out = _NOT_FOUND, b""
        error = os.fsencode(f"taskset: failed to execute {_shown(command[0])}: {err.strerror}\n")
    else:
        if not sync:
            return process
        out, error = process.communicate(data)
        status = process.returncode
    return (status, out, error) if raw else (status, out.splitlines(False), error.splitlines(False))


def _shown(word):
    return os.fsdecode(word) if isinstance(word, bytes) else str(word)


# -- start flags of a VM --------------------------------------------------------------------------------------------


def _flags_file(vm_id):
    return os.path.join(os.environ.get("OVIS_VDSM_RUN") or "/run/vdsm", str(vm_id), "launchflags")


def load_vm_launch_flags_from_file(vm_id):
    """libvirt's flags with which a VM will be started; 0 without a file."""
    try:
        with open(_flags_file(vm_id), encoding="ascii") as file:
            return int(file.readline())
    except FileNotFoundError:
        return 0


def dump_vm_launch_flags_to_file(vm_id, flags):
    """Let a VM be started with other flags."""
    path = _flags_file(vm_id)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(str(int(flags)))
