"""Accepting, going back, excluding, living on and being killed in any order: nothing breaks, nothing is lost, and the store agrees."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.baselines.asked import Accept, Chosen, Exclude
from agent.baselines.excluding import exclude
from agent.errors import ConfigError, TooLittleData
from agent.plain import pack
from detectors.catalog import AGENT_DROPPED
from detectors.drift.accepting import lived
from tests.fakes.lived import START, Lived

Act = tuple[str, int, int]

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("live"), st.integers(1, 4), st.sampled_from([0, 1, 4])),
        st.tuples(st.just("accept"), st.integers(1, 20), st.booleans().map(int)),
        st.tuples(st.just("back"), st.integers(1, 4), st.booleans().map(int)),
        st.tuples(st.just("exclude"), st.integers(0, 30), st.integers(0, 3)),
        st.tuples(st.just("include"), st.integers(0, 30), st.integers(0, 9)),
        st.tuples(st.just("cut"), st.integers(0, 30), st.integers(0, 3)),
        st.tuples(st.just("kill"), st.booleans().map(int), st.just(0)),
    ),
    min_size=3,
    max_size=10,
)


def act(agent: Lived, what: str, one: int, other: int, day: int) -> int:
    """Do one thing; return the day it is then."""
    first = (START + timedelta(days=one)).date()
    days = {"first": first, "last": first + timedelta(days=other)}
    changing = agent.living
    if what == "live":
        agent.days(day, day + one, shift=float(other))
        return day + one
    if what == "kill":
        if one:
            agent.save()
        agent.kill()
        return day
    with suppress(ConfigError, TooLittleData):
        if what == "accept":
            changing.accept(Accept(Chosen("model", days=one)))
        elif what == "back":
            changing.accept(Accept(Chosen("model"), version=one))
        else:
            exclude(changing, Exclude("model@default" if what == "cut" else "model", **days, undo=what == "include"))
    return day


@settings(max_examples=6, deadline=None)
@given(ACTS)
def test_in_any_order(acts: list[Act]) -> None:
    """After each act the stream still judges windows, each once and with all rows; a kill after a save restores it to the byte."""
    with TemporaryDirectory() as folder:
        agent = Lived(Path(folder))
        agent.days(0, 9)
        day = 9
        for what, one, other in acts:
            day = act(agent, what, one, other, day)
            state = agent.state()
            windows = lived(state)
            assert len({window.start for window in windows}) == len(windows)
            assert all(window.start < agent.clock.time // 10**9 for window in windows)
        agent.days(day, day + 1)
        agent.save()
        state = agent.state()
        assert {window.day for window in lived(state)} >= {(START + timedelta(days=day)).toordinal()} - _off(agent)
        for window in state.windows:
            for vector in state.split(window.unpack()).values():
                assert vector.sum() in {0, 100}
        assert np.array_equal(state.totals, _sum(agent))
        assert not [point for point in agent.pipeline.series.totals(agent.clock.now()) if point.metric is AGENT_DROPPED]
        assert {key.rsplit("drift/", 1)[1] for key, _ in agent.store.items("piece/model/default/live/drift/")} == set(state.pieces())
        agent.kill()
        assert pack(agent.state().plain()) == pack(state.plain())
        agent.store.close()


def _off(agent: Lived) -> set[int]:
    return {day for first, last in agent.state().off for day in range(first, last + 1)}


def _sum(agent: Lived) -> NDArray[np.int64]:
    state = agent.state()
    kept = [window.unpack().astype(np.int64) for window in state.windows if not state.is_excluded(window.when)]
    total: NDArray[np.int64] = np.sum(kept, axis=0) if kept else np.zeros(0, np.int64)
    return total
