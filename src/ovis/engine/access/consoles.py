"""Who may open which console: tickets that open one once, and who looks at one now.

Does: hold them in this engine's memory, bounded; a ticket lives for seconds. Does not: check permits (resources), or
carry bytes (http).
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ovis.contract.consoles import Ask
from ovis.engine.declare.call import Principal
from ovis.engine.declare.faults import Fault

TICKET_SECONDS = 30
MOST_TICKETS = 1000
MOST_VIEWERS = 16  # of one VM


class TooMany(Fault):
    """More consoles than this engine opens at once."""

    status = 409


@dataclass(slots=True, eq=False)
class Grant:
    """One console for one user.

    alive: who the user is now, None once his session has ended. told: called with True when he is in and with False when he
    has gone. until: monotonic, for the ticket. since: Unix seconds.
    """

    ask: Ask
    host_id: str
    user: str
    user_id: str
    alive: Callable[[], Awaitable[Principal | None]]
    told: Callable[[bool], Awaitable[None]]
    until: float = field(default_factory=lambda: time.monotonic() + TICKET_SECONDS)
    since: float = 0.0


class Consoles:
    """Tickets and viewers."""

    def __init__(self) -> None:
        self._tickets: dict[str, Grant] = {}
        self._viewers: dict[str, list[Grant]] = {}

    def issue(self, grant: Grant) -> str:
        """A ticket; TooMany."""
        now = time.monotonic()
        for text in [t for t, g in self._tickets.items() if g.until < now]:
            del self._tickets[text]
        if len(self._tickets) >= MOST_TICKETS:
            raise TooMany("Too many consoles are being opened. Try again in a minute.")
        if len(self._viewers.get(grant.ask.vm_id, ())) >= MOST_VIEWERS:
            raise TooMany(f"{MOST_VIEWERS} people look at this VM already.")
        ticket = secrets.token_urlsafe(32)
        self._tickets[ticket] = grant
        return ticket

    def redeem(self, ticket: str, vm_id: str, kind: str) -> Grant | None:
        """What a ticket opens; it is used up by this, even at the wrong door."""
        grant = self._tickets.pop(ticket, None)
        if grant is None or grant.until < time.monotonic() or (grant.ask.vm_id, grant.ask.kind) != (vm_id, kind):
            return None
        return grant

    def enter(self, grant: Grant) -> None:
        """A viewer is in."""
        grant.since = time.time()
        self._viewers.setdefault(grant.ask.vm_id, []).append(grant)

    def leave(self, grant: Grant) -> None:
        """A viewer has gone."""
        viewers = self._viewers.get(grant.ask.vm_id, [])
        if grant in viewers:
            viewers.remove(grant)
        if not viewers:
            self._viewers.pop(grant.ask.vm_id, None)

    def viewers(self, vm_id: str) -> list[Grant]:
        """Who looks at a VM through this engine, the longest first."""
        return list(self._viewers.get(vm_id, ()))
