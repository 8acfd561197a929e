"""How rare a sum of scores is among all ways to split rows into two sides: what a normal tail says too little of."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 200
_EXACT = 1e-9
_STEEPEST = 600.0
_LEAST_DAMPING = 1e-8
"""Of the trace: without it two sides that share no score have no inverse."""


def rate(score: Floats, counts: Floats, n: float, m: float, total: float) -> float:
    """Return I with P(sum of `score` over the n rows now >= total) about exp(-I): how far in the tail a split lies.

    `score` [K] of each cell, `counts` [K] its rows on both sides together, n + m in all. Which rows are the n is chance; I is
    the supremum over t and u of t total + u n - sum counts log(1 - p + p exp(t score + u)), p = n / (n + m): the exponent of
    the double saddlepoint approximation to permutation tests (Robinson 1982). A normal tail has z^2 / 2 in its place, which is
    far too much where few of the rows carry the score.

    >>> even = rate(np.array([-1.0, 1.0]), np.array([500.0, 500.0]), 500, 500, 47.434)  # z = 3: 4.5 of a normal tail
    >>> rare = rate(np.array([-0.1005, 9.95]), np.array([2970.0, 30.0]), 30, 2970, 16.35)  # z = 3: 2 rows, 0.3 expected
    >>> round(even, 2), round(rare, 2)
    (4.51, 2.05)
    """
    share = n / (n + m)
    base = np.log(share / (1 - share))
    filled = counts > 0
    score, counts = score[filled], counts[filled]
    at = np.zeros(2)
    basis = np.stack([score, np.ones_like(score)])
    wanted = np.array([total, n])

    def value(place: Floats) -> float:
        tilted = np.logaddexp(0.0, base + place @ basis) + np.log(1 - share)
        return float(place @ wanted - counts @ tilted)

    best, damping = value(at), _LEAST_DAMPING
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(base + at @ basis, -_STEEPEST, _STEEPEST)))
        slope = wanted - basis @ (counts * chance)
        bend = (basis * (counts * chance * (1 - chance))) @ basis.T
        # Damped: at the ends, where a side has all of a score, the supremum lies at infinity and the curve is flat.
        step = np.linalg.solve(bend + damping * np.eye(2) * max(float(np.trace(bend)), _EXACT), slope)
        gained = value(at + step) - best
        if not gained > 0:
            damping *= 10
            if damping > _STEEPEST:
                break
            continue
        at, best, damping = at + step, best + gained, max(damping / 10, _LEAST_DAMPING)
        if gained < _EXACT * max(best, 1.0):
            break
    return best
