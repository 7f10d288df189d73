"""Lists are cut into their members as a parser would, wherever the answer's parts end."""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings, strategies as st

from ovirtsdk.infrastructure.errors import ConnectionError, FormatError
from ovirtsdk.infrastructure.members import members
from ovirtsdk.xml import params
from ovirtsdk.xml.base import Struct

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
TEXTS = st.text(alphabet="ab<>&\"' \t\né\u2028]]>", max_size=8)


def parts(text: str | bytes, size: int) -> Iterator[bytes]:
    data = text.encode() if isinstance(text, str) else text
    return (data[i : i + size] for i in range(0, len(data), size))


def cut(text: str | bytes, size: int = 65536, item: str = "vm") -> list[bytes]:
    found = members(parts(text, size), item)
    return [ElementTree.canonicalize(m if isinstance(m, bytes) else ElementTree.tostring(m)).encode() for m in found]


def parsed(text: str, item: str = "vm") -> list[bytes]:
    root = ElementTree.fromstring(text)
    return [ElementTree.canonicalize(ElementTree.tostring(e)).strip().encode() for e in root if e.tag == item]


def elements(
    inner: st.SearchStrategy[list[ElementTree.Element]],
    names: Sequence[str] = ("vm", "vms", "vm_pool", "v", "name"),
) -> st.SearchStrategy[list[ElementTree.Element]]:
    def made(
        tag: str, attributes: dict[str, str], text: str, children: list[ElementTree.Element]
    ) -> ElementTree.Element:
        found = ElementTree.Element(tag, attributes)
        found.text = text
        found.extend(children)
        return found

    tags = st.sampled_from(names)
    one = st.builds(made, tags, st.dictionaries(st.sampled_from(["id", "href"]), TEXTS, max_size=2), TEXTS, inner)
    return st.lists(one, max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.just([]), elements, max_leaves=12), st.integers(1, 40), st.booleans())
def test_any_document_is_cut_as_it_is_parsed(children: list[ElementTree.Element], size: int, pretty: bool) -> None:
    root = ElementTree.Element("vms")
    root.extend(children)
    if pretty:
        ElementTree.indent(root)
    text = HEAD + ElementTree.tostring(root, encoding="unicode")
    assert cut(text, size) == parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        "<vms><!-- <vm/> --><vm id='1'><name><![CDATA[</vm>]]></name></vm></vms>",
        "<vms>\n<actions><link rel='x'/></actions>\n<vm id='1'/><vm id='a>b'></vm ></vms >\n",
        "<vms><vm><vms><vm/><vm id='2'><vm/></vm></vms></vm><vm_pool><vm/></vm_pool><vm/></vms>",
        "<vms xmlns:a='urn:x'><vm a:b='c'/></vms>",
        "<vms/>",
        "<vms></vms>",
        "<vms><vm><?x </vm>?></vm></vms>",
    ],
)
def test_what_engines_rarely_write(text: str) -> None:
    for size in (1, 7, 65536):
        assert cut(text, size) == parsed(text)


def test_other_encodings() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><vms><vm><name>é</name></vm></vms>'
    (found,) = cut(text.encode("latin-1"))
    assert "é" in found.decode()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<vms><vm></vm>", ConnectionError),
        ("<vms><vm><name>x</na", ConnectionError),
        ("<vms", (ConnectionError, FormatError)),
        ("<html><body>a proxy", FormatError),
        ("<html>a proxy</html>x", FormatError),
        ("no xml", FormatError),
        ("<vms/>x", FormatError),
        ("<vms></vm></vms>", FormatError),
    ],
)
def test_lists_that_are_none(text: str, error: type[Exception]) -> None:
    for size in (3, 65536):
        with pytest.raises(error):
            list(members(parts(text, size), "vm"))


def test_an_answer_without_a_body_has_no_members() -> None:
    assert list(members(iter([]), "vm")) == []


def test_a_member_that_cannot_be_read_says_so_when_it_is_looked_at() -> None:
    (found,) = members(parts("<vms><vm><name>x</nam></vm></vms>", 9), "vm")
    vm = params.VM.decode(found)
    with pytest.raises(FormatError):
        print(vm.name)


KNOWN = ["name", "os", "boot", "cluster", "vms", "vm", "disks", "disk", "status", "state", "value", "link", "unknown"]


def _values(found: object) -> object:
    if isinstance(found, Struct):
        return type(found).__name__, {k: _values(v) for k, v in found._given().items()}
    return [_values(v) for v in found] if isinstance(found, list) else found


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.just([]), lambda inner: elements(inner, KNOWN), max_leaves=12), st.booleans())
def test_an_object_reads_its_text_as_it_reads_its_element(children: list[ElementTree.Element], pretty: bool) -> None:
    root = ElementTree.Element("vm", {"id": "1"})
    root.extend(children)
    if pretty:
        ElementTree.indent(root)
    text = ElementTree.tostring(root)
    assert _values(params.VM.decode(text)) == _values(params.VM.decode(ElementTree.fromstring(text)))


def test_what_was_set_before_reading_stays() -> None:
    vm = params.VM.decode(b'<vm id="1"><name>a</name><memory>5</memory><os><boot dev="hd"/></os></vm>')
    vm.name = "b"
    assert (vm.name, vm.memory, vm.id) == ("b", 5, "1")
    assert vm.os is not None and [boot.dev for boot in vm.os.boot] == ["hd"]
    assert params.VM.decode(b'<vm id="1"/>') == params.VM(id="1")
    assert repr(params.VM.decode(b'<vm id="1"/>')) == "<VM id='1'>"
    assert params.VM.decode(b"<vm><name>x</name></vm>").to_xml() == "<vm><name>x</name></vm>"
