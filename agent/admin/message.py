"""What crosses the admin socket: one JSON object a line, both ways, errors as their sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agent import errors
from agent.errors import ConfigError, DriftlineError

VERSION = 1
"""Of the form of the messages; a side that is asked in another one says so."""
LONGEST = 64 * 1024
"""Bytes of a request."""
LONGEST_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer a client takes."""

_KINDS: Mapping[str, type[DriftlineError]] = {
    kind.__name__: kind for kind in (errors.ConfigError, errors.InputError, errors.TooLittleData, errors.Unavailable, errors.Transient)
}


@dataclass(frozen=True, slots=True)
class Request:
    """A command with its options."""

    command: str
    options: Mapping[str, Any]

    def line(self) -> bytes:
        """Return it as it is sent."""
        return orjson.dumps({"version": VERSION, "command": self.command, "options": dict(self.options)}) + b"\n"


def request(line: bytes) -> Request:
    """Return what was asked. Raises ConfigError for anything that is no request of this version.

    >>> request(Request("status", {}).line())
    Request(command='status', options={})
    """
    value = _object(line, "request")
    if value.get("version") != VERSION:
        raise ConfigError(
            f"version: the request is of version {value.get('version')!r}, this agent speaks {VERSION}: use its own driftline"
        )
    command, options = value.get("command"), value.get("options", {})
    if not isinstance(command, str) or not isinstance(options, dict):
        raise ConfigError('a request is {"version": 1, "command": "…", "options": {…}}')
    return Request(command, options)


def answer_line(result: Mapping[str, Any] | DriftlineError) -> bytes:
    """Return an answer, or an error, as it is sent."""
    if isinstance(result, DriftlineError):
        kind = next((name for name, known in _KINDS.items() if isinstance(result, known)), "")
        return orjson.dumps({"version": VERSION, "error": {"kind": kind, "message": str(result)}}) + b"\n"
    return orjson.dumps({"version": VERSION, "result": dict(result)}) + b"\n"


def answer(line: bytes) -> Mapping[str, Any]:
    """Return the result of an answer. Raises the error it holds, with its exit code, and Unavailable for what is no answer.

    >>> answer(answer_line({"lines": []}))
    {'lines': []}
    """
    try:
        value = _object(line, "answer")
    except ConfigError as error:
        raise errors.Unavailable(f"the agent's {error}") from error
    problem, result = value.get("error"), value.get("result")
    if value.get("version") != VERSION or not isinstance(problem if result is None else result, dict):
        raise errors.Unavailable("the agent answers in a form this driftline does not know: use the same version for both")
    if isinstance(problem, dict):
        raise _KINDS.get(str(problem.get("kind")), DriftlineError)(str(problem.get("message")))
    return dict(value["result"])


def _object(line: bytes, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{what} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{what} is no JSON object")
    return value
