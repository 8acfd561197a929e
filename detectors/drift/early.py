"""The first rows of a stream without any reference: where their cells are cut once there are enough of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from detectors.drift import counting, float_bits
from detectors.drift.cells import FeatureCells
from detectors.drift.descriptive import coarse
from detectors.drift.grid import fit_categories, set_aside
from detectors.drift.observing import BITS, TEXT, VALUES
from detectors.drift.value_sketch import recover
from detectors.types import Category, Profile

ENOUGH_ROWS = 2000
"""Rows that cells are cut from."""
MOST_VALUES = 5000
"""Different values of a column that is watched; with more it is set aside."""


def crowded(profile: Profile) -> dict[str, str]:
    """Return the columns that cannot be watched by what their first windows hold, with the reason."""
    found = {}
    for name, cells in profile.tallies.items():
        if name.startswith(VALUES):
            told, lost = recover(cells)
            if lost or len(told) > MOST_VALUES:
                found[name.removeprefix(VALUES)] = f"more than {MOST_VALUES} different values"
    return found | dict.fromkeys(profile.tallies.get(TEXT, ()), "free text")


def cut(windows: Sequence[Profile]) -> tuple[tuple[FeatureCells, ...], dict[str, str]]:
    """Return the cells of every column in the windows' tallies, and the columns set aside with the reason.

    A column that came both as numbers and as text is what most of its rows are.
    """
    total = Profile()
    for profile in windows:
        total = total.merge(Profile({}, profile.tallies))
    aside = crowded(total)
    names = dict.fromkeys(name.split("/", 1)[1] for name in total.tallies if name.startswith((BITS, VALUES)))
    cells = []
    for name in names:
        bits, (values, _) = total.tallies.get(BITS + name, {}), recover(total.tallies.get(VALUES + name, {}))
        if name in aside:
            continue
        if sum(values.values()) > sum(bits.values()):
            reason = set_aside(values)
            if reason is not None:
                aside[name] = reason
            else:
                vocabulary = fit_categories(values)
                cells.append(FeatureCells(name, vocabulary, np.empty(0), np.arange(vocabulary.columns - 1)))
        else:
            numbers = _with_numbers(bits, values)
            grid = float_bits.fit(numbers)
            groups = coarse(grid, float_bits.recut(numbers, grid))
            cells.append(FeatureCells(name, grid, float_bits.means(numbers, grid), groups))
    return tuple(cells), aside


def _with_numbers(bits: Mapping[str, int], values: Mapping[str, int]) -> Mapping[str, int]:
    if not values:
        return bits
    parsed, _ = counting.to_numbers(Category(np.arange(len(values), dtype=np.int32), tuple(values)))
    told, _ = float_bits.tally(np.repeat(parsed, list(values.values())))
    return Profile({}, {"": bits}).merge(Profile({}, {"": told})).tallies[""]
