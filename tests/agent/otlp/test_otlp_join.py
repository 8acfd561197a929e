"""What waits, for how long, and what is counted once."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.plain import pack, unpack
from agent.sources.otlp.columns import assemble
from agent.sources.otlp.join import Joiner
from detectors.types import Batch, Category, Text

NOW = 1_790_000_000.0


class Watched:
    """A joiner and what it lost."""

    def __init__(self, **options: Any) -> None:
        self.lost: Counter[str] = Counter()
        self.joiner = Joiner(self._count, **options)

    def _count(self, reason: str, number: int) -> None:
        self.lost[reason] += number

    def push(self, batch: Batch, now: float = NOW) -> list[dict[str, Any]]:
        """Return what is ready, row by row."""
        return _rows(self.joiner.push(batch, now))

    def due(self, now: float) -> list[dict[str, Any]]:
        """Return what waited long enough."""
        return _rows(self.joiner.due(now))


def _rows(batches: Any) -> list[dict[str, Any]]:
    rows = []
    for batch in batches:
        columns = {}
        for name, column in batch.columns.items():
            if isinstance(column, Category):
                columns[name] = column.decode()
            else:
                columns[name] = list(column.values) if isinstance(column, Text) else column.tolist()
        rows += [{name: values[row] for name, values in columns.items() if values[row] is not None} for row in range(batch.rows)]
    return rows


def _batch(kind: Any, *rows: dict[str, Any]) -> Batch:
    names = {name for row in rows for name in row} | {"time"} | ({"parent"} if kind == "calls" else set())
    missing = {"time": 1, "id": 0, "parent": 0}
    return assemble("chat", kind, {name: [row.get(name, missing.get(name)) for row in rows] for name in sorted(names)})


def call(identity: int, **columns: Any) -> dict[str, Any]:
    """Return a chat call."""
    return {"id": identity, "operation": "chat", **columns}


def test_a_complete_call_passes_untouched() -> None:
    """Where nothing waits and nothing is missing, the very same batch comes out."""
    batch = _batch("calls", call(1, finish_reason="stop"), call(2, error_type="429"), {"id": 3, "operation": "embeddings"})
    assert Joiner(lambda _r, _n: None).push(batch, NOW) == [batch]


@pytest.mark.parametrize("part_first", [True, False])
def test_a_call_and_its_part_become_one(*, part_first: bool) -> None:
    """Whichever comes first waits; what the span says stays, what it lacks comes from the part."""
    on = Watched()
    span = _batch("calls", call(7, input_length=5))
    part = _batch("call_parts", {"id": 7, "finish_reason": "stop", "input_length": 9, "filters": "prompt/hate/safe/passed"})
    first, second = (part, span) if part_first else (span, part)
    assert on.push(first) == []
    (row,) = on.push(second)
    assert (row["finish_reason"], row["input_length"], row["filters"]) == ("stop", 5, "prompt/hate/safe/passed")
    assert on.due(float("inf")) == []
    assert on.lost == {}


def test_parts_add_up() -> None:
    """Log records of one call that come in several requests: lengths add, reasons and filters unite, messages follow."""
    on = Watched()
    said = '[{"role":"user","text":"Hi","tool_calls":[]}]'
    on.push(_batch("call_parts", {"id": 7, "input_length": 2, "input": said, "filters": "prompt/hate/safe/passed"}))
    on.push(_batch("call_parts", {"id": 7, "input_length": 3, "input": said, "filters": "prompt/hate/low/annotated"}))
    on.push(_batch("call_parts", {"id": 7, "output_length": 4, "finish_reason": "stop"}))
    (row,) = on.push(_batch("calls", call(7)))
    assert (row["input_length"], row["output_length"], row["finish_reason"]) == (5, 4, "stop")
    assert row["filters"] == "prompt/hate/low/annotated"
    assert row["input"].count("Hi") == 2


def test_a_call_goes_on_without_its_part_after_ten_seconds() -> None:
    """Patience ends; a part that comes later still is counted, not joined."""
    on = Watched()
    assert on.push(_batch("calls", call(7))) == []
    assert on.due(NOW + 9.9) == []
    assert [row["id"] for row in on.due(NOW + 10)] == [7]
    on.push(_batch("call_parts", {"id": 7, "finish_reason": "stop"}))
    assert on.lost == {"late_part": 1}


def test_a_part_without_a_call_is_counted() -> None:
    """A part nobody comes for is let go after ten seconds."""
    on = Watched()
    on.push(_batch("call_parts", {"id": 7, "finish_reason": "stop"}))
    assert on.due(NOW + 10) == []
    assert on.lost == {"unjoined": 1}


def test_the_queues_are_bounded() -> None:
    """Beyond the limit the oldest call goes on as it is, and the oldest part is let go."""
    on = Watched(limit=2)
    rows = on.push(_batch("calls", *(call(number) for number in range(1, 6))))
    assert [row["id"] for row in rows] == [1, 2, 3]
    on.push(_batch("call_parts", *({"id": number, "finish_reason": "stop"} for number in range(11, 16))))
    assert on.lost == {"unjoined": 3}


def test_a_span_sent_twice_waits_once() -> None:
    """A client that repeats a request does not double what waits."""
    on = Watched()
    on.push(_batch("calls", call(7)))
    on.push(_batch("calls", call(7)))
    assert len(on.due(float("inf"))) == 1
    assert on.lost == {"duplicate": 1}


DONE = {"finish_reason": "stop"}
INNER, OUTER = call(2, parent=1, duration=1.0, model="gpt", **DONE), call(1, duration=2.0, filters="prompt/hate/low/blocked", **DONE)


@pytest.mark.parametrize("rows", [(INNER, OUTER), (OUTER, INNER)])
def test_two_spans_of_one_call_count_once(rows: Any) -> None:
    """A framework's span around the client's own: one call, with what each of them knows."""
    on = Watched()
    (row,) = on.push(_batch("calls", *rows))
    assert (row["id"], row["model"], row["duration"], row["filters"]) == (2, "gpt", 2.0, "prompt/hate/low/blocked")
    assert on.lost == {"nested": 1}


@pytest.mark.parametrize("rows", [(INNER, OUTER), (OUTER, INNER)])
def test_two_spans_of_one_call_count_once_across_requests(rows: Any) -> None:
    """The same when they come in different requests, in either order."""
    on = Watched()
    assert len([row for one in rows for row in on.push(_batch("calls", one))]) == 1
    assert on.lost == {"nested": 1}


def test_a_span_that_waits_is_completed_by_its_child() -> None:
    """A second span that closes a stream brings the reason and the numbers; the first has the duration."""
    on = Watched()
    on.push(_batch("calls", call(1, duration=2.0)))
    (row,) = on.push(_batch("calls", call(2, parent=1, duration=0.0, output_tokens=5.0, **DONE)))
    assert (row["duration"], row["output_tokens"], row["finish_reason"]) == (2.0, 5.0, "stop")


def test_attempts_below_one_span_are_calls_of_their_own() -> None:
    """Two calls under one framework span: both count, the span around them does not, and lends its numbers to neither."""
    on = Watched()
    attempts = (call(2, parent=1, error_type="429"), call(3, parent=1, **DONE))
    rows = on.push(_batch("calls", *attempts, call(1, input_tokens=9.0, **DONE)))
    assert [row["id"] for row in rows] == [2, 3]
    assert all("input_tokens" not in row for row in rows)


def test_nested_calls_with_answers_of_their_own_all_count() -> None:
    """Different response ids are different calls, whoever is whose parent."""
    on = Watched()
    rows = on.push(_batch("calls", call(2, parent=1, response_id="b", **DONE), call(1, response_id="a", **DONE)))
    assert len(rows) == 2
    assert on.lost == {}


def test_embeddings_inside_a_call_are_calls() -> None:
    """Only spans that could tell the same answer are taken for the same call."""
    on = Watched()
    assert len(on.push(_batch("calls", {"id": 2, "parent": 1, "operation": "embeddings"}, call(1, **DONE)))) == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.booleans()), max_size=20), st.integers(0, 20))
def test_a_restart_changes_nothing(steps: list[tuple[bool, int, bool]], cut: int) -> None:
    """Saved and restored through bytes at any place, the joiner goes on as if nothing had happened."""
    straight, broken = Watched(), Watched()
    out: list[Any] = []
    other: list[Any] = []
    for number, (is_call, identity, complete) in enumerate(steps):
        row: dict[str, Any] = {"id": identity, **(DONE if complete or not is_call else {}), "input_length": 3.0}
        batch = _batch("calls", {**row, "operation": "chat", "parent": identity // 2}) if is_call else _batch("call_parts", row)
        out += straight.push(batch, NOW + number)
        if number == cut:
            lost = broken.lost
            broken = Watched(saved=unpack(pack(broken.joiner.plain())))
            broken.lost += lost
        other += broken.push(batch, NOW + number)
    assert other == out
    assert broken.due(float("inf")) == straight.due(float("inf"))
    assert broken.lost == straight.lost
