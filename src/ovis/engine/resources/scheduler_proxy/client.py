"""XML-RPC to the process that runs users' scheduling modules.

Does: the protocol's four methods, and those of our own proxy that answer for each unit; in threads, each call limited in time.
Does not: retry, or judge. Answers are looked at before they are believed.
Follows: oVirt's scheduler proxy; `ovis-scheduler-proxy`.
"""

import asyncio
import http.client
import threading
import xmlrpc.client
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from typing import Any
from urllib.parse import urlsplit

from ovis.contract.xmlrpc import call, read_answer
from ovis.engine.scheduling.external import ExternalUnit, Failure, Migration
from ovis.engine.scheduling.unit import Kind

_KINDS: tuple[tuple[str, Kind], ...] = (("filters", "filter"), ("scores", "weight"), ("balance", "load_balancing"))
_AT_ONCE = 16
Kept = Mapping[str, frozenset[str]]
Scores = Mapping[str, Mapping[str, int]]


class Away(Exception):
    """It cannot be reached, did not answer in time, or speaks something else."""


class _Transport(xmlrpc.client.Transport):
    """A connection that is kept. It answers as the protocol's documents say, or by an XML parser if they are written otherwise."""

    accept_gzip_encoding = False

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        made = super().make_connection(host)
        made.timeout = self._seconds
        return made

    def parse_response(self, response: Any) -> Any:
        body = response.read()
        found = read_answer(body)
        return found if found is not None else xmlrpc.client.loads(body)[0]


