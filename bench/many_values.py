"""What a million different names cost: categories of a column in one window, with a vocabulary and before there is one.

    python -m bench.many_values [--names 1000000] [--batch 10000]

Each row has a name nobody has had before, as where somebody gives an id as a feature. Memory of a process that does nothing else, and CPU
time a row. A column like this is set aside as a vocabulary is made; here it was not one while the reference was learnt.
"""

import argparse
import os
import time
from datetime import timedelta

import numpy as np

from agent.stream import StreamWindows
from bench.fifty_columns import REFERENCE_DAYS, START, window
from bench.process import resident_mb
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.types import Batch, Category, Stream


def batch(names: list[str]) -> Batch:
    """Return rows of one categorical column."""
    return Batch("bench", "rows", len(names), {}, {"name": Category.of(names)})


def known(detector: Drift) -> object:
    """Return a state whose reference has a vocabulary of 30 names."""
    random, builder = np.random.default_rng(1), BaselineBuilder()
    days = [batch([f"known {number}" for number in random.integers(0, 30, 500).tolist()]) for _ in range(REFERENCE_DAYS)]
    for one in days:
        builder.learn(one)
    builder.fix()
    for day, one in enumerate(days):
        builder.count(one, window(day))
    return detector.restore(builder.state().plain())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=10_000)
    options = parser.parse_args()
    detector = Drift()
    for label, state in (("with a vocabulary", known(detector)), ("before there is one", detector.restore(None))):
        windows = StreamWindows(Stream("bench", "default", "live"), {"drift": detector}, {"drift": state}, timedelta(days=1), "UTC", 0)
        moment = int((START + timedelta(days=REFERENCE_DAYS)).timestamp()) * 10**9
        before, most, spent = resident_mb(os.getpid()), 0.0, 0.0
        for first in range(0, options.names, options.batch):
            rows = batch([f"session-{number:012x}" for number in range(first, first + options.batch)])
            begin = time.process_time()
            windows.absorb(rows, np.full(rows.rows, moment, np.int64), np.full(rows.rows, moment + 1, np.int64), moment + 1)
            spent += time.process_time() - begin
            most = max(most, resident_mb(os.getpid()) - before)
        begin = time.process_time()
        closed = windows.close(moment)
        closing = time.process_time() - begin
        told = {one.explanation.partition(";")[0] for one in closed.findings} if closed is not None else set()
        print(
            f"{label:22} {options.names:,} names in one window: {most:.0f} MB more, {1e6 * spent / options.names:.2f} us a row, closed in {closing:.2f} s"
        )
        print(f"{'':22} {', '.join(sorted(told)) or windows.states['drift'].aside}")


if __name__ == "__main__":
    main()
