"""Corrects what evaluators say of closed windows by labels of people, as long as the same model answers and the same judge judges."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.effects import ClosedWindow
from agent.labels.opining import opine, read
from agent.labels.opinions import wrong
from agent.labels.sampled import Sampled, sampled
from agent.names import harmless
from agent.seldom import Seldom
from agent.store.store import Store
from agent.store.verdicts import Rated, VerdictTables
from detectors import catalog
from detectors.quality.calibrated_mean import ENOUGH_LABELS, Calibrated, Pairs, Scored, calibrated_mean
from detectors.quality.evaluators import refusal
from detectors.quality.exact_rate import uniform_part
from detectors.quality.prediction_powered import LEAST_LABELS
from detectors.quality.priority_sample import uniform
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY, REFUSAL
from detectors.types import Batch, Score, Stream, Window
from detectors.usage.thinning import weights_of

KEPT = 100
"""Calls of a window whose verdict is kept for people to label; all have the same chance to be among them."""
MOST = 200_000
"""Verdicts kept of an endpoint, whatever `max_rows` allows."""
LABELLED_FOR = timedelta(days=90)
"""How long a label counts."""
SHARE = 0.1
"""What answers a smaller part of a window's calls is too rare to be labelled on its own."""

_FORGET = 3600 * 1_000_000_000
_log = logging.getLogger(__name__)


class _Fit(NamedTuple):
    """The labels that hold for what answers and judges now."""

    pairs: Pairs
    present: tuple[str, ...]
    """What answers."""
    missing: bool
    """Whether there are too few of anything that answers."""
    earlier: int
    """Labels that do not hold any more."""


@dataclass(slots=True)
class _Waiting:
    """What came since the last save."""

    rated: list[Rated] = field(default_factory=list)
    opinions: list[tuple[Batch, int]] = field(default_factory=list)


