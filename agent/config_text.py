"""The text of a configuration file as plain data: strict YAML, with `${env:NAME}` and `${file:PATH}` put in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from agent.errors import ConfigError
from agent.secret import Secret

LARGEST = 1024 * 1024
"""Bytes of a configuration file, or of a file put in by `${file:…}`."""

_PLACE = re.compile(r"\$(\$\{|\{([^}]*)\})")


class _Strict(yaml.SafeLoader):
    """YAML that refuses a key given twice, which plain YAML answers with the last one, and reads `off` as the word it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is there twice", key.start_mark)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_BOOLEAN = "tag:yaml.org,2002:bool"
# YAML 1.1 reads yes, no, on and off as true and false, and so `content: off` as a mode nobody wrote. YAML 1.2 does not.
_Strict.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != _BOOLEAN] for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Strict.add_implicit_resolver(_BOOLEAN, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def parse(text: str) -> Any:
    """Return YAML as plain data. Raises ConfigError with line and column.

    >>> parse("window: 15m")
    {'window': '15m'}
    >>> parse("content: off")
    {'content': 'off'}
    """
    try:
        return yaml.load(text, _Strict)  # noqa: S506 (derived from SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        message = f"{where}{error.problem or error.context}"
        raise ConfigError(message) from error
    except RecursionError as error:
        raise ConfigError("is no YAML of ours: it nests too deep") from error
    except (yaml.YAMLError, ValueError) as error:
        message = f"is no YAML: {str(error).splitlines()[0]}"
        raise ConfigError(message) from error


def expand(value: Any, key: str, environment: Mapping[str, str], folder: Path, problems: list[str]) -> Any:
    """Put in `${env:NAME}` and `${file:PATH}` wherever text stands; `$${` stays `${`.

    Paths are relative to `folder`. What was put in is a Secret. What cannot be put in is added to `problems`.
    """
    if isinstance(value, dict):
        return {name: expand(item, f"{key}.{name}" if key else str(name), environment, folder, problems) for name, item in value.items()}
    if isinstance(value, list):
        return [expand(item, f"{key}[{index}]", environment, folder, problems) for index, item in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    hidden = False

    def put_in(match: re.Match[str]) -> str:
        nonlocal hidden
        if match[2] is None:
            return "${"
        hidden = True
        kind, _, name = match[2].partition(":")
        try:
            return _looked_up(kind, name, environment, folder)
        except ValueError as error:
            problems.append(f"{key}: {error}")
            return ""

    text = _PLACE.sub(put_in, value)
    return Secret(text) if hidden else text


def _looked_up(kind: str, name: str, environment: Mapping[str, str], folder: Path) -> str:
    if kind == "env" and name:
        if name not in environment:
            message = f"environment variable {name} is not set"
            raise ValueError(message)
        return environment[name]
    if kind == "file" and name:
        path = folder / name
        try:
            if path.stat().st_size > LARGEST:
                message = f"file {path} is larger than {LARGEST} bytes"
                raise ValueError(message)
            return path.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            message = f"file {path} cannot be read: {reason}"
            raise ValueError(message) from error
    message = f"${{{kind}{':' if name else ''}{name}}} is unknown; write ${{env:NAME}} or ${{file:PATH}}"
    raise ValueError(message)
