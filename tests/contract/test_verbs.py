"""All verbs are declared with VDSM's names, order, types and results."""

import json
from pathlib import Path
from typing import get_args, get_origin

import pytest

from ovis.contract.checks import words
from ovis.contract.verbs import VERBS

YARDSTICK: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parents[1] / "data/contract/verbs.json").read_text(encoding="utf-8")
)
_KINDS = {"string": "text", "boolean": "truth", "int": "number", "uint": "number", "dict": "map"}


def test_all_205_verbs_are_there_and_no_other() -> None:
    assert len(VERBS) == 205
    assert set(VERBS) == set(YARDSTICK)


@pytest.mark.parametrize("name", sorted(YARDSTICK))
def test_parameters_in_order_with_what_may_be_missing(name: str) -> None:
    given = [p.partition(":")[0] for p in YARDSTICK[name]["takes"].split()]
    assert [p.name + ("" if p.mandatory else "?") for p in VERBS[name].params] == given


def test_scalars_and_lists_are_what_the_yardstick_says() -> None:
    for name, row in YARDSTICK.items():
        for parameter, text in zip(VERBS[name].params, row["takes"].split(), strict=True):
            kind = text.partition(":")[2]
            shape = parameter.type
            if kind in _KINDS:
                assert words(shape).startswith(_KINDS[kind]), (name, parameter)
            elif kind.startswith("["):
                optional = [a for a in get_args(shape) if a is not type(None)]
                assert get_origin(shape) is list or get_origin(optional[0]) is list, (name, parameter)


def test_verbs_with_a_result_and_those_that_answer_true() -> None:
    for name, row in YARDSTICK.items():
        assert (VERBS[name].result is None) == (row["answers"] == ""), name


def test_every_shape_can_be_said_in_words() -> None:
    for verb in VERBS.values():
        for shape in (*(p.type for p in verb.params), verb.result):
            if shape is not None:
                assert words(shape) and "typing." not in words(shape), (verb.name, shape)


def test_methods_of_drivers_have_pythonic_names() -> None:
    assert VERBS["VM.getStats"].method == "vm_get_stats"
    assert VERBS["Host.setMOMPolicy"].method == "host_set_mom_policy"
    assert VERBS["NBD.start_server"].method == "nbd_start_server"
    assert len({v.method for v in VERBS.values()}) == len(VERBS)
