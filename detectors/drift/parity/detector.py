"""The detector behind `thresholds`: scores the rows a window kept as another product would. Shown, never an alarm."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from detectors import catalog
from detectors.catalog import Metric
from detectors.drift.cells import answered, watched
from detectors.drift.parity.compare import Limits, Told, compare, fit
from detectors.drift.parity.product import Product
from detectors.drift.parity.rows import ReferenceRows, rows_from
from detectors.drift.statistics import LEAST_ROWS
from detectors.types import Batch, Finding, Plain, Profile, Score, Step, Window

LEARNT = 10
"""Windows whose kept rows make the reference where neither a file nor history does: NannyML cuts a reference into as many."""
REFERENCE = "fixed"


@dataclass(frozen=True, slots=True)
class ParityState:
    """The rows that windows are held against."""

    reference: ReferenceRows = field(default_factory=ReferenceRows)
    windows: int = 0
    """Live windows that went into it."""
    fixed: bool = False
    limits: Limits | None = None
    """Not kept: the same rows lead to the same ones."""

    def plain(self) -> Plain:
        """Return the state as data; `Parity.restore` takes it back."""
        return {"reference": self.reference.plain(), "windows": self.windows, "fixed": self.fixed}


@dataclass(frozen=True, slots=True)
class Parity:
    """Scores kept rows as another product would."""

    metrics: ClassVar[tuple[Metric, ...]] = (catalog.DRIFT_SCORE,)

    product: Product
    """Whose scores."""
    features: tuple[str, ...] = ()
    """Columns to score; empty: those the drift detector watches by itself."""

    def restore(self, saved: Plain | None) -> ParityState:
        """Return a saved state or reference, or a fresh one that learns its reference from live windows."""
        return ParityState() if saved is None else ParityState(rows_from(saved["reference"]), saved["windows"], saved["fixed"])

    def learn(self, state: ParityState, batch: Batch) -> ParityState:
        """Return the state with the rows of a batch in its reference, which is then no longer learnt from live windows."""
        return replace(state, reference=state.reference.add(dict(watched(batch, self.features)), batch.rows), fixed=True)

    def observe(self, state: ParityState, batch: Batch) -> Profile:  # noqa: ARG002 - nothing is counted
        """Count nothing: what this looks at is the rows that were kept."""
        return Profile()

    def step(self, state: ParityState, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the same
        """Return nothing: a profile does not say what other products ask for."""
        return Step(state)

    def look(self, state: ParityState, window: Window, rows: Batch) -> Step:  # noqa: ARG002 - every window alike
        """Score the kept rows of a closed window; the first ones become the reference where there is none."""
        if rows.kind != "rows" or rows.rows < LEAST_ROWS:
            return Step(state)
        columns = dict(watched(rows, self.features))
        if not state.fixed:
            learnt = ParityState(state.reference.add(columns, rows.rows), state.windows + 1, state.windows + 1 >= LEARNT)
            return Step(learnt)
        if state.limits is None:
            state = replace(state, limits=fit(self.product, state.reference.columns))
        told = compare(self.product, state.reference.columns, columns, state.limits, thorough=False)
        return Step(state, tuple(_scores(told)), tuple(_finding(one) for one in told))


def _kind(feature: str) -> str:
    return "prediction" if answered(feature) else "data"


def _scores(told: list[Told]) -> Iterator[Score]:
    for one in told:
        for method, value in one.methods.items():
            if np.isfinite(value):
                attributes = {"kind": _kind(one.feature), "feature": one.feature, "reference": REFERENCE, "method": method}
                yield Score(catalog.DRIFT_SCORE, value, attributes)


def _finding(one: Told) -> Finding:
    """Return what the product says as information: it has no severity of ours, and no alert rests on it."""
    return Finding(
        _kind(one.feature), one.feature, REFERENCE, one.decides.value, one.decides.threshold, np.nan, np.nan, one.rows, np.nan, "",
        "information" if one.decides.alert else None, "uncalibrated", one.methods, one.explanation,
    )  # fmt: skip
