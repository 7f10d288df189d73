"""From a JSON-RPC call to the driver's method.

Does: bind positional and named parameters by the schema, drop unknown ones, answer VDSM's codes. Does not: implement.
Follows: VDSM's answers (44 unserved, 99 recovering, -32601 unknown, 91 another kind, -32603 missing).
"""

import inspect
from typing import Any

import structlog

from ovis.agent.consoles import Console
from ovis.agent.driver import Driver
from ovis.contract.checks import argument, holds_text
from ovis.contract.consoles import Ask
from ovis.contract.errors import Code, VerbError
from ovis.contract.verbs import VERBS, Verb

log = structlog.get_logger(__name__)


def bind(verb: Verb, params: Any) -> dict[str, Any]:
    """Named arguments of a call: unknown ones are dropped, a missing one and one of another kind are refused."""
    if isinstance(params, list):
        if len(params) > len(verb.params):
            raise VerbError(Code.INVALID_PARAMS, f"{verb.name} takes {len(verb.params)} parameters.")
        named = {p.name: value for p, value in zip(verb.params, params, strict=False)}
    elif isinstance(params, dict):
        known = {p.name for p in verb.params}
        named = {name: value for name, value in params.items() if name in known}
        if len(named) != len(params):
            log.info("unknown arguments dropped", verb=verb.name, names=sorted(set(params) - known))
    else:
        raise VerbError(Code.INVALID_PARAMS, "Parameters must be an object or a list.")
    missing = [p.name for p in verb.params if p.mandatory and _absent(p.type, named.get(p.name))]
    if missing:
        raise VerbError(Code.INTERNAL, f"{verb.name} misses {', '.join(missing)}.")
    wrong = [m for p in verb.params if p.name in named for m in argument(p.type, named[p.name], p.name)]
    if wrong:
        raise VerbError(Code.INVALID_PARAMETER, f"{verb.name}: {'; '.join(wrong[:5])}.")
    return named


def _absent(shape: Any, value: Any) -> bool:
    """Nothing, or an empty text where no text belongs."""
    return value is None or (value == "" and not holds_text(shape))


class Dispatcher:
    """Calls verbs of one driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @property
    def recovering(self) -> bool:
        """While the driver finds its VMs again."""
        return self._driver.recovering

    async def call(self, method: str, params: Any) -> Any:
        """The verb's result; VerbError otherwise."""
        verb = VERBS.get(method)
        if verb is None:
            raise VerbError(Code.UNKNOWN_METHOD, f"Method not found: {method[:80]}")
        if self.recovering:
            raise VerbError(Code.RECOVERING, "Recovering from crash or Initializing")
        run = next((r for p in self._driver.parts if (r := getattr(p, verb.method, None)) is not None), None)
        if not verb.served or run is None:
            raise VerbError(Code.NOT_IMPLEMENTED, f"{method} is not implemented")
        arguments = bind(verb, params)
        accepted = inspect.signature(run).parameters
        return await run(**{name: value for name, value in arguments.items() if name in accepted})

    async def console(self, ask: Ask) -> Console:
        """A VM's console; VerbError."""
        if self.recovering:
            raise VerbError(Code.RECOVERING, "Recovering from crash or Initializing")
        for part in self._driver.parts:
            opener = getattr(part, "open_console", None)
            if opener is not None:
                console: Console = await opener(ask)
                return console
        raise VerbError(Code.NOT_IMPLEMENTED, "This host has no consoles.")
