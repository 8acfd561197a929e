"""Drift as NannyML 0.13.1 scores it: bins and thresholds from the reference, the latter from its ten chunks."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.drift.parity.divergence import jensen_shannon
from detectors.drift.parity.exact import ks_statistic
from detectors.drift.parity.exact import wasserstein as exact_wasserstein
from detectors.drift.parity.reading import Reading, above, below
from detectors.drift.parity.samples import CategorySamples, NumberSamples, Samples
from detectors.drift.survival import log_chi2_sf

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

DEFAULT = "jensen_shannon"
"""What NannyML measures unless told otherwise, numbers and categories alike."""
CHUNKS = 10
LARGE = 10_000
"""Reference rows from which Kolmogorov-Smirnov and Wasserstein are taken from as many equal-width bins."""
LEVEL = 0.05
"""p below which chi-squared alerts, whatever the thresholds say."""


def limits(samples: Samples) -> dict[str, float]:
    """Return the upper threshold of each method: mean and three standard deviations of the reference's chunks.

    A chunk is a tenth of the rows, missing ones among them, in their order; a rest makes one more.
    """
    size = len(samples.reference) // CHUNKS
    chunks = [samples.reference[begin : begin + size] for begin in range(0, len(samples.reference), size)] if size else []
    found = {}
    for method, measure in _methods(samples).items():
        with np.errstate(invalid="ignore"):
            values = np.array([measure(chunk) for chunk in chunks])
        values = values[~np.isnan(values)]
        upper = float(values.mean() + 3 * values.std()) if len(values) else np.nan
        found[method] = min(upper, 1.0) if method == "kolmogorov_smirnov" else upper
    return found


def readings(samples: Samples, upper: Mapping[str, float]) -> dict[str, Reading]:
    """Return what each of NannyML's methods says of the current side; `upper` are the `limits` of the same reference."""
    found = {method: above(method, measure(samples.current), upper[method]) for method, measure in _methods(samples).items()}
    if isinstance(samples, CategorySamples):
        statistic, p = _chi_squared(samples)
        # Shown by its statistic, decided by its p.
        found["chi2"] = Reading("chi2", statistic, np.nan, below("chi2", p, LEVEL).alert)
    return found


def _methods(samples: Samples) -> dict[str, Callable[[NDArray[np.generic]], float]]:
    """Return each method as a function of rows (missing ones among them) against this reference."""
    return _of_numbers(samples) if isinstance(samples, NumberSamples) else _of_categories(samples)


def _of_numbers(samples: NumberSamples) -> dict[str, Callable[[NDArray[np.generic]], float]]:
    then = samples.present[0]
    edges = np.histogram_bin_edges(then, bins="doane")
    shares = np.histogram(then, bins=edges)[0] / len(then)

    def binned(now: Floats) -> tuple[Floats, Floats]:
        return _with_rest(shares, np.histogram(now, bins=edges)[0] / len(now))

    large = len(then) >= LARGE
    kolmogorov = _binned_ks(then) if large else (lambda now: ks_statistic(then, now))
    transport = _binned_wasserstein(then) if large else (lambda now: exact_wasserstein(then, now))
    measures: dict[str, Callable[[Floats], float]] = {
        "jensen_shannon": lambda now: jensen_shannon(*binned(now), 2.0),
        "hellinger": lambda now: _hellinger(*binned(now)),
        "kolmogorov_smirnov": kolmogorov,
        "wasserstein": transport,
    }
    return {method: _present(measure) for method, measure in measures.items()}


def _present(measure: Callable[[Floats], float]) -> Callable[[NDArray[np.generic]], float]:
    def of(rows: NDArray[np.generic]) -> float:
        values = np.asarray(rows, np.float64)
        values = values[~np.isnan(values)]
        return measure(values) if len(values) else np.nan

    return of


def _of_categories(samples: CategorySamples) -> dict[str, Callable[[NDArray[np.generic]], float]]:
    then = samples.counts[0]
    known = then > 0
    shares = then / then.sum()

    def counted(rows: NDArray[np.generic]) -> Floats | None:
        codes = np.asarray(rows, np.int64)
        codes = codes[codes >= 0]
        return np.bincount(codes, minlength=len(then)) / len(codes) if len(codes) else None

    def on_known(measure: Callable[[Floats, Floats], float]) -> Callable[[NDArray[np.generic]], float]:
        def of(rows: NDArray[np.generic]) -> float:
            now = counted(rows)
            return np.nan if now is None else measure(*_with_rest(shares[known], now[known]))

        return of

    def largest(rows: NDArray[np.generic]) -> float:
        now = counted(rows)
        return np.nan if now is None else float(np.abs(shares - now).max())

    return {
        "jensen_shannon": on_known(lambda p, q: jensen_shannon(p, q, 2.0)),
        "hellinger": on_known(_hellinger),
        "l_infinity": largest,
    }


def _with_rest(then: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Return the shares with one more bin for what lies in none, rounding included: NannyML counts that too."""
    rest = 1 - np.sum(now)
    return (np.append(then, 0.0), np.append(now, rest)) if rest > 0 else (then, now)


def _hellinger(then: Floats, now: Floats) -> float:
    return float(np.sqrt(np.sum((np.sqrt(then) - np.sqrt(now)) ** 2)) / np.sqrt(2))


def _binned_ks(then: Floats) -> Callable[[Floats], float]:
    counted, edges = np.histogram(then, np.linspace(then.min(), then.max(), LARGE + 1))
    cumulated = np.cumsum(counted / len(then))

    def of(now: Floats) -> float:
        before = float(np.count_nonzero(now < edges[0])) / len(now)
        return float(np.abs(cumulated - (before + np.cumsum(np.histogram(now, edges)[0] / len(now)))).max())

    return of


def _binned_wasserstein(then: Floats) -> Callable[[Floats], float]:
    counted, edges = np.histogram(then, bins=LARGE)
    width, low, high = edges[1] - edges[0], edges[0], edges[-1]
    cumulated = np.cumsum(counted / len(then))

    def of(now: Floats) -> float:
        smaller, bigger = now[now < low], now[now > high]
        # NannyML weighs what lies outside with one row too many; so do we, here.
        left = (len(smaller) + 1) / len(now) if len(smaller) else 0.0
        right = (len(bigger) + 1) / len(now) if len(bigger) else 0.0
        total = np.sum(np.abs(cumulated - (np.cumsum(np.histogram(now, bins=edges)[0] / len(now)) + left)) * width)
        if len(smaller):
            places, below_them = _distribution(np.append(smaller, low))
            total += np.sum(below_them[:-1] * np.diff(places)) * left
        if len(bigger):
            places, below_them = _distribution(np.append(bigger, high))
            total += np.sum((1 - below_them)[:-1] * np.diff(places)) * right
        return float(total)

    return of


def _distribution(values: Floats) -> tuple[Floats, Floats]:
    places, counts = np.unique(values, return_counts=True)
    return places, np.cumsum(counts) / len(values)


def _chi_squared(samples: CategorySamples) -> tuple[float, float]:
    """Return statistic and p of the table of both sides, with Yates' correction where it is two by two."""
    table = np.stack(samples.counts).astype(np.float64)
    expected = table.sum(0) * table.sum(1, keepdims=True) / table.sum()
    off = np.abs(table - expected)
    freedom = table.shape[1] - 1
    if freedom == 0:
        return 0.0, 1.0
    if freedom == 1:
        off = off - np.minimum(0.5, off)
    statistic = float(np.sum(off**2 / expected))
    return statistic, float(np.exp(log_chi2_sf(statistic, freedom)))
