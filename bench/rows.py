"""How fast files become batches: CSV, Parquet, JSON lines and the data collector's lines, against their parsers alone.

35 numbers, 14 categories and an id a row. `floor` is the parser of the format on the same bytes and nothing else:
what is above it is driftline's typing, coding and hashing.
"""

import csv
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from agent.config import Columns
from agent.rows.table import read_table

ROWS = {"csv": 40_000, "quoted csv": 40_000, "parquet": 400_000, "jsonl": 20_000, "collector": 20_000}
COLUMNS = 50
ROLES = Columns(id="id")


def table(rows: int) -> pa.Table:
    """Make rows with a fixed seed."""
    random = np.random.default_rng(0)
    columns: dict[str, object] = {f"n{index}": random.normal(size=rows) for index in range(35)}
    columns |= {f"c{index}": np.array(["red", "green", "blue"])[random.integers(0, 3, rows)] for index in range(14)}
    return pa.table({**columns, "id": np.arange(rows)})


def write(kind: str, path: Path) -> Callable[[], object]:
    """Write the file; return what reads it with its parser alone."""
    rows = table(ROWS[kind])
    if kind == "parquet":
        parquet.write_table(rows, path)
        return lambda: parquet.read_table(path, use_threads=False)
    if kind == "csv":
        arrow_csv.write_csv(rows, path, arrow_csv.WriteOptions(quoting_style="needed"))
        return lambda: arrow_csv.read_csv(path, read_options=arrow_csv.ReadOptions(use_threads=False))
    if kind == "quoted csv":
        with path.open("w", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(rows.column_names)
            writer.writerows(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        return lambda: arrow_csv.read_csv(path, read_options=arrow_csv.ReadOptions(use_threads=False))
    records = rows.to_pylist()
    with path.open("w") as file:
        if kind == "jsonl":
            file.writelines(json.dumps(record) + "\n" for record in records)
        else:
            file.writelines(line(records, start) for start in range(0, len(records), 20))
    return lambda: [orjson.loads(text) for text in path.read_bytes().splitlines()]


def line(records: list[dict[str, object]], start: int) -> str:
    """Return a stored event of 20 rows of inputs, the id as its output."""
    event = {"specversion": "1.0", "time": "2026-11-20T08:00:00Z", "correlationid": f"r{start}"}
    rows = records[start : start + 20]
    inputs = {**event, "type": "azureml.inference.model_inputs", "data": rows}
    outputs = {**event, "type": "azureml.inference.model_outputs", "data": [{"y": row["n0"]} for row in rows]}
    return json.dumps(inputs) + "\n" + json.dumps(outputs) + "\n"


def seconds(action: Callable[[], object]) -> float:
    """Return the shortest CPU time of three runs."""
    found = []
    for _ in range(3):
        start = time.process_time()
        action()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    """Print the table."""
    print(f"rows: {COLUMNS} columns, one core")
    print(f"{'format':<11} {'M values/s':>11} {'floor':>7} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for kind, rows in ROWS.items():
            path = Path(folder) / f"{kind.split()[-1]}.{kind.split()[-1].replace('collector', 'jsonl')}"
            floor = seconds(write(kind, path))
            took = seconds(lambda: [batch.rows for batch in read_table(path, ROLES, "bench")])  # noqa: B023 (called at once)
            values = rows * COLUMNS / 1e6
            print(f"{kind:<11} {values / took:>11.1f} {values / floor:>7.1f} {took / floor:>6.2f}")


if __name__ == "__main__":
    main()
