"""What users' units said of placements, where decisions find it; and asking them.

Does: before a decision whose policy has users' units, say who must be asked (`Unanswered`), ask, keep the answer until that has decided;
tell failures as events, each once in a while. Does not: decide. A unit that fails, or a proxy that is away, holds up nothing.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ovis.engine.declare.waiting import Unanswered
from ovis.engine.events import Audit, record
from ovis.engine.model.enums import LogSeverity
from ovis.engine.resources.scheduler_proxy.client import Away, Kept, ProxyClient, Scores
from ovis.engine.scheduling.external import NO_ANSWER, Answer, ExternalUnit, Failure, Migration
from ovis.engine.scheduling.policies import Policy

QUIET_SECONDS = 60.0
AWAY = Audit(
    code=9920,
    severity=LogSeverity.ERROR,
    text="The scheduler proxy cannot be reached: {reason}. Decisions are made without users' modules.",
)
FAILED = Audit(code=10500, severity=LogSeverity.ERROR, text="The scheduling module {unit} failed: {reason}.")


@dataclass(slots=True)
class Asking:
    """client: None while no proxy is configured. answers, moves: of VMs and clusters, while the transaction that needs them runs."""

    client: ProxyClient | None = None
    store: Any = None
    answers: dict[str, Answer] = field(default_factory=dict)
    moves: dict[str, Migration] = field(default_factory=dict)
    said: dict[tuple[str, str], float] = field(default_factory=dict)
    away: bool = False
    clock: Callable[[], float] = time.monotonic

    def units_of(self, policy: Policy) -> tuple[list[ExternalUnit], list[tuple[ExternalUnit, int]]]:
        """Users' filters and weights of a policy that are there."""
        if self.client is None:
            return [], []
        known = {u.id: u for u in self.client.known()}
        filters = [known[i] for i in policy.ordered_filters() if i in known]
        return filters, [(known[i], int(f)) for i, f in policy.weights if i in known]

    def names(self) -> dict[str, tuple[str, float]]:
        """Id -> name of users' weights, as `decide` takes them."""
        return {u.id: (u.name, 1.0) for u in self.client.known()} if self.client is not None else {}

    def answer(self, vm_id: str, policy: Policy, fitting: Callable[[], Sequence[str]]) -> Answer:
        """What they said of a VM; Unanswered if nobody asked. fitting: hosts that the engine's filters keep."""
        filters, weights = self.units_of(policy)
        if not filters and not weights:
            return NO_ANSWER
        found = self.answers.get(vm_id)
        hosts = list(fitting())
        if not hosts:
            return NO_ANSWER
        if found is not None and set(hosts) <= found.asked:
            return found

        async def ask() -> None:
            await self.ask(vm_id, filters, weights, hosts, policy)

        raise Unanswered(f"users' units have not been asked about VM {vm_id}", ask, lambda: _drop(self.answers, vm_id))

    async def ask(
        self,
        vm_id: str,
        filters: Sequence[ExternalUnit],
        weights: Sequence[tuple[ExternalUnit, int]],
        hosts: Sequence[str],
        policy: Policy,
    ) -> None:
        """Filters, then weights of the hosts that they keep."""
        client, left = self.client, list(hosts)
        kept: Kept = {}
        scores: Scores = {}
        failures: tuple[Failure, ...] = ()
        try:
            if client is None or self.away:
                raise Away("it was not there when it was last looked for")
            async with asyncio.timeout(client.seconds):
                if filters:
                    kept, failures = await client.filter([u.name for u in filters], hosts, vm_id, policy.params)
                    left = [h for h in hosts if all(h in k for k in kept.values())]
                if weights and left and all(f.unit for f in failures):
                    scores, more = await client.score([(u.name, f) for u, f in weights], left, vm_id, policy.params)
                    failures += more
        except TimeoutError:
            failures += (Failure("", f"it did not answer within {self.client.seconds if self.client else 0:g} s"),)
        except Away as err:
            failures += (Failure("", str(err)),)
        self.answers[vm_id] = Answer(asked=frozenset(hosts), kept=kept, scores=scores, failures=failures)
        await self.tell(failures)

    def move(self, cluster_id: str, policy: Policy, hosts: Sequence[str]) -> Migration:
        """What a user's balancer wants of a cluster; Unanswered if nobody asked."""
        known = {u.id: u for u in self.client.known()} if self.client is not None else {}
        unit = known.get(policy.balance or "")
        if unit is None or not hosts:
            return Migration()
        found = self.moves.get(cluster_id)
        if found is not None:
            return found

        async def ask() -> None:
            assert self.client is not None
            wanted = await self.client.balance(unit.name, hosts, policy.params)
            self.moves[cluster_id] = wanted
            await self.tell(wanted.failures)

        raise Unanswered(f"the balancer {unit.name} has not been asked", ask, lambda: _drop(self.moves, cluster_id))

    async def tell(self, failures: Sequence[Failure]) -> None:
        """An event for each failure that was not told lately."""
        now = self.clock()
        self.said = {k: at for k, at in self.said.items() if now - at < QUIET_SECONDS}
        new = [f for f in dict.fromkeys(failures) if (f.unit, f.reason) not in self.said]
        self.said.update({(f.unit, f.reason): now for f in new})
        if not new:
            return

        def write(tx: Any) -> None:
            for failure in new:
                if failure.unit:
                    record(tx, FAILED, unit=failure.unit, reason=failure.reason)
                else:
                    record(tx, AWAY, reason=failure.reason)

        await self.store.write(write)


def _drop(of: dict[str, Any], key: str) -> None:
    of.pop(key, None)


ASKING = Asking()
