"""Counts answers of a classifier against the truth, and turns the counts into its metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.decay import score_curve
from detectors.decay.measured import NAN, Measured, mean, share, wilson_of
from detectors.decay.pairs import Classes
from detectors.intervals import Z95

BINS = 10
"""Equal bins of the probability for the calibration error."""

_EDGES = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
"""A probability on an edge is in the bin below it, as in scikit-learn."""

MOST_CLASSES = 20
"""Classes with metrics of their own: the most frequent ones."""

_UNNAMED = "1"
"""The positive class where the configuration names none."""
_STRAY = 20
"""One label in so many may be of a class that a model of two classes does not know."""

_ONE = 2**32
_SQUARE = 2**24
"""Fixed-point scales of losses (at most 37) and their squares: 10^7 rows stay far below 2^63."""
_LEAST = float(np.finfo(np.float64).eps)
"""A probability of 0 for what happened counts as this, as in scikit-learn."""

Counts = dict[str, NDArray[np.int64]]
Tallies = dict[str, Mapping[str, int]]


def count(pairs: Classes, positive: str) -> tuple[Counts, Tallies]:
    """Count rows by class, and probabilities by what happened. Everything is an integer that adds up over parts of the rows.

    `probability` is that of the class named `positive` where there are two classes, else that of the answer.
    """
    hits = pairs.predicted == pairs.actual
    tallies: Tallies = {
        "predicted": _by_name(pairs.predicted, pairs.names),
        "actual": _by_name(pairs.actual, pairs.names),
        "hit": _by_name(pairs.actual[hits], pairs.names),
    }
    counts: Counts = {"labelled": np.array([len(hits)], np.int64)}
    if pairs.probability is None:
        return counts, tallies
    usable = np.isfinite(pairs.probability)
    chances, right = pairs.probability[usable], hits[usable]
    truly = pairs.actual[usable] == (pairs.names.index(positive) if positive in pairs.names else -1)
    tallies["scores/positive"] = score_curve.tally(chances[truly])
    tallies["scores/negative"] = score_curve.tally(chances[~truly])
    counts["confidence"], counts["calibration"] = _reliability(chances, right), _reliability(chances, truly)
    loss = -np.log(np.maximum(np.where(truly, chances, 1.0 - chances), _LEAST))
    brier = (chances - truly) ** 2
    counts["losses"], counts["losses/positive"] = _summed(loss, brier), _summed(loss[truly], brier[truly])
    return counts, tallies


def two_classes(tallies: Tallies, positive: str) -> bool:
    """Whether these answers and truths, those of a whole window, are a two-class model's: `probability` is that of the positive class then.

    A window may lack the positive class. Labels of classes the model cannot answer, mistyped ones say, make no other model of it as long
    as they are few.

    >>> two_classes({"predicted": {"0": 30}, "actual": {"0": 30}}, "1"), two_classes({"predicted": {"cat": 30}, "actual": {"cat": 30}}, "1")
    (True, False)
    """
    predicted, actual = tallies.get("predicted", {}), tallies.get("actual", {})
    others = sorted({*predicted, *actual} - {positive}, key=lambda name: (name not in predicted, -actual.get(name, 0), name))
    if len({*predicted, positive}) > 2:
        return False
    if positive not in predicted and positive not in actual:
        # Nobody named "1": only 0 is surely its other side.
        return len(others) == 1 and (positive != _UNNAMED or others == ["0"])
    return sum(actual.get(name, 0) for name in others[1:]) * _STRAY <= sum(actual.values())


def metrics(
    counts: Mapping[str, NDArray[np.int64]], tallies: Tallies, positive: str, dispersion: float, *, two: bool
) -> Iterator[Measured]:
    """Yield what the counts say. Where there are more than `two` classes precision, recall and F1 are means over classes (macro)."""
    predicted, actual, hit = (tallies.get(name, {}) for name in ("predicted", "actual", "hit"))
    rows = int(counts["labelled"][0])
    names = sorted({*predicted, *actual}, key=lambda name: (-actual.get(name, 0), name))
    yield share("accuracy", sum(hit.values()), rows, dispersion)
    if two:
        # The first is accuracy, which the model has as a whole.
        yield from _renamed(list(_of_class(positive, predicted, actual, hit, rows, dispersion))[1:])
    elif len(names) > 1:
        yield from _macro(names, predicted, actual, hit, dispersion)
    for name in names[:MOST_CLASSES]:
        yield from _of_class(name, predicted, actual, hit, rows, dispersion)
    if "losses" in counts and counts["losses"][0]:
        yield _calibration_error(counts["calibration"] if two else counts["confidence"], dispersion)
        if two:
            ups, downs = (tallies.get(f"scores/{name}", {}) for name in ("positive", "negative"))
            yield from _losses(counts["losses"], dispersion)
            yield from score_curve.curve_metrics(ups, downs, dispersion)
            # What the probabilities say of another class they say only where there is one other.
            for name in names if len({*names, positive}) <= 2 else (positive,):
                yield from (replace(one, of_class=name) for one in _of_scores(counts, (ups, downs), dispersion, positive=name == positive))


def _by_name(codes: NDArray[np.int32], names: tuple[str, ...]) -> dict[str, int]:
    rows = np.bincount(codes, minlength=len(names)).tolist()
    return {name: count for name, count in zip(names, rows, strict=True) if count}


def _summed(loss: NDArray[np.float64], brier: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return rows, and sums of both losses and of their squares."""
    sums = [np.rint(column * scale).astype(np.int64).sum() for column, scale in _scaled(loss, brier)]
    return np.array([len(loss), *sums], np.int64)