class Calibration:
    """Used by the pipeline's thread. What comes waits in memory until the save that also keeps the window it belongs to."""

    def __init__(self, endpoint: Callable[[str], Endpoint], store: Store) -> None:
        self._endpoint = endpoint
        self._store = store
        self._waiting = _Waiting()
        self._said: dict[tuple[Stream, str], tuple[str, tuple[str, ...], str]] = {}
        """What was last told of each evaluator: by whom, of what answers, and whether labels are missing, few or enough."""
        self._forgot: dict[str, int] = {}
        self._seldom = Seldom()

    def closed(self, closed: ClosedWindow) -> tuple[Score, ...]:
        """Take in what evaluators without a model say of a window; return what labels make of it."""
        refusals = _refusals(closed.calls) if self._expects(closed.stream) else None
        if refusals is None:
            return ()
        found, importance, weights = refusals
        part, chance = uniform_part(found.seeds, importance, found.chances, weights)
        rows = np.flatnonzero(part)
        draws = uniform(found.seeds[rows]) / weights[rows]
        if len(rows) > KEPT:
            chance = float(np.sort(draws)[KEPT])
            # Below, not among the first: calls of one conversation have the same draw.
            rows = rows[draws < chance]
        self._keep(closed.stream, closed.window, found.take(rows), np.full(len(rows), chance))
        fit = self._fit(closed.stream, found)
        metrics = (catalog.SAFETY_REFUSAL, catalog.SAFETY_REFUSAL_LOWER, catalog.SAFETY_REFUSAL_UPPER)
        return (self._labels(closed.stream, found, fit), *_scores(metrics, _mean(fit, found, 0.0, 1.0), {"calibrated": "yes"}))

    def judged(self, stream: Stream, window: Window, verdicts: Sequence[Sampled], passes_from: float) -> tuple[Score, ...]:
        """Take in what a judge says of a window; return what labels make of it."""
        scores: list[Score] = []
        for found in verdicts if self._expects(stream) else ():
            if not len(found.ids):
                continue
            self._keep(stream, window, found, found.chances)
            fit = self._fit(stream, found)
            scores.append(self._labels(stream, found, fit))
            attributes = {"evaluator": found.evaluator, "calibrated": "yes"}
            metrics = (catalog.EVALUATION_MEAN, catalog.EVALUATION_LOWER, catalog.EVALUATION_UPPER)
            scores += _scores(metrics, _mean(fit, found, 1.0, 5.0), attributes)
            metrics = (catalog.EVALUATION_PASS, catalog.EVALUATION_PASS_LOWER, catalog.EVALUATION_PASS_UPPER)
            scores += _scores(metrics, _mean(fit, found, 0.0, 1.0, passes_from), attributes)
        return tuple(scores)

    def take(self, batch: Batch, received: int) -> None:
        """Take in labels of people for evaluators."""
        self._waiting.opinions.append((batch, received))

    @property
    def waits(self) -> bool:
        """Whether there is anything to settle."""
        return bool(self._waiting.rated or self._waiting.opinions)

    def settle(self, tables: VerdictTables) -> Counter[tuple[str, str]]:
        """Write what came; return what became of the labels, by endpoint and outcome."""
        told: Counter[tuple[str, str]] = Counter()
        tables.rate(self._waiting.rated)
        newest: dict[str, int] = {}
        for one in self._waiting.rated:
            newest[one.stream.endpoint] = max(newest.get(one.stream.endpoint, 0), one.saved)
        for batch, received in self._waiting.opinions:
            newest[batch.endpoint] = max(newest.get(batch.endpoint, 0), received)
            endpoint, name = self._endpoint(batch.endpoint), harmless(batch.endpoint)
            found = read(endpoint, batch, received)
            for evaluator, counts in found.bad.items():
                text = wrong(endpoint, evaluator, counts)
                if self._seldom.may(f"{name}: {text}"):
                    _log.warning("endpoint %s: labels%s not used: %s", name, f" of {evaluator}" if evaluator else "", text)
            told.update({(name, outcome): count for outcome, count in opine(tables, batch.endpoint, found).items()})
        for which, now in newest.items():
            self._bound(tables, which, now)
        return told

    def settled(self) -> None:
        """Tell that what `settle` wrote is saved."""
        self._waiting = _Waiting()

    def _expects(self, stream: Stream) -> bool:
        return self._endpoint(stream.endpoint).labels is not None

    def _keep(self, stream: Stream, window: Window, found: Sampled, chances: NDArray[np.float64]) -> None:
        start, end = to_nanoseconds(window.start), to_nanoseconds(window.end)
        columns = zip(found.ids.view(np.int64).tolist(), found.scores.tolist(), chances.tolist(), found.answered, found.calls, strict=True)
        self._waiting.rated += [
            Rated(stream, found.evaluator, id_, start, end, score, chance, answered, found.rater, call)
            for id_, score, chance, answered, call in columns
        ]

    def _fit(self, stream: Stream, found: Sampled) -> _Fit:
        """Return the labels of calls that what answers now answered, each weighed by what it answers now."""
        shares: Counter[str] = Counter()
        for name, weight in zip(found.answered, (1 / found.chances).tolist(), strict=True):
            shares[name] += weight
        whole = shares.total()
        present = {name: share / whole for name, share in sorted(shares.items()) if share >= SHARE * whole}
        everything = self._store.verdicts.pairs(stream, found.evaluator)
        rows = [pair for pair in everything if pair.rater == found.rater and pair.answered in present]
        labels, scores, weights = (
            np.array(column, np.float64)
            for column in ([pair.label for pair in rows], [pair.score for pair in rows], [1 / pair.chance for pair in rows])
        )
        missing = not present
        for name, share in present.items():
            own = np.array([pair.answered == name for pair in rows], np.bool_)
            missing = missing or int(np.count_nonzero(own)) < LEAST_LABELS
            # Not by how many of its calls happen to be labelled.
            weights[own] *= share / weights[own].sum() if own.any() else 1.0
        return _Fit(Pairs(labels, scores, weights), tuple(present), missing, len(everything) - len(rows))

    def _labels(self, stream: Stream, found: Sampled, fit: _Fit) -> Score:
        """Return how many labels there are; tell what that means, once."""
        number = len(fit.pairs.labels)
        stage = "missing" if fit.missing else "few" if number < ENOUGH_LABELS else "enough"
        now = (found.rater, fit.present, stage)
        if self._said.get((stream, found.evaluator)) != now:
            self._said[stream, found.evaluator] = now
            who = f"endpoint {stream.endpoint} ({stream.deployment}): {found.evaluator}"
            ask = f"driftline labels ask {stream.endpoint} --evaluator {found.evaluator}"
            if stage == "missing":
                why = " since another model answers or another judge judges" if fit.earlier else ""
                _log.warning("%s is uncalibrated: %d labels%s, about %d are wanted: %s", who, number, why, ENOUGH_LABELS, ask)
            elif stage == "few":
                _log.info("%s is corrected by %d labels; %d more make it surer: %s", who, number, ENOUGH_LABELS - number, ask)
        return Score(catalog.CALIBRATION_LABELS, number, {"evaluator": found.evaluator})

    def _bound(self, tables: VerdictTables, endpoint: str, now: int) -> None:
        """Forget what is too old or too much, once an hour."""
        expected = self._endpoint(endpoint).labels
        if expected is None or 0 <= now - self._forgot.get(endpoint, 0) < _FORGET:
            return
        self._forgot[endpoint] = now
        age, longest = (span // timedelta(microseconds=1) * 1000 for span in (expected.max_age, LABELLED_FOR))
        tables.forget(endpoint, now - age, now - max(age, longest), min(expected.max_rows, MOST))


def _refusals(calls: Batch | None) -> tuple[Sampled, NDArray[np.float64], NDArray[np.float64]] | None:
    """Return which sampled calls refuse, by their phrases, how much each was worth keeping, and how many it stands for.

    None where texts were not described.
    """
    values, chances, importance = (None if calls is None else calls.columns.get(name) for name in (REFUSAL, PROBABILITY, IMPORTANCE))
    if calls is None or not all(isinstance(column, np.ndarray) for column in (values, chances, importance)):
        return None
    known = np.flatnonzero(np.isfinite(np.asarray(values, np.float64)))
    if not len(known):
        return None
    scores, likely, worth = (np.asarray(column, np.float64)[known] for column in (values, chances, importance))
    weights = weights_of(calls)
    stands_for = np.ones(len(known)) if weights is None else weights[known]
    return sampled(REFUSAL, f"phrases/{refusal.REVISION}", calls.take(known), scores, likely), worth, stands_for


def _mean(fit: _Fit, found: Sampled, low: float, high: float, cut: float | None = None) -> Calibrated | None:
    """Return the corrected mean; with `cut`, that of the share from there on."""
    if fit.missing:
        return None
    labels, scores, window = fit.pairs.labels, fit.pairs.scores, found.scores
    if cut is not None:
        labels, scores, window = (np.asarray(one >= cut, np.float64) for one in (labels, scores, window))
    return calibrated_mean(Pairs(labels, scores, fit.pairs.weights), Scored(window, 1 / found.chances), low, high)


def _scores(metrics: Sequence[catalog.Metric], found: Calibrated | None, attributes: dict[str, str]) -> list[Score]:
    if found is None:
        return []
    return [Score(metric, value, attributes) for metric, value in zip(metrics, (found.value, found.lower, found.upper), strict=True)]
