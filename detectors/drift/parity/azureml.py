"""Drift as Azure ML model monitoring scores it (its components at commit 4b41f8cc, 2026-07): equal-width bins over both sides."""

from collections.abc import Mapping
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from detectors.drift.parity.divergence import jensen_shannon
from detectors.drift.parity.exact import ks_p_value, ks_statistic, wasserstein
from detectors.drift.parity.reading import Reading
from detectors.drift.parity.samples import CategorySamples, NumberSamples, Samples
from detectors.drift.survival import log_chi2_sf

Floats = NDArray[np.float64]

THRESHOLD = 0.1
"""Of the two default metrics, in the SDK; an alert is strictly above. The others have no default threshold."""
CATEGORICAL_RATIO = 0.05
"""Whole numbers with fewer distinct values a row than this are categories."""
REFUSED = 10_000
"""Rows of either side from which it refuses the Kolmogorov-Smirnov test."""
EVEN = 1e-10
"""Spark takes bins whose widths differ by less for evenly wide, and divides instead of searching."""
NUMERIC, CATEGORICAL = "NormalizedWassersteinDistance", "JensenShannonDistance"


def complete(columns: Mapping[str, Samples]) -> dict[str, Samples]:
    """Return the rows that lack no value of any column: one missing value drops its row. Left out: what then has no row."""
    kept = [
        np.logical_and.reduce([_has_value(rows) for rows in side])
        for side in ([one.reference for one in columns.values()], [one.current for one in columns.values()])
        if side
    ]
    found: dict[str, Samples] = {}
    for name, one in columns.items():
        if not (kept[0].any() and kept[1].any()):
            return {}
        if isinstance(one, CategorySamples):
            found[name] = _trimmed(CategorySamples(one.reference[kept[0]], one.current[kept[1]], one.values))
        elif _is_categorical(one.reference):
            found[name] = _as_categories(one.reference[kept[0]], one.current[kept[1]])
        else:
            found[name] = NumberSamples(one.reference[kept[0]], one.current[kept[1]])
    return found


def readings(samples: Samples, *, thorough: bool = True) -> dict[str, Reading]:
    """Return what each of Azure ML's metrics says of complete rows.

    The Kolmogorov-Smirnov test is left out where Azure ML refuses it, and where it is not to be `thorough`.
    """
    if isinstance(samples, CategorySamples):
        then, now = (side.astype(np.float64) for side in samples.counts)
        found = {CATEGORICAL: jensen_shannon(then, now, 2.0), "PopulationStabilityIndex": _psi(then, now, then.sum(), now.sum())}
        found["PearsonsChiSquaredTest"] = _chi_squared(then, now)
        return _judged(found, CATEGORICAL)
    before, after = samples.reference, samples.current
    then, now = _histograms(before, after)
    deviation = float(np.std(before, ddof=1)) if len(before) > 1 else 0.0
    found = {
        NUMERIC: wasserstein(before, after) / max(deviation, 0.001),
        "JensenShannonDistance": jensen_shannon(then, now, 2.0),
        "PopulationStabilityIndex": _psi(then, now, len(before), len(after)),
    }
    if thorough and max(len(before), len(after)) < REFUSED:
        found["TwoSampleKolmogorovSmirnovTest"] = ks_p_value(ks_statistic(before, after), len(before), len(after))
    return _judged(found, NUMERIC)


def _judged(found: Mapping[str, float], default: str) -> dict[str, Reading]:
    return {
        method: Reading(method, float(value), THRESHOLD if method == default else np.nan, method == default and value > THRESHOLD)
        for method, value in found.items()
    }


def _has_value(rows: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(rows >= 0) if rows.dtype == np.int64 else ~np.isnan(rows)


def _is_categorical(values: Floats) -> bool:
    """Return whether these are whole numbers of few distinct values. Spark knows integers by their type, we by their values."""
    present = values[~np.isnan(values)]
    whole = bool((present == np.floor(present)).all())
    return whole and len(np.unique(present)) / len(values) < CATEGORICAL_RATIO


def _as_categories(reference: Floats, current: Floats) -> CategorySamples:
    values, codes = np.unique(np.concatenate([reference, current]), return_inverse=True)
    codes = codes.astype(np.int64)
    return CategorySamples(codes[: len(reference)], codes[len(reference) :], tuple(f"{value:g}" for value in values.tolist()))


def _trimmed(samples: CategorySamples) -> CategorySamples:
    """Return the samples without values that no longer occur."""
    used = (samples.counts[0] + samples.counts[1]) > 0
    place = np.cumsum(used) - 1
    return CategorySamples(
        place[samples.reference], place[samples.current], tuple(value for value, one in zip(samples.values, used, strict=True) if one)
    )


def _histograms(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    low, high = float(min(reference.min(), current.min())), float(max(reference.max(), current.max()))
    if low == high:
        delta = 0.005 if low == 0 else abs(low * 0.005)
        edges = np.array([low - delta, low + delta])
    else:
        bins = ceil(log2(min(len(reference), len(current))) + 1)
        edges = np.array([low, *(low + bin_ * ((high - low) / bins) for bin_ in range(1, bins + 1))])
    return _counted(reference, edges), _counted(current, edges)


def _counted(values: Floats, edges: Floats) -> Floats:
    """Count as Spark does: the last bin is closed, what rounding leaves beyond it is in none."""
    bins = len(edges) - 1
    inside = values[(values >= edges[0]) & (values <= edges[-1])]
    widths = np.diff(edges)
    if widths.max() - widths.min() < EVEN:
        place = ((inside - edges[0]) / ((edges[-1] - edges[0]) / bins)).astype(np.intp)
    else:
        place = np.searchsorted(edges, inside, side="right") - 1
    return np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(np.float64)


def _psi(then: Floats, now: Floats, rows_then: float, rows_now: float) -> float:
    """Return the index with one row added to every bin and the bins to the rows."""
    p, q = (then + 1) / (rows_then + len(then)), (now + 1) / (rows_now + len(now))
    return float(np.sum((q - p) * np.log(q / p)))


def _chi_squared(then: Floats, now: Floats) -> float:
    """Return p with the baseline's shares taken for exact; 0 where it lacks a value production has, NaN for one value only."""
    expected = then / then.sum() * now.sum()
    if bool(np.any((expected == 0) & (now > 0))):
        return 0.0
    if len(then) == 1:
        return np.nan
    return float(np.exp(log_chi2_sf(np.sum((now - expected) ** 2 / expected), len(then) - 1)))
