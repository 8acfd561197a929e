"""river on one table: an ADWIN a numeric column, fed value by value. It has nothing for categories, nor for missing values.

python -m bench.peers.river_table REFERENCE CURRENT ROUNDS
"""

import sys

import numpy as np
from river.drift import ADWIN, KSWIN  # type: ignore[import-not-found]  # only in its own environment

from bench.peers.environments import answer
from bench.peers.exchange import cpu, load, timed

KSWIN_VALUES = 5000
"""KSWIN takes minutes for a whole table: it is timed on this many values."""


def main(_: str, current: str, rounds: str) -> None:
    """Measure and answer; `kswin` is in CPU seconds a value."""
    columns = [column[~np.isnan(column)].tolist() for column in load(current).values() if column.dtype == float]

    def work() -> None:
        for values in columns:
            update = ADWIN().update
            for value in values:
                update(value)

    def windowed() -> None:
        update = KSWIN(seed=1).update
        for value in columns[0][:KSWIN_VALUES]:
            update(value)

    answer(values=sum(map(len, columns)), kswin=cpu(windowed) / min(KSWIN_VALUES, len(columns[0])), **timed(work, int(rounds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
