"""What is known of a watched feature before its windows: cells, mean values, and the counts of a file if one fixed them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import CategoryGrid, Grid, NumericGrid, from_plain
from detectors.drift.groups import FeatureKind
from detectors.types import Batch, Column, Plain

PREDICTION, PROBABILITY = "prediction", "probability"
"""The reserved columns of a row that hold the model's answer, and how likely it holds it; `probability.<column>` of one class of several."""
CALLS = ("input_tokens", "output_tokens", "duration", "time_to_first_token", "finish_reason", "model")
"""What is watched of model calls unless told otherwise."""


@dataclass(frozen=True, slots=True)
class FeatureCells:
    """One watched feature."""

    name: str
    grid: Grid
    means: NDArray[np.float64]
    """[E+1] mean value of each cell in what fixed the cells, NaN where empty; empty for categories."""
    coarse: NDArray[np.intp]
    """[K-1] group of each value column for descriptive distances, from what fixed the cells."""
    file: NDArray[np.int64] | None = None
    """[K] counts of the file that fixed cells and distribution."""
    counted_as: str = ""
    """Name its counts go by in a profile, where that is not its own: cells that took the place of others."""
    of_calls: bool = False
    """Whether it is measured on calls of an endpoint, not a column of rows."""

    @property
    def key(self) -> str:
        """Name its counts go by in a profile."""
        return self.counted_as or self.name

    @property
    def kind(self) -> Literal["data", "prediction", "endpoint"]:
        """What the feature is to the model."""
        if self.of_calls:
            return "endpoint"
        return "prediction" if answered(self.name) else "data"

    @property
    def measured_as(self) -> FeatureKind:
        """How its counts are read."""
        return "numeric" if isinstance(self.grid, NumericGrid) else "categorical"

    @property
    def own_vocabulary(self) -> bool:
        """Whether its categories were taken from windows, so that a value may be the only window's that made it known."""
        return self.file is None and not self.counted_as and isinstance(self.grid, CategoryGrid)

    def plain(self) -> Plain:
        """Return it as data; `cells_from` takes it back."""
        return {
            "name": self.name,
            "grid": self.grid.plain(),
            "means": self.means,
            "coarse": self.coarse,
            "file": self.file,
            "counted_as": self.counted_as,
            "of_calls": self.of_calls,
        }


def cells_from(saved: Plain) -> FeatureCells:
    """Return the feature that `FeatureCells.plain` described."""
    file = saved["file"]
    return FeatureCells(
        saved["name"],
        from_plain(saved["grid"]),
        np.asarray(saved["means"], np.float64),
        np.asarray(saved["coarse"], np.intp),
        None if file is None else np.asarray(file, np.int64),
        saved["counted_as"],
        saved.get("of_calls", False),
    )


def answered(name: str) -> bool:
    """Whether a column of rows is what the model said: its prediction, or a probability.

    >>> answered("probability"), answered("probability.p_yes"), answered("probability_of_rain")
    (True, True, False)
    """
    return name in {PREDICTION, PROBABILITY} or name.startswith(f"{PROBABILITY}.")


def watched(batch: Batch, wanted: tuple[str, ...]) -> Iterator[tuple[str, Column]]:
    """Yield the columns of a batch that are watched: those wanted, or all features of rows with what the model said, or `CALLS`."""
    if batch.kind == "calls":
        chosen = wanted or CALLS
        yield from ((name, batch.columns[name]) for name in chosen if name in batch.columns)
    elif batch.kind == "rows":
        said = {name: column for name, column in batch.columns.items() if answered(name)}
        yield from ((name, column) for name, column in batch.features.items() if name not in said and (not wanted or name in wanted))
        yield from ((name, column) for name, column in said.items() if not wanted or name in wanted)
