"""Label drift: has the mix of the truth itself moved? The drift rule over the labels of a window, as kind `label`; it warns, it never pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from detectors import catalog
from detectors.catalog import Metric
from detectors.decay import regression
from detectors.decay.words import LABEL
from detectors.drift.drift import Drift
from detectors.drift.early import cut
from detectors.drift.learning import vectors
from detectors.drift.observing import BITS, ROWS, VALUES
from detectors.drift.state import DriftState
from detectors.drift.value_sketch import sketch
from detectors.types import Finding, Profile, Score, Step, Window

METRICS: tuple[Metric, ...] = (
    catalog.DRIFT_SEVERITY,
    catalog.DRIFT_STATISTIC,
    catalog.DRIFT_THRESHOLD,
    catalog.DRIFT_P_VALUE,
    catalog.DRIFT_SAMPLES,
    catalog.DRIFT_MDE,
    catalog.DRIFT_SCORE,
)
_NAN = float("nan")
_ACTUAL, _TRUTH = "all/actual", f"all/{regression.TRUTH}"
"""Tallies of the decay detector: labels by class, or by leading bits."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of a window's answers have their label, and whether more may come."""

    labelled: int
    answers: int
    final: bool

    def enough(self, least: float) -> bool:
        """Whether what is known stands for the window: labels that come early are seldom like the rest."""
        return self.labelled > 0 and (self.final or self.labelled >= least * self.answers)


def step(state: DriftState, window: Window, profile: Profile, coverage: Coverage, least: float, budget: float) -> Step:
    """Judge the labels of a window by those of earlier ones, or of a reference's rows; `profile` is that of the decay detector.

    A window with too few of its labels is `insufficient` and nothing is learnt from it.
    """
    if not coverage.enough(least):
        return Step(state, (), (_insufficient(coverage, least),) if coverage.labelled else ())
    if not any(profile.tallies.get(name) for name in (_ACTUAL, _TRUTH)):
        # Counted by an earlier version, which did not keep them.
        return Step(state)
    drift = Drift(features=(LABEL,), budget=budget)
    found = drift.step(state, window, _counted(profile, coverage.labelled))
    return Step(found.state, tuple(_scores(found.scores)), tuple(_findings(found.findings)))


def reference(profile: Profile, labelled: int) -> DriftState:
    """Return the state that begins with the labels of a file: they fix cells and distribution, live windows tell how much it varies."""
    counted = _counted(profile, labelled)
    cells, aside = cut([counted])
    fixed = (replace(known, file=vector) for known, vector in zip(cells, vectors(cells, counted), strict=True))
    return DriftState(cells=tuple(fixed), aside=aside)


def _counted(profile: Profile, labelled: int) -> Profile:
    """Return the labels as the drift rule counts a column it has no cells for; a label more or less is exact."""
    actual, truth = (profile.tallies.get(name, {}) for name in (_ACTUAL, _TRUTH))
    tallies: dict[str, Mapping[str, int]] = {BITS + LABEL: truth} if truth else {VALUES + LABEL: sketch(actual)}
    return Profile({ROWS: np.array([labelled], np.int64)}, tallies)


def _insufficient(coverage: Coverage, least: float) -> Finding:
    share = coverage.labelled / max(coverage.answers, 1)
    text = f"labels of {coverage.labelled} of {coverage.answers} answers are here ({share:.0%}); judged from {least:.0%} on, or once no more are waited for"
    return Finding(
        LABEL, LABEL, "fixed", _NAN, _NAN, _NAN, _NAN, coverage.labelled, _NAN, "sd", None, "insufficient", {}, text
    )  # fmt: skip


def _scores(scores: tuple[Score, ...]) -> Iterator[Score]:
    for score in scores:
        if score.metric in METRICS and score.attributes.get("feature") == LABEL:
            yield replace(score, attributes={**score.attributes, "kind": LABEL})


def _findings(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    for one in findings:
        if one.feature == LABEL:
            # Pages are for what a model does; how the world's answers are mixed is a reason to look, not to get up.
            yield replace(one, kind=LABEL, level="warning" if one.level == "page" else one.level)
