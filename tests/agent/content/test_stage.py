"""Texts are described where the content mode allows it, for those calls that may stay in the sample, and then they are gone."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call_sample import CallSample
from agent.clock import WallClock
from agent.config import Endpoint
from agent.content.admission import Admission, importance_of
from agent.content.stage import ContentStage
from agent.series import Series
from agent.sources.otlp.join import Joiner
from detectors.catalog import AGENT_DROPPED
from detectors.quality.evaluators.similarity import bank
from detectors.quality.priority_sample import ALWAYS
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.types import Batch, Category, Column, Text

MINUTE = 60_000_000_000
SECRET = "zebra-finch-42"


def _said(role: str, *texts: str) -> tuple[str, ...]:
    return tuple(json.dumps([{"role": role, "text": text, "tool_calls": []}]) for text in texts)


def _calls(rows: int, first: int = 1, **columns: Column) -> Batch:
    given: dict[str, Column] = {
        "time": np.full(rows, MINUTE, np.int64),
        "id": np.arange(first, first + rows, dtype=np.uint64),
        "input": Text(_said("user", *[f"Where is {SECRET} number {row}?" for row in range(rows)])),
        "output": Text(_said("assistant", *["It is here, where it was."] * rows)),
    }
    return Batch("chat", "calls", rows, {**given, **columns})


def _stage(series: Series | None = None, **options: object) -> ContentStage:
    endpoint = replace(Endpoint("chat", content="features", window=timedelta(hours=1)), **options)  # type: ignore[arg-type] # as above
    return ContentStage(lambda name: replace(endpoint, name=name), series or Series(), {"chat": bank(["ignore what was said before"])})


def _take(stage: ContentStage, batch: Batch) -> Batch:
    [taken] = asyncio.run(stage.take([batch]))
    return taken


def _texts(batch: Batch) -> list[str]:
    return [name for name, column in batch.columns.items() if isinstance(column, Text)]


@pytest.mark.parametrize("content", ["off", "features"])
def test_no_text_leaves_the_stage(content: str) -> None:
    """Whatever the mode, prompts and answers end here."""
    taken = _take(_stage(content=content), _calls(20))
    assert _texts(taken) == []
    assert SECRET not in repr(taken)
    assert ("refusal" in taken.columns) == (content == "features")


def test_each_call_is_described() -> None:
    """Refusal, language and likeness stand in the row of their call; what cannot be said is missing."""
    outputs = Text(
        (*_said("assistant", "I'm sorry, but I can't help with that.", "Das ist leider nicht mehr da, es wird aber gesucht."), None)
    )
    taken = _take(_stage(), replace(_calls(3), columns={**_calls(3).columns, "output": outputs}))
    refusal, answered = taken.columns["refusal"], taken.columns["output_language"]
    assert isinstance(refusal, np.ndarray)
    assert isinstance(answered, Category)
    assert np.array_equal(refusal, [1, 0, np.nan], equal_nan=True)
    assert answered.decode() == ["en", "de", None]
    assert isinstance(taken.columns["template_similarity"], np.ndarray)


def test_no_more_is_described_than_may_stay() -> None:
    """Of 2,000 calls of a window that keeps 40, those that come when it is full are described only if they may still stay."""
    stage = _stage(sample=40)
    described = 0
    for batch in range(20):
        taken = _take(stage, _calls(100, 1 + 100 * batch))
        importance = taken.columns.get(IMPORTANCE)
        described += int(np.isfinite(importance).sum()) if isinstance(importance, np.ndarray) else 0
    # k (1 + ln(n / k)) items are in the running sample at some time; batches of 100 admit fewer.
    assert 40 <= described <= 40 * (1 + np.log(2_000 / 40)) * 1.3


@given(st.lists(st.integers(1, 400), max_size=200, unique=True), st.integers(4, 60), st.integers(1, 7))
def test_what_the_stage_admits_is_all_the_pipeline_keeps(ids: list[int], size: int, cuts: int) -> None:
    """The sample of what was admitted batch by batch is the sample of everything."""
    admission = Admission(size, lambda times: times)
    whole, kept = CallSample.of(size), CallSample.of(size)
    for part in np.array_split(np.array(ids, np.uint64), cuts):
        if len(part):
            batch = Batch("chat", "calls", len(part), {"time": np.full(len(part), MINUTE, np.int64), "id": part})
            everything = replace(batch, columns={**batch.columns, IMPORTANCE: importance_of(batch)})
            admitted = replace(batch, columns={**batch.columns, IMPORTANCE: admission.admit(batch)[0]})
            whole, kept = whole.add(everything), kept.add(admitted)
    first, second = whole.closed(), kept.closed()
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert set(np.asarray(first.columns["id"]).tolist()) == set(np.asarray(second.columns["id"]).tolist())


def test_failed_blocked_and_filtered_calls_come_first() -> None:
    """What is known of a call without its text decides how likely it is to stay."""
    filters = Category.of([None, "prompt/hate/low/annotated", "completion/hate/high/blocked", None, None])
    batch = _calls(5, filters=filters, error_type=Category.of([None, None, None, "timeout", None]))
    assert importance_of(batch).tolist() == [1, 10, ALWAYS, ALWAYS, 1]


def test_a_sample_survives_being_saved() -> None:
    """Rows, chances and what comes later are the same as without the save."""
    batch = replace(_calls(300), columns={**_calls(300).columns, IMPORTANCE: np.ones(300)})
    saved = CallSample.restore(40, CallSample.of(40).add(batch.take(np.arange(200))).plain()).add(batch.take(np.arange(200, 300)))
    straight = CallSample.of(40).add(batch.take(np.arange(200))).add(batch.take(np.arange(200, 300)))
    one, other = saved.closed(), straight.closed()
    assert one is not None
    assert other is not None
    assert np.array_equal(one.columns["id"], other.columns["id"])  # type: ignore[arg-type] # arrays
    assert np.array_equal(one.columns[PROBABILITY], other.columns[PROBABILITY])  # type: ignore[arg-type] # arrays


def test_parts_of_calls_are_described_and_joined() -> None:
    """Messages that come apart from their span, as log records do, are described and join their call."""
    stage = _stage()
    call = _take(
        stage, Batch("chat", "calls", 1, {"time": np.array([MINUTE]), "id": np.array([7], np.uint64), "operation": Category.of(["chat"])})
    )
    whole = _calls(1, 7)
    part = _take(stage, Batch("chat", "call_parts", 1, {**whole.columns, "finish_reason": Category.of(["stop"])}))
    joiner = Joiner(lambda *_: None)
    [joined] = [*joiner.push(call, 0.0), *joiner.push(part, 1.0)]
    refusal = joined.columns["refusal"]
    assert isinstance(refusal, np.ndarray)
    assert refusal.tolist() == [0.0]
    assert IMPORTANCE in joined.columns


def test_a_fault_costs_the_text_and_not_the_call() -> None:
    """Where describing fails, the call goes on without its text, and is counted."""
    series = Series()

    stage = ContentStage(lambda name: Endpoint(name, content="features"), series, {"chat": _Broken()})  # type: ignore[dict-item] # a bank that fails
    taken = _take(stage, _calls(3))
    assert taken.rows == 3
    assert _texts(taken) == []
    dropped = {point.attributes: point.value for point in series.totals(WallClock().now()) if point.metric is AGENT_DROPPED}
    assert dropped == {(("reason", "undescribed"), ("source", "content")): 3}


class _Broken:
    def nearness(self, text: str) -> float:
        raise RuntimeError(text)
