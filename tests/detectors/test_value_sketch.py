"""Values counted in bounded space: exact up to thousands of values, and told apart from too many."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift.early import MOST_VALUES
from detectors.drift.value_sketch import CELLS, TABLES, recover, sketch
from detectors.types import Profile

COUNTS = st.dictionaries(st.text(max_size=64), st.integers(1, 2**40), max_size=30)


@given(COUNTS, COUNTS)
def test_what_was_counted_is_read_back(left: dict[str, int], right: dict[str, int]) -> None:
    """Any names, lone surrogates included; sketches of parts add up to the sketch of the whole."""
    both = {value: left.get(value, 0) + right.get(value, 0) for value in sorted({*left, *right})}
    merged = Profile({}, {"": sketch(left)}).merge(Profile({}, {"": sketch(right)})).tallies[""]
    assert merged == sketch(both)
    assert recover(merged) == (both, 0)


def test_every_watched_column_is_read_back() -> None:
    """5,000 values, the most a column may have, are read back for each of 20 vocabularies."""
    for seed in range(20):
        counts = {f"{seed}-{number}": number + 1 for number in range(MOST_VALUES)}
        assert recover(sketch(counts)) == (dict(sorted(counts.items())), 0)


def test_a_small_sketch_reads_back_what_it_is_said_to() -> None:
    """150 new names in 64 cells a table, for each of 50 vocabularies; beyond that names may be lost, rows never."""
    for seed in range(50):
        counts = {f"{seed}-{number}": number + 1 for number in range(150)}
        assert recover(sketch(counts, 64), 64) == (dict(sorted(counts.items())), 0)
    crowd = {f"id-{number}": 3 for number in range(5000)}
    cells = sketch(crowd, 64)
    found, lost = recover(cells, 64)
    assert len(cells) <= TABLES * 64
    assert sum(found.values()) + lost == 15_000


def test_many_ids_stay_bounded_and_are_told() -> None:
    """However many values there are, cells are bounded, and the rows that cannot be named are counted."""
    merged = Profile()
    for part in np.array_split(np.arange(100_000), 10):
        merged = merged.merge(Profile({}, {"": sketch({f"id-{number}": 2 for number in part.tolist()})}))
    cells = merged.tallies[""]
    assert len(cells) <= TABLES * CELLS
    found, lost = recover(cells)
    assert sum(found.values()) + lost == 200_000
    assert lost > 0


def test_no_values_are_no_cells() -> None:
    """An empty column leaves nothing."""
    assert sketch({}) == {}
    assert recover({}) == ({}, 0)
