"""Sums up errors of a regression exactly, and turns the sums into its metrics."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import isnan, sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.decay.exact_sums import product, tally, times, total
from detectors.decay.measured import NAN, Measured, mean
from detectors.decay.pairs import Numbers
from detectors.drift import float_bits

ABSOLUTE = "absolute_error"
"""Tally of absolute errors by leading bits."""
TRUTH = "truth"
"""Tally of truths by leading bits: what label drift looks at."""

SUMS = (
    "error", "size", "square", "fourth", "relative", "relative_square",
    "truth", "truth2", "truth3", "truth4", "square_truth", "square_truth2",
)  # fmt: skip
"""Powers and products of error and truth that are summed up."""

Counts = dict[str, NDArray[np.int64]]
Tallies = dict[str, Mapping[str, int]]


def count(pairs: Numbers) -> tuple[Counts, Tallies]:
    """Sum up powers of errors and truths. Everything is an integer that adds up over parts of the rows."""
    truth, error = pairs.actual, pairs.predicted - pairs.actual
    size, square = np.abs(error), error * error
    known = truth != 0
    relative = size[known] / np.abs(truth[known])
    # How truths vary is a difference of powers that are nearly the same where they are far from 0: nothing of these may be rounded.
    error2, truth2 = product(error, error), product(truth, truth)
    truth3, both = times(truth2, truth), times(error2, truth)
    columns = (
        (error,), (size,), error2, (square * square,), (relative,), (relative**2,),
        (truth,), truth2, truth3, times(truth3, truth), both, times(both, truth),
    )  # fmt: skip
    counts = {"labelled": np.array([len(truth)], np.int64), "relative_rows": np.array([np.count_nonzero(known)], np.int64)}
    tallies: Tallies = {f"sum/{name}": tally(np.concatenate(parts)) for name, parts in zip(SUMS, columns, strict=True)}
    tallies[ABSOLUTE] = float_bits.tally(size)[0]
    tallies[TRUTH] = float_bits.tally(truth)[0]
    return counts, tallies


def metrics(counts: Mapping[str, NDArray[np.int64]], tallies: Tallies, dispersion: float) -> Iterator[Measured]:
    """Yield what the sums say. Rows whose truth is 0 are left out of MAPE."""
    rows = int(counts["labelled"][0])
    if not rows:
        return
    # A sum of zeros is an empty tally, and leaves no trace.
    sums = {name: total(tallies.get(f"sum/{name}", {})) for name in SUMS}
    bias, size, square = (float(sums[name] / rows) for name in ("error", "size", "square"))
    errors = float(sums["square"] / rows - (sums["error"] / rows) ** 2)
    yield mean("bias", bias, _sample(errors, rows), rows, dispersion)
    yield _positive(mean("mae", size, _sample(float(sums["square"] / rows - (sums["size"] / rows) ** 2), rows), rows, dispersion))
    squares = mean("mse", square, _sample(float(sums["fourth"] / rows - (sums["square"] / rows) ** 2), rows), rows, dispersion)
    yield _positive(squares)
    yield Measured("rmse", sqrt(square), sqrt(_at_least(0.0, squares.lower)), sqrt(squares.upper))
    relative_rows = int(counts["relative_rows"][0])
    if relative_rows:
        centre = sums["relative"] / relative_rows
        variance = _sample(float(sums["relative_square"] / relative_rows - centre**2), relative_rows)
        yield _positive(mean("mape", float(centre), variance, relative_rows, dispersion))
    yield from _explained(sums, rows, dispersion)


def _sample(variance: float, rows: int) -> float:
    return variance * rows / (rows - 1) if rows > 1 else NAN


def _positive(found: Measured) -> Measured:
    return Measured(found.metric, found.value, _at_least(0.0, found.lower), found.upper)


def _at_least(least: float, bound: float) -> float:
    return bound if isnan(bound) else max(least, bound)


def _explained(sums: Mapping[str, Fraction], rows: int, dispersion: float) -> Iterator[Measured]:
    """Yield R²; its variance is that of its influence function, -(e² - A) / B + A ((y - m)² - B) / B²."""
    m, a = sums["truth"] / rows, sums["square"] / rows
    b = sums["truth2"] / rows - m * m
    if b <= 0:
        return
    fourth = sums["fourth"] / rows - a * a
    spread = (sums["truth4"] - 4 * m * sums["truth3"] + 6 * m * m * sums["truth2"]) / rows - 3 * m**4 - b * b
    both = (sums["square_truth2"] - 2 * m * sums["square_truth"]) / rows + m * m * a - a * b
    variance = _near(fourth / b**2 + a**2 * spread / b**4 - 2 * a * both / b**3)
    # Where truths differ by a billionth of themselves, what their fourth powers say is lost in rounding: then there is no interval.
    found = mean("r2", _near(1 - a / b), variance if variance > 0 or not a else NAN, rows, dispersion)
    yield Measured("r2", found.value, found.lower, found.upper if isnan(found.upper) else min(found.upper, 1.0))


def _near(value: Fraction) -> float:
    """Return the nearest float; truths that hardly differ make a ratio beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
