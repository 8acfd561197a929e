"""Reads plain data into the dataclass that describes it, and gathers every fault instead of stopping at the first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from functools import cache
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from agent.config_units import duration, size
from agent.errors import ConfigError
from agent.secret import Secret
from detectors.drift.calendar import Days

BAD: Any = object()
"""Stands for a value that could not be read; its fault is among the problems."""

_HIDDEN = ("connection_string", "key", "password", "secret", "token", "sas", "authorization")


def options(kind: type[Any]) -> dict[str, Any]:
    """Return the keys a dataclass takes, with their types."""
    hints = get_type_hints(kind, include_extras=True)
    return {item.name: hints[item.name] for item in fields(kind) if item.init and not item.name.startswith("_")}


def required(kind: type[Any]) -> list[str]:
    """Return the keys a dataclass cannot do without."""
    return [
        item.name for item in fields(kind) if item.name in options(kind) and item.default is MISSING and item.default_factory is MISSING
    ]


def bare(hint: Any) -> Any:
    """Return a type without `Annotated` and without `| None`."""
    if get_origin(hint) is Annotated:
        return bare(get_args(hint)[0])
    if get_origin(hint) in {Union, UnionType}:
        rest = [item for item in get_args(hint) if item is not NoneType]
        return bare(rest[0]) if len(rest) == 1 else hint
    return hint


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `; known: a, b; did you mean a?`.

    >>> suggest("windw", ["window", "content"])
    '; known: content, window; did you mean window?'
    """
    names = sorted(known)
    close = nearest(name, names)
    return (f"; known: {', '.join(names)}" if names else "") + (f"; did you mean {close}?" if close else "")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that somebody may have meant; None where none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only what is wrong is compared

    return next(iter(get_close_matches(name, known, 1)), None)


def shown(key: str, value: Any) -> str:
    """Return a value as an error may show it: short, and never a secret.

    >>> shown("sinks.azure_monitor.connection_string", "InstrumentationKey=1")
    '***'
    """
    last = key.rsplit(".", 1)[-1].lower()
    if isinstance(value, Secret) or any(word in last for word in _HIDDEN):
        return "***"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value) or "''"
    return text if len(text) <= 60 else text[:57] + "..."


class Reader:
    """Reads values of one file; relative paths are taken from `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []
        self.inline: list[str] = []
        """Keys of secrets that stand in the file itself."""

    def fault(self, key: str, text: str) -> Any:
        """Note a problem and return BAD."""
        self.problems.append(_harmless(f"{key}: {text}" if key else text))
        return BAD

    def mapping(self, value: Any, key: str) -> dict[str, Any]:
        """Return a mapping with text keys; nothing at all counts as an empty one."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.fault(key, f"must be a mapping, not {shown(key, value)}")
            return {}
        for name in value:
            if name == "":
                self.fault(key, "a key is empty; give it a name")
            elif not isinstance(name, str):
                self.fault(key, f"key {name!r} must be text; put it in quotes")
        return {name: item for name, item in value.items() if isinstance(name, str) and name}

    def record(self, kind: type[Any], value: Any, key: str, ready: Mapping[str, Any] | None = None, keyless: str = "") -> Any:
        """Return an instance of a dataclass; `ready` are fields read already, `keyless` one the file has no key for."""
        known, done = options(kind), dict(ready or {})
        given = self.mapping(value, key)
        if value is not None and not isinstance(value, Mapping):
            return BAD
        prefix = f"{key}." if key else ""
        for name, item in given.items():
            if name in done:
                continue
            if name not in known:
                text = f"unknown key (value {shown(prefix + name, item)}){suggest(name, known.keys() - {keyless})}"
                done[name] = self.fault(prefix + name, text)
                continue
            done[name] = self.value(known[name], item, prefix + name)
        for name in required(kind):
            if name not in done:
                done[name] = self.fault(prefix + name, "is required")
        if any(item is BAD for item in done.values()):
            return BAD
        try:
            return kind(**done)
        except (ValueError, TypeError) as error:
            return self.fault(key, str(error))

    def checked(self, found: Any, key: str) -> Any:
        """Return a component if its own `check`, where it has one, finds nothing wrong; else BAD."""
        if found is BAD or not hasattr(found, "check"):
            return found
        try:
            found.check()
        except ConfigError as error:
            return self.fault("", f"{key}.{error}")
        return found

    def value(self, hint: Any, value: Any, key: str) -> Any:
        """Return a value of the type `hint`, or BAD."""
        inner = bare(hint)
        optional = inner is not hint and NoneType in get_args(get_args(hint)[0] if get_origin(hint) is Annotated else hint)
        if value is None and optional:
            return None
        if is_dataclass(inner) and isinstance(inner, type):
            return self.record(inner, value, key)
        origin = get_origin(inner)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            each = get_args(inner)[1]
            read = {name: self.value(each, item, f"{key}.{name}") for name, item in self.mapping(value, key).items()}
            return BAD if any(item is BAD for item in read.values()) else read
        if origin in {tuple, list, Sequence} and (len(get_args(inner)) == 1 or get_args(inner)[-1] is Ellipsis):
            return self._items(origin, get_args(inner)[0], value, key)
        return self._leaf(hint, inner, value, key)

    def _items(self, origin: Any, each: Any, value: Any, key: str) -> Any:
        if not isinstance(value, list):
            return self.fault(key, f"must be a list such as [{shown(key, value)}]")
        read = [self.value(each, item, f"{key}[{index}]") for index, item in enumerate(value)]
        return BAD if any(item is BAD for item in read) else (read if origin is list else tuple(read))

    def _leaf(self, hint: Any, inner: Any, value: Any, key: str) -> Any:
        if isinstance(value, str) and isinstance(inner, type) and issubclass(inner, Secret) and not isinstance(value, Secret):
            self.inline.append(key)
            value = Secret(value)
        raw = value
        try:
            value = self._converted(inner, value, key)
        except ValueError as error:
            return self.fault(key, f"{shown(key, raw)} {error}")
        if get_origin(inner) is Literal and value not in get_args(inner):
            text = shown(key, value)
            return self.fault(key, f"{text} is unknown{suggest(text, map(str, get_args(inner)))}")
        if isinstance(value, bool) and inner in {int, float}:
            return self.fault(key, f"must be a number, not {shown(key, value)}")
        try:
            read = _adapter(hint).validate_python(value)
        except ValidationError as error:
            return self.fault(key, _sentence(error, shown(key, raw)))
        if isinstance(read, float) and not isfinite(read):
            return self.fault(key, f"{shown(key, raw)} should be a finite number")
        return Secret(read) if isinstance(raw, Secret) and type(read) is str else read

    def _converted(self, inner: Any, value: Any, key: str) -> Any:
        """Turn what a person writes into the value meant; anything else stays. Raises ValueError."""
        if inner is timedelta and not isinstance(value, timedelta):
            return duration(value if isinstance(value, str) else str(value))
        if inner is int and isinstance(value, str) and key.endswith("bytes") and not value.isdigit():
            return size(value)
        if inner is Days and not isinstance(value, Days):
            return Days.parse(str(value))
        return self.folder / value if inner is Path and isinstance(value, str) and value else value


def _harmless(text: str) -> str:
    """Return a text that stays one line and cannot drive a terminal."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _sentence(error: ValidationError, value: str) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    text = first["msg"].removeprefix("Value error, ").removeprefix("Input ").split(", unable to parse")[0]
    if first["type"] == "path_type":
        return f"{value} should be a path; put it in quotes"
    hint = "; put it in quotes" if first["type"] == "string_type" else ""
    return f"{value} {text}{hint}"
