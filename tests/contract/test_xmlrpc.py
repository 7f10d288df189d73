"""Documents are those of Python's own marshaller, whatever is in them; what is read is what an XML parser reads."""

import xmlrpc.client
from typing import Any

from hypothesis import given, settings, strategies as st

from ovis.contract import xmlrpc as ours

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(
    ["", "a&b", "<x>", "]]>", " "]
)
INTEGER = st.integers(ours.LEAST, ours.LARGEST)
ROWS = st.lists(st.tuples(TEXT, INTEGER).map(list), max_size=5) | st.lists(
    st.tuples(TEXT, INTEGER, TEXT).map(list), max_size=5
)
VALUE: st.SearchStrategy[Any] = st.recursive(
    TEXT | INTEGER | st.booleans() | st.lists(TEXT, max_size=6) | ROWS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUE, max_size=4))
def test_calls(params: list[Any]) -> None:
    theirs = xmlrpc.client.dumps(tuple(params), "runFilters")
    assert ours.call("runFilters", params) == theirs
    read = ours.read_call(theirs.encode())
    assert read is None or read == ("runFilters", xmlrpc.client.loads(theirs)[0])
    assert read is not None or any(c in theirs for c in ("&amp;", "&lt;", "&gt;", "\ufffe", "\uffff"))


@settings(max_examples=50, deadline=None)
@given(VALUE, st.data())
def test_answers_and_what_is_nearly_one(value: Any, data: st.DataObject) -> None:
    theirs = xmlrpc.client.dumps((value,), methodresponse=True)
    assert ours.answer(value) == theirs
    at = data.draw(st.integers(0, len(theirs)))
    other = data.draw(
        st.sampled_from(["", "<", ">", "&", "</data>", "<i4>", "\n", "\x01", "<!-- -->", "<value>", "0", "-"])
    )
    changed = (theirs[:at] + other + theirs[at + data.draw(st.integers(0, 9)) :]).encode()
    read = ours.read_answer(changed)
    if read is not None:
        assert read == xmlrpc.client.loads(changed)[0]


def test_documents_of_others_are_read_too() -> None:
    compact = b'<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>runFilters</methodName><params>'
    compact += b"<param><value><array><data><value>a</value><value><i4>-3</i4></value></data></array></value></param>"
    compact += (
        b"<param><value><struct><member><name>n</name><value><boolean>1</boolean></value></member></struct></value>"
    )
    compact += b"</param></params></methodCall>"
    assert ours.read_call(compact) == ("runFilters", (["a", -3], {"n": True}))
    assert ours.read_call(compact.replace(b"UTF-8", b"latin-1")) is None
    assert ours.read_call(b"<!DOCTYPE x>" + compact) is None
    assert ours.read_answer(xmlrpc.client.dumps(xmlrpc.client.Fault(1, "no")).encode()) is None


def test_what_the_protocol_does_not_have_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    for value in (2**31, [["h", 2**31]], 1.5, None, {1: "x"}, deep):
        try:
            ours.answer(value)
        except (TypeError, OverflowError):
            continue
        raise AssertionError(value)
