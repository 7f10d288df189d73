"""Agents that are killed at a chosen call, in a house: as by SIGKILL, before the verb acts or after it, unanswered.

Does: watch what agents are asked, kill one at a call, bring it back after a while. What the agent had begun dies with it;
guests, storage and what others run stay.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from tests.engine.hostlink.lab import Agent
from tests.faults.house import House

_MINE: ContextVar["WeakSet[asyncio.Task[Any]] | None"] = ContextVar("tasks of an agent", default=None)
_READS = ("get", "ping", "dump", "list", "clear", "measure", "connect", "setMOM", "spm", "hostdevList", "prepare")
# Looks at which an agent that dies has something under way.
_POLLS = frozenset({"Task.getStatus", "Host.getJobs"})


def acts(verb: str) -> bool:
    """Whether a verb changes anything, or is asked while something changes."""
    name = verb.partition(".")[2]
    return verb in _POLLS or not name.startswith(_READS)


@dataclass(frozen=True)
class Death:
    """An agent dies at the nth call (from 0) of a verb: before or after it acts. away: seconds until it is back."""

    verb: str
    nth: int = 0
    when: str = "after"
    away: float = 0.1

    def __str__(self) -> str:
        return f"{self.when} {self.verb}" + (f" ({self.nth + 1})" if self.nth else "")


@dataclass
class Watch:
    """What agents are asked from now on, and who is to die. died: the one that did."""

    death: Death | None = None
    calls: list[str] = field(default_factory=list)
    died: str = ""
    back: asyncio.Event = field(default_factory=asyncio.Event)

    def due(self, verb: str) -> bool:
        """Note a call; whether its agent is to die now."""
        if not acts(verb):
            return False
        nth = self.calls.count(verb)
        self.calls.append(verb)
        return self.death is not None and not self.died and (verb, nth) == (self.death.verb, self.death.nth)

    def deaths(self) -> list[Death]:
        """Every death that a run that was watched could have had."""
        found: list[Death] = []
        for n, verb in enumerate(self.calls):
            nth = self.calls[:n].count(verb)
            if verb not in _POLLS:
                found += [Death(verb, nth, "before"), Death(verb, nth, "after")]
            elif nth == 0:
                found.append(Death(verb, nth, "before"))
        return found


class _Deadly:
    """An agent's dispatcher that notes calls and ends the agent at one of them."""

    def __init__(self, agent: Agent, watch: Watch) -> None:
        assert agent.server is not None
        self._agent, self._watch = agent, watch
        self.inner = agent.server.dispatcher
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()

    @property
    def recovering(self) -> bool:
        """As the agent says."""
        return self.inner.recovering

    async def call(self, method: str, params: Any) -> Any:
        """Serve the verb, or die at it."""
        _MINE.set(self._tasks)
        dies = self._watch.due(method)
        death = self._watch.death
        if dies and death is not None and death.when == "before":
            await self._die(death)
        result = await self.inner.call(method, params)
        if dies and death is not None:
            await self._die(death)
        return result

    async def _die(self, death: Death) -> None:
        agent, server = self._agent, self._agent.server
        assert server is not None and agent.driver is not None
        self._watch.died = agent.name
        agent.driver.die()
        server.listening = False
        for connection in list(server.connections):
            if connection._transport is not None:
                connection._transport.abort()
        _MINE.set(None)
        asyncio.get_running_loop().create_task(self._revive(death.away))
        for task in list(self._tasks):  # this one, too, at its next wait
            task.cancel()
        await asyncio.Event().wait()

    async def _revive(self, seconds: float) -> None:
        assert self._agent.server is not None
        await self._agent.server.stop()
        await asyncio.sleep(seconds)
        await self._agent.start()
        assert self._agent.server is not None
        self._agent.server.dispatcher = _Deadly(self._agent, self._watch)  # type: ignore[assignment]
        self._watch.back.set()


@contextlib.contextmanager
def watched(place: House, death: Death | None = None) -> Iterator[Watch]:
    """Watch all agents of a house for a while; one may die."""
    loop = asyncio.get_running_loop()
    watch = Watch(death)

    def factory(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, **more)
        mine = _MINE.get()
        if mine is not None:
            mine.add(task)
        return task

    before = loop.get_task_factory()
    loop.set_task_factory(factory)
    for agent in place.agents:
        assert agent.server is not None
        agent.server.dispatcher = _Deadly(agent, watch)  # type: ignore[assignment]
    try:
        yield watch
    finally:
        loop.set_task_factory(before)
        for agent in place.agents:
            if agent.server is not None and isinstance(agent.server.dispatcher, _Deadly):
                agent.server.dispatcher = agent.server.dispatcher.inner
