"""A detector's state is saved piece by piece: what does not change is written once, and what is gone is forgotten."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from agent.config import AlarmBudget, Config, Endpoint
from agent.plain import pack
from agent.spool.frame import Frame
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Batch
from tests.fakes.rig import Rig

WINDOW = 4 * 3600 * 10**9
START = 1_767_571_200 * 10**9  # Monday, 5 January 2026, UTC
ENDPOINT = Endpoint("model", window=timedelta(hours=4), allowed_lateness=timedelta(0), alarm_budget=AlarmBudget(4.0, 30.0))


def send(rig: Rig, first: int, last: int) -> None:
    """Send some windows of 100 rows each, and save after each."""
    for window in range(first, last):
        random = np.random.default_rng(window)
        times = START + window * WINDOW + np.arange(100) * 10**9
        rig.clock.time = int(times[-1])
        rig.send(Frame(Batch("model", "rows", 100, {"time": times}, {"x": random.normal(size=100)}), "test", None, int(times[-1])))
        rig.save()


def drift(rig: Rig) -> DriftState:
    """Return the state of the one stream."""
    (windows,) = rig.pipeline.streams.values()
    state = windows.states["drift"]
    assert isinstance(state, DriftState)
    return state


def stored(rig: Rig) -> set[str]:
    """Return the names of the pieces in the store."""
    return {key.removeprefix("piece/model/default/live/drift/") for key, _ in rig.store.items("piece/")}


def test_windows_are_saved_once_each_and_forgotten_when_they_roll_out(tmp_path: Path) -> None:
    """The store holds exactly the windows of both references, across refits, cells that are cut anew, and crashes."""
    rig = Rig(tmp_path, Config(endpoints={"model": ENDPOINT}))
    send(rig, 0, 60 * 6)
    before = stored(rig)
    assert before == set(drift(rig).pieces())
    send(rig, 60 * 6, 60 * 6 + 1)
    assert len(stored(rig) - before) == 1
    assert before <= stored(rig)
    expected = pack(drift(rig).plain())
    rig.crash()
    assert pack(drift(rig).plain()) == expected
    send(rig, 60 * 6 + 1, 71 * 6)
    assert stored(rig) == set(drift(rig).pieces())
    assert not before <= stored(rig)
    rolling = drift(rig).rolling
    assert rolling is not None
    assert rolling.fitted[0].start > drift(rig).windows[-1].start


def test_pieces_of_a_state_that_is_left_behind_go(tmp_path: Path) -> None:
    """Another window length learns anew: what the old state had saved is not in the store any more."""
    rig = Rig(tmp_path, Config(endpoints={"model": ENDPOINT}))
    send(rig, 0, 60)
    old = stored(rig)
    assert old
    rig.config = Config(endpoints={"model": replace(ENDPOINT, window=timedelta(hours=8))})
    rig.crash()
    send(rig, 61, 100)
    assert stored(rig) == set(drift(rig).pieces())
    assert not old & stored(rig)


def test_two_detectors_of_a_kind_keep_their_pieces_apart(tmp_path: Path) -> None:
    """`drift` and `drift/2` on one endpoint: through crashes neither takes the other's windows for its own, nor forgets them."""
    rig = Rig(tmp_path, Config(endpoints={"model": replace(ENDPOINT, detectors={"drift": Drift(), "drift/2": Drift()})}))
    for first in range(0, 65 * 6, 13):
        send(rig, first, first + 13)
        states = dict(next(iter(rig.pipeline.streams.values())).states)
        rig.crash()
        after = next(iter(rig.pipeline.streams.values())).states
        for name in ("drift", "drift/2"):
            assert isinstance(states[name], DriftState)
            assert pack(after[name].plain()) == pack(states[name].plain())
    rig.store.close()
