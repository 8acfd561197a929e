"""Windows compared within their season: night with nights, Sunday with Sundays (statistics rule 5.8)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.days import block_sums

Ints = NDArray[np.int64]

LEAST_SLOT_WINDOWS = 4
"""A slot with fewer is compared with all other windows."""


@dataclass(frozen=True, slots=True)
class Season:
    """The slots of the windows of a reference."""

    names: Ints
    """[slots] the slots there are."""
    slot: NDArray[np.intp]
    """[windows] index into `names`."""
    blocks: NDArray[np.intp]
    """[windows] block and slot at once, numbered from 0 without gaps."""

    @classmethod
    def of(cls, slots: Ints, blocks: NDArray[np.intp]) -> "Season":
        """Return the season of windows in these slots and blocks."""
        names, slot = np.unique(slots, return_inverse=True)
        pairs = np.unique(blocks * max(len(names), 1) + slot, return_inverse=True)[1]
        return cls(names, slot.astype(np.intp), pairs.astype(np.intp))


def others_by_slot(
    season: Season, scored: NDArray[np.bool_], counts: Ints, unseen: Ints, rest: Ints, rest_unseen: Ints
) -> tuple[Ints, Ints]:
    """Return what each window is held against, [windows, K] and [windows]: the windows of its slot outside its block.

    Where its slot has fewer than four windows, or none outside the block, it is all others: `rest` and `rest_unseen`.
    """
    enough = _sums(season, scored.astype(np.int64)) >= LEAST_SLOT_WINDOWS
    within = _sums(season, counts)[season.slot] - block_sums(counts, season.blocks)
    chosen = enough[season.slot] & (within.sum(axis=1) > 0)
    within_unseen = _sums(season, unseen)[season.slot] - block_sums(unseen, season.blocks)
    return np.where(chosen[:, None], within, rest), np.where(chosen, within_unseen, rest_unseen)


def all_by_slot(season: Season, scored: NDArray[np.bool_], counts: Ints, unseen: Ints) -> tuple[Mapping[int, int], Ints, Ints]:
    """Return what live windows are held against: slot to place from 1 on, and counts [places, K] and unseen rows [places]."""
    enough = np.flatnonzero(_sums(season, scored.astype(np.int64)) >= LEAST_SLOT_WINDOWS)
    places = {name: place for place, name in enumerate(season.names[enough].tolist(), start=1)}
    return places, _sums(season, counts)[enough], _sums(season, unseen)[enough]


def _sums(season: Season, values: Ints) -> Ints:
    total = np.zeros((len(season.names), *values.shape[1:]), np.int64)
    np.add.at(total, season.slot, values)
    return total
