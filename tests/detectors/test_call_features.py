"""What the drift rule watches of calls: mixes, paces, and who has no part in them."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift.calls import FEATURES, features, gravest, left
from detectors.drift.drift import Drift
from detectors.drift.observing import LEFT, OF_CALLS, observe, rows_of
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Profile

NAN = float("nan")
CALLS: list[dict[str, object]] = [
    {"duration": 2.0, "output_tokens": 100.0, "time_to_first_token": 1.0, "error_type": None, "cold": False},
    {"duration": 2.0, "output_tokens": 100.0, "time_to_first_token": NAN, "error_type": None, "cold": False},
    {"duration": 9.0, "output_tokens": 100.0, "time_to_first_token": 8.0, "error_type": None, "cold": True},
    {"duration": 0.1, "output_tokens": NAN, "time_to_first_token": NAN, "error_type": "429", "cold": False},
    {"duration": 3.0, "output_tokens": 0.0, "time_to_first_token": NAN, "error_type": None, "cold": False},
]


def calls(rows: list[dict[str, object]]) -> Batch:
    """Build a batch."""
    columns: dict[str, Column] = {}
    for name in rows[0]:
        listed = [row[name] for row in rows]
        columns[name] = Category.of(listed) if name in {"error_type", "filters"} else np.array(listed)  # type: ignore[arg-type]  # the table of a test
    return Batch("chat", "calls", len(rows), columns)


def values(batch: Batch) -> dict[str, list[Any]]:
    """Return the features' values."""
    found: dict[str, list[Any]] = {}
    for name, column in features(batch, ()):
        found[name] = column.decode() if isinstance(column, Category) else np.asarray(column).tolist()
    return found


def test_each_call_has_a_part_where_it_has_something_to_say() -> None:
    """Milliseconds a token where tokens were written, behind the first where that is known; cold starts in no latency."""
    found = values(calls(CALLS))
    assert found["milliseconds_per_token"] == [10.0, 20.0]
    assert found["duration"] == [2.0, 2.0, 0.1, 3.0]
    assert found["error"] == ["none", "none", "none", "429", "none"]
    assert found["filters"] == ["not_checked"] * 5
    assert left(calls(CALLS)) == {
        "duration": 1,
        "time_to_first_token": 4,
        "milliseconds_per_token": 3,
        **dict.fromkeys(("input_tokens", "output_tokens", "input_length", "output_length", "finish_reason", "model"), 1),
    }


def test_without_cold_starts_nothing_is_left_out_of_durations() -> None:
    """The column `cold` is there only where a call is cold."""
    plain = [{name: value for name, value in row.items() if name != "cold"} for row in CALLS]
    assert left(calls(plain)).get("duration", 0) == 0
    assert left(calls(plain))["milliseconds_per_token"] == 2


def test_the_gravest_result_names_the_call() -> None:
    """Blocked before annotated, then the severity; a filter that failed is told when nothing else happened."""
    assert gravest("completion/hate/high/annotated|prompt/violence/low/blocked") == "violence/low/blocked"
    assert gravest("completion/hate/low/annotated|prompt/sexual/medium/annotated") == "sexual/medium/annotated"
    assert gravest("prompt/unknown/not_run/passed|completion/hate/safe/passed") == "not_run"
    assert gravest("completion/hate/safe/passed") == "passed"


@given(st.lists(st.integers(0, len(CALLS) - 1), min_size=2, max_size=40), st.data())
def test_any_cut_counts_the_same(rows: list[int], data: st.DataObject) -> None:
    """Calls of all kinds, before cells exist and after: the profiles of the parts add up to that of the whole."""
    batch = calls([CALLS[row] for row in rows])
    place = data.draw(st.integers(1, len(rows) - 1))
    parts = [batch.take(np.arange(place)), batch.take(np.arange(place, len(rows)))]
    whole = Drift().observe(DriftState(), batch)
    added = Profile()
    for part in parts:
        added = added.merge(Drift().observe(DriftState(), part))
    assert {name: vector.tolist() for name, vector in added.counts.items() if vector.any()} == {
        name: vector.tolist() for name, vector in whole.counts.items() if vector.any()
    }
    assert {name: tally for name, tally in added.tallies.items() if tally} == {
        name: tally for name, tally in whole.tallies.items() if tally
    }


def test_rows_of_tables_are_counted_as_before() -> None:
    """A feature of a table that is called as one of calls is a feature like any other."""
    batch = Batch("e", "rows", 2, {}, {"duration": np.array([1.0, NAN]), "milliseconds_per_token": np.array([1.0, 2.0])})
    profile = observe(batch, {}, {}, (), learning=True)
    assert rows_of(profile) == 2
    assert not [name for name in profile.counts if name.startswith((LEFT, OF_CALLS))]


def test_the_features_named_in_the_configuration_are_watched() -> None:
    """Derived ones and plain columns alike."""
    assert [name for name, _ in features(calls(CALLS), ("milliseconds_per_token", "error_type"))] == [
        "milliseconds_per_token",
        "error_type",
    ]
    assert "milliseconds_per_token" in FEATURES
