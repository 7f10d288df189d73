"""Audit declarations and the one function that writes them.

Does: turn a declaration and the things it speaks of into an event row, in the caller's transaction.
Does not: decide when; rooms declare their events beside the feature.
Follows: event codes and severities of engine 4.5; texts are our own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ovis.engine.declare.call import Call
from ovis.engine.model.enums import LogSeverity
from ovis.engine.model.types import (
    Cluster,
    DataCenter,
    Event,
    Host,
    StorageDomain,
    Template,
    User,
    Vm,
)
from ovis.engine.store.session import Tx

_REFERENCES: dict[str, Any] = {
    "vm": Vm,
    "host": Host,
    "template": Template,
    "cluster": Cluster,
    "data_center": DataCenter,
    "storage_domain": StorageDomain,
}
SYSTEM = "SYSTEM"
_LONGEST = 4000  # characters of a description
# Words that no event may show, whatever its text says.
_SECRETS = ("password", "passphrase", "secret", "token", "ticket", "private_key", "credentials")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One kind of event. text: a format string over the words given to `record` (`{vm}`, `{user}`, ...)."""

    code: int
    severity: LogSeverity
    text: str


class _Words(dict[str, Any]):
    """A word that nobody gave shows as such instead of failing the operation it reports."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST]


def record(
    tx: Tx,
    audit: Audit,
    *,
    call: Call | None = None,
    correlation_id: str | None = None,
    user: Any = None,
    **words: Any,
) -> Event:
    """Write an event. Words that are documents of referable types become references, and their name the text's word.

    user: anything with `user_id` and `name` (a Principal); taken from `call` when that is given. Without either it is the
    engine itself. Secrets are never shown; what cannot be stored in a text (NUL) is left out, a long text is cut.
    """
    who = user or (call.principal if call else None)
    references: dict[str, Any] = {}
    shown: dict[str, Any] = {"user": who.name if who else SYSTEM}
    for word, value in words.items():
        type_ = _REFERENCES.get(word)
        if type_ is not None and value is not None and hasattr(value, "id"):
            references[word] = type_(id=value.id, name=value.name)
        shown[word] = "***" if any(secret in word for secret in _SECRETS) else getattr(value, "name", value)
    return tx.insert(
        Event(
            code=audit.code,
            severity=audit.severity,
            time=datetime.now(UTC),
            description=_clean(audit.text.format_map(_Words(shown))),
            correlation_id=(call.correlation_id if call else correlation_id) or None,
            origin="oVirt",
            custom_id=-1,
            flood_rate=30,
            user=User(id=who.user_id, user_name=who.name) if who and who.user_id else None,
            **references,
        )
    )
