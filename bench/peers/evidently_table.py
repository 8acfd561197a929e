"""Evidently on one table: its DataDriftPreset as its users call it, or the statistics of its default choice without the report.

python -m bench.peers.evidently_table preset|statistics REFERENCE CURRENT ROUNDS
"""

import sys

import pandas as pd  # type: ignore[import-untyped]  # it has no stubs here
from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]  # the same
from evidently.legacy.calculations.stattests import jensenshannon_stat_test, wasserstein_stat_test  # type: ignore[import-untyped]  # the same
from evidently.legacy.core import ColumnType  # type: ignore[import-untyped]  # the same
from evidently.presets import DataDriftPreset  # type: ignore[import-untyped]  # the same

from bench.peers.environments import answer
from bench.peers.exchange import Plain, load, timed


def preset(reference: Plain, current: Plain) -> None:
    """Build the report and take its dictionary."""
    numbers = [name for name, column in reference.items() if column.dtype == float]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=[name for name in reference if name not in numbers])
    now, then = (Dataset.from_pandas(pd.DataFrame(one), data_definition=definition) for one in (current, reference))
    Report([DataDriftPreset()]).run(now, then).dict()


def statistics(reference: Plain, current: Plain) -> None:
    """Compute the two distances it chooses above 1,000 rows, of values that are there."""
    for name, then in reference.items():
        numeric = then.dtype == float
        test, kind = (wasserstein_stat_test, ColumnType.Numerical) if numeric else (jensenshannon_stat_test, ColumnType.Categorical)
        test(pd.Series(then).dropna(), pd.Series(current[name]).dropna(), kind, None)


def main(what: str, reference: str, current: str, rounds: str) -> None:
    """Measure and answer."""
    tables = load(reference), load(current)
    work = {"preset": preset, "statistics": statistics}[what]
    answer(**timed(lambda: work(*tables), int(rounds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
