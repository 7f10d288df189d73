"""What all collections and objects of the API do alike; the generated brokers only say where and what.

Does: list, stream, get, add; update, delete, run actions; find sub-collections. Does not: know addresses beyond its own.
"""

from __future__ import annotations

from typing import Any, Dict, Generic, Iterator, List, Mapping, Optional, Type, TypeVar
from urllib.parse import quote

from ovirtsdk.infrastructure.connection import Connection
from ovirtsdk.infrastructure.errors import (
    AmbiguousQueryError,
    DisconnectedError,
    FormatError,
    MissingParametersError,
    RequestError,
)
from ovirtsdk.xml.base import Struct, quoted, text_of

R = TypeVar("R", bound="Resource")


def address(path: str, matrix: Mapping[str, Any], query: Mapping[str, Any]) -> str:
    """A path with its parameters; those that are None are left out."""
    for name, value in matrix.items():
        if value is not None:
            path += f";{name}={quote(text_of(value), safe='')}"
    pairs = [f"{name}={quote(text_of(value), safe='')}" for name, value in query.items() if value is not None]
    return path + ("?" + "&".join(pairs) if pairs else "")


def _asynchronous(given: Dict[str, Any], value: Optional[bool]) -> Optional[bool]:
    """`async` was an ordinary word when older scripts were written: `delete(**{"async": True})`."""
    other = given.pop("async", None)
    if given:
        raise TypeError(f"unknown arguments: {', '.join(sorted(given))}")
    return value if value is not None else other


class Resource(Struct):
    """An object of the engine. Its properties are those of its type; its sub-collections are attributes."""

    _connection: Connection

    @property
    def _path(self) -> str:
        """Below the API's prefix. An object of a list knows its list, and reads its id when it is asked."""
        own: Optional[str] = self.__dict__.get("_own_path")
        if own is not None:
            return own
        above = self.__dict__.get("_above")
        return "" if above is None else f"{above}/{self._values().get('id')}"

    def _at(self: R, connection: Connection, path: str) -> R:
        """Where it lives."""
        self.__dict__["_connection"], self.__dict__["_own_path"] = connection, path
        return self

    def _below(self: R, connection: Connection, above: str) -> R:
        """Where its list is."""
        self.__dict__["_connection"], self.__dict__["_above"] = connection, above
        return self

    @property
    def context(self) -> Connection:
        """The connection."""
        found: Optional[Connection] = self.__dict__.get("_connection")
        if found is None:
            raise DisconnectedError
        return found

    def _write_inside(self, tag: str, out: List[str]) -> None:
        """An object of the engine inside another one is a reference."""
        known = self._values().get("id")
        if known is None:
            self._write(tag, out)
        else:
            out.append(f"<{tag} id={quoted(known)}/>")

    def _update(
        self: R,
        *,
        matrix: Mapping[str, Any],
        correlation_id: Optional[str],
        expect: Optional[str],
    ) -> R:
        headers = {"Correlation-Id": correlation_id, "Expect": expect}
        url = address(self._path, matrix, {})
        answer = self.context.request("PUT", url, body=self.to_xml(), headers=headers)
        return type(self).decode(answer)._at(self.context, self._path) if answer is not None else self

    def _delete(
        self, body: Optional[Struct], given: Dict[str, Any], asynchronous: Optional[bool], correlation_id: Any
    ) -> None:
        url = address(self._path, {"async": _asynchronous(given, asynchronous)}, {})
        text = body.to_xml() if body is not None else "<action/>"
        self.context.request("DELETE", url, body=text, headers={"Correlation-Id": correlation_id})

    def _act(
        self,
        name: str,
        action: Optional[Struct],
        given: Dict[str, Any],
        asynchronous: Optional[bool],
        correlation_id: Any,
    ) -> Any:
        from ovirtsdk.xml import params

        url = address(f"{self._path}/{name}", {"async": _asynchronous(given, asynchronous)}, {})
        text = action.to_xml("action") if action is not None else "<action/>"
        answer = self.context.request("POST", url, body=text, headers={"Correlation-Id": correlation_id})
        return params.Action.decode(answer) if answer is not None else params.Action()


