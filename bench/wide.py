"""Memory while a million rows of a thousand columns are counted: a reference of 56 windows, live windows judged as they close.

    python -m bench.wide [--rows 1000000] [--columns 1000] [--batch 10000] [--windows 100] [--fresh]

Resident memory of a process that does nothing else, less one batch of input; the slope is over the last 90 % of the rows, with a dozen
weekly refits among them. Nine weeks of windows as large go before: till then the rolling reference fills with the 56 days it keeps beside
the fixed one, and what that takes is printed. Nine columns of ten are numbers, one has 20 categories. `--fresh` begins without a reference.
The reference is built by another process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.plain import pack, unpack
from agent.stream import StreamWindows
from bench.fifty_columns import REFERENCE_DAYS, START, window
from bench.process import resident_mb
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.types import Batch, Category, Column, Stream

REFERENCE_ROWS = 500
WARM_UP = 63
"""Windows before the rows that are measured: nine weeks, after which the rolling reference holds as many as it ever will."""
MOST_MB = 300
"""Above one batch."""


class Rows:
    """A batch whose values are drawn anew in the same memory."""

    def __init__(self, rows: int, columns: int) -> None:
        """Set the memory aside."""
        self._random = np.random.default_rng(1)
        self._numbers = np.empty((columns - columns // 10, rows))
        self._codes = np.empty((columns // 10, rows), np.int32)
        self._names = tuple(f"value {number}" for number in range(20))

    @property
    def megabytes(self) -> float:
        """What it takes, in MB."""
        return (self._numbers.nbytes + self._codes.nbytes) / 1e6

    def draw(self) -> Batch:
        """Return the next rows."""
        self._random.standard_normal(out=self._numbers)
        np.exp(self._numbers[::3], out=self._numbers[::3])
        self._codes[:] = self._random.integers(0, 20, self._codes.shape[1], dtype=np.int32)
        columns: dict[str, Column] = {f"n{place}": values for place, values in enumerate(self._numbers)}
        columns |= {f"c{place}": Category(codes, self._names) for place, codes in enumerate(self._codes)}
        return Batch("bench", "rows", self._codes.shape[1], {}, columns)


def build(path: Path, columns: int) -> None:
    """Write a reference of 56 windows."""
    builder = BaselineBuilder()
    for count in (False, True):
        rows = Rows(REFERENCE_ROWS, columns)
        for day in range(REFERENCE_DAYS):
            batch = rows.draw()
            if count:
                builder.count(batch, window(day))
            else:
                builder.learn(batch)
        if not count:
            builder.fix()
    path.write_bytes(pack(builder.state().plain()))


def slope(points: NDArray[np.float64]) -> float:
    """Return MB a million rows over the last nine tenths of the points [points, 2]: rows, and MB.

    >>> slope(np.array([(0, 50.0), *((rows, 7.0) for rows in range(1, 10))]))
    0.0
    """
    rows, sizes = points[len(points) // 10 :].T
    return round(float(np.polyfit(rows, sizes, 1)[0]) * 1e6, 3) + 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--windows", type=int, default=100)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        return build(options.build, options.columns)
    saved: Any = None
    if not options.fresh:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "reference"
            subprocess.run([sys.executable, "-m", "bench.wide", "--build", str(path), "--columns", str(options.columns)], check=True)
            saved = unpack(path.read_bytes())
    detector = Drift()
    windows = StreamWindows(
        Stream("bench", "default", "live"), {"drift": detector}, {"drift": detector.restore(saved)}, timedelta(days=1), "UTC", 0
    )
    del saved
    rows = Rows(options.batch, options.columns)
    batches = options.rows // options.batch
    each = max(batches // options.windows, 1)
    sizes, counting = np.zeros((WARM_UP * each + batches, 2)), 0.0  # set aside: what measures must not grow
    for number in range(-WARM_UP * each, batches):
        moment = int((START + timedelta(days=REFERENCE_DAYS + WARM_UP + number // each)).timestamp()) * 10**9
        batch = rows.draw()
        before = time.process_time()
        windows.absorb(batch, np.full(options.batch, moment, np.int64), np.full(options.batch, moment + 1, np.int64), moment + 1)
        counting += time.process_time() - before
        if number % each == each - 1:
            windows.close(moment)
        sizes[number + WARM_UP * each] = number * options.batch, resident_mb(os.getpid())
    warm, points = np.split(sizes, [WARM_UP * each])
    above, early = ([size - rows.megabytes for _, size in part] for part in (points, warm))
    print(
        f"{options.rows:,} rows x {options.columns:,} columns in batches of {options.batch:,} ({rows.megabytes:.0f} MB), {options.windows} windows"
    )
    print(f"{'after the first window, above one batch':44} {early[each - 1]:9.0f} MB")
    print(f"{'after each of the nine weeks before':44} {' '.join(f'{size:.0f}' for size in early[7 * each - 1 :: 7 * each])}")
    print(f"{'most':44} {max(*early, *above):9.0f} MB     (at most {MOST_MB})")
    print(f"{'at the end':44} {above[-1]:9.0f} MB")
    print(f"{'slope over the last 90 %':44} {slope(points):9.1f} MB a million rows")
    print(f"{'after each week':44} {' '.join(f'{size:.0f}' for size in above[7 * each - 1 :: 7 * each])}")
    print(f"{'counted':44} {(options.rows + WARM_UP * each * options.batch) * options.columns / counting / 1e6:9.1f} M values/s")
    return None


if __name__ == "__main__":
    main()
