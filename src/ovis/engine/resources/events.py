"""The audit log in the API: /events.

Does: list and search (newest first, `from`), external events, dismissing and bringing alerts back.
Does not: write the engine's own events; rooms do that with `events.record`.
Follows: permits `jobs_events`; external events have the codes 9801 to 9804 by severity.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from ovis.engine.access.grants import holds
from ovis.engine.access.predefined import SYSTEM_ID
from ovis.engine.declare.call import Call
from ovis.engine.declare.faults import Forbidden, Kind, Refusal, Refused
from ovis.engine.declare.permits import Permit
from ovis.engine.declare.resource import (
    PUBLIC,
    Action as ApiAction,
    Need,
    Op,
    Param,
    Resource,
)
from ovis.engine.events import TABLE, hide, restore_alerts
from ovis.engine.model.enums import ExternalStatus, LogSeverity
from ovis.engine.model.types import (
    Action,
    Cluster,
    DataCenter,
    Event,
    Host,
    StorageDomain,
    Template,
    User,
    Vm,
)
from ovis.engine.resources import bodies, cross_search as cross
from ovis.engine.resources.bodies import TextRule
from ovis.engine.store.search import Field, Join, SearchObject
from ovis.engine.store.session import Tx

EXTERNAL_CODES = {
    LogSeverity.NORMAL: 9801,
    LogSeverity.WARNING: 9802,
    LogSeverity.ERROR: 9803,
    LogSeverity.ALERT: 9804,
}
# What an event may name; permission to inject it is asked on each.
_REFERENCES: dict[str, Any] = {
    "vm": Vm,
    "host": Host,
    "template": Template,
    "cluster": Cluster,
    "data_center": DataCenter,
    "storage_domain": StorageDomain,
    "user": User,
}
_TEXT = TextRule(4000, 1, too_long="VALIDATION_EVENT_DESCRIPTION_LENGTH")
OWN_ORIGIN = "ovirt"


def _names(event: Event, word: str) -> bool:
    reference = getattr(event, word)
    return reference is not None and bool(reference.id or reference.name)


def _names_nothing(event: Event) -> bool:
    return not any(_names(event, word) for word in _REFERENCES)


def _naming(word: str) -> Callable[[Any], bool]:
    return lambda event: _names(event, word)


def add(tx: Tx, call: Call, body: Event) -> Event:
    """POST /events: an event of another system."""
    reasons = bodies.text_refusals(body.description, "description", _TEXT)
    if (body.origin or "").strip().lower() == OWN_ORIGIN:
        reasons.append(
            Refusal(
                "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL_ORIGIN",
                f"The origin {body.origin} is the engine's own.",
                "Name the system that the event comes from.",
                Kind.BAD,
            )
        )
    if reasons:
        raise Refused(reasons)
    named: dict[str, Any] = {}
    for word, type_ in _REFERENCES.items():
        if word != "user" and _names(body, word):
            found = bodies.resolve(tx, type_, getattr(body, word))
            named[word] = type_(id=found.id, name=found.name)
    user = User(id=call.principal.user_id, user_name=call.principal.name)
    if body.user is not None and body.user.id is not None:
        known = tx.need(User, body.user.id)
        user = User(id=known.id, user_name=known.user_name)
    severity = body.severity or LogSeverity.NORMAL
    made = tx.insert(
        Event(
            code=EXTERNAL_CODES[severity],
            severity=severity,
            time=body.time or datetime.now(UTC),
            description=body.description,
            origin=body.origin,
            custom_id=body.custom_id,
            custom_data=body.custom_data,
            flood_rate=body.flood_rate if body.flood_rate is not None else 30,
            correlation_id=body.correlation_id or call.correlation_id or None,
            user=user,
            **named,
        )
    )
    _take_external_status(tx, body)
    return made


def _take_external_status(tx: Tx, body: Event) -> None:
    """An event may carry what the other system thinks of a host or storage domain."""
    given: tuple[tuple[type, Any], ...] = (
        (Host, body.host),
        (StorageDomain, body.storage_domain),
    )
    for type_, reference in given:
        status: ExternalStatus | None = reference.external_status if reference is not None else None
        if status is not None:
            known: Any = bodies.resolve(tx, type_, reference)
            tx.update(replace(known, external_status=status))


def remove(tx: Tx, call: Call, body: Any) -> None:
    """DELETE /events/ID: hides it. Alerts need the audit log's permit, others that of what they name."""
    event = tx.need(Event, call.ids[-1])
    for permit, object_type, object_id in _needs_to_hide(event):
        if not holds(tx, call.principal, permit, object_type, object_id):
            raise Forbidden("User is not authorized to perform this action.")
    hide(tx, str(event.id))


