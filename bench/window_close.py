"""How long a window of 50 features takes to close: judged, explained and described, with the thresholds of its reference.

35 numeric and 15 categorical features over a reference of 56 days; windows of 2,000 rows, each counted beforehand, one
after another. `reference learnt` is the first window after the reference is read: its replay against itself is in it.
"""

import argparse
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import numpy as np

from agent.stream import StreamWindows
from bench.fifty_columns import REFERENCE_DAYS, START, batch, reference, table, window
from detectors.drift.drift import Drift
from detectors.types import Stream

ROWS = 2000


def milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of this thread that one call takes."""
    before = time.thread_time()
    work()
    return (time.thread_time() - before) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=30)
    arguments = parser.parse_args()
    detector = Drift()
    saved = reference(detector, ROWS).plain()
    first, judged, closed = list[float](), list[float](), list[float]()
    for _ in range(3):
        state = detector.restore(saved)
        profile = detector.observe(state, batch(table(ROWS, 1), ROWS))
        first.append(milliseconds(lambda: detector.step(state, window(REFERENCE_DAYS), profile)))  # noqa: B023 - called at once
    windows = StreamWindows(Stream("bench", "default", "live"), {"drift": detector}, {"drift": state}, timedelta(days=1), "UTC", 0)
    for day in range(REFERENCE_DAYS, REFERENCE_DAYS + arguments.windows):
        live = batch(table(ROWS, 1000 + day), ROWS)
        profile = detector.observe(windows.states["drift"], live)
        judged.append(milliseconds(lambda: detector.step(windows.states["drift"], window(day), profile)))  # noqa: B023 - called at once
        moment = int((START + timedelta(days=day)).timestamp()) * 10**9
        times = np.full(ROWS, moment + 1, np.int64)
        windows.absorb(live, np.full(ROWS, moment, np.int64), times, moment + 1)
        closed.append(milliseconds(lambda: windows.close(moment)))  # noqa: B023 - called at once
    print(f"50 features, reference of {REFERENCE_DAYS} windows, {arguments.windows} live windows of {ROWS} rows; CPU ms")
    print(f"{'':32} {'median':>8} {'most':>8}")
    for name, values in (
        ("window judged", judged[1:]),
        ("window closed, profile as data", closed[1:]),
        ("the same, reference learnt", first),
    ):
        print(f"{name:32} {median(values):8.1f} {max(values):8.1f}")
    print("budget: 20 ms for a closed window")


if __name__ == "__main__":
    main()
