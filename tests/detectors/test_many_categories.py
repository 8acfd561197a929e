"""A category of many values has some in every window that no window had before: that is how such a column is, and no drift."""

import numpy as np
import pytest

from detectors.drift.baseline import BaselineBuilder
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Step
from tests.fakes.drift_stream import batch, day, finding, history, steps

RANDOM = np.random.default_rng(41)
CODES = tuple(f"{code}x" for code in range(10000, 14500))
ROWS, LIVE = 200, 40


def codes(rows: int = ROWS, strange: float = 0.0) -> Batch:
    """Return rows with a zip code each, which 4,500 share; a share of rows has `strange` ones from elsewhere."""
    found = RANDOM.integers(0, 4500, rows).astype(np.int32)
    elsewhere = RANDOM.random(rows) < strange
    found[elsewhere] = 4500 + RANDOM.integers(0, 5, int(elsewhere.sum()))
    return batch({"zip": Category(found, (*CODES, *(f"{code}y" for code in range(5))))})


def of_file(rows: int) -> DriftState:
    """Return the reference of a file without time."""
    builder, table = BaselineBuilder(), codes(rows)
    builder.learn(table)
    builder.fix()
    builder.count(table, None)
    return builder.state()


def told(found: list[Step]) -> list[str]:
    return [f"{one.reference} {one.severity:.2f}" for step in found for one in step.findings if one.feature == "zip" and one.severity > 1]


REFERENCES = {"history": lambda: history({day(n): codes() for n in range(56)}), "file": lambda: of_file(11_200)}


@pytest.mark.parametrize("reference", REFERENCES)
def test_usual_unseen_values_are_no_drift_and_more_of_them_are(reference: str) -> None:
    """Some 8 % of quiet rows have a code the reference lacks: no alarm, and no new vocabulary. Fifteen points more are one."""
    live = {day(n): codes() for n in range(56, 56 + LIVE)}
    found = steps(REFERENCES[reference](), live)
    assert told(found) == []
    rolling = found[-1].state.rolling
    assert rolling is None or rolling.generation == 0
    (changed,) = steps(found[-1].state, {day(56 + LIVE): codes(strange=0.15)})
    assert finding(changed, "zip").severity > 1
    assert "new values" in finding(changed, "zip").explanation
