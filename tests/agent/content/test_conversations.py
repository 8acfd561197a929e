"""Which calls are described where calls are turns of conversations."""

from datetime import timedelta
from functools import partial

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.call_sample import CallSample
from agent.content.admission import Admission
from agent.content.conversations import Turns
from agent.spool.frame import Frame, decode, encode
from agent.windowing import window_starts
from detectors.quality.clusters import SEED
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.types import Batch, Column


def _admission(size: int) -> Admission:
    return Admission(size, partial(window_starts, length=timedelta(hours=1), zone="UTC"))


def _batch(ids: range, conversations: list[int]) -> Batch:
    columns: dict[str, Column] = {
        "id": np.array(ids, np.uint64),
        "time": np.full(len(ids), 10**15),
        "conversation": np.array(conversations, np.uint64),
    }
    return Batch("chat", "calls", len(ids), columns)


@given(st.lists(st.integers(0, 5), max_size=80), st.integers(1, 9), st.integers(1, 20))
def test_groups_of_turns_do_not_depend_on_the_cut(conversations: list[int], together: int, piece: int) -> None:
    """Each has so many turns at most, and calls of no conversation are alone."""
    named, ids = np.array(conversations, np.uint64) * np.uint64(7919), np.arange(1, len(conversations) + 1, dtype=np.uint64)
    whole, turns = Turns(together).seeds(named, ids), Turns(together)
    cut = [turns.seeds(named[start : start + piece], ids[start : start + piece]) for start in range(0, len(ids), piece)]
    assert np.array_equal(np.concatenate([*cut, np.zeros(0, np.uint64)]), whole)
    assert np.array_equal(whole[named == 0], ids[named == 0])
    seeds, sizes = np.unique(whole[named != 0], return_counts=True)
    assert (sizes <= together).all()
    assert len(seeds) == sum(-(-count // together) for count in np.unique(named[named != 0], return_counts=True)[1].tolist())


def test_conversations_are_sampled_whole_through_the_spool() -> None:
    """500 conversations of four turns that come one after another: what the closed window has of one is all of it, at one chance."""
    admission, sample = _admission(256), CallSample.of(256)
    conversations = np.random.default_rng(4).integers(1, 2**63, 500).tolist()
    for turn in range(4):
        for start in range(0, 500, 20):
            batch = _batch(range(1 + turn * 500 + start, 1 + turn * 500 + start + 20), conversations[start : start + 20])
            importance, seeds = admission.admit(batch)
            assert seeds is not None
            spooled = decode(
                encode(Frame(Batch("chat", "calls", 20, {**batch.columns, IMPORTANCE: importance, SEED: seeds}), "otlp", None, 0))
            ).batch
            assert spooled is not None
            sample = sample.add(spooled)
            sample = CallSample.restore(256, sample.plain())
    closed = sample.closed()
    assert closed is not None
    kept = np.asarray(closed.columns["conversation"])
    assert set(np.unique(kept, return_counts=True)[1].tolist()) == {4}
    assert 100 < closed.rows <= 256
    chance = np.asarray(closed.columns[PROBABILITY], np.float64)
    assert 0.5 * 2000 < np.sum(1 / chance) < 2 * 2000


def test_one_session_id_for_everything_does_not_empty_the_sample() -> None:
    """An application that names all calls alike is sampled in groups of turns."""
    admission, sample = _admission(256), CallSample.of(256)
    for start in range(0, 3000, 100):
        batch = _batch(range(1 + start, 101 + start), [77] * 100)
        importance, seeds = admission.admit(batch)
        assert seeds is not None
        sample = sample.add(Batch("chat", "calls", 100, {**batch.columns, IMPORTANCE: importance, SEED: seeds}))
    closed = sample.closed()
    assert closed is not None
    assert closed.rows > 100


def test_calls_without_conversations_are_admitted_as_before() -> None:
    """No seeds, and the same calls."""
    batch = _batch(range(1, 201), [0] * 200)
    bare = Batch("chat", "calls", 200, {name: column for name, column in batch.columns.items() if name != "conversation"})
    importance, seeds = _admission(64).admit(bare)
    again, own = _admission(64).admit(batch)
    assert seeds is None
    assert own is not None
    assert np.array_equal(own, np.asarray(batch.columns["id"]))
    assert np.array_equal(importance, again, equal_nan=True)
