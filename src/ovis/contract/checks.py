"""Whether a value fits a declared shape, and a shape in words.

Does: arguments as tolerantly as VDSM (numbers as text and the other way round, numbers for names, unknown keys); results
exactly. Says every misfit with its place. Does not: convert anything.
"""

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

_SCALARS = (str, int, float, bool)
_DEPTH = 16
_WORDS = {str: "text", int: "number", float: "number", bool: "truth", Any: "anything", dict: "map", list: "list"}


@cache
def _fields(shape: Any) -> dict[str, Any]:
    """Key -> type of a dictionary's declaration."""
    hints = get_type_hints(shape, include_extras=True)
    return {k: get_args(t)[0] if get_origin(t) is NotRequired else t for k, t in hints.items()}


def kind(value: Any) -> str:
    """A value's kind in words."""
    if value is None:
        return "nothing"
    return _WORDS.get(type(value), "map" if isinstance(value, Mapping) else type(value).__name__)


def words(shape: Any) -> str:
    """A type in words, for documentation and messages."""
    origin, args = get_origin(shape), get_args(shape)
    if shape in _WORDS:
        return _WORDS[shape]
    if origin is Annotated:
        return f"{words(args[1])} as text" if args[0] is str else words(args[0])
    if origin is Literal:
        return "one of " + ", ".join(str(a) for a in args)
    if origin is list:
        return f"list of {words(args[0])}"
    if origin is dict:
        return "map" if args[1] is Any else f"map to {words(args[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(words(a) for a in args if a is not type(None)))
    return str(getattr(shape, "__name__", shape))


def takes_none(shape: Any) -> bool:
    """Whether a parameter of this type may be left out."""
    return type(None) in get_args(shape)


def holds_text(shape: Any) -> bool:
    """Whether text is at home in a parameter of this type (a number's digits are not)."""
    origin, args = get_origin(shape), get_args(shape)
    if origin in (Union, types.UnionType):
        return any(holds_text(a) for a in args)
    if origin is Literal:
        return any(isinstance(a, str) for a in args)
    return shape is str or (origin is Annotated and args[0] is str)


def argument(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Misfits of an argument. Pure."""
    return _walk(shape, value, where, strict=False, depth=0)


def result(shape: Any, value: Any, where: str = "result") -> Iterator[str]:
    """Misfits of a result. Pure."""
    return _walk(shape, value, where, strict=True, depth=0)


def _walk(shape: Any, value: Any, where: str, *, strict: bool, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        yield f"{where} is nested too deeply"
        return
    if shape is Any or (value is None and not strict):
        return
    origin, args = get_origin(shape), get_args(shape)
    more: dict[str, Any] = {"strict": strict, "depth": depth + 1}
    if origin in (Union, types.UnionType):
        tried = [list(_walk(a, value, where, strict=strict, depth=depth)) for a in args]
        if all(tried):
            yield from min(tried, key=len)
    elif origin is list:
        if isinstance(value, list | tuple):
            for number, part in enumerate(value):
                yield from _walk(args[0], part, f"{where}[{number}]", **more)
        elif depth and not strict and isinstance(value, _SCALARS):  # engines send one NIC where several may stand
            yield from _walk(args[0], value, where, **more)
        else:
            yield _misfit(where, shape, value)
    elif origin is dict or is_typeddict(shape):
        if isinstance(value, Mapping):
            yield from _walk_map(shape, value, where, more)
        else:
            yield _misfit(where, shape, value)
    elif shape is type(None):
        if value is not None:
            yield f"{where} must be nothing, not {kind(value)}"
    elif not (_fits if strict else _tolerated)(shape, value):
        yield _misfit(where, shape, value)


def _misfit(where: str, shape: Any, value: Any) -> str:
    return f"{where} must be {words(shape)}, not {kind(value)}"


def _walk_map(shape: Any, value: Mapping[Any, Any], where: str, more: dict[str, Any]) -> Iterator[str]:
    if get_origin(shape) is dict:
        for key, part in value.items():
            yield from _walk(get_args(shape)[1], part, f"{where}.{key}", **more)
        return
    fields = _fields(shape)
    for key, part in value.items():
        if key in fields:
            yield from _walk(fields[key], part, f"{where}.{key}", **more)
    if more["strict"]:
        for key in sorted(shape.__required_keys__ - value.keys()):
            yield f"{where}.{key} is missing"


def _fits(shape: Any, value: Any) -> bool:
    """A scalar, exactly."""
    origin, args = get_origin(shape), get_args(shape)
    if origin is Literal:
        return value in args and type(value) in {type(a) for a in args}
    if origin is Annotated:
        if args[0] is str:
            return isinstance(value, str) and (value == "" or _reads(args[1], value))
        return _fits(args[0], value) and not (isinstance(value, int) and value < 0)
    if shape is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if shape is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, shape)


def _tolerated(shape: Any, value: Any) -> bool:
    """A scalar, as callers send them: any scalar for a name or text, what can be read for a number or a truth."""
    if not isinstance(value, _SCALARS):
        return False
    origin, args = get_origin(shape), get_args(shape)
    if origin is Literal:
        return True
    if origin is Annotated:
        return _tolerated(args[1] if args[0] is str and not isinstance(args[1], str) else args[0], value)
    if shape is str or not isinstance(value, str) or value == "":
        return True
    return _reads(shape, value)


def _reads(shape: Any, text: str) -> bool:
    if get_origin(shape) is Annotated:
        shape = get_args(shape)[0]
    if shape is bool:
        return text.lower() in ("true", "false", "yes", "no", "1", "0")
    try:
        number = float(text)
    except ValueError:
        return False
    return shape is float or number == number // 1
