"""One point run dry: as its operation would run it, with nothing done afterwards.

Does: say what document came of it, how each script ended, whether the operation would have failed and why. Does not: call
an agent, or change anything but what scripts change.
"""

from collections.abc import Mapping
from xml.etree.ElementTree import ParseError, fromstring

import msgspec
from msgspec import Struct

from ovis.agent.hooks.points import Document, Point
from ovis.agent.hooks.runner import Hooks, error_text
from ovis.agent.hooks.scripts import Finished


class Dry(Struct, frozen=True):
    """How it went. failure: why the operation would have failed; empty: it would not. note: what is worth knowing."""

    content: bytes
    scripts: tuple[Finished, ...]
    failure: str = ""
    note: str = ""


async def dry_run(
    hooks: Hooks,
    point: Point,
    content: bytes,
    *,
    custom: Mapping[str, str],
    device: Mapping[str, str],
    vm_id: str = "",
) -> Dry:
    """Run a point's scripts. custom: the VM's properties, which win over the device's."""
    note = ""
    if point.document is Document.EMPTY and content:
        content, note = b"", f"{point.name} gets an empty file: the document is left out"
    elif not point.used:
        note = f"what scripts leave does not count at {point.name}"
    scripts = hooks.scripts(point.name)
    if not scripts:
        return Dry(content, (), note=f"{hooks.folder / point.name} has no scripts")
    env = {**device, **custom, **({"vmId": vm_id} if vm_id else {})}
    ran = await hooks.run(point, scripts, content, env)
    failure = ""
    if point.fatal and ran.failed:
        failure = point.words + error_text(point, ran)
    elif ran.problem and (point.used or point.json):
        failure = f"scripts left {ran.problem}"
    return Dry(ran.content, ran.scripts, failure or _spoilt(point, content, ran.content), note)


def _spoilt(point: Point, before: bytes, after: bytes) -> str:
    """Why a document cannot be used any more; empty if it can, or is not."""
    if after == before:
        return ""
    if point.json:
        try:
            msgspec.json.decode(after)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            return f"what scripts left is not JSON: {err}"
    elif point.used:
        try:
            fromstring(after.decode())
        except UnicodeDecodeError as err:
            return f"what scripts left is not UTF-8: {err}"
        except ParseError as err:
            return f"what scripts left is not XML: {err}"
    return ""
