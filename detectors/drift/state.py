"""What the drift detector carries from window to window: cells, reference windows, calibration, recent days."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells, cells_from
from detectors.drift.days import DayState
from detectors.drift.grid import CategoryGrid
from detectors.drift.occurrences import Occurrences, occurrences_from, week
from detectors.drift.statistics import LEAST_ROWS
from detectors.types import Plain, Profile

Ints = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)

VERSION = 1
MOST_WINDOWS = 9000
"""Reference windows kept: 93 days of a quarter of an hour."""
MOST_COUNTS = 2**24
"""Counts of all features in all reference windows: 50 features fill it with 3,300 windows. Calibrating takes some 10 bytes each.
A reference that is full before it is calibrated stays provisional: longer windows help."""


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A reference window, packed: its vectors one after another as uint32, compressed (some 130 bytes a feature)."""

    start: int
    """Seconds since 1970 UTC."""
    day: int
    """Calendar day in the endpoint's time zone, as an ordinal."""
    packed: bytes

    @classmethod
    def pack(cls, start: int, day: int, joined: Ints) -> "StoredWindow":
        """Return the window of these counts: the vectors of all features, one after another."""
        return cls(start, day, zlib.compress(joined.astype("<u4").tobytes(), 1))

    def unpack(self) -> NDArray[np.uint32]:
        """Return all vectors, one after another."""
        return np.frombuffer(zlib.decompress(self.packed), "<u4").astype(np.uint32)


@dataclass(frozen=True, slots=True)
class EarlyWindow:
    """A window from before cells existed."""

    start: int
    day: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class DriftState:
    """State of one stream. `cells` are empty until 2,000 rows were seen, where neither a file nor history fixed them."""

    cells: tuple[FeatureCells, ...] = ()
    aside: Mapping[str, str] = field(default_factory=dict)
    """Columns that are not watched, with the reason."""
    early: tuple[EarlyWindow, ...] = ()
    windows: tuple[StoredWindow, ...] = ()
    """The reference, in time order."""
    totals: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """All reference windows added, vectors one after another."""
    occurrences: Mapping[str, Occurrences] = field(default_factory=dict)
    excluded: tuple[tuple[int, int], ...] = ()
    """Spans a person took out of the reference, in seconds since 1970: start, end."""
    frozen: bool = False
    """Whether the reference is calibrated and grows no more."""
    used: int = 0
    """Reference windows the calibration rests on."""
    calibrated_on: int = 0
    """Day of the window before which it was made."""
    days: DayState = field(default_factory=DayState)
    calibration: Calibration | None = None
    """Not kept: the same windows lead to the same one."""
    index: Mapping[str, FeatureCells] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {known.name: known for known in self.cells})

    @property
    def most_windows(self) -> int:
        """How many reference windows may be kept."""
        return min(MOST_WINDOWS, MOST_COUNTS // max(sum(known.grid.columns for known in self.cells), 1))

    def is_excluded(self, start: int) -> bool:
        """Whether a window that starts then is taken out of the reference."""
        return any(begin <= start < end for begin, end in self.excluded)

    def add(self, start: int, day: int, vectors: Sequence[Ints], values: Mapping[str, Mapping[str, int]]) -> "DriftState":
        """Return the state with one more reference window; `values` are rows by value of categories, by feature.

        A window with too few rows, an excluded one, and one more than `most_windows` change nothing.
        """
        if len(self.windows) >= self.most_windows or not vectors or vectors[0].sum() < LEAST_ROWS or self.is_excluded(start):
            return self
        joined = np.concatenate(vectors)
        windows = (*self.windows, StoredWindow.pack(start, day, joined))
        weeks = [week(window.day, windows[0].day) for window in windows]
        occurrences = dict(self.occurrences)
        for known in self.cells:
            if known.own_vocabulary and isinstance(known.grid, CategoryGrid) and known.name in values:
                place, other = known.grid.index, len(known.grid.kept)
                further = {value: rows for value, rows in values[known.name].items() if place.get(value) == other}
                occurrences[known.name] = occurrences.get(known.name, Occurrences()).add(len(windows) - 1, further, weeks)
        return replace(self, windows=windows, totals=self.totals + joined if len(self.totals) else joined, occurrences=occurrences)

    def split(self, joined: NDArray[Number]) -> dict[str, NDArray[Number]]:
        """Return the vector of each feature; `joined` is [..., sum of K]."""
        ends = np.cumsum([known.grid.columns for known in self.cells])
        return dict(zip(self.index, np.split(joined, ends[:-1], axis=-1), strict=True)) if self.cells else {}

    def exclude(self, start: int, end: int) -> "DriftState":
        """Return the state with windows that start in this span taken out of the reference, which is calibrated anew."""
        return replace(self, excluded=(*self.excluded, (start, end)), frozen=False, calibration=None, used=len(self.windows))

    def plain(self) -> Plain:
        """Return the state as data; `state_from` takes it back."""
        return {
            "version": VERSION,
            "cells": [known.plain() for known in self.cells],
            "aside": dict(self.aside),
            "early": [
                [early.start, early.day, dict(early.profile.counts), {name: dict(tally) for name, tally in early.profile.tallies.items()}]
                for early in self.early
            ],
            "windows": [[window.start, window.day, window.packed] for window in self.windows],
            "totals": self.totals,
            "occurrences": {name: seen.plain() for name, seen in self.occurrences.items()},
            "excluded": [list(span) for span in self.excluded],
            "frozen": self.frozen,
            "used": self.used,
            "calibrated_on": self.calibrated_on,
            "days": self.days.plain(),
        }


def state_from(saved: Plain) -> DriftState:
    """Return the state that `DriftState.plain` described. Raises ValueError for data of another version."""
    if saved["version"] != VERSION:
        raise ValueError(f"drift state of version {saved['version']}; this driftline reads {VERSION}")
    return DriftState(
        cells=tuple(cells_from(known) for known in saved["cells"]),
        aside=dict(saved["aside"]),
        early=tuple(EarlyWindow(start, day, Profile(counts, tallies)) for start, day, counts, tallies in saved["early"]),
        windows=tuple(StoredWindow(start, day, bytes(packed)) for start, day, packed in saved["windows"]),
        totals=np.asarray(saved["totals"], np.int64),
        occurrences={name: occurrences_from(seen) for name, seen in saved["occurrences"].items()},
        excluded=tuple((start, end) for start, end in saved["excluded"]),
        frozen=saved["frozen"],
        used=saved["used"],
        calibrated_on=saved["calibrated_on"],
        days=DayState.from_plain(saved["days"]),
    )
