"""Drift as Evidently 0.7.23 scores it: its bins, logarithms, zero filling, choice of method and thresholds."""

from math import e, erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.drift.parity.divergence import jensen_shannon, relative_entropy
from detectors.drift.parity.exact import ks_p_value, ks_statistic, wasserstein
from detectors.drift.parity.reading import Reading, above, below
from detectors.drift.parity.samples import NumberSamples, Samples
from detectors.drift.survival import log_chi2_sf

Floats = NDArray[np.float64]

DISTANCE, LEVEL = 0.1, 0.05
"""Evidently's thresholds: a distance of at least .1, a p of less than .05."""
SMALL = 1000
"""Reference rows up to which it chooses tests instead of distances."""
FEW = 5
"""Distinct numbers up to which it takes them for categories."""
BINNED = 20
"""Distinct reference numbers above which it cuts them into bins."""


def default(samples: Samples) -> str:
    """Return the method Evidently chooses: by the reference's rows and by how many distinct values both sides have."""
    distinct = len(samples.counts[0])
    continuous = isinstance(samples, NumberSamples) and distinct > FEW
    if len(samples.present[0]) > SMALL:
        return "wasserstein" if continuous else "jensenshannon"
    if continuous:
        return "ks"
    return "chisquare" if distinct > 2 else "z"


def readings(samples: Samples) -> dict[str, Reading]:
    """Return what each of Evidently's methods says. Missing values were dropped; there is no missing-value bin.

    The Kolmogorov-Smirnov test, which takes as long as all others together, is made where Evidently chooses it.
    """
    chosen = default(samples)
    then, now = _shares(samples)
    filled_then, filled_now = _filled(then), _filled(now)
    found = [
        above("psi", float(np.sum((filled_then - filled_now) * np.log(filled_then / filled_now))), DISTANCE, inclusive=True),
        above("kl_div", _kl(filled_then, filled_now), DISTANCE, inclusive=True),
        above("jensenshannon", jensen_shannon(then, now, e), DISTANCE, inclusive=True),
        above("hellinger", _hellinger(samples), DISTANCE, inclusive=True),
    ]
    if isinstance(samples, NumberSamples):
        values = samples.present
        norm = max(float(np.std(values[0])), 0.001)
        found.append(above("wasserstein", wasserstein(*values) / norm, DISTANCE, inclusive=True))
        if chosen == "ks":
            found.append(below("ks", ks_p_value(ks_statistic(*values), len(values[0]), len(values[1])), LEVEL, inclusive=True))
    if chosen == "z":
        found.append(below("z", _z(samples), LEVEL))
    elif chosen == "chisquare" or (not isinstance(samples, NumberSamples) and len(samples.values) > 1):
        found.append(below("chisquare", _chi_squared(samples), LEVEL))
    return {one.method: one for one in found}


def _shares(samples: Samples) -> tuple[Floats, Floats]:
    """Return the shares of Sturges' equal-width bins over both sides, or of each value where there are few."""
    then, now = samples.present
    if isinstance(samples, NumberSamples) and len(np.unique(then)) > BINNED:
        edges = np.histogram_bin_edges(np.concatenate([then, now]), bins="sturges")
        return np.histogram(then, edges)[0] / len(then), np.histogram(now, edges)[0] / len(now)
    counts = samples.counts
    return counts[0] / len(then), counts[1] / len(now)


def _filled(shares: Floats) -> Floats:
    """Return the shares with a little in place of nothing: 1e-4, or less where a share is as small; not normalised again."""
    least = float(shares[shares > 0].min())
    return np.where(shares == 0, least / 10**6 if least <= 0.0001 else 0.0001, shares)


def _kl(then: Floats, now: Floats) -> float:
    return float(np.sum(relative_entropy(then / then.sum(), now / now.sum())))


def _hellinger(samples: Samples) -> float:
    then, now = samples.present
    if isinstance(samples, NumberSamples):
        # The bins are cut over the distinct values of both sides, however often each occurs.
        edges = np.histogram_bin_edges(np.union1d(then, now), bins="sturges")
        width = (edges.max() - edges.min()) / (len(edges) - 1)
        density_then, density_now = np.histogram(then, edges, density=True)[0], np.histogram(now, edges, density=True)[0]
        terms = np.sqrt(density_then * density_now) * width
    else:
        counts = samples.counts
        terms = np.sqrt((counts[0] / len(then)) * (counts[1] / len(now)))
    return sqrt(1 - min(max(float(np.cumsum(terms)[-1]), 0.0), 1.0))


def _chi_squared(samples: Samples) -> float:
    """Return p with the reference's shares taken for exact; 0 where it lacks a value the window has."""
    then, now = samples.counts
    expected = then * (now.sum() / then.sum())
    if bool(np.any((expected == 0) & (now > 0))):
        return 0.0
    statistic = float(np.sum((now - expected) ** 2 / expected))
    return float(np.exp(log_chi2_sf(statistic, max(len(then) - 1, 1))))


def _z(samples: Samples) -> float:
    """Return p of the difference of two proportions: that of all values but the smallest."""
    then, now = samples.counts
    if len(then) == 1:
        return 1.0
    rows = (int(then.sum()), int(now.sum()))
    first, second = 1 - then[0] / rows[0], 1 - now[0] / rows[1]
    pooled = (first * rows[0] + second * rows[1]) / (rows[0] + rows[1])
    z = (first - second) / sqrt(pooled * (1 - pooled) * (1 / rows[0] + 1 / rows[1]))
    return 2 * (1 - 0.5 * erfc(-abs(z) / sqrt(2)))
