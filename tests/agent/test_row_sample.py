"""A window's row sample is uniform, and the same however its rows came."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.plain import pack, unpack
from agent.row_sample import RowSample
from detectors.types import Batch, Category


def rows(ids: list[int], start: int = 0) -> Batch:
    times = np.arange(start, start + len(ids), dtype=np.int64) * 7 + 1
    names = Category.of([f"k{one % 3}" if one % 5 else None for one in ids])
    return Batch("e", "rows", len(ids), {"id": np.array(ids, np.uint64), "time": times}, {"k": names, "x": np.array(ids, np.float64)})


@settings(deadline=None)
@given(count=st.integers(1, 60), limit=st.integers(1, 20), seed=st.integers(0, 2**32), restart=st.booleans())
def test_cut_order_and_restart_do_not_matter(count: int, limit: int, seed: int, restart: bool) -> None:  # noqa: FBT001 - a drawn value
    """The same ids lead to the same rows, in the same order."""
    chance = np.random.default_rng(seed)
    ids = list(range(1, count + 1))
    whole = RowSample(limit).add(rows(ids)).batch
    shuffled = chance.permutation(ids).tolist()
    pieces = RowSample(limit)
    while shuffled:
        size = int(chance.integers(1, 9))
        pieces, shuffled = pieces.add(rows(shuffled[:size])), shuffled[size:]
        if restart:
            pieces = RowSample.restore(limit, unpack(pack(pieces.plain())))

    assert whole is not None
    assert pieces.batch is not None
    assert whole.rows == min(count, limit)
    assert pieces.batch.features["x"].tolist() == whole.features["x"].tolist()  # type: ignore[union-attr] # numbers
    assert pieces.batch.features["k"].decode() == whole.features["k"].decode()  # type: ignore[union-attr] # a category


def test_rows_without_an_id_have_no_better_chance() -> None:
    """Half of the rows without an id are half of the sample, not all of it."""
    sample = RowSample(400).add(rows([one if one % 2 else 0 for one in range(1, 4001)]))

    assert sample.batch is not None
    nameless = int(np.count_nonzero(np.asarray(sample.batch.columns["id"]) == 0))
    assert 140 < nameless < 260
