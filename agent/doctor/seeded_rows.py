"""Rows and labels that carry secrets wherever a text may stand in them, in every form a source reads."""

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from agent.clock import from_nanoseconds
from agent.config import Columns
from agent.doctor.seeded_calls import trace_of
from agent.doctor.seeds import Seed

Row = Mapping[str, Any]

_SELDOM = 50
"""One row in so many has a secret for its deployment or segment: each of these is watched apart."""
_OUTPUTS = ("prediction", "probability")


def row(number: int, columns: Columns, moment: int, texts: Sequence[str] = ()) -> dict[str, Any]:
    """Return a row of `moment` (nanoseconds) or just after, with what the configuration names and columns nobody named.

    `texts` are columns that enrichers draw from. Only what is a number has no secret.
    """
    seed, odd = Seed.of(number), number % _SELDOM == 1
    found: dict[str, Any] = {
        "plan": "gold" if number % 3 else "silver",
        "amount": float(number % 97),
        "customer": seed.mail,
        "called": seed.phone,
        "paid_with": f"card {seed.card}",
        "session": seed.key,
        "note": seed.said("note"),
    }
    found |= {name: seed.said("text") for name in texts}
    found |= dict.fromkeys(columns.categorical, seed.key if odd else f"kind {number % 7}")
    found |= dict.fromkeys(columns.segments, seed.mail if odd else "north")
    found |= {name: float(number % 89) for name in columns.numeric}
    found |= {name: (number % 10) / 10 for name in (columns.probability, *columns.probabilities) if name is not None}
    answers = {columns.prediction: seed.mail if odd else ("no", "yes")[number % 2], columns.label: seed.said("label") if odd else "yes"}
    named = {
        columns.timestamp: moment // 1_000_000 + number % 1000,
        columns.id: seed.mail,
        columns.deployment: seed.mail if odd else "blue",
    }
    return found | {name: value for name, value in (answers | named).items() if name is not None}


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as CSV with a header."""
    text = StringIO()
    table = csv.DictWriter(text, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def json_lines(rows: Sequence[Row]) -> str:
    """Return rows as JSON lines; nested values carry secrets as well, and one row has one for the name of a column."""
    lines = [{**one, "tags": [one["customer"]], "details": {"of": one["note"]}} for one in rows]
    lines[0] |= {str(rows[0]["customer"]): "a name", str(rows[0]["session"]): 1}
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def parquet(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a Parquet file."""
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415  # it has no types; only where a source reads files
    from pyarrow import parquet as writer  # noqa: PLC0415

    writer.write_table(pa.Table.from_pylist([dict(one) for one in rows]), path)


def halves(rows: Sequence[Row], columns: Columns) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the inputs and outputs of rows, as a data collector keeps them."""
    named = {getattr(columns, name) for name in _OUTPUTS} | set(columns.probabilities)
    inputs = [{name: value for name, value in one.items() if name not in named} for one in rows]
    outputs = [{**{name: value for name, value in one.items() if name in named}, "explanation": one["note"]} for one in rows]
    return inputs, outputs


def collected(rows: Sequence[Row], columns: Columns, collections: Sequence[str], moment: int) -> dict[str, str]:
    """Return the lines of each collection, an event of ten rows a line."""
    parts: Sequence[Sequence[Row]] = halves(rows, columns) if len(collections) > 1 else (rows,)
    time = from_nanoseconds(moment).isoformat()
    found = {}
    for name, part in zip(collections, parts, strict=True):
        events = []
        for start in range(0, len(part), 10):
            about = {"specversion": "1.0", "id": f"{name}-{start}", "source": "/endpoints/leaks/deployments/blue"}
            kind = {"type": f"azureml.inference.{name}", "datacontenttype": "application/json", "time": time}
            correlated = {"correlationid": f"{start}-{rows[start]['customer']}", "data": part[start : start + 10]}
            events.append(json.dumps(about | kind | correlated))
        found[name] = "".join(f"{event}\n" for event in events)
    return found


def labels(numbers: range, about: Sequence[int], moment: int, *, calls: bool) -> list[dict[str, Any]]:
    """Return labels of the records `about`, in turn: of rows by their id, of calls by trace and span. Their comments are read by nobody."""
    found = []
    for place, number in enumerate(numbers):
        seed, other = Seed.of(number), about[place % len(about)] if about else number
        told: dict[str, Any] = {"source": seed.mail, "comment": seed.said("comment"), "timestamp": moment // 1_000_000}
        if calls:
            trace, span = (part.hex() for part in trace_of(other))
            told |= {"id": f"{trace}/{span}", "evaluator": "refusal", "label": str(place % 2)}
        else:
            told |= {"id": Seed.of(other).mail, "label": (seed.said("label"), seed.key, "yes", "no")[place % 4]}
        found.append(told)
    return found
