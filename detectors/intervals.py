"""How sure a share is: the 95 % interval of a counted proportion."""

from math import sqrt

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson(hits: float, trials: float, z: float = Z95) -> tuple[float, float]:
    """Return lower and upper bound of the share hits/trials. Raises ValueError without trials or if hits are not among them.

    Wilson's score interval (E. B. Wilson, JASA 22, 1927): sane for small numbers and for shares near 0 and 1.

    >>> [round(bound, 4) for bound in wilson(1, 10)]
    [0.0179, 0.4042]
    """
    if trials <= 0 or not 0 <= hits <= trials:
        raise ValueError(f"no share of {hits} in {trials}")
    share, square = hits / trials, z * z
    centre = share + square / (2 * trials)
    reach = z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    # Exact at both ends, where rounding would leave 1e-17 beside 0 or 1.
    lower = (centre - reach) / scale if hits else 0.0
    upper = (centre + reach) / scale if hits < trials else 1.0
    return lower, upper
