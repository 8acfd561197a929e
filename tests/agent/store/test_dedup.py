"""Recent ids: every double within reach is found, however the column is cut, and memory is bounded."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.store.dedup import CAPACITY, RecentIds

IDS = st.lists(st.integers(0, 30) | st.integers(0, 2**64 - 1), max_size=60)


def column(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Make a column of ids."""
    return np.array(values, np.uint64)


@settings(deadline=None)
@given(st.lists(IDS, max_size=6))
def test_like_a_set(batches: list[list[int]]) -> None:
    """While nothing is forgotten the answers are those of a set; id 0 is always new."""
    recent, seen = RecentIds(1024), set[int]()
    for batch in batches:
        expected = []
        for value in batch:
            expected.append(value == 0 or value not in seen)
            seen.add(value)
        assert recent.admit(column(batch)).tolist() == expected
    assert len(recent) == len(seen - {0})


@settings(deadline=None)
@given(st.lists(IDS, max_size=12), st.integers(2, 40), st.data())
def test_saved_in_pieces(batches: list[list[int]], capacity: int, data: st.DataObject) -> None:
    """Restored from the pieces saved at any time, the set answers as the one that was never stopped."""
    recent, stored = RecentIds(capacity), list[tuple[int, "np.ndarray[tuple[int], np.dtype[np.uint64]]"]]()
    for batch in batches:
        recent.admit(column(batch))
        if data.draw(st.booleans()):
            stored += recent.unsaved()
            recent.saved()
            stored = [(generation, ids) for generation, ids in stored if generation >= recent.generation - 1]
    stored += recent.unsaved()
    again = RecentIds(capacity)
    again.restore(stored)
    assert (len(again), again.generation) == (len(recent), recent.generation)
    probe = column([value for batch in batches for value in batch])
    assert again.admit(probe).tolist() == recent.admit(probe).tolist()


def test_bounded_and_the_newest_half_is_kept() -> None:
    """Two million ids in sequence: never more than the capacity, always at least the newest half of it; also unsaved pieces."""
    recent = RecentIds()
    for start in range(1, 2_000_000, 100_000):
        assert recent.admit(np.arange(start, start + 100_000, dtype=np.uint64)).all()
        assert len(recent) <= CAPACITY
        assert sum(len(ids) for _, ids in recent.unsaved()) <= CAPACITY
    newest = np.arange(2_000_001 - CAPACITY // 2, 2_000_001, dtype=np.uint64)
    assert not recent.admit(newest).any()


def test_one_batch_larger_than_the_memory() -> None:
    """Doubles inside one column are found although it is larger than what is remembered."""
    ids = np.tile(np.arange(1, 51, dtype=np.uint64), 2)
    assert RecentIds(8).admit(ids).tolist() == [True] * 50 + [False] * 50
