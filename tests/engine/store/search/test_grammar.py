"""The grammar alone: what parses to what, and what is said about the rest."""

import pytest
from hypothesis import given, settings, strategies as st

from ovis.engine.store.search.grammar import Condition, Query, SearchError, SyntaxFault, parse


def q(*anyof: list[Condition], sort: str | None = None, descending: bool = False, page: int | None = None) -> Query:
    return Query(tuple(tuple(all_of) for all_of in anyof), sort, descending, page)


def c(path: str, value: str, op: str = "=") -> Condition:
    return Condition(tuple(path.split(".")) if path else (), op, value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", q()),
        ("   ", q()),
        ("name=x", q([c("name", "x")])),
        ("NAME = X", q([c("name", "X")])),
        ("name=x and cluster=y", q([c("name", "x"), c("cluster", "y")])),
        ("name=x cluster=y", q([c("name", "x"), c("cluster", "y")])),
        ("a=1 or b=2 and d=3", q([c("a", "1")], [c("b", "2"), c("d", "3")])),
        ("a=1 AND b=2 OR d=3", q([c("a", "1"), c("b", "2")], [c("d", "3")])),
        ('name="two words" or "free text"', q([c("name", "two words")], [c("", "free text")])),
        ('name="and"', q([c("name", "and")])),
        ('name=""', q([c("name", "")])),
        ("host.name=a*", q([c("host.name", "a*")])),
        ("memory>=5 vcpus<3 x!=y", q([c("memory", "5", ">="), c("vcpus", "3", "<"), c("x", "y", "!=")])),
        ("a=b!c", q([c("a", "b!c")])),
        ("wow!", q([c("", "wow!")])),
        ("192.168.1.1", q([c("", "192.168.1.1")])),
        ("sortby name", q(sort="name")),
        ("sortby name asc page 1", q(sort="name", page=1)),
        ("status=up SORTBY Name DESC PAGE 12", q([c("status", "up")], sort="name", descending=True, page=12)),
        (" page 2", q(page=2)),
        (' datacenter="Default" page 2', q([c("datacenter", "Default")], page=2)),
        ("type=885", q([c("type", "885")])),
        ("name=a**b***", q([c("name", "a*b*")])),
    ],
)
def test_texts_and_their_trees(text: str, wanted: Query) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "name=",
        "=x",
        "name==x",
        "name=x and",
        "and name=x",
        "name=x or or y=z",
        "name='x'",
        "a;b",
        'name="open',
        "sortby",
        "sortby and",
        "page",
        "page x",
        "page 0",
        "page -1",
        "page ²",
        "page 99999999999999999999",
        "page 1 page 2",
        "page 1 name=x",
        "sortby name name=x",
        "name=a\0b",
        "name=\ud800",
        " ".join(f"a={n}" for n in range(200)),
        "x" * 100_000,
        "a*b*c*d*e*f*g*h*i*j*k",
    ],
)
def test_what_is_no_query_is_said_to_be_none(text: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(text)
    assert 0 <= caught.value.position <= len(text) and caught.value.expected


def test_the_place_of_the_fault_and_what_would_fit_are_told() -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse("name=x or")
    assert (caught.value.position, caught.value.expected) == (9, "a condition after it")


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab=!<>\"*. ;'\\_%²½\n\t:") | st.characters()))
def test_any_text_is_a_query_or_a_search_error(text: str) -> None:
    try:
        parse(text)
    except SearchError:
        return


def test_parsed_texts_are_kept() -> None:
    parse("name=kept")
    before = parse.cache_info().hits
    assert parse("name=kept") is parse("name=kept")
    assert parse.cache_info().hits == before + 2
