"""What a feature's reference is made of: the count vectors of its windows, and of the file that fixes its cells, if any."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.drift.statistics import LEAST_ROWS


@dataclass(frozen=True, slots=True)
class FeatureHistory:
    """One feature's reference. Windows a person excluded are left out by the caller."""

    name: str
    kind: Literal["numeric", "categorical"]
    counts: NDArray[np.int64]
    """[windows, K]: all windows, those with too few rows included. Last column missing; categorical: .., other, new, missing."""
    unseen: NDArray[np.int64]
    """[windows] rows whose value occurs in no other block (rule 5.0); zeros for numeric."""
    comparison: NDArray[np.int64] | None = None
    """[K] counts of a file that fixes cells and distribution; None: the windows themselves do. An empty one counts as None."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """[windows] rows of each window."""
        rows: NDArray[np.int64] = self.counts.sum(axis=1)
        return rows

    @property
    def scored(self) -> NDArray[np.bool_]:
        """[windows] whether the window has rows enough to count at all."""
        return self.rows >= LEAST_ROWS

    @property
    def file(self) -> NDArray[np.int64] | None:
        """The file's counts, if there is one with rows."""
        return self.comparison if self.comparison is not None and self.comparison.sum() > 0 else None

    def check(self, windows: int) -> None:
        """Raise ValueError where the shapes do not fit together."""
        if self.counts.ndim != 2 or self.counts.shape[0] != windows or self.unseen.shape != (windows,):
            raise ValueError(
                f"feature {self.name!r}: counts {self.counts.shape} and unseen {self.unseen.shape} do not fit {windows} windows"
            )
        if self.comparison is not None and self.comparison.shape != self.counts.shape[1:]:
            raise ValueError(f"feature {self.name!r}: the file has {self.comparison.shape} columns, the windows {self.counts.shape[1:]}")
