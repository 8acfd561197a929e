"""The reference of every option, for `docs/config.md`, drawn from the same dataclasses that read the file."""

import inspect
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from agent.config import Config, Endpoint
from agent.config_schema import descriptions, written
from agent.config_values import bare, options
from agent.golden.options import GoldenOptions
from agent.registry import Group, component, names
from alerts.builtin import RULES
from detectors.drift.calendar import Days

BEGIN = "<!-- options: written by `driftline generate docs`, do not edit -->"
END = "<!-- end of options -->"

_GROUPS: tuple[tuple[Group, str], ...] = (
    ("sources", "Sources: where records come from"),
    ("enrichers", "Enrichers: what is drawn from texts, pictures and embeddings"),
    ("detectors", "Detectors: what is looked for"),
    ("sinks", "Sinks: where numbers and events go"),
    ("notifiers", "Notifiers: who is told, with `paging: agent`"),
    ("recognisers", "Recognisers: what finds names and places in texts, under `endpoints.NAME.redact.recognisers`"),
    ("targets", "Targets: endpoints that golden questions are put to, under `endpoints.NAME.golden.NAME.target`"),
    ("evaluators", "Evaluators: what golden answers are held against, under `endpoints.NAME.golden.NAME.evaluators`"),
    ("triggers", "Triggers: who is called to train a model anew, under `endpoints.NAME.retraining.trigger`"),
)
_WORDS = {
    timedelta: "duration",
    Days: "day or days",
    Path: "path",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "component",
}


def reference() -> str:
    """Return the Markdown of every option: the file, an endpoint, and each known component."""
    parts = ["### The file\n", _table(Config, ""), "### An endpoint: `endpoints.NAME`\n", _table(Endpoint, "", "name")]
    for group, title in _GROUPS:
        parts.append(f"### {title}\n")
        for name in names(group):
            kind = component(group, name)
            parts += [f"#### `{name}`\n\n{_first_line(kind)}\n", _table(kind, "") or "No options.\n"]
    parts += [f"### A golden set: `endpoints.NAME.golden.NAME`\n\n{_first_line(GoldenOptions)}\n", _table(GoldenOptions, "")]
    parts.append("### Alerts: `endpoints.NAME.alerts`\n")
    for rule in RULES:
        parts += [f"#### `{rule.name}`\n\n{_first_line(rule)}\n", _table(rule, "")]
    return "\n".join(parts)


def filled(page: str) -> str:
    """Return a page with the reference between its two marks. Raises ValueError for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _first_line(kind: type[Any]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _table(kind: type[Any], prefix: str, keyless: str = "") -> str:
    rows = list(_rows(kind, prefix, keyless))
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows, ""]) if rows else ""


def _rows(kind: type[Any], prefix: str, keyless: str) -> list[str]:
    told, rows = descriptions(kind), []
    defaults = {item.name: item for item in fields(kind)}
    for name, hint in options(kind).items():
        inner = bare(hint)
        if name == keyless:
            continue
        if is_dataclass(inner) and isinstance(inner, type):
            rows.append(f"| `{prefix}{name}` | mapping | | {told.get(name, '')} |")
            rows += _rows(inner, f"{prefix}{name}.", "")
            continue
        rows.append(f"| `{prefix}{name}` | {_word(inner, name)} | {_default(defaults[name])} | {told.get(name, '')} |")
    return [row.replace("  |", " |") for row in rows]


def _word(inner: Any, name: str) -> str:
    origin, parts = get_origin(inner), get_args(inner)
    if origin is Literal:
        return " ".join(f"`{choice}`" for choice in parts)
    if origin is types.UnionType:
        return " or ".join(_word(bare(choice), name) for choice in parts)
    if isinstance(origin, type):
        return "mapping" if issubclass(origin, Mapping) else f"list of {_word(bare(parts[0]), name)}"
    if inner is int and name.endswith("bytes"):
        return "size"
    return "text" if isinstance(inner, type) and issubclass(inner, str) else _WORDS.get(inner, "value")


def _default(item: Any) -> str:
    if item.default is MISSING and item.default_factory is MISSING:
        return "required"
    value = item.default if item.default is not MISSING else item.default_factory()
    if value is None or value in ((), {}, []):
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if item.name.endswith("bytes") and value % 2**20 == 0:
        return f"`{value // 2**20}MiB`"
    return f"`{written(value)}`"