class ProxyClient:
    """One proxy. unit_id(kind, name): the engine's own id of a unit."""

    def __init__(self, url: str, seconds: float, unit_id: Any) -> None:
        self.url, self.seconds = url, seconds
        self._unit_id = unit_id
        self._units: tuple[ExternalUnit, ...] = ()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "scheduler-proxy")
        self._connections = threading.local()
        self._address = urlsplit(url).netloc
        self._path = urlsplit(url).path or "/RPC2"

    def close(self) -> None:
        """No more calls."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def known(self) -> Sequence[ExternalUnit]:
        """Units as last discovered."""
        return self._units

    async def _call(self, method: str, *arguments: Any) -> Any:
        def work() -> Any:
            transport: _Transport = self._connections.__dict__.setdefault("transport", _Transport(self.seconds))
            document = call(method, arguments).encode("utf-8", "xmlcharrefreplace")
            (value,) = transport.request(self._address, self._path, document)
            return value

        try:
            return await asyncio.wait_for(
                asyncio.get_running_loop().run_in_executor(self._threads, work), timeout=self.seconds
            )
        except TimeoutError as err:
            raise Away(f"it did not answer within {self.seconds:g} s") from err
        except xmlrpc.client.Fault:
            raise
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ValueError, OverflowError) as err:
            raise Away(str(err) or type(err).__name__) from err
        except Exception as err:  # expat's errors
            raise Away(f"its answer cannot be read: {err}") from err

    async def discover(self) -> tuple[ExternalUnit, ...]:
        """Ask what there is; Away if it cannot be known."""
        try:
            told = await self._call("discover")
        except xmlrpc.client.Fault as err:
            raise Away(err.faultString) from err
        if not isinstance(told, dict) or not set(told) <= {k for k, _ in _KINDS}:
            raise Away("it told something else than filters, scores and balance")
        found = []
        for key, kind in _KINDS:
            units = told.get(key) or {}
            if not isinstance(units, dict):
                raise Away(f"its {key} are no table")
            for name, what in units.items():
                doc, patterns = (*(what if isinstance(what, list) else ()), "", "")[:2]
                found.append(
                    ExternalUnit(
                        id=self._unit_id(kind, str(name)),
                        name=str(name),
                        kind=kind,
                        doc=str(doc),
                        parameters=patterns_of(str(patterns)),
                    )
                )
        self._units = tuple(found)
        return self._units

    async def problems(self) -> Mapping[str, str]:
        """File -> what is wrong with it; nothing if the proxy does not tell."""
        try:
            told = await self._call("problems")
        except xmlrpc.client.Fault:
            return {}
        return {str(k): str(v) for k, v in told.items()} if isinstance(told, dict) else {}

    async def filter(
        self, units: Sequence[str], hosts: Sequence[str], vm: str, params: Mapping[str, str]
    ) -> tuple[Kept, tuple[Failure, ...]]:
        """Hosts kept by each filter. A proxy that does not answer for each is asked for all together."""
        names, ids, values = list(units), list(hosts), dict(params)
        try:
            try:
                told = await self._call("runFiltersByUnit", names, ids, vm, values)
                result = _result(told)
                if not isinstance(result, dict):
                    raise Away("its filters' answer is no table")
                return {str(n): _kept(ids, f) for n, f in result.items()}, _failures(told)
            except xmlrpc.client.Fault:
                told = await self._call("runFilters", names, ids, vm, values)
                return {", ".join(names): _hosts(_result(told))}, _failures(told)
        except (Away, xmlrpc.client.Fault) as err:
            return {}, (Failure("", _why(err)),)

    async def score(
        self, units: Sequence[tuple[str, int]], hosts: Sequence[str], vm: str, params: Mapping[str, str]
    ) -> tuple[Scores, tuple[Failure, ...]]:
        """Scores by each weight, not multiplied. A proxy that does not answer for each is asked once for each."""
        ids, values = list(hosts), dict(params)
        try:
            try:
                told = await self._call("runCostFunctionsByUnit", [[n, 1] for n, _ in units], ids, vm, values)
                result = _result(told)
                if not isinstance(result, dict):
                    raise Away("its weights' answer is no table")
                return {str(n): _scored(ids, s) for n, s in result.items()}, _failures(told)
            except xmlrpc.client.Fault:
                found: dict[str, Mapping[str, int]] = {}
                failed: tuple[Failure, ...] = ()
                for name, _ in units:
                    told = await self._call("runCostFunctions", [[name, 1]], ids, vm, values)
                    found[name] = _scores(_result(told))
                    failed += _failures(told)
                return found, failed
        except (Away, xmlrpc.client.Fault) as err:
            return {}, (Failure("", _why(err)),)

    async def balance(self, unit: str, hosts: Sequence[str], params: Mapping[str, str]) -> Migration:
        """What a balancer wants."""
        try:
            told = await self._call("runLoadBalancing", unit, list(hosts), dict(params))
            result = _result(told)
            if not isinstance(result, list):
                raise Away("its balancer's answer is no list")
            vm, targets = (*result, "", [])[:2]
            found = tuple(str(h) for h in targets) if isinstance(targets, list) else ()
            return Migration(vm=str(vm) if vm else None, hosts=found, failures=_failures(told))
        except (Away, xmlrpc.client.Fault) as err:
            return Migration(failures=(Failure("", _why(err)),))


def _why(err: Exception) -> str:
    return err.faultString if isinstance(err, xmlrpc.client.Fault) else str(err)


def _result(told: Any) -> Any:
    """The result, of a document or (as proxies of old answered) bare."""
    return told.get("result") if isinstance(told, dict) else told


def _failures(told: Any) -> tuple[Failure, ...]:
    if not isinstance(told, dict):
        return ()
    by_unit = told.get("plugin_errors")
    found = [
        Failure(str(unit), "; ".join(map(str, why)) if isinstance(why, list) else str(why))
        for unit, why in (by_unit.items() if isinstance(by_unit, dict) else ())
    ]
    if not found:
        found = [Failure("", str(why)) for why in told.get("errors") or ()]
    return tuple(found)


def _hosts(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise Away("a filter's answer is no list")
    return frozenset(map(str, value))


def _kept(hosts: Sequence[str], flags: Any) -> frozenset[str]:
    """Hosts with a 1."""
    if not isinstance(flags, str) or len(flags) != len(hosts) or flags.strip("01"):
        raise Away("a filter's answer has not a 0 or 1 for each host")
    return frozenset(compress(hosts, map(int, flags)))


def _scored(hosts: Sequence[str], text: Any) -> Mapping[str, int]:
    """Scores of hosts in their order, `-` where there is none."""
    found = str(text).split()
    if len(found) != len(hosts):
        raise Away("a weight's answer has not a score for each host")
    try:
        return {h: int(score) for h, score in zip(hosts, found, strict=True) if score != "-"}
    except ValueError as err:
        raise Away("a score is no number") from err


def _scores(rows: Any) -> Mapping[str, int]:
    """Of [host, score]."""
    found: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, list) or len(row) < 2 or not isinstance(row[1], int):
            raise Away("a score is no number")
        found[str(row[0])] = row[1]
    return found


def patterns_of(text: str) -> dict[str, str]:
    """`name=pattern;other=pattern`; what is written otherwise is left out."""
    found = {}
    for part in text.split(";"):
        name, equals, pattern = part.strip().partition("=")
        if equals and name.replace("_", "").isalnum() and name.isascii():
            found[name] = pattern
    return found
