"""A column that begins while there are no cells yet: windows without it are no reference, and nothing else changes."""

import numpy as np
import pytest

from detectors.drift.state import DriftState
from tests.fakes.drift_stream import DRIFT, batch, day

ROWS = 400


def learnt(missing: dict[int, int], days: int = 9, lacking: str = "y") -> DriftState:
    """Return the state after some days of `x` and `y`; on day d the first `missing[d]` rows came in a batch without `lacking`."""
    random, state = np.random.default_rng(3), DriftState()
    for number in range(days):
        features = {"x": random.normal(size=ROWS), "y": random.normal(size=ROWS)}
        cut = missing.get(number, 0)
        parts = [{name: column[:cut] for name, column in features.items() if name != lacking}, {n: c[cut:] for n, c in features.items()}]
        profiles = [DRIFT.observe(state, batch(part)) for part in parts if len(part["x" if lacking == "y" else "y"])]
        profile = profiles[0] if len(profiles) == 1 else profiles[0].merge(profiles[1])
        state = DRIFT.step(state, day(number), profile).state
    return state


def kept(state: DriftState) -> list[int]:
    """Return the days of the reference's windows."""
    return [window.day - day(0).day for window in state.windows]


@pytest.mark.parametrize(
    ("missing", "days"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ({0: ROWS, 1: ROWS, 2: ROWS}, [3, 4, 5, 6, 7, 8]),
        ({0: ROWS, 1: ROWS, 2: 100}, [3, 4, 5, 6, 7, 8]),
        ({0: 399}, [1, 2, 3, 4, 5, 6, 7, 8]),
        # It was there before: now it is missing, which is for the rule to see.
        ({2: ROWS}, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ({3: 7}, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        # Once there are cells, a batch without it is missing values as ever.
        ({6: ROWS}, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_windows_before_a_column_began_are_no_reference(missing: dict[int, int], days: list[int]) -> None:
    """Neither those without it nor the one in which it begins; all later ones are, whatever they lack."""
    state = learnt(missing)

    assert kept(state) == days
    assert sorted(known.name for known in state.cells) == ["x", "y"]


def test_a_column_that_begins_with_the_cells() -> None:
    """The window that leads to the cells is no reference where the column began in it."""
    assert kept(learnt({0: ROWS, 1: ROWS, 2: ROWS, 3: ROWS, 4: 100})) == [5, 6, 7, 8]
