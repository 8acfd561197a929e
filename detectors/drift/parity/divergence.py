"""Jensen-Shannon distance of two vectors of weights to any base of logarithm, term by term as SciPy adds it up."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def relative_entropy(p: Floats, q: Floats) -> Floats:
    """Return p log(p / q) elementwise, 0 where p is 0; q must not be 0 where p is not."""
    return np.asarray(p * np.log(np.divide(p, q, out=np.ones_like(p), where=p > 0)))


def jensen_shannon(p: Floats, q: Floats, base: float) -> float:
    """Return the distance; both sides are normalised first.

    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 3.0]), 2.0)
    1.0
    """
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2.0
    divergence = np.sum(relative_entropy(p, middle)) + np.sum(relative_entropy(q, middle))
    return float(np.sqrt(max(divergence / np.log(base) / 2.0, 0.0)))
