"""whylogs on one table: profile it, and score its drift from a reference profiled beforehand, both with the defaults.

python -m bench.peers.whylogs_table REFERENCE CURRENT ROUNDS
"""

import sys

import pandas as pd  # type: ignore[import-untyped]  # it has no stubs here
import whylogs  # type: ignore[import-not-found]  # only in its own environment
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores  # type: ignore[import-not-found]  # the same

from bench.peers.environments import answer
from bench.peers.exchange import load, timed


def main(reference: str, current: str, rounds: str) -> None:
    """Measure and answer."""
    then, now = (pd.DataFrame(load(path)) for path in (reference, current))
    known = whylogs.log(then).view()
    answer(**timed(lambda: calculate_drift_scores(whylogs.log(now).view(), known, with_thresholds=True), int(rounds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
