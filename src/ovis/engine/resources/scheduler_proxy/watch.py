"""Discovery: which units users offer, at start and whenever that changes.

Does: write them as rows that the API shows, switch those that are gone off, and on again when they come back; an event when the
proxy goes away, or a module of it is broken. Does not: remove rows; policies may name them.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from msgspec.structs import replace

from ovis.engine.commands.services import Services
from ovis.engine.events import record
from ovis.engine.model.enums import PolicyUnitType
from ovis.engine.model.types import Property, SchedulingPolicyUnit
from ovis.engine.resources import bodies
from ovis.engine.resources.scheduler_proxy.asking import ASKING, AWAY
from ovis.engine.resources.scheduler_proxy.client import Away, ProxyClient
from ovis.engine.scheduling.external import ExternalUnit, Failure
from ovis.engine.store.session import Tx

log = structlog.get_logger(__name__)


def unit_id(kind: str, name: str) -> str:
    """The same for a kind and name, whichever proxy offers it."""
    return bodies.derived_id("external unit", kind, name)


def keep(tx: Tx, units: Sequence[ExternalUnit]) -> None:
    """Rows of what is there; the others are off."""
    rows = {str(u.id): u for u in tx.find(SchedulingPolicyUnit)}
    for unit in units:
        row = SchedulingPolicyUnit(
            id=unit.id,
            name=unit.name,
            description=unit.doc,
            type=PolicyUnitType(unit.kind),
            enabled=True,
            internal=False,
            properties=[Property(name=n, value=v) for n, v in unit.parameters.items()] or None,
        )
        old = rows.pop(unit.id, None)
        if old is None:
            tx.insert(row)
        elif old != row:
            tx.update(row)
    for gone in rows.values():
        if gone.enabled is not False:
            tx.update(replace(gone, enabled=False))


async def look(
    services: Services, client: ProxyClient, before: tuple[ExternalUnit, ...] | None
) -> tuple[ExternalUnit, ...] | None:
    """One look; what was found, or None while the proxy is away: what it offered stays on, decisions go without."""
    try:
        found = await client.discover()
    except Away as err:
        if not ASKING.away:
            ASKING.away = True
            reason = str(err)
            await services.store.write(lambda tx: record(tx, AWAY, reason=reason))
        return None
    ASKING.away = False
    if found != before:
        await services.store.write(lambda tx: keep(tx, found))
    problems: Mapping[str, str] = await client.problems()
    await ASKING.tell([Failure(file, why) for file, why in problems.items()])
    return found


async def watch(services: Services) -> None:
    """Looks for ever; at once at the start, before which no unit of users is on."""
    settings = services.settings
    url = str(getattr(settings, "scheduler_proxy_url", "") or "")
    ASKING.store, ASKING.away, ASKING.client = services.store, False, None
    await services.store.write(lambda tx: keep(tx, ()))
    if not url:
        return
    client = ProxyClient(url, float(settings.scheduler_proxy_seconds), unit_id)
    ASKING.client = client
    before: tuple[ExternalUnit, ...] | None = None
    try:
        while True:
            try:
                found = await look(services, client, before)
                before = before if found is None else found
            except Exception:
                log.exception("users' scheduling units cannot be discovered")
            await asyncio.sleep(settings.scheduler_proxy_look_seconds)
    finally:
        client.close()
        if ASKING.client is client:
            ASKING.client = None
