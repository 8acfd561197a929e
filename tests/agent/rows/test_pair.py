"""Inputs and outputs become whole rows whatever way they arrive, and waiting has a bound."""

from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.plain import pack, unpack
from agent.rows.pair import RowJoiner
from detectors.types import Batch, Category


def half(part: str, pairs: list[int], endpoint: str = "e") -> Batch:
    """Return inputs with x = pair and c = its text, or outputs with a prediction of ten times the pair."""
    numbers = np.array(pairs, np.float64)
    columns: dict[str, Any] = {
        "part": Category.constant(part, len(pairs)),
        "pair": np.array(pairs, np.uint64),
        "time": np.array(pairs, np.int64),
    }
    if part == "outputs":
        return Batch(endpoint, "rows", len(pairs), {**columns, "prediction": numbers * 10}, {"margin": numbers + 0.5})
    return Batch(endpoint, "rows", len(pairs), columns, {"x": numbers, "c": Category.of([str(pair) for pair in pairs])})


def found(batches: Any) -> list[tuple[Any, ...]]:
    """Return id, x, c and prediction of each row."""
    rows: list[tuple[Any, ...]] = []
    for batch in batches:
        assert not {"part", "pair"} & set(batch.columns)
        predictions = batch.columns.get("prediction", np.full(batch.rows, -1.0)).tolist()
        names = batch.features["c"].decode()
        rows += zip(batch.columns["id"].tolist(), batch.features["x"].tolist(), names, predictions, strict=True)
    return sorted(rows)


def row(pair: int, prediction: float | None = None) -> tuple[Any, ...]:
    """Return what a pair becomes."""
    return (pair, pair, str(pair), pair * 10 if prediction is None else prediction)


def joiner(lost: dict[str, int], **options: Any) -> RowJoiner:
    """Return a joiner that counts in `lost`."""

    def count(reason: str, rows: int) -> None:
        lost[reason] = lost.get(reason, 0) + rows

    return RowJoiner(count, **options)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 30), unique=True, max_size=20),
    st.lists(st.integers(1, 30), unique=True, max_size=20),
    st.integers(1, 6),
    st.randoms(),
)
def test_any_order_and_cut_gives_the_same_rows(inputs: list[int], outputs: list[int], cut: int, random: Any) -> None:
    """Each pair becomes one row; inputs alone come when they are due; saving and restoring changes nothing."""
    pieces = [half("inputs", inputs[start : start + cut]) for start in range(0, len(inputs), cut)]
    pieces += [half("outputs", outputs[start : start + cut]) for start in range(0, len(outputs), cut)]
    random.shuffle(pieces)
    lost: dict[str, int] = {}
    waiting = joiner(lost)
    rows: list[Batch] = []
    for piece in pieces:
        rows += waiting.push(piece, 0)
        waiting = joiner(lost, saved=unpack(pack(waiting.plain())))
    both = set(inputs) & set(outputs)
    assert found(rows) == sorted(row(pair) for pair in both)
    assert waiting.due(599) == []
    assert found(waiting.due(600)) == sorted(row(pair, -1) for pair in set(inputs) - both)
    assert sum(lost.values()) == len(inputs) + len(outputs) - 2 * len(both)
    assert waiting.plain() == {"waiting": []}


def test_the_oldest_go_when_too_many_wait() -> None:
    """Beyond the limit inputs go on without a prediction, outputs are dropped, and both are counted."""
    lost: dict[str, int] = {}
    waiting = joiner(lost, limit=5)
    assert found(waiting.push(half("inputs", [1, 2, 3]), 0)) == []
    assert found(waiting.push(half("inputs", [4, 5, 6]), 1)) == [row(1, -1), row(2, -1), row(3, -1)]
    assert found(waiting.push(half("outputs", [4, 9, 10, 11, 12]), 2)) == [row(4), row(5, -1), row(6, -1)]
    assert lost == {"unpaired": 5}


def test_rows_without_a_correlation_do_not_wait() -> None:
    """Nothing will ever come for them."""
    lost: dict[str, int] = {}
    waiting = joiner(lost)
    assert found(waiting.push(half("inputs", [0, 7]), 0)) == [row(0, -1)]
    assert waiting.push(half("outputs", [0]), 0) == []
    assert lost == {"unpaired": 2}


def test_endpoints_are_never_mixed_and_other_batches_pass() -> None:
    """The same pair of another endpoint is another row."""
    waiting = joiner({}, ttl=timedelta(seconds=1))
    other = Batch("e", "calls", 1, {"time": np.array([1])})
    assert waiting.push(other, 0) == (other,)
    assert waiting.push(half("inputs", [1], "a"), 0) == []
    assert waiting.push(half("outputs", [1], "b"), 0) == []
    (whole,) = waiting.push(half("outputs", [1], "a"), 0)
    assert (whole.endpoint, found([whole])) == ("a", [row(1)])
    assert list(whole.features) == ["x", "c", "margin"]


def test_a_half_that_comes_twice_counts_once() -> None:
    """At least once in, once out, while the first still waits."""
    waiting = joiner({})
    waiting.push(half("inputs", [1]), 0)
    waiting.push(half("inputs", [1]), 0)
    assert found(waiting.push(half("outputs", [1]), 0)) == [row(1)]
    assert waiting.due(float("inf")) == []
