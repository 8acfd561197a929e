"""The decay detector: how good the answers of a window were once their labels are known, and whether that got worse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.decay import classification, regression
from detectors.decay.change import Counted, Design, step
from detectors.decay.decay_state import DecayState, state_from
from detectors.decay.measured import Measured
from detectors.decay.pairs import Classes, Task, pairs_of
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Window

ALL = "all"
"""Scope of what is counted over all rows; other scopes are `column=value` of a segment."""
SEGMENT = "segment."
MOST_SEGMENTS = 20
"""Values of a segment column with metrics of their own: those with the most labels."""

_MONTH = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Decay:
    """Measures answers against labels, and tells when errors have risen for good."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.MODEL_PERFORMANCE,
        catalog.MODEL_PERFORMANCE_LOWER,
        catalog.MODEL_PERFORMANCE_UPPER,
        catalog.MODEL_PERFORMANCE_SAMPLES,
        catalog.MODEL_PART_PERFORMANCE,
        catalog.MODEL_PART_PERFORMANCE_LOWER,
        catalog.MODEL_PART_PERFORMANCE_UPPER,
        catalog.MODEL_DECAY_SEVERITY,
        catalog.LABELS_COVERAGE,
    )

    task: Task = "auto"
    """`auto`: text answers and answers with a probability are classes, other numbers a regression."""
    positive: str = "1"
    """The class that precision, recall, AUC and losses of a two-class model are about; `true` is 1."""
    rise: Annotated[float, Gt(1)] = 1.5
    """The change to be seen soonest: errors this many times the usual."""
    min_effect: Annotated[float, Ge(0)] = 0.1
    """A rise of the errors by a smaller part than this is none."""
    baseline_rows: Annotated[int, Ge(30)] = 500
    """Labelled rows, at least, that the usual error is learnt from …"""
    baseline_days: Annotated[int, Ge(1)] = 7
    """… on so many days."""
    min_samples: Annotated[int, Ge(1)] = 30
    """A window with fewer labels says nothing."""
    budget: float = 1.0
    """Alarm episodes allowed in 30 days; the endpoint's `alarm_budget` sets it."""
    share: Annotated[float, Gt(0)] = 0.1
    """Part of the budget that decay may use on top of drift: by default one false alarm in 300 days."""

    def restore(self, saved: Plain | None) -> DecayState:
        """Return a saved state, or a fresh one that learns the usual error from the first windows with labels."""
        return DecayState() if saved is None else state_from(saved)

    def observe(self, state: DecayState, batch: Batch) -> Profile:  # noqa: ARG002 - what is counted does not depend on it
        """Count the rows that have a label, over all of them and by segment; nothing for a batch without answers."""
        if batch.kind != "rows" or "prediction" not in batch.columns:
            return Profile()
        counts: dict[str, NDArray[np.int64]] = {"answers": np.array([batch.rows], np.int64)}
        tallies: dict[str, Mapping[str, int]] = {}
        for scope, rows in _scopes(batch):
            part = batch if rows is None else batch.take(rows)
            found = pairs_of(part, self.task)
            if found is None:
                break
            pairs, _ = found
            counted = classification.count(pairs, self.positive) if isinstance(pairs, Classes) else regression.count(pairs)
            counts |= {f"{scope}/{name}": vector for name, vector in counted[0].items()}
            tallies |= {f"{scope}/{name}": tallied for name, tallied in counted[1].items() if tallied}
        return Profile(counts, tallies)

    def step(self, state: DecayState, window: Window, profile: Profile) -> Step:
        """Measure a window, and hold its errors against the usual ones. A window with too few labels changes nothing."""
        answers, labelled = _number(profile, "answers"), _number(profile, f"{ALL}/labelled")
        scores = [Score(catalog.LABELS_COVERAGE, labelled / answers)] if labelled and answers else []
        if not self.is_enough(profile):
            return Step(state, tuple(scores))
        spread = state.baseline.dispersion if state.baseline else 1.0
        state, severities = self.follow(state, window, profile)
        scores += self._measured(profile, spread)
        scores.append(Score(catalog.MODEL_PERFORMANCE_SAMPLES, labelled, {"basis": "realised"}))
        what = "error" if f"{ALL}/predicted" in profile.tallies else "absolute_error"
        for method, severity in severities.items():
            scores.append(Score(catalog.MODEL_DECAY_SEVERITY, severity, {"metric": what, "basis": "realised", "method": method}))
        return Step(state, tuple(scores))

    def follow(self, state: DecayState, window: Window, profile: Profile) -> tuple[DecayState, Mapping[str, float]]:
        """Return the next state and the severities by method: the part of `step` that depends on earlier windows."""
        if not self.is_enough(profile):
            return state, {}
        labelled = _number(profile, f"{ALL}/labelled")
        right = profile.tallies.get(f"{ALL}/hit", {})
        wrong = labelled - sum(right.values()) if f"{ALL}/predicted" in profile.tallies else 0
        counted = Counted(window.day, labelled, wrong, profile.tallies.get(f"{ALL}/{regression.ABSOLUTE}", {}))
        return step(state, counted, Design(self.rise, self.min_effect, self._run(window), self.baseline_rows, self.baseline_days))

    def is_enough(self, profile: Profile) -> bool:
        """Whether a window has labels enough to be measured."""
        return _number(profile, f"{ALL}/labelled") >= self.min_samples

    def _run(self, window: Window) -> float:
        """Return the windows between two false alarms that the budget asks for."""
        return _MONTH / (window.end - window.start).total_seconds() / (self.budget * self.share)

    def _measured(self, profile: Profile, dispersion: float) -> Iterator[Score]:
        for scope in (ALL, *_largest(profile)):
            counts, tallies = _scope(profile, scope)
            found = (
                classification.metrics(counts, tallies, self.positive, dispersion)
                if "predicted" in tallies
                else regression.metrics(counts, tallies, dispersion)
            )
            part, value = ("", "") if scope == ALL else tuple(scope.split("=", 1))
            for one in found:
                if one.of_class and scope == ALL:
                    yield from _scored(one, "class", one.of_class)
                elif not one.of_class:
                    yield from _scored(one, part, value)


