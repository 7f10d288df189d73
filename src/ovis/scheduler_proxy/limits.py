"""What a module's process may use: processes, memory, output, time; and how a whole tree of them is ended.

Does: as root, become a user that nobody else is, who may read but not change others' files, so that the kernel counts this
module's processes alone. Does not: keep modules from reading; they are the administrator's.
"""

import ctypes
import os
import resource
import signal
import time
from contextlib import suppress

PROCESSES = 64
OUTPUT_BYTES = 32 << 20
MEMORY_BYTES = 4 << 30
_FIRST_USER = 0x40000000
_KEEP_CAPABILITIES, _SUBREAPER = 8, 36
_READ_ALL = 1 << 2  # CAP_DAC_READ_SEARCH
_VERSION = 0x20080522


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def confine() -> bool:
    """Limit this process and its children; whether their number is limited."""
    libc = _libc()
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if os.geteuid():
        most = _tasks_of(os.geteuid()) + PROCESSES
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        if hard == resource.RLIM_INFINITY or most <= hard:
            resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        limited = True
    else:
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
        limited = _become_nobody_else(libc)
    return limited


def _become_nobody_else(libc: ctypes.CDLL) -> bool:
    user = _FIRST_USER + os.getpid()
    libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    try:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError:
        return False
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    data = (ctypes.c_uint32 * 6)(_READ_ALL, _READ_ALL, 0, 0, 0, 0)
    return bool(libc.capset(header, data) == 0)


def _tasks_of(user: int) -> int:
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == user:
                    count += len(os.listdir(f"/proc/{name}/task"))
    return count


def children(pid: int) -> list[int]:
    """Live children of a process, by all its threads."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> list[int]:
    """All below a process, parents first."""
    found, todo = [], children(pid)
    while todo:
        each = todo.pop()
        found.append(each)
        todo += children(each)
    return found


def end_tree(pid: int, *, seconds: float = 5.0) -> None:
    """Kill a process that adopts its orphans, with everything below it."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)  # it starts no more
        deadline = time.monotonic() + seconds
        while (below := _alive(descendants(pid))) and time.monotonic() < deadline:
            for each in below:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(each, signal.SIGKILL)
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)


def _alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        with suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            if file.read().rpartition(")")[2].split()[0] not in "ZX":
                found.append(pid)
    return found