def _of_scores(
    counts: Mapping[str, NDArray[np.int64]], scores: tuple[Mapping[str, int], Mapping[str, int]], dispersion: float, *, positive: bool
) -> Iterator[Measured]:
    """Yield what probabilities say of one of two classes: losses of the rows that truly are of it, and how well it is told from the other."""
    # What an earlier version counted has no losses by class.
    of_positive = counts.get("losses/positive")
    if of_positive is not None:
        losses = of_positive if positive else counts["losses"] - of_positive
        if losses[0]:
            yield from _losses(losses, dispersion)
    yield _calibration_error(counts["calibration"], dispersion)
    ups, downs = scores if positive else (score_curve.reversed_tally(one) for one in reversed(scores))
    yield from score_curve.curve_metrics(ups, downs, dispersion)


def _scaled(loss: NDArray[np.float64], brier: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float64], int]]:
    for column in (loss, brier):
        yield column, _ONE
        yield column * column, _SQUARE


def _reliability(chances: NDArray[np.float64], happened: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return rows, rows in which it happened, and the sum of the probabilities of each bin, flat."""
    bins = np.searchsorted(_EDGES, chances)
    table = np.zeros((3, BINS), np.int64)
    for part, integers in enumerate((np.ones(len(bins), np.int64), happened.astype(np.int64), np.rint(chances * _ONE).astype(np.int64))):
        np.add.at(table[part], bins, integers)
    return table.ravel()


def _of_class(
    name: str, predicted: Mapping[str, int], actual: Mapping[str, int], hit: Mapping[str, int], rows: int, dispersion: float
) -> Iterator[Measured]:
    """Yield how well a class is told from all others."""
    found, answered, there = hit.get(name, 0), predicted.get(name, 0), actual.get(name, 0)
    rightly_not = rows - answered - there + found
    yield share("accuracy", found + rightly_not, rows, dispersion, name)
    yield share("precision", found, answered, dispersion, name)
    yield share("recall", found, there, dispersion, name)
    yield share("specificity", rightly_not, rows - there, dispersion, name)
    union = answered + there - found
    if not union:
        yield Measured("f1", NAN, of_class=name)
        return
    # F1 is 2J / (1 + J) of the share J of hits among the rows where answer or truth are this class.
    lower, upper = (2 * bound / (1 + bound) for bound in wilson_of(found / union, union / dispersion))
    yield Measured("f1", 2 * found / (answered + there), lower, upper, name)


def _renamed(of_positive: list[Measured]) -> Iterator[Measured]:
    for one in of_positive:
        yield Measured(one.metric, one.value, one.lower, one.upper)


def _macro(
    names: list[str], predicted: Mapping[str, int], actual: Mapping[str, int], hit: Mapping[str, int], dispersion: float
) -> Iterator[Measured]:
    """Yield means over classes, a class without rows counting as 0 as in scikit-learn; classes are taken as independent."""
    for metric in ("precision", "recall", "f1"):
        values, variance = [], 0.0
        for name in names:
            found, answered, there = hit.get(name, 0), predicted.get(name, 0), actual.get(name, 0)
            trials = {"precision": answered, "recall": there, "f1": answered + there - found}[metric]
            ratio = found / trials if trials else 0.0
            values.append(2 * ratio / (1 + ratio) if metric == "f1" else ratio)
            # A class of few rows that are all right, or all wrong, is not known for sure: one of either is thought beside them.
            likely = (found + 1) / (trials + 2)
            slope = 2 / (1 + likely) ** 2 if metric == "f1" else 1.0
            variance += slope**2 * likely * (1 - likely) / trials if trials else 0.0
        centre, reach = sum(values) / len(names), Z95 * sqrt(dispersion * variance) / len(names)
        yield Measured(metric, centre, max(centre - reach, 0.0), min(centre + reach, 1.0))


def _calibration_error(table: NDArray[np.int64], dispersion: float) -> Measured:
    """Return the mean gap between what was likely and what happened, and an interval that is too wide rather than too narrow.

    Chance alone makes gaps: the mean of a folded normal, sqrt(2 / pi) of its deviation, is taken off the lower bound.
    """
    rows, happened, chances = table.reshape(3, BINS)
    total, expected = int(rows.sum()), chances / _ONE
    value = float(np.abs(happened - expected).sum() / total)
    share = np.divide(expected, rows, out=np.zeros(BINS), where=rows > 0)
    spread = np.sqrt(dispersion * rows * share * (1 - share))
    reach = Z95 * float(np.sqrt((spread**2).sum())) / total
    by_chance = float(np.sqrt(2 / np.pi) * spread.sum()) / total
    return Measured("calibration_error", value, max(value - by_chance - reach, 0.0), min(value + reach, 1.0))


def _losses(losses: NDArray[np.int64], dispersion: float) -> Iterator[Measured]:
    rows = int(losses[0])
    for metric, total, squares in (("log_loss", losses[1], losses[2]), ("brier", losses[3], losses[4])):
        centre = int(total) / _ONE / rows
        variance = (int(squares) / _SQUARE / rows - centre**2) * rows / max(rows - 1, 1)
        found = mean(metric, centre, variance, rows, dispersion)
        yield Measured(metric, centre, max(found.lower, 0.0) if rows > 1 else NAN, found.upper)
