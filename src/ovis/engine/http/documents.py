"""What describes the API to programs: `?rsdl` and `?schema` of the root of dialect 3.

Does: write them from the declarations when first asked, and keep the bytes. Follows: API facts, section 7.
"""

from collections.abc import Sequence

from ovis.engine.declare.call import Call
from ovis.engine.declare.resource import Resource
from ovis.engine.http.entry import VERSION
from ovis.engine.http.messages import Answer
from ovis.engine.wire.codecs import CONTENT_TYPES, Format
from ovis.engine.wire.operations3 import Description3
from ovis.engine.wire.rsdl import SCHEMA_FILE, rsdl, schema


class Documents:
    """Of one composition."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._resources = resources
        self._described: Description3 | None = None
        self._made: dict[tuple[str, str, str], bytes] = {}

    def answer(self, call: Call, fmt: Format) -> Answer | None:
        """The document that a request of the root asks for; None if it wants the root itself."""
        if call.dialect != 3:
            return None
        if "schema" in call.params:
            attached = ("Content-Disposition", f"attachment; filename = {SCHEMA_FILE}")
            return Answer(200, self._document("schema", "", "xml"), "application/octet-stream", [attached])
        if "rsdl" in call.params:
            return Answer(200, self._document("rsdl", call.base, fmt), CONTENT_TYPES[fmt])
        return None

    def _document(self, which: str, base: str, fmt: Format) -> bytes:
        key = (which, base, fmt)
        made = self._made.get(key)
        if made is None:
            if self._described is None:
                self._described = Description3(self._resources)
            if which == "schema":
                made = schema(self._described)
            else:
                made = rsdl(self._described, VERSION, base, fmt)
            self._made[key] = made
        return made
