"""One realised metric with its interval, and how intervals are made where no formula of its own is better."""

from dataclasses import dataclass
from math import exp, log, sqrt

from detectors.intervals import Z95, wilson

NAN = float("nan")

_LARGEST = 700.0
"""Logarithm beyond which exp overflows."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and its 95 % interval; NaN bounds where too few rows tell."""

    metric: str
    value: float
    lower: float = NAN
    upper: float = NAN
    of_class: str = ""
    """The class it is about; empty: all of them."""


def share(metric: str, hits: int, trials: int, dispersion: float, of_class: str = "") -> Measured:
    """Return a proportion with Wilson's interval. `dispersion` says as how many rows fewer the rows count: 1 for independent ones."""
    if not trials:
        return Measured(metric, NAN, of_class=of_class)
    lower, upper = wilson_of(hits / trials, trials / dispersion)
    return Measured(metric, hits / trials, lower, upper, of_class)


def wilson_of(value: float, trials: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of trials that need not be a whole number.

    >>> wilson_of(0.1, 10.0) == wilson(1, 10)
    True
    """
    if float(trials).is_integer() and float(value * trials).is_integer():
        return wilson(int(value * trials), int(trials))
    square = Z95 * Z95
    centre, scale = value + square / (2 * trials), 1 + square / trials
    reach = Z95 * sqrt(value * (1 - value) / trials + square / (4 * trials * trials))
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def mean(metric: str, value: float, variance: float, rows: float, dispersion: float) -> Measured:
    """Return a mean of rows of that variance with a normal interval; without bounds below two rows."""
    if rows < 2:
        return Measured(metric, value)
    reach = Z95 * sqrt(max(variance, 0.0) * dispersion / rows)
    return Measured(metric, value, value - reach, value + reach)


def logit_interval(value: float, rows: float) -> tuple[float, float]:
    """Return the interval of a share-like value from `rows` on the logit scale; Wilson's at 0 and 1, where there is no logit.

    For average precision with the number of positives: Boyd, Eng and Page, ECML PKDD 2013.

    >>> [round(bound, 3) for bound in logit_interval(0.8, 100)]
    [0.71, 0.867]
    """
    if not 0 < value < 1:
        return wilson_of(min(max(value, 0.0), 1.0), rows)
    centre, reach = log(value / (1 - value)), Z95 / sqrt(rows * value * (1 - value))
    return _expit(centre - reach), _expit(centre + reach)


def _expit(value: float) -> float:
    # A value a rounding away from 0 or 1 reaches further than exp can.
    return 1 / (1 + exp(-min(max(value, -_LARGEST), _LARGEST)))
