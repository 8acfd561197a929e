"""The decay detector: how good the answers of a window were once their labels are known, and whether that got worse."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.decay import change, classification, label_drift, regression
from detectors.decay.change import Counted, Design
from detectors.decay.error_baseline import Learnt, of_rows
from detectors.decay.label_drift import Coverage
from detectors.decay.label_state import LabelState, label_state_from
from detectors.decay.pairs import Classes, Task, class_name, pairs_of
from detectors.decay.performance_scores import ALL, measured, number
from detectors.decay.trust import Bounded
from detectors.decay.trusting import bounded, follow, trust_scores
from detectors.decay.words import ERRORS
from detectors.drift.calendar import Days, spans, within
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Window

SEGMENT = "segment."
MOST_VALUES = 1000
"""A segment column with more values in one batch is an id, or a text: it is not looked at apart."""

_MONTH = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Followed:
    """What a window says when it is held against earlier ones."""

    state: LabelState
    severities: Mapping[str, float]
    """How far errors have risen by method; above 1 is an alarm. Empty while too little is known."""
    scores: tuple[Score, ...]
    """Of the errors, and of the estimates that labels tell true or not."""
    moved: Step
    """Of the mix of the labels."""


@dataclass(frozen=True, slots=True)
class Decay:
    """Measures answers against labels, and tells when errors have risen for good, or the truth itself is mixed otherwise."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.MODEL_PERFORMANCE,
        catalog.MODEL_PERFORMANCE_LOWER,
        catalog.MODEL_PERFORMANCE_UPPER,
        catalog.MODEL_PERFORMANCE_SAMPLES,
        catalog.MODEL_PART_PERFORMANCE,
        catalog.MODEL_PART_PERFORMANCE_LOWER,
        catalog.MODEL_PART_PERFORMANCE_UPPER,
        catalog.MODEL_DECAY_SEVERITY,
        catalog.MODEL_ESTIMATE_TRUST,
        catalog.MODEL_ESTIMATE_LEAN,
        catalog.LABELS_COVERAGE,
        catalog.REFERENCE_STATUS,
        catalog.REFERENCE_MISSING,
        *label_drift.METRICS,
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
    label_drift: bool = True
    """Whether the mix of the labels themselves is watched: kind `label`, a warning at most."""
    least_coverage: Annotated[float, Ge(0), Le(1)] = 0.5
    """Share of a window's answers with a label from which on its labels stand for all of it, as long as more may come."""
    budget: float = 1.0
    """Alarm episodes allowed in 30 days; the endpoint's `alarm_budget` sets it."""
    share: Annotated[float, Gt(0)] = 0.1
    """Part of the budget that decay may use on top of drift: by default one false alarm in 300 days."""
    exclude: tuple[Days, ...] = ()
    """Days that are measured, but neither learnt from nor judged; the endpoint's `reference.exclude` sets it."""
    holidays: tuple[Days, ...] = ()
    """The same for holidays; the endpoint's `reference.holidays` sets it."""

    def restore(self, saved: Plain | None) -> LabelState:
        """Return a saved state, or a fresh one that learns the usual error from the first windows with labels."""
        return LabelState() if saved is None else label_state_from(saved)

    def observe(self, state: LabelState, batch: Batch) -> Profile:  # noqa: ARG002 - what is counted does not depend on it
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
            counted = classification.count(pairs, class_name(self.positive)) if isinstance(pairs, Classes) else regression.count(pairs)
            counts |= {f"{scope}/{name}": vector for name, vector in counted[0].items()}
            wanted = ((name, tally) for name, tally in counted[1].items() if tally and (scope == ALL or name != regression.TRUTH))
            tallies |= {f"{scope}/{name}": tally for name, tally in wanted}
        return Profile(counts, tallies)

    def step(self, state: LabelState, window: Window, profile: Profile) -> Step:
        """Measure a window whose rows brought their labels, and hold it against earlier ones."""
        spread = self.spread(state)
        found = self.follow(state, window, profile)
        return Step(found.state, (*self.measure(profile, spread), *found.scores, *found.moved.scores), found.moved.findings)

    def review(self, state: LabelState, window: Window, scores: Sequence[Score]) -> Step:  # noqa: ARG002 - the scores say it all
        """Hold what was estimated of the window against what its labels say, where both are among the scores."""
        state = self._trusting(state, bounded(scores, "estimated"), scores)
        return Step(state, tuple(trust_scores(state.trusts)))

    def follow(
        self,
        state: LabelState,
        window: Window,
        profile: Profile,
        *,
        final: bool = True,
        estimated: Mapping[str, Bounded] | None = None,
    ) -> Followed:
        """Hold a window against earlier ones; windows come in time order. Its errors count from `min_samples` labels on.

        `final`: no more labels are waited for. `estimated` is what was said of it before there were labels.
        """
        if within(window.day, spans((*self.exclude, *self.holidays))):
            return Followed(state, {}, (), Step(state.labels))
        labelled = number(profile, f"{ALL}/labelled")
        coverage = Coverage(labelled, number(profile, "answers"), final)
        moved = Step(state.labels)
        if self.label_drift:
            moved = label_drift.step(state.labels, window, profile, coverage, self.least_coverage, self.budget)
        state = replace(state, labels=moved.state)
        if not self.is_enough(profile):
            return Followed(state, {}, (), moved)
        if estimated and coverage.enough(self.least_coverage):
            state = self._trusting(state, estimated, list(self.measure(profile, self.spread(state))))
        errors, severities = change.step(state.errors, Counted(*_counted(window.day, profile)), self._design(window))
        state = replace(state, errors=errors)
        what = "error" if f"{ALL}/predicted" in profile.tallies else "absolute_error"
        scores = [
            Score(catalog.MODEL_DECAY_SEVERITY, severity, {"metric": what, "basis": "realised", "method": method})
            for method, severity in severities.items()
        ]
        # Without labels that come late it is `review` that knows both.
        trust = trust_scores(state.trusts) if estimated is not None else ()
        return Followed(state, severities, (*scores, *self._standing(state), *trust), moved)

    def measure(self, profile: Profile, spread: float) -> Iterator[Score]:
        """Yield what a window's labels say by themselves; only their coverage where they are too few. `spread` widens intervals."""
        answers, labelled = number(profile, "answers"), number(profile, f"{ALL}/labelled")
        if labelled and answers:
            yield Score(catalog.LABELS_COVERAGE, labelled / answers)
        if self.is_enough(profile):
            yield from measured(profile, class_name(self.positive), spread)
            yield Score(catalog.MODEL_PERFORMANCE_SAMPLES, labelled, {"basis": "realised"})

    def spread(self, state: LabelState) -> float:
        """Return by how much windows vary more than independent rows would; 1 as long as that is not known."""
        return state.errors.baseline.dispersion if state.errors.baseline else 1.0

    def is_enough(self, profile: Profile) -> bool:
        """Whether a window has labels enough to be measured."""
        return number(profile, f"{ALL}/labelled") >= self.min_samples

    def of_rows(self, profile: Profile) -> LabelState:
        """Return the state that begins with the rows of a file: their error is the usual one, and their labels the usual mix.

        Where they are too few to tell a rise from chance, the usual error is learnt from live windows all the same.
        """
        labelled = number(profile, f"{ALL}/labelled")
        if not labelled:
            return LabelState()
        baseline = of_rows(Learnt(*_counted(0, profile)), self.rise, self.baseline_rows)
        state = LabelState(labels=label_drift.reference(profile, labelled)) if self.label_drift else LabelState()
        return state if baseline is None else replace(state, errors=change.begun(baseline, self.min_effect, settled=False))

    def _design(self, window: Window) -> Design:
        """Return what the tests are to see, and the windows between two false alarms that the budget asks for."""
        run = _MONTH / (window.end - window.start).total_seconds() / (self.budget * self.share)
        return Design(self.rise, self.min_effect, run, self.baseline_rows, self.baseline_days)

    def _standing(self, state: LabelState) -> Iterator[Score]:
        """Yield how far the usual error is known, and the days that takes."""
        lacking = change.days_lacking(state.errors, self.baseline_days)
        known = state.errors.baseline is not None or state.errors.spread
        status = "calibrated" if not lacking else "provisional" if known else "uncalibrated"
        for name in ("calibrated", "provisional", "uncalibrated"):
            yield Score(catalog.REFERENCE_STATUS, float(name == status), {"reference": ERRORS, "status": name})
        yield Score(catalog.REFERENCE_MISSING, lacking, {"reference": ERRORS})

    def _trusting(self, state: LabelState, estimated: Mapping[str, Bounded], scores: Sequence[Score]) -> LabelState:
        labels = next((score.value for score in scores if _counts_labels(score)), 0.0)
        return replace(state, trusts=follow(state.trusts, estimated, bounded(scores, "realised"), int(labels))) if estimated else state


def _counted(day: int, profile: Profile) -> tuple[int, int, int, Mapping[str, int]]:
    """Return day, labelled rows, wrong answers and sizes of errors."""
    labelled, right = number(profile, f"{ALL}/labelled"), profile.tallies.get(f"{ALL}/hit", {})
    wrong = labelled - sum(right.values()) if f"{ALL}/predicted" in profile.tallies else 0
    return day, labelled, wrong, profile.tallies.get(f"{ALL}/{regression.ABSOLUTE}", {})


def _counts_labels(score: Score) -> bool:
    return score.metric is catalog.MODEL_PERFORMANCE_SAMPLES and score.attributes["basis"] == "realised"


def _scopes(batch: Batch) -> Iterator[tuple[str, NDArray[np.intp] | None]]:
    yield ALL, None
    for name, column in batch.columns.items():
        if name.startswith(SEGMENT) and isinstance(column, Category):
            there = np.unique(column.codes[column.codes >= 0]).tolist()
            for code in there if len(there) <= MOST_VALUES else ():
                yield f"{name.removeprefix(SEGMENT)}={column.values[code]}", np.flatnonzero(column.codes == code)
