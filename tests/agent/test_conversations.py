"""Conversations that fell silent, and what is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from agent.conversations import ConversationJoin
from detectors import catalog_serving as catalog
from detectors.quality.conversations import Conversations
from detectors.quality.data_quality import Nothing
from detectors.types import Batch, Category, Column, Profile, Window

WINDOW = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, 1, tzinfo=UTC))
IDLE = timedelta(minutes=30)


def _join(saved: Any = None, limit: int = 50_000) -> tuple[ConversationJoin, list[tuple[str, int]]]:
    lost: list[tuple[str, int]] = []
    return ConversationJoin(lambda why, rows: lost.append((why, rows)), lambda _name: IDLE, limit, saved), lost


def _calls(*rows: tuple[int, int, dict[str, Any]]) -> Batch:
    """Build calls from conversation, second of the end, and what else is known."""
    size = len(rows)
    columns: dict[str, Column] = {
        "time": np.array([second * 10**9 for _, second, _ in rows], np.int64),
        "conversation": np.array([identity for identity, _, _ in rows], np.uint64),
        "deployment": Category.constant("gpt-4o", size),
        "operation": Category.of([more.get("operation", "chat") for _, _, more in rows]),
        "error_type": Category.of([more.get("error_type") for _, _, more in rows]),
        "finish_reason": Category.of([more.get("finish_reason") for _, _, more in rows]),
        "throttled": np.array([more.get("throttled", False) for _, _, more in rows]),
        "blocked_prompt": np.array([more.get("blocked_prompt", False) for _, _, more in rows]),
    }
    return Batch("shop", "calls", size, columns)


def _told(batches: Any) -> list[tuple[float, str]]:
    found = []
    for batch in batches:
        assert batch.kind == "conversations"
        found += list(zip(np.asarray(batch.columns["calls"]).tolist(), batch.columns["ending"].decode(), strict=True))
    return found


@pytest.mark.parametrize(
    ("last", "ending"),
    [
        ({"finish_reason": "stop"}, "answered"),
        ({"finish_reason": "length"}, "truncated"),
        ({"finish_reason": "length,stop"}, "answered"),
        ({"finish_reason": "content_filter"}, "filtered"),
        ({"error_type": "content_filter", "blocked_prompt": True}, "filtered"),
        ({"error_type": "429", "throttled": True}, "throttled"),
        ({"error_type": "timeout"}, "failed"),
        ({"finish_reason": "tool_call"}, "tool_call"),
        ({}, "answered"),
    ],
)
def test_a_conversation_is_told_once_it_fell_silent(last: dict[str, Any], ending: str) -> None:
    """By its last call in event time, whatever order calls came in; embeddings are no calls of it."""
    join, lost = _join()
    batch = _calls(
        (7, 20, last), (7, 10, {"finish_reason": "stop"}), (7, 30, {"operation": "embeddings", "error_type": "timeout"}), (0, 40, {})
    )
    assert join.push(batch, 100.0) == (batch,)
    assert join.due(100.0 + IDLE.total_seconds() - 1) == []
    (told,) = join.due(100.0 + IDLE.total_seconds())
    assert _told([told]) == [(2, ending)]
    assert np.asarray(told.columns["time"]).tolist() == [int((100 + IDLE.total_seconds()) * 1e9)]
    assert join.due(1e9) == []
    assert lost == []


def test_what_comes_after_the_silence_is_another_conversation() -> None:
    """And what comes before it ends goes on."""
    join, _ = _join()
    for moment in (0.0, 1000.0, 2000.0):
        join.push(_calls((7, int(moment), {})), moment)
        assert join.due(moment) == []
    assert _told(join.due(10_000.0)) == [(3, "answered")]
    join.push(_calls((7, 10_001, {})), 10_001.0)
    assert _told(join.due(20_000.0)) == [(1, "answered")]


def test_open_conversations_are_bounded_and_survive_a_restart() -> None:
    """The longest silent go untold and are counted."""
    join, lost = _join(limit=10)
    join.push(_calls(*((identity, identity, {}) for identity in range(1, 31))), 5.0)
    assert lost == [("conversation", 20)]
    again, _ = _join(saved=join.plain())
    assert again.plain() == join.plain()
    assert len(_told(again.due(1e6))) == 10


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 50), st.sampled_from([{}, {"error_type": "timeout"}])),
        max_size=30,
        unique_by=lambda row: row[1],
    ),
    st.integers(1, 7),
)
def test_conversations_do_not_depend_on_the_cut(rows: list[tuple[int, int, dict[str, Any]]], piece: int) -> None:
    """Calls of one moment in any batches, and in any order, make the same conversations."""
    whole, _ = _join()
    pieces, _ = _join()
    whole.push(_calls(*rows), 1.0)
    for start in range(0, len(rows), piece):
        pieces.push(_calls(*rows[start : start + piece][::-1]), 1.0)
    assert sorted(_told(pieces.due(1e6))) == sorted(_told(whole.due(1e6)))


def test_abandoned_shares_count_each_conversation_once() -> None:
    """With SciPy's interval of so many conversations, however many calls they had."""
    batch = Batch(
        "shop",
        "conversations",
        4,
        {"calls": np.array([1.0, 2, 5, 9]), "ending": Category.of(["failed", "answered", "answered", "filtered"])},
    )
    detector = Conversations()
    profile = detector.observe(Nothing(), batch).merge(detector.observe(Nothing(), batch))
    found = {(one.metric, *one.attributes.values()): one.value for one in detector.step(Nothing(), WINDOW, profile).scores}
    bounds = binomtest(2, 8).proportion_ci(method="wilson")
    assert found[catalog.CONVERSATION_SAMPLES,] == 8
    assert found[catalog.CONVERSATION_CALLS_MEAN,] == 17 / 4
    assert found[catalog.CONVERSATION_CALLS_P50,] == 2
    assert found[catalog.CONVERSATION_ABANDONED, "failed"] == 0.25
    assert found[catalog.CONVERSATION_ABANDONED_LOWER, "failed"] == pytest.approx(bounds.low)
    assert found[catalog.CONVERSATION_ABANDONED_UPPER, "failed"] == pytest.approx(bounds.high)
    assert found[catalog.CONVERSATION_ABANDONED, "throttled"] == 0
    assert {one.attributes["ending"]: one.value for one in detector.totals(profile)} == {"failed": 2, "answered": 4, "filtered": 2}
    assert {key[0] for key in found} <= set(detector.metrics)
    assert detector.observe(Nothing(), Batch("shop", "calls", 1, {"calls": np.array([1.0])})) == Profile()
