"""The rolling reference of a stream: the windows of its last 56 days, refit at the first window of each ISO week."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells, cells_from
from detectors.drift.days import DayState
from detectors.drift.stored_window import StoredWindow
from detectors.types import Plain, Profile

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gathering:
    """Features whose cells are about to be replaced, and what they held since."""

    since: int
    """Day (ordinal) on which it began."""
    features: Mapping[str, str]
    """Feature to the name its values are counted under."""
    profile: Profile = field(default_factory=Profile)
    """Tallies of leading bits and values, merged over windows."""
    rows: int = 0

    def plain(self) -> Plain:
        """Return it as data; `gathering_from` takes it back."""
        tallies = {name: dict(tally) for name, tally in self.profile.tallies.items()}
        return {"since": self.since, "features": dict(self.features), "tallies": tallies, "rows": self.rows}


def gathering_from(saved: Plain) -> Gathering:
    """Return what `Gathering.plain` described."""
    return Gathering(saved["since"], dict(saved["features"]), Profile({}, saved["tallies"]), saved["rows"])


@dataclass(frozen=True, slots=True)
class Rolling:
    """State of the rolling reference of one stream."""

    cells: tuple[FeatureCells, ...]
    """Those of the fixed reference, but for features whose cells were replaced."""
    fitted_on: int
    """Day before which it was fitted: it rests on the 56 days before."""
    fitted: tuple[StoredWindow, ...] = ()
    """What it rests on, in time order."""
    since: tuple[StoredWindow, ...] = ()
    """Windows that came after it was fitted."""
    generation: int = 0
    """How often cells were replaced."""
    days: DayState = field(default_factory=DayState)
    outside: Mapping[int, Ints] = field(default_factory=dict)
    """Day to [features, 2]: rows outside the reference's range or new, and all rows."""
    gathering: Gathering | None = None
    calibration: Calibration | None = None
    """Not kept: the same windows lead to the same one."""
    again: Mapping[str, tuple[FeatureCells | None, str]] = field(init=False, repr=False, compare=False)
    """Feature to what it is counted into beside the cells of the fixed reference, and the name it is gathered under ("": it is not)."""

    def __post_init__(self) -> None:
        gathered = self.gathering.features if self.gathering is not None else {}
        again = {
            known.name: (known if known.key != known.name else None, gathered.get(known.name, ""))
            for known in self.cells
            if known.key != known.name or known.name in gathered
        }
        object.__setattr__(self, "again", again)

    def plain(self) -> Plain:
        """Return the state as data without the counts of its windows; `rolling_from` takes it back."""
        return {
            # The cells of the fixed reference are saved with it.
            "cells": [known.name if known.key == known.name else known.plain() for known in self.cells],
            "fitted_on": self.fitted_on,
            "fitted": [[*window.when, window.generation] for window in self.fitted],
            "since": [[*window.when, window.generation] for window in self.since],
            "generation": self.generation,
            "days": self.days.plain(),
            "outside": [[day, counts] for day, counts in self.outside.items()],
            "gathering": self.gathering.plain() if self.gathering is not None else None,
        }


def rolling_from(saved: Plain, fixed: Mapping[str, FeatureCells], windows: Mapping[str, StoredWindow]) -> Rolling:
    """Return what `Rolling.plain` described; `fixed` are the cells of the fixed reference, `windows` the stored ones by name."""
    cells = tuple(fixed[known] if isinstance(known, str) else cells_from(known) for known in saved["cells"])
    fitted, since = ([windows[f"{generation}/{start}"] for start, _, _, generation in saved[part]] for part in ("fitted", "since"))
    return Rolling(
        cells,
        saved["fitted_on"],
        tuple(fitted),
        tuple(since),
        saved["generation"],
        DayState.from_plain(saved["days"]),
        {day: np.asarray(counts, np.int64) for day, counts in saved["outside"]},
        None if saved["gathering"] is None else gathering_from(saved["gathering"]),
    )
