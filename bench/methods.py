"""What the descriptive methods cost beside the rule, and what other products' scores of the same rows cost.

50 features (35 numeric, 15 categorical), a reference of 56 days, one window of 2,000 rows: counted, judged and described.
The parity modes hold 2,000 kept rows against 5,000 of a reference.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

from bench.fifty_columns import REFERENCE_DAYS, batch, reference, table, window
from detectors.drift import observing
from detectors.drift.descriptive import Sides, distances
from detectors.drift.drift import Drift
from detectors.drift.parity.compare import NAMES, compare, fit

ROWS, KEPT = 2000, 5000


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the median CPU time of this thread that one call takes."""
    spent = []
    for _ in range(rounds):
        before = time.thread_time()
        work()
        spent.append((time.thread_time() - before) * 1e3)
    return median(spent)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    detector = Drift()
    state = reference(detector, ROWS)
    live = batch(table(ROWS, 1), ROWS)
    state = detector.step(state, window(REFERENCE_DAYS), detector.observe(state, live)).state
    profile = detector.observe(state, live)
    totals = state.split(state.totals)
    sides = [
        Sides(one.grid, one.coarse, totals[one.name], observing.vector(profile, one), one.means, observing.cell_means(profile, one))
        for one in state.cells
    ]
    counted = milliseconds(lambda: detector.observe(state, live), rounds)
    judged = milliseconds(lambda: detector.step(state, window(REFERENCE_DAYS), profile), rounds)
    described = milliseconds(lambda: distances(sides), rounds)
    rule = counted + judged - described
    print(f"{len(sides)} features, a window of {ROWS:,} rows; CPU ms, median of {rounds}")
    print(f"{'count and judge by the rule':40} {rule:9.2f}")
    print(f"{'all descriptive methods':40} {described:9.2f}")
    print(f"{'together / rule alone':40} {(rule + described) / rule:9.2f}     (at most 2)")
    before, after = table(KEPT, 2), table(ROWS, 3)
    for product, name in NAMES.items():
        limits = fit(product, before)
        spent = milliseconds(lambda: compare(product, before, after, limits, thorough=False), 3)  # noqa: B023 - called at once
        print(f"{f'{name}, {KEPT:,} against {ROWS:,} rows':40} {spent:9.1f}")


if __name__ == "__main__":
    main()
