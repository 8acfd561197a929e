"""Asks Microsoft's KQL language service (tests/node/kql.mjs) about queries."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODULES = HERE / "node_modules" / "@kusto" / "language-service-next"
TABLES: dict[str, Any] = json.loads((HERE.parent / "data" / "kql-tables.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Checked:
    """What the language service says of one query."""

    errors: list[str]
    columns: dict[str, str]
    """Of the result: name to type."""


def check(queries: Mapping[str, str], node: str) -> dict[str, Checked]:
    """Return the verdict on each query, by its name, against the tables of Log Analytics."""
    asked = json.dumps({"tables": TABLES, "queries": dict(queries)})
    answer = subprocess.run([node, str(HERE / "kql.mjs")], input=asked, capture_output=True, text=True, check=True, timeout=120)
    return {name: Checked(found["errors"], found["columns"]) for name, found in json.loads(answer.stdout).items()}
