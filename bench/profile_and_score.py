"""Drift of 50 columns x 100,000 rows: ours, the numpy floor, Evidently, NannyML, whylogs and river, side by side in one run.

    python -m bench.profile_and_score [--rows 100000] [--rounds 5] [--peers 2]

CPU time (user and system), medians of alternating rounds; memory is the peak of a process that does nothing else, and what its work
added. The reference is fitted beforehand for all that allow it; Evidently takes raw frames on both sides, as its users call it. Other
products run in environments of their own (`bench.peers.environments`), made the first time; one that cannot be made is left out, with
the reason.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from agent.processor import prefer_fast_sort
from bench.fifty_columns import batch, counting, floor, ours, raw, table
from bench.peers import environments, exchange
from detectors.types import Category, Column

OURS, FLOOR, RAW = "driftline: profile and score", "numpy floor", "driftline, categories as Python strings"
PEERS = (
    ("Evidently DataDriftPreset", "evidently", "evidently_table", ("preset",)),
    ("Evidently, its two statistics alone", "evidently", "evidently_table", ("statistics",)),
    ("NannyML univariate drift, calculate", "nannyml", "nannyml_table", ()),
    ("whylogs, profile and drift", "whylogs", "whylogs_table", ()),
    ("river, ADWIN a numeric column", "river", "river_table", ()),
)
AT_LEAST = {"Evidently DataDriftPreset": 200, "NannyML univariate drift, calculate": 12, "whylogs, profile and drift": 80}
"""How many times as long as driftline."""


def save(path: Path, columns: dict[str, Column]) -> None:
    """Write a table for the processes of other products."""
    numbers = {name: np.asarray(column, np.float64) for name, column in columns.items() if isinstance(column, np.ndarray)}
    exchange.save(path, numbers, {name: (one.codes, one.values) for name, one in columns.items() if isinstance(one, Category)})


def alone(path: str) -> None:
    """Answer with the time and the peak of memory of driftline in a process that does nothing else."""
    loaded = exchange.load(path)
    columns: dict[str, Column] = {
        name: column if column.dtype == float else Category.of(column.tolist()) for name, column in loaded.items()
    }
    work, live = ours(columns), batch(columns, len(next(iter(loaded.values()))))
    environments.answer(**exchange.timed(lambda: work(live), 3))


def others(folder: Path, rounds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each product's process answers, or an `error`; the tables are in the folder."""
    paths = [str(folder / name) for name in ("reference.npz", "current.npz")]
    own = [sys.executable, "-m", "bench.profile_and_score", "--alone", paths[1]]
    yield OURS, environments.read(subprocess.run(own, check=True, capture_output=True, text=True).stdout)
    for label, name, module, first in PEERS if rounds else ():
        try:
            yield label, environments.run(name, module, *first, *paths, "1" if "preset" in first else str(rounds))
        except environments.PeerError as error:
            yield label, {"error": str(error)}


def note(label: str, found: dict[str, Any]) -> str:
    """Return what there is to say beside the figures."""
    if "error" in found:
        return f"{label}: left out, {found['error']}"
    if "fit" in found:
        return f"{label}: its fit takes {found['fit']:.2f} s besides"
    if "kswin" in found:
        return f"{label}: its KSWIN takes {1e6 * found['kswin']:.0f} us a value, {found['kswin'] * found['values']:.0f} s for all"
    return ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5, help="of ours and the floor, before and after each product")
    parser.add_argument("--peers", type=int, default=2, help="rounds of each product, 0 to leave them out")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    environment = dict(os.environ)
    prefer_fast_sort(environment)
    if environment != dict(os.environ):
        # The setting must stand before numpy is imported, as it does in the daemon: begin again with it.
        os.execve(sys.executable, [sys.executable, "-m", "bench.profile_and_score", *sys.argv[1:]], environment)  # noqa: S606 - ourselves
    if arguments.alone:
        alone(arguments.alone)
    else:
        compare(arguments.rows, arguments.rounds, arguments.peers)


def compare(rows: int, rounds: int, peers: int) -> None:
    """Measure all and print the table."""
    columns, reference = table(rows, 1), table(rows, 2)
    work, live = ours(columns), batch(columns, rows)
    works: dict[str, Callable[[], None]] = {OURS: lambda: work(live), FLOOR: floor(columns, reference)}
    before = raw(columns, rows, work)
    spent: dict[str, list[float]] = {OURS: [], FLOOR: [], RAW: [exchange.cpu(before) for _ in range(3)]}
    notes, memory = list[str](), dict[str, tuple[float, float]]()
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "reference.npz", reference)
        save(Path(folder) / "current.npz", columns)
        for label, found in others(Path(folder), peers):
            notes.append(note(label, found))
            if "error" not in found:
                memory[label] = found["peak_mb"], found["peak_mb"] - found["before_mb"]
                spent[label] = [*spent.get(label, ()), *found["seconds"]]
            for _ in range(rounds):
                for name, one in works.items():
                    spent[name].append(exchange.cpu(one))
    mine = median(spent[OURS])
    print(f"50 columns (35 numeric, 15 dictionary-coded) x {rows:,} rows; CPU seconds, median")
    print(f"{'':42} {'CPU s':>9} {'x driftline':>12} {'at least':>9} {'peak MB':>9} {'added MB':>9}")
    for name, values in spent.items():
        sizes = "".join(f" {size:9.0f}" for size in memory.get(name, ()))
        print(f"{name:42} {median(values):9.4f} {median(values) / mine:12.2f} {AT_LEAST.get(name, ''):>9}{sizes}")
    print(f"{'driftline / floor':42} {mine / median(spent[FLOOR]):9.2f}     (at most 2.5)")
    for size in (10_000, 100_000):
        if size <= rows:
            print(f"{f'counting, batches of {size:,}':42} {counting(columns, size):9.1f} M numeric values/s     (at least 100)")
    print(*filter(None, notes), sep="\n")


if __name__ == "__main__":
    main()