def _scopes(batch: Batch) -> Iterator[tuple[str, NDArray[np.intp] | None]]:
    yield ALL, None
    for name, column in batch.columns.items():
        if name.startswith(SEGMENT) and isinstance(column, Category):
            for code in np.unique(column.codes[column.codes >= 0]).tolist():
                yield f"{name.removeprefix(SEGMENT)}={column.values[code]}", np.flatnonzero(column.codes == code)


def _scope(profile: Profile, scope: str) -> tuple[dict[str, NDArray[np.int64]], dict[str, Mapping[str, int]]]:
    """Return counts and tallies of one scope."""
    start = f"{scope}/"
    return (
        {name.removeprefix(start): vector for name, vector in profile.counts.items() if name.startswith(start)},
        {name.removeprefix(start): tallied for name, tallied in profile.tallies.items() if name.startswith(start)},
    )


def _largest(profile: Profile) -> list[str]:
    """Return the segments with the most labels, at most twenty a column; equal ones by name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, vector in profile.counts.items():
        scope, slash, what = name.rpartition("/")
        if slash and what == "labelled" and scope != ALL and int(vector[0]):
            found.setdefault(scope.partition("=")[0], []).append((-int(vector[0]), scope))
    return [scope for scopes in found.values() for _, scope in sorted(scopes)[:MOST_SEGMENTS]]


def _number(profile: Profile, name: str) -> int:
    return int(profile.counts[name][0]) if name in profile.counts else 0


def _scored(one: Measured, part: str, value: str) -> Iterator[Score]:
    kinds = (
        (catalog.MODEL_PART_PERFORMANCE, catalog.MODEL_PART_PERFORMANCE_LOWER, catalog.MODEL_PART_PERFORMANCE_UPPER)
        if part
        else (catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER)
    )
    attributes = {"metric": one.metric, "basis": "realised", **({"part": part, "value": value} if part else {})}
    for kind, number in zip(kinds, (one.value, one.lower, one.upper), strict=True):
        if not isnan(number):
            yield Score(kind, number, attributes)
