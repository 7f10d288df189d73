"""`GET ovis/history`: short history of a set of objects. Follows: docs/reference/live.md."""

from typing import Any

from ovis.engine.declare.faults import InvalidValue
from ovis.engine.declare.page import Asked, Page
from ovis.engine.resources.held_permits import asked_ids, visible
from ovis.engine.resources.history.rings import DAY
from ovis.engine.resources.history.usage import UsageHistory

_OF_MACHINES = ("cpu", "memory", "network")
MEASURES_OF: dict[str, tuple[str, tuple[str, ...]]] = {
    "vms": ("vm", _OF_MACHINES),
    "hosts": ("host", _OF_MACHINES),
    "storagedomains": ("storage_domain", ("used", "promised")),
}
_HOUR, _SAMPLES = 3600, 14
MOST_SAMPLES = 288


async def history(services: Any, asked: Asked) -> dict[str, Any]:
    """GET."""
    call = asked.call
    collection = call.params.get("type", "")
    if collection not in MEASURES_OF:
        raise InvalidValue(
            f"There is no history of {collection[:100] or 'nothing'}; possible: {', '.join(MEASURES_OF)}."
        )
    object_type, names = MEASURES_OF[collection]
    span, samples = _number(call, "span", _HOUR, 60, DAY), _number(call, "samples", _SAMPLES, 1, MOST_SAMPLES)
    ids = asked_ids(call)
    shown = await services.store.read(lambda rd: visible(rd, call, object_type, ids)) if ids else []
    kept: UsageHistory = services.history
    now = call.now.timestamp()
    return {
        "type": collection,
        "end": round(now * 1000),
        "step": span / samples,
        "samples": samples,
        "objects": {
            id_: {name: kept.rings.means(id_, n, now, span, samples) for n, name in enumerate(names)} for id_ in shown
        },
    }


def _number(call: Any, name: str, default: int, least: int, most: int) -> int:
    given = call.number(name)
    if given is None and name in call.params:
        raise InvalidValue(f"{name} is no number.")
    if given is not None and not least <= given <= most:
        raise InvalidValue(f"{name} is a number from {least} to {most}.")
    return default if given is None else int(given)


PAGES = (Page(name="history", run=history, doc="Short history of a set of objects."),)
