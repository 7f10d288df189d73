"""One run of a unit, inside a process that was forked for it and ends with it.

Does: send its output (the keeper made `sys.stdout` and `sys.stderr`) to where the keeper says, call the unit, turn what it
returned or printed into a document, write that, end. Does not: return.
"""

import gc
import os
import resource
import signal
import sys
import traceback
from typing import Any, NoReturn

import msgspec

from ovis.scheduler_proxy.answers import METHODS, WrongAnswer, checked, printed
from ovis.scheduler_proxy.limits import OUTPUT_BYTES

_LONGEST = 2000


def run(
    units: dict[tuple[str, str], type], caller: int, request: int, out: int, err: int, result: int, seconds: float
) -> NoReturn:
    """Answer the request of a descriptor, tell the caller, so that it need not wait for this process' end; never comes back."""
    try:
        answer = _answer(units, request, out, err, seconds)
    except BaseException as error:  # whatever a module does, the answer says so
        answer = {"error": f"{type(error).__name__}: {error}"[:_LONGEST]}
    try:
        text = _document(answer)
        os.ftruncate(result, 0)
        view = memoryview(text)
        while view:
            view = view[os.write(result, view) :]
        os.write(caller, b"0")
    finally:
        os._exit(0)


def _answer(units: dict[tuple[str, str], type], request: int, out: int, err: int, seconds: float) -> dict[str, Any]:
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)  # the keeper's
    cpu = int(seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    os.dup2(out, 1)
    os.dup2(err, 2)
    gc.enable()
    kind, name, arguments = msgspec.json.decode(_content(request))
    try:
        value = getattr(units[kind, name](), METHODS[kind])(*arguments)
    except SystemExit:
        value = None  # a program of 2014 prints, then ends
    except BaseException as error:
        return {"error": _told(error)}
    try:
        if value is None:
            sys.stdout.flush()
            if os.fstat(out).st_size >= OUTPUT_BYTES:
                return {"error": f"it printed more than {OUTPUT_BYTES >> 20} MiB"}
            value = printed(_content(out).decode("utf-8", "replace"), kind)
        return {"result": checked(kind, value)}
    except WrongAnswer as wrong:
        return {"error": str(wrong)}


def _document(answer: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:
        return msgspec.json.encode({"error": "there are characters in its answer that no text has"})


def _content(descriptor: int) -> bytes:
    size, parts, at = os.fstat(descriptor).st_size, [], 0
    while at < size and (part := os.pread(descriptor, size - at, at)):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _told(error: BaseException) -> str:
    """Type, text and the module's line."""
    found = traceback.extract_tb(error.__traceback__)
    where = f" (line {found[-1].lineno} of {os.path.basename(found[-1].filename)})" if found else ""
    if isinstance(error, OSError) and error.errno == 27:  # EFBIG
        return f"it wrote more than {OUTPUT_BYTES >> 20} MiB{where}"
    return f"{type(error).__name__}: {str(error)[:_LONGEST]}{where}"
