"""JSON Schema of the configuration file, drawn from the same dataclasses that read it."""

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import TypeAdapter

from agent.config import Config, Endpoint
from agent.config_file import NEWEST, SHARED
from agent.config_units import DURATION_PATTERN, SIZE_PATTERN
from agent.config_values import bare, options, required
from agent.golden.options import GoldenOptions
from agent.registry import Group, component, names
from alerts.builtin import RULES
from detectors.drift.calendar import PATTERN as DAYS_PATTERN
from detectors.drift.calendar import Days

_EXPANDED = {"type": "string", "pattern": r"\$\{(env|file):"}
"""Text that becomes a number or a choice only once the environment is put in."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a configuration file, options of every known component included."""
    whole = _record(Config)
    whole["properties"]["version"] = {"const": NEWEST, "description": descriptions(Config)["version"]}
    for group in SHARED:
        whole["properties"][group] |= section(group)
    endpoint = _record(Endpoint, keyless="name")
    endpoint["properties"]["source"] |= section("sources") | {"maxProperties": 1}
    endpoint["properties"]["enrichers"] |= section("enrichers")
    endpoint["properties"]["detectors"] |= section("detectors")
    endpoint["properties"]["redact"]["properties"]["recognisers"] |= section("recognisers")
    endpoint["properties"]["retraining"]["properties"]["trigger"] |= section("triggers") | {"maxProperties": 1}
    golden = _record(GoldenOptions)
    golden["properties"]["target"] |= section("targets") | {"type": "object", "minProperties": 1, "maxProperties": 1}
    golden["properties"]["evaluators"] |= section("evaluators") | {"type": "object", "minProperties": 1}
    endpoint["properties"]["golden"] |= {"additionalProperties": golden}
    rules = {rule.name: _or_nothing(_record(rule)) for rule in RULES}
    endpoint["properties"]["alerts"] |= {"properties": rules, "additionalProperties": False}
    whole["properties"]["endpoints"]["additionalProperties"] = _or_nothing(endpoint)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "driftline configuration"} | whole


def section(group: Group) -> dict[str, Any]:
    """Return the schema of a mapping from component id (`type` or `type/name`) to its options."""
    each = {f"^{name}(/.+)?$": _or_nothing(_record(component(group, name))) for name in names(group)}
    return {"type": ["object", "null"], "patternProperties": each, "additionalProperties": False}


def _or_nothing(record: dict[str, Any]) -> dict[str, Any]:
    return record if record.get("required") else record | {"type": ["object", "null"]}


def _record(kind: type[Any], keyless: str = "") -> dict[str, Any]:
    told, properties = descriptions(kind), {}
    defaults = {item.name: item.default for item in fields(kind) if item.default is not MISSING}
    for name, hint in options(kind).items():
        if name == keyless:
            continue
        about = {"description": told[name]} if name in told else {}
        default = {"default": written(defaults[name])} if defaults.get(name) not in (None, ()) else {}
        properties[name] = about | _value(hint, name) | default
    needed = [name for name in required(kind) if name != keyless]
    first = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    return {
        "description": first,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    } | ({"required": needed} if needed else {})


def _value(hint: Any, name: str) -> dict[str, Any]:
    inner = bare(hint)
    origin = get_origin(inner)
    if inner is Any:
        return {}
    if is_dataclass(inner) and isinstance(inner, type):
        return _or_nothing(_record(inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": ["object", "null"], "additionalProperties": _value(get_args(inner)[1], name)}
    if origin in {tuple, list, Sequence}:
        return {"type": "array", "items": _value(get_args(inner)[0], name)}
    return _leaf(hint, inner, name)


def _leaf(hint: Any, inner: Any, name: str) -> dict[str, Any]:
    if inner is timedelta:
        forms = [{"type": "string", "pattern": DURATION_PATTERN}, *([{"type": "null"}] if NoneType in get_args(hint) else [])]
    elif inner is Days:
        forms = [{"type": "string", "pattern": DAYS_PATTERN}]
    else:
        exact = {key: item for key, item in TypeAdapter(hint).json_schema().items() if key not in {"title", "default"}}
        forms = exact.get("anyOf", [exact])
    if inner is int and name.endswith("bytes"):
        forms = [*forms, {"type": "string", "pattern": SIZE_PATTERN}]
    if not any(form.get("type") == "string" and not form.keys() & {"pattern", "enum"} for form in forms):
        forms = [*forms, _EXPANDED]
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def written(value: Any) -> Any:
    """Return a default as one would write it in the file.

    >>> written(timedelta(minutes=90)), written(timedelta(days=56)), written(Path("state"))
    ('90m', '56d', 'state')
    """
    if isinstance(value, timedelta):
        for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1))):
            if value and value % length == timedelta(0):
                return f"{value // length}{unit}"
        return f"{value // timedelta(milliseconds=1)}ms" if value else "0s"
    if isinstance(value, tuple):
        return [written(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def descriptions(kind: type[Any]) -> dict[str, str]:
    """Return the text written under each field of a dataclass; empty where the source is not at hand.

    >>> descriptions(Endpoint)["timezone"]
    'IANA name; days and windows start at its midnight.'
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    return {
        first.target.id: inspect.cleandoc(second.value.value).replace("\n", " ")
        for first, second in pairwise(body)
        if isinstance(first, ast.AnnAssign)
        and isinstance(first.target, ast.Name)
        and isinstance(second, ast.Expr)
        and isinstance(second.value, ast.Constant)
        and isinstance(second.value.value, str)
    }