class Collection(Generic[R]):
    """Objects of one type at one place."""

    _of: Type[R]
    _segment = ""
    _searched = False

    def __init__(self, connection: Connection, parent: str = "") -> None:
        self._connection = connection
        self._path = f"{parent}/{self._segment}"

    def context(self) -> Connection:
        """The connection."""
        return self._connection

    def __iter__(self) -> Iterator[R]:
        return self._stream({}, {}, None)

    def _stream(
        self, matrix: Mapping[str, Any], query: Mapping[str, Any], headers: Optional[Mapping[str, Any]]
    ) -> Iterator[R]:
        url = address(self._path, matrix, query)
        kind = self._of
        for element in self._connection.stream(url, kind._tag, headers):
            yield self._placed(kind.decode(element))

    def _list(
        self,
        matrix: Mapping[str, Any],
        query: Mapping[str, Any],
        headers: Optional[Mapping[str, Any]],
        wanted: Mapping[str, Any],
    ) -> List[R]:
        found = self._stream(matrix, query, headers)
        return [o for o in found if _fits(o, wanted)] if wanted else list(found)

    def _placed(self, o: R) -> R:
        return o._below(self._connection, self._path)

    def _get(self, name: Optional[str], id: Optional[str], headers: Optional[Mapping[str, Any]] = None) -> Optional[R]:
        if id:
            try:
                answer = self._connection.request("GET", f"{self._path}/{quote(id, safe='')}", headers=headers)
            except RequestError as err:
                if err.status == 404:
                    return None
                raise
            return self._placed(self._of.decode(answer)) if answer is not None else None
        if not name:
            raise MissingParametersError(["id", "name"])
        query = {"search": f"name={_quoted(name)}"} if self._searched else {}
        found = self._list({}, query, headers, {"name": name})
        if len(found) > 1:
            raise AmbiguousQueryError(f"name={name}")
        return found[0] if found else None

    def _add(self, o: Struct, matrix: Mapping[str, Any], correlation_id: Optional[str], expect: Optional[str]) -> R:
        headers = {"Correlation-Id": correlation_id, "Expect": expect}
        tag = o._tag or self._of._tag
        url = address(self._path, matrix, {})
        answer = self._connection.request("POST", url, body=o.to_xml(tag), headers=headers)
        if answer is None:
            raise FormatError("")
        return self._placed(self._of.decode(answer))

    def _act(
        self,
        name: str,
        action: Optional[Struct],
        given: Dict[str, Any],
        asynchronous: Optional[bool],
        correlation_id: Any,
    ) -> Any:
        from ovirtsdk.xml import params

        url = address(f"{self._path}/{name}", {"async": _asynchronous(given, asynchronous)}, {})
        text = action.to_xml("action") if action is not None else "<action/>"
        answer = self._connection.request("POST", url, body=text, headers={"Correlation-Id": correlation_id})
        return params.Action.decode(answer) if answer is not None else params.Action()


def _quoted(name: str) -> str:
    return (
        name
        if name.replace("-", "").replace("_", "").replace(".", "").isalnum()
        else '"' + name.replace('"', '\\"') + '"'
    )


def _fits(o: Struct, wanted: Mapping[str, Any]) -> bool:
    """Whether an object has these values; `status_state` looks into `status.state`."""
    for name, value in wanted.items():
        found: Any = o
        for part in name.split(".") if "." in name else (name,):
            found = getattr(found, part, None)
        if isinstance(found, Struct):
            found = getattr(found, "state", None) or getattr(found, "id", None)
        if text_of(found) != text_of(value) if found is not None else value is not None:
            return False
    return True
