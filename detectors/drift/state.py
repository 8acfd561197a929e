"""What the drift detector carries from window to window: cells, reference windows, calibration, recent days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calendar import within
from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells, cells_from
from detectors.drift.days import DayState
from detectors.drift.grid import CategoryGrid
from detectors.drift.occurrences import Occurrences, occurrences_from, week
from detectors.drift.rolling import Rolling, rolling_from
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.stored_window import EarlyWindow, StoredWindow, When
from detectors.drift.terms import Terms
from detectors.quality.row_count import Usual, usual_from
from detectors.quality.volumes import Volumes, volumes_from
from detectors.types import Plain, Profile

Ints = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)

VERSION = 2
MOST_WINDOWS = 9000
"""Reference windows kept: 93 days of a quarter of an hour."""
MOST_COUNTS = 2**24
"""Counts of all features in all reference windows: 50 features fill it with 3,300 windows. Calibrating takes some 10 bytes each.
A reference that is full before it is calibrated stays provisional: longer windows help."""


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
    off: tuple[tuple[int, int], ...] = ()
    """Days the configuration keeps out of every reference, as ordinals: first, last."""
    frozen: bool = False
    """Whether the reference is calibrated and grows no more."""
    used: int = 0
    """Reference windows the calibration rests on."""
    calibrated_on: int = 0
    """Day of the window before which it was made."""
    days: DayState = field(default_factory=DayState)
    rolling: Rolling | None = None
    """None until the reference grows no more."""
    volumes: Volumes = field(default_factory=Volumes)
    """How many rows windows had, also those too small for the reference."""
    usual: Usual | None = None
    """What `volumes` said when it was last asked."""
    shelf: tuple[StoredWindow, ...] = ()
    """Windows of the last weeks that another reference was accepted over: part of none, but may be accepted in their turn."""
    calibration: Calibration | None = None
    """Not kept: the same windows lead to the same one."""
    terms: Terms | None = None
    """What the calibrations were made for. Not kept."""
    index: Mapping[str, FeatureCells] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", {known.name: known for known in self.cells})

    @property
    def most_windows(self) -> int:
        """How many reference windows may be kept."""
        return min(MOST_WINDOWS, MOST_COUNTS // max(sum(known.grid.columns for known in self.cells), 1))

    @property
    def complete(self) -> bool:
        """Whether the reference grows no more: it is calibrated, or full."""
        return self.frozen or len(self.windows) >= self.most_windows

    def is_excluded(self, when: When) -> bool:
        """Whether a window that begins then is kept out of the reference."""
        return within(when.day, self.off) or any(begin <= when.start < end for begin, end in self.excluded)

    def add(self, when: When, vectors: Sequence[Ints], values: Mapping[str, Mapping[str, int]]) -> "DriftState":
        """Return the state with one more reference window; `values` are rows by value of categories, by feature.

        A window with too few rows, an excluded one, and one more than `most_windows` change nothing.
        """
        if len(self.windows) >= self.most_windows or not vectors or most_rows(vectors) < LEAST_ROWS or self.is_excluded(when):
            return self
        joined = np.concatenate(vectors)
        windows = (*self.windows, StoredWindow.pack(when, joined))
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
        """Return the state with windows that start in this span (seconds) taken out of the references, which are calibrated anew."""
        return _anew(replace(self, excluded=(*self.excluded, (start, end))))

    def under(self, off: tuple[tuple[int, int], ...]) -> "DriftState":
        """Return the state with these days (ordinals) kept out of its references; where they changed, they are calibrated anew."""
        return self if off == self.off else _anew(replace(self, off=off))

    def plain(self) -> Plain:
        """Return the state as data; `state_from` takes it back."""
        return {**self.head(), "pieces": self.pieces()}

    def pieces(self) -> Mapping[str, bytes]:
        """Return the counts of all stored windows by name: the bulk of the state, in pieces that never change."""
        rolling = () if self.rolling is None else (*self.rolling.fitted, *self.rolling.since)
        return {window.name: window.packed for window in (*self.shelf, *self.windows, *rolling)}

    def head(self) -> Plain:
        """Return the rest of the state as data."""
        return {
            "version": VERSION,
            "cells": [known.plain() for known in self.cells],
            "aside": dict(self.aside),
            "early": [
                [*early.when, dict(early.profile.counts), {name: dict(tally) for name, tally in early.profile.tallies.items()}]
                for early in self.early
            ],
            "windows": [list(window.when) for window in self.windows],
            "totals": self.totals,
            "occurrences": {name: seen.plain() for name, seen in self.occurrences.items()},
            "excluded": [list(span) for span in self.excluded],
            "off": [list(span) for span in self.off],
            "frozen": self.frozen,
            "used": self.used,
            "calibrated_on": self.calibrated_on,
            "days": self.days.plain(),
            "volumes": self.volumes.plain(),
            "usual": None if self.usual is None else self.usual.plain(),
            "shelf": [[*window.when, window.generation] for window in self.shelf],
            "rolling": None if self.rolling is None else self.rolling.plain(),
        }


def most_rows(vectors: Sequence[Ints]) -> int:
    """Return the rows of a window: those of the feature in which most have a part."""
    return max(int(one.sum()) for one in vectors)


def state_from(saved: Plain) -> DriftState:
    """Return the state that `DriftState.plain` described. Raises ValueError for data of another version."""
    if saved["version"] != VERSION:
        raise ValueError(f"drift state of version {saved['version']}; this driftline reads {VERSION}")
    cells = tuple(cells_from(known) for known in saved["cells"])
    rolling, pieces = saved["rolling"], saved.get("pieces", {})
    shelf = saved.get("shelf", ())
    listed = [*shelf, *([*when, 0] for when in saved["windows"])]
    stored = {}
    for start, day, hour, generation in listed if rolling is None else (*listed, *rolling["fitted"], *rolling["since"]):
        window = StoredWindow(When(start, day, hour), bytes(pieces[f"{generation}/{start}"]), generation)
        stored[window.name] = window
    return DriftState(
        cells=cells,
        aside=dict(saved["aside"]),
        early=tuple(EarlyWindow(When(*when), Profile(counts, tallies)) for *when, counts, tallies in saved["early"]),
        windows=tuple(stored[f"0/{start}"] for start, _, _ in saved["windows"]),
        totals=np.asarray(saved["totals"], np.int64),
        occurrences={name: occurrences_from(seen) for name, seen in saved["occurrences"].items()},
        excluded=tuple((start, end) for start, end in saved["excluded"]),
        off=tuple((first, last) for first, last in saved["off"]),
        frozen=saved["frozen"],
        used=saved["used"],
        calibrated_on=saved["calibrated_on"],
        days=DayState.from_plain(saved["days"]),
        volumes=volumes_from(saved.get("volumes")),
        usual=usual_from(saved.get("usual")),
        shelf=tuple(stored[f"{generation}/{start}"] for start, _, _, generation in shelf),
        rolling=None if rolling is None else rolling_from(rolling, {known.name: known for known in cells}, stored),
    )


def _anew(state: DriftState) -> DriftState:
    kept = [window.unpack() for window in state.windows if not state.is_excluded(window.when)]
    totals = np.array(kept, np.int64).sum(axis=0) if kept else np.zeros(0, np.int64)
    rolling = state.rolling and replace(state.rolling, calibration=None)
    return replace(state, totals=totals, frozen=False, calibration=None, usual=None, used=len(state.windows), rolling=rolling)
