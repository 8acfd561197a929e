"""Categories too rare to expect any in a window: what becomes frequent of them is told, by the right name."""

import numpy as np
import pytest

from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Step
from tests.fakes.drift_stream import day, finding, steps

CALLS, DAYS, LIVE = 100, 56, 40
FILTERED = "completion/hate/high/blocked"


def calls(seed: int, failed: float = 0.01, filtered: float = 0.01, streamed: float = 0.5) -> Batch:
    """Return the calls of a day; one that failed has no answer, and only a stream a time to its first token."""
    chance = np.random.default_rng(seed)
    error, filters, stream = (chance.random(CALLS) < share for share in (failed, filtered, streamed))
    seconds = chance.lognormal(0, 0.3, CALLS)
    return Batch(
        "chat",
        "calls",
        CALLS,
        {
            "time": np.arange(1, CALLS + 1),
            "duration": seconds * 4,
            "time_to_first_token": np.where(stream & ~error, seconds, np.nan),
            "output_tokens": np.where(error, np.nan, chance.lognormal(5, 0.5, CALLS).round()),
            "finish_reason": Category.of([None if one else "stop" for one in error]),
            "model": Category.of([None if one else "gpt" for one in error]),
            "error_type": Category.of(["timeout" if one else None for one in error]),
            "filters": Category.of([FILTERED if one else "completion/hate/safe/passed" for one in filters]),
        },
    )


@pytest.fixture(scope="module")
def lived() -> list[Step]:
    """Weeks that become the reference, and weeks in which nothing changes."""
    return steps(DriftState(), {day(n): calls(n) for n in range(DAYS + LIVE)})


def loud(found: list[Step]) -> set[str]:
    """Return the features that alarm."""
    return {one.feature for step in found for one in step.findings if one.severity > 1}


def test_nothing_changes(lived: list[Step]) -> None:
    """One in a hundred calls fails, and one is filtered: no alarm."""
    assert loud(lived[DAYS:]) == set()


@pytest.mark.parametrize(
    ("changed", "names", "says"),
    [
        ({"failed": 0.12}, {"error"}, "'timeout'"),
        ({"filtered": 0.12}, {"filters"}, "'hate/high/blocked'"),
        ({"streamed": 0.95}, set(), ""),
    ],
)
def test_the_mix_that_changed_is_named_and_no_other(lived: list[Step], changed: dict[str, float], names: set[str], says: str) -> None:
    """A call that failed lacks no tokens, no model and no finish reason; more streams are no change of the first token's time."""
    found = steps(lived[-1].state, {day(DAYS + LIVE): calls(7, **changed)})
    assert loud(found) == names
    assert all(says in finding(found[0], name).explanation for name in names)
