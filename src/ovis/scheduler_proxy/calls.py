"""The four methods of the protocol, and two of our own.

Does: run every named unit in its module's process, all at once; put answers together; name each that failed.
Does not: speak XML (server).
Follows: the protocol of oVirt's scheduler proxy. A failed filter keeps all hosts, a failed weight scores none, a failed
balancer moves nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ovis.scheduler_proxy.answers import Kind, all_kept, clamped, flags
from ovis.scheduler_proxy.module import RunFailed
from ovis.scheduler_proxy.plugins import Plugins, described

AT_ONCE = 32
SETTLE_SECONDS = 2.0
_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344)], "?")


class Misused(Exception):
    """Arguments of a call that the protocol does not have."""


class Calls:
    """What a client may call. triples: runCostFunctions answers for each unit, as engines since 4.1 take."""

    def __init__(self, plugins: Plugins, *, triples: bool = False) -> None:
        self._plugins, self._triples = plugins, triples
        self._pool = ThreadPoolExecutor(AT_ONCE, "run")

    def methods(self) -> dict[str, Callable[..., Any]]:
        """Name -> function."""
        return {
            "discover": self.discover,
            "runFilters": self.run_filters,
            "runCostFunctions": self.run_cost_functions,
            "runLoadBalancing": self.run_load_balancing,
            "runFiltersByUnit": self.run_filters_by_unit,
            "runCostFunctionsByUnit": self.run_cost_functions_by_unit,
            "problems": self.problems,
        }

    def discover(self) -> dict[str, Any]:
        """{filters: {unit: [doc, patterns]}, scores: ..., balance: ...}."""
        self._plugins.settle(SETTLE_SECONDS)
        found: dict[str, Any] = _clean(described(self._plugins))
        return found

    def problems(self) -> dict[str, str]:
        """Ours: file -> why it, or a unit in it, cannot be used."""
        found: dict[str, str] = _clean(self._plugins.problems())
        return found

    def run_filters(self, names: Any, hosts: Any, vm: Any, params: Any) -> dict[str, Any]:
        """Hosts that all named filters keep, in the given order."""
        answers, failed = self._filters(names, hosts, vm, params)
        return _answer(all_kept(hosts, list(answers.values())), failed, len(answers) == 0 and bool(failed))

    def run_filters_by_unit(self, names: Any, hosts: Any, vm: Any, params: Any) -> dict[str, Any]:
        """Ours: {unit: a digit for each host in the given order, 1 if it keeps it, else 0}."""
        answers, failed = self._filters(names, hosts, vm, params)
        return _answer({n: flags(hosts, kept) for n, kept in answers.items()}, failed)

    def _filters(self, names: Any, hosts: Any, vm: Any, params: Any) -> tuple[dict[str, Any], dict[str, str]]:
        arguments = [_texts(hosts, "hosts"), _text(vm, "VM"), _params(params)]
        return self._run("filter", _texts(names, "filters"), arguments)

    def run_cost_functions(self, units: Any, hosts: Any, vm: Any, params: Any) -> dict[str, Any]:
        """[[host, sum of factor x score]] in the given order."""
        factors, answers, failed = self._scores(units, hosts, vm, params)
        if self._triples:
            return _answer([[h, of[h], name] for name, of in answers.items() for h in hosts if h in of], failed)
        totals: dict[str, int] = {}
        for name, scores in answers.items():
            for host, score in scores.items():
                totals[host] = totals.get(host, 0) + factors[name] * score
        return _answer([[h, clamped(totals[h])] for h in hosts if h in totals], failed)

    def run_cost_functions_by_unit(self, units: Any, hosts: Any, vm: Any, params: Any) -> dict[str, Any]:
        """Ours: {unit: "3 - 7": a score for each host in the given order, - for none}. Not multiplied: where ranks do, a factor
        counts then."""
        _, answers, failed = self._scores(units, hosts, vm, params)
        return _answer({name: " ".join([str(of.get(h, "-")) for h in hosts]) for name, of in answers.items()}, failed)

    def _scores(
        self, units: Any, hosts: Any, vm: Any, params: Any
    ) -> tuple[dict[str, int], dict[str, dict[str, int]], dict[str, str]]:
        factors: dict[str, int] = {}
        for pair in units if isinstance(units, list) else [units]:
            if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str) or type(pair[1]) is not int:
                raise Misused("weights are pairs of a unit's name and its factor")
            factors[pair[0]] = factors.get(pair[0], 0) + pair[1]
        arguments = [_texts(hosts, "hosts"), _text(vm, "VM"), _params(params)]
        return factors, *self._run("score", list(factors), arguments)

    def run_load_balancing(self, name: Any, hosts: Any, params: Any) -> dict[str, Any]:
        """[VM, [hosts it may go to]]; ['', []]: nothing moves."""
        name = _text(name, "balancer")
        answers, failed = self._run("balance", [name], [_texts(hosts, "hosts"), _params(params)])
        return _answer(answers.get(name, ["", []]), failed)

    def _run(self, kind: Kind, names: Sequence[str], arguments: Sequence[Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """(answers, failures) by unit."""
        answers: dict[str, Any] = {}
        failed: dict[str, str] = {}

        def one(name: str) -> None:
            module = self._plugins.find(kind, name)
            try:
                if module is None:
                    raise RunFailed("there is no such unit")
                answers[name] = module.run(kind, name, arguments)
            except RunFailed as err:
                failed[name] = f"{err}" if module is None else f"{module.name}: {err}"

        distinct = list(dict.fromkeys(names))
        if len(distinct) == 1:
            one(distinct[0])
        else:
            list(self._pool.map(one, distinct))
        return {n: answers[n] for n in distinct if n in answers}, {n: failed[n] for n in distinct if n in failed}


def _answer(result: Any, failed: Mapping[str, str], whole: bool = False) -> dict[str, Any]:
    """result_code 1: something failed; plugin_errors says which unit and why."""
    found: dict[str, Any] = {"result_code": int(bool(failed)), "result": result}
    if failed:
        found["plugin_errors"] = {name: [why] for name, why in failed.items()}
    if whole:
        found["errors"] = ["No filter answered: no host was filtered."]
    return _clean(found) if failed else found


def _clean(value: Any) -> Any:
    """Without characters that XML does not have."""
    if isinstance(value, str):
        return value.translate(_CONTROL)
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    return [_clean(v) for v in value] if isinstance(value, list) else value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Misused(f"the {what} is a text")
    return value


def _texts(value: Any, what: str) -> list[str]:
    if not isinstance(value, list) or not set(map(type, value)) <= {str}:
        raise Misused(f"{what} are a list of texts")
    return value


def _params(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Misused("properties are names with values")
    return {str(name): str(text) for name, text in value.items()}
