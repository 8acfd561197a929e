"""Follows from window to window whether labels bear the estimates out: what is remembered of each metric, and its gauges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from detectors import catalog
from detectors.decay.trust import REMEMBERED, Bounded, Pair, Trust, judge
from detectors.types import Plain, Score

_NAN = float("nan")
_KINDS = {catalog.MODEL_PERFORMANCE.name: 0, catalog.MODEL_PERFORMANCE_LOWER.name: 1, catalog.MODEL_PERFORMANCE_UPPER.name: 2}
STATUSES = {"untested": "untested", "trusted": "trusted", "not trustworthy": "not_trustworthy"}
"""What is said, and how the gauge spells it."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """One metric: the newest windows that have both values, and what they led to."""

    pairs: tuple[Pair, ...]
    trust: Trust

    def plain(self) -> Plain:
        """Return it as data; `trusted_from` takes it back."""
        pairs = [[*_numbers(pair.estimated), *_numbers(pair.realised), pair.labels] for pair in self.pairs]
        return {"pairs": pairs, "status": self.trust.status}


Trusts = Mapping[str, Trusted]
"""Metric to what is known of its estimates."""


def trusted_from(saved: Plain) -> Trusted:
    """Take back what `Trusted.plain` gave.

    >>> known = follow({}, {"auc": Bounded(0.8, 0.7, 0.9)}, {"auc": Bounded(0.8, 0.7, 0.9)}, 50)
    >>> trusted_from(known["auc"].plain()) == known["auc"]
    True
    """
    pairs = tuple(Pair(Bounded(*row[:3]), Bounded(*row[3:6]), int(row[6])) for row in saved["pairs"])
    before = Trust(saved["status"], 0, 0, _NAN, _NAN)
    return Trusted(pairs, judge(pairs, before))


def follow(before: Trusts, estimated: Mapping[str, Bounded], realised: Mapping[str, Bounded], labels: int) -> Trusts:
    """Return what is known after a window; `labels` are the rows its realised values rest on. Windows come in time order."""
    found = dict(before)
    for metric, guess in estimated.items():
        truth = realised.get(metric)
        if truth is None:
            continue
        known = before.get(metric)
        pairs = (*(known.pairs if known else ()), Pair(guess, truth, labels))[-REMEMBERED:]
        found[metric] = Trusted(pairs, judge(pairs, known.trust if known else None))
    return found


def bounded(scores: Iterable[Score], basis: str) -> dict[str, Bounded]:
    """Return the overall performance of a window by metric, realised or estimated; a bound nobody told is NaN."""
    return bounded_from(((score.metric.name, score.value, score.attributes) for score in scores), basis)


def bounded_from(scores: Iterable[tuple[str, float, Mapping[str, Any]]], basis: str) -> dict[str, Bounded]:
    """Return the same of scores as the store keeps them: name, value, attributes."""
    rows: dict[str, list[float]] = {}
    for name, value, attributes in scores:
        place = _KINDS.get(name)
        if place is not None and attributes["basis"] == basis:
            rows.setdefault(attributes["metric"], [_NAN, _NAN, _NAN])[place] = value
    return {metric: Bounded(*row) for metric, row in rows.items()}


def trust_scores(trusts: Trusts) -> Iterator[Score]:
    """Yield 1 on the status of each metric's estimates and 0 on the others, and how far they are off on average."""
    for metric, known in trusts.items():
        for status, spelt in STATUSES.items():
            yield Score(catalog.MODEL_ESTIMATE_TRUST, float(known.trust.status == status), {"metric": metric, "status": spelt})
        if known.trust.windows:
            yield Score(catalog.MODEL_ESTIMATE_LEAN, known.trust.lean, {"metric": metric})


def _numbers(one: Bounded) -> tuple[float, float, float]:
    return one.value, one.lower, one.upper
