"""Readers: what one attribute value (an OTLP AnyValue, or a piece of parsed JSON) is worth as a column value."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Reader: TypeAlias = Callable[[Any], Any]
"""From a plain value (str, bool, int, float, list, dict, None) to a column value, or None for "not usable"."""

NAME_LIMIT = 256
"""Characters kept of names and ids that come from outside."""

_DEPTH = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_NAME = frozenset({"unknown", "none", "null", "undefined"})
"""What clients write where they know no name."""


def plain(value: AnyValue, depth: int = _DEPTH) -> Any:
    """Return an AnyValue as plain Python; nesting beyond `depth` becomes None."""
    kind = value.WhichOneof("value")
    if kind is None or depth == 0:
        return None
    if kind == "array_value":
        return [plain(item, depth - 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value, depth - 1) for item in value.kvlist_value.values}
    return getattr(value, kind)


def strings(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Return attributes as text; lists and maps are left out."""
    values = ((item.key, plain(item.value)) for item in attributes)
    return {key: str(value) for key, value in values if isinstance(value, str | int | float)}


def parse(value: Any) -> Any:
    """Return what a JSON text says; other values as they are, and None for text that is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def name(value: Any) -> str | None:
    """Read a short text; empty is missing.

    >>> name("gpt-4o"), name(""), name(3)
    ('gpt-4o', None, None)
    """
    return (value[:NAME_LIMIT] or None) if isinstance(value, str) else None


def quoted(value: Any) -> str | None:
    """Read a text that was encoded as JSON once more (MLflow encodes every attribute).

    >>> quoted('"gpt-4o"'), quoted("gpt-4o")
    ('gpt-4o', 'gpt-4o')
    """
    found = name(value)
    if found and found.startswith('"'):
        return name(parse(found))
    return found


def model(value: Any) -> str | None:
    """Read the name of a model, also one encoded as JSON; a word that says there is none is missing.

    >>> model("gpt-4o"), model('"gpt-4o"'), model("unknown")
    ('gpt-4o', 'gpt-4o', None)
    """
    found = quoted(value)
    return None if found is None or found.lower() in _NO_NAME else found


def answer(value: Any) -> str | None:
    """Read the id of an answer; that of a message in it is none.

    >>> answer("chatcmpl-1"), answer("msg_1")
    ('chatcmpl-1', None)
    """
    found = name(value)
    return None if found is None or found.startswith("msg_") else found


def closing(value: Any) -> bool | None:
    """Read whether a record is a log record that closes a call another span tells of, or a span; None for neither.

    >>> closing("log"), closing("span"), closing("pending_span")
    (True, False, None)
    """
    return {"log": True, "span": False}.get(value) if isinstance(value, str) else None


def moment(value: Any) -> int | None:
    """Read a point in time, ISO 8601 with an offset, also one encoded as JSON: nanoseconds since 1970.

    >>> moment('"2026-11-20T15:54:56.5Z"'), moment("2026-11-20")
    (1795190096500000000, None)
    """
    found = quoted(value)
    try:
        at = datetime.fromisoformat(found or "")
    except ValueError:
        return None
    return (at - _EPOCH) // _MICROSECOND * 1000 if at.tzinfo else None


def number(value: Any) -> float | None:
    """Read a finite number that is not negative; numbers in text are read too.

    >>> number(3), number("0.5"), number(-1), number(True), number("NaN")
    (3.0, 0.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


def seconds(value: Any) -> float | None:
    """Read a time span: a number as `number` reads it."""
    return number(value)


def flag(value: Any) -> bool | None:
    """Read a truth value; the words true and false count.

    >>> flag(True), flag("true"), flag(1)
    (True, True, None)
    """
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def items(value: Any) -> list[Any] | None:
    """Read a list, also one written as JSON or a single value.

    >>> items('["stop"]'), items("stop"), items('"stop"'), items([])
    (['stop'], ['stop'], ['stop'], None)
    """
    if isinstance(value, str) and value.startswith(("[", '"')):
        value = parse(value)
    if isinstance(value, list):
        return value or None
    return [value] if isinstance(value, str) and value else None


def present(value: Any) -> Any:
    """Keep a value as it is, also an empty list: it says that there is nothing.

    >>> present([]), present("")
    ([], None)
    """
    return None if value == "" else value


def kept(value: Any) -> Any:
    """Keep a value as it is; empty is missing."""
    return value or None
