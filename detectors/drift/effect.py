"""How large a change is, beside the smallest that matters: an alarm below 1 does not page (statistics rule 5.7)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.statistics import LEAST_ROWS, Comparison, Yardstick

Floats = NDArray[np.float64]
_TINIEST = 1e-300


@dataclass(frozen=True, slots=True)
class MinEffect:
    """The smallest change that matters: PSI beyond chance, reference rank-sd of location or scale, share of rows."""

    psi: float = 0.02
    sd: float = 0.1
    points: float = 0.005
    """Share of rows that is missing, or has a value the reference never had."""
    share: float = 0.02
    """Share of rows of one category."""


def _stability(comparison: Comparison, groups: NDArray[np.intp]) -> Floats:
    now = (comparison.grouped + 0.5) / (comparison.rows + 0.5 * groups)[:, None]
    then = (comparison.other_grouped + 0.5) / (comparison.other_rows + 0.5 * groups)[:, None]
    own = np.arange(now.shape[1]) < groups[:, None]
    total: Floats = np.where(own, (now - then) * np.log(now / then), 0.0).sum(axis=1)
    return total


def changes(yardstick: Yardstick, comparison: Comparison, dispersion: Floats | float) -> Floats:
    """Return the change each sub-test sees [windows, tests], signed, in its own unit: PSI beyond chance, sd, share of rows.

    `dispersion` [windows] is phi of the shape test; 1 stands for independent rows. NaN where there are too few values.
    """
    return changes_of(comparison, np.array([yardstick.size]), dispersion)


def changes_of(comparison: Comparison, groups: NDArray[np.intp], dispersion: Floats | float) -> Floats:
    """Return the same for a comparison of windows that each have their own number of `groups` [windows], or [1] for all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = 1 / comparison.rows + 1 / comparison.other_rows
        psi = _stability(comparison, groups) - dispersion * (groups - 1) * noise
        enough = (comparison.value_rows[:, None] >= LEAST_ROWS) & (comparison.other_value_rows[:, None] > 0)
        shifts = np.where(enough, comparison.shifts, np.nan)
        rises = comparison.hits / comparison.rows[:, None] - comparison.other_hits / comparison.other_rows[:, None]
    return np.hstack([psi[:, None], shifts, rises])


def sizes(yardstick: Yardstick, change: Floats, smallest: MinEffect) -> Floats:
    """Return each change over the smallest that matters [windows, tests]; the largest of a window is its effect.

    Falls of missing and new values are negative: they never matter.
    """
    rare = len(yardstick.tests) - 1 - len(yardstick.scores)
    units = np.array([smallest.psi, *[smallest.sd] * len(yardstick.scores), *[smallest.points] * rare])
    # Where 0 matters, any change does, and none is none.
    size: Floats = change / np.maximum(units, _TINIEST)
    moments = slice(1, 1 + len(yardstick.scores))
    size[:, moments] = np.abs(size[:, moments])
    return size
