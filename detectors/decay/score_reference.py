"""The scores of rows whose labels are known: counted in any order, and kept as what estimates rest on."""

from dataclasses import dataclass, field

import numpy as np

from detectors.decay import answers, score_bins
from detectors.decay.score_bins import BINS, Ints
from detectors.decay.score_calibration import ScoreCalibration, calibrate
from detectors.types import Batch, Plain

VERSION = 1


def _none() -> Ints:
    return np.zeros(BINS, np.int64)


@dataclass(frozen=True, slots=True)
class ScoreReference:
    """What is known of scores and labels; nothing, for a fresh one."""

    rows: Ints = field(default_factory=_none)
    """[BINS] rows with a probability and a label."""
    positives: Ints = field(default_factory=_none)
    """[BINS] truly positive among them."""
    inside: Ints = field(default_factory=_none)
    """[BINS] sum of their places within the bin."""
    calibration: ScoreCalibration | None = None
    """Not kept: the same counts lead to the same one."""

    def add(self, batch: Batch, positive: str) -> "ScoreReference":
        """Return the reference with the rows of a batch that have a probability within [0, 1] and a label; not yet fitted."""
        truth = answers.is_class(batch.columns.get(answers.LABEL), positive)
        columns = {name: column for name, column in batch.columns.items() if name != answers.PREDICTION}
        found = answers.read(columns, positive, 0.5)
        if truth is None or found is None:
            return self
        kept = truth[1][found.rows]
        places = score_bins.place(found.probabilities[kept])
        rows, inside = score_bins.count(places)
        positives = np.bincount(places.bins[truth[0][found.rows[kept]]], minlength=BINS)
        return ScoreReference(self.rows + rows, self.positives + positives, self.inside + inside)

    def fit(self) -> "ScoreReference":
        """Return the reference with its calibration. Raises ValueError where there is too little to fit, with the reason."""
        return ScoreReference(self.rows, self.positives, self.inside, calibrate(self.rows, self.positives, self.inside))

    def plain(self) -> Plain:
        """Return it as data; `reference_from` takes it back."""
        return {"version": VERSION, "rows": self.rows, "positives": self.positives, "inside": self.inside}


def reference_from(saved: Plain) -> ScoreReference:
    """Return the reference that `ScoreReference.plain` described. Raises ValueError for data of another version."""
    if saved["version"] != VERSION:
        raise ValueError(f"score reference of version {saved['version']}; this driftline reads {VERSION}")
    rows, positives, inside = (np.asarray(saved[name], np.int64) for name in ("rows", "positives", "inside"))
    found = ScoreReference(rows, positives, inside)
    return found.fit() if found.rows.any() else found