def _needs_to_hide(event: Event) -> list[tuple[Permit, str, str]]:
    if event.severity is LogSeverity.ALERT:
        return [(Permit.AUDIT_LOG_MANAGEMENT, "system", SYSTEM_ID)]
    named = [
        (Permit.INJECT_EXTERNAL_EVENTS, word, str(getattr(event, word).id))
        for word in _REFERENCES
        if _names(event, word)
    ]
    return named or [(Permit.INJECT_EXTERNAL_EVENTS, "system", SYSTEM_ID)]


def undelete(tx: Tx, call: Call, action: Action) -> None:
    """POST /events/undelete: dismissed alerts are shown again."""
    restore_alerts(tx)


def _through(table: str, local: str) -> Field:
    return Field("text", via=Join(table, local, "name"), free=False)


SEARCH = SearchObject(
    table=TABLE,
    prefix="Events",
    default=(),
    descending=True,
    fields={
        "type": Field("int", "code"),
        "severity": Field("severity", "severity"),
        "message": Field("text", "description"),
        "description": Field("text", "description"),
        "time": Field("date", "time"),
        "usrname": Field("text", "user_name"),
        "usrid": Field("text", "user_id", free=False),
        "event_host": _through("hosts", "host_id"),
        "event_vm": _through("vms", "vm_id"),
        "event_template": _through("templates", "template_id"),
        "event_storage": _through("storage_domains", "storage_domain_id"),
        "event_datacenter": _through("data_centers", "data_center_id"),
        "_event_host_id": Field("uuid", "host_id", free=False),
        "_event_vm_id": Field("uuid", "vm_id", free=False),
        "_event_template_id": Field("uuid", "template_id", free=False),
        "_event_storage_id": Field("uuid", "storage_domain_id", free=False),
        "_event_datacenter_id": Field("uuid", "data_center_id", free=False),
        "correlation_id": Field("text", "correlation_id", free=False),
        "origin": Field("text", "origin", free=False),
        "custom_event_id": Field("int", "custom_id"),
    },
    cross={
        "vm": (cross.vms, Join("vms", "vm_id", "id")),
        "host": (cross.hosts, Join("hosts", "host_id", "id")),
        "template": (cross.templates, Join("templates", "template_id", "id")),
        "cluster": (cross.clusters, Join("clusters", "cluster_id", "id")),
        "user": (cross.users, Join("users", "user_id", "id")),
    },
)

RESOURCE = Resource(
    type=Event,
    collection="events",
    table=TABLE,
    search=SEARCH,
    list=Op(
        needs=PUBLIC,
        params=(Param(name="from", type=int),),
        doc="Lists events, newest first.",
    ),
    get=Op(needs=PUBLIC),
    add=Op(
        run=add,
        needs=(
            *(Need(Permit.INJECT_EXTERNAL_EVENTS, word, when=_naming(word)) for word in _REFERENCES),
            Need(Permit.INJECT_EXTERNAL_EVENTS, "system", when=_names_nothing),
            Need(
                Permit.EDIT_HOST_CONFIGURATION,
                "host",
                when=lambda e: e.host is not None and e.host.external_status is not None,
            ),
            Need(
                Permit.EDIT_STORAGE_DOMAIN_CONFIGURATION,
                "storage_domain",
                when=lambda e: e.storage_domain is not None and e.storage_domain.external_status is not None,
            ),
        ),
        mandatory=("origin", "severity", "custom_id", "description"),
    ),
    remove=Op(
        run=remove,
        needs=PUBLIC,
        doc="Dismisses an event. The permit depends on its severity; checked inside.",
    ),
    actions=(
        ApiAction(
            name="undelete",
            on="collection",
            run=undelete,
            needs=(Need(Permit.AUDIT_LOG_MANAGEMENT, "system"),),
            body=("async",),
        ),
    ),
)
