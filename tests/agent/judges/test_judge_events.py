"""Events of judged answers: one each, bounded, linked to the trace, and without a text nobody asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config_file import read
from agent.errors import ConfigError
from agent.judges.events import Said, Telling
from agent.judges.verdicts import Gap, Verdict
from agent.sources.otlp.columns import CALL
from agent.store.item import decode, encode
from detectors.types import Batch, Column, Stream, Text

STREAM = Stream("shop", "gpt", "live")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
COLUMNS: dict[str, Column] = {
    "id": np.array([1, 2, 3], np.uint64),
    "time": np.full(3, int(NOW.timestamp()) * 10**9),
    CALL: Text((f"{TRACE}/{SPAN}", None, f"{TRACE}/{SPAN}")),
    "response_id": Text(("chatcmpl-1", None, "x\x1b[31m" + "y" * 500)),
}
CALLS = Batch("shop", "calls", 3, COLUMNS)
GOOD = Verdict("fluency", 4, "It says anna@example.org.")


def said(identity: int, outcome: Verdict | Gap) -> Said:
    """Return what was said of a call a minute after it."""
    return Said(identity, outcome, 0.25, NOW + timedelta(minutes=1))


def test_an_event_says_what_the_conventions_ask_for() -> None:
    """Name, score, label, response, trace; how likely the call was to be judged; and nothing of the judge's words."""
    (event,), too_many = Telling(10, 3.0, "judge/1").events(STREAM, CALLS, [said(1, GOOD)])
    assert (event.kind, event.name, event.state, too_many) == ("evaluation", "fluency", "judged", 0)
    assert event.values == {"gen_ai.evaluation.score.value": 4.0, "sample_probability": 0.25}
    assert event.details == {
        "gen_ai.evaluation.name": "fluency",
        "gen_ai.evaluation.score.label": "pass",
        "gen_ai.response.id": "chatcmpl-1",
        "trace_id": TRACE,
        "span_id": SPAN,
        "judge": "judge/1",
    }
    assert (event.started, event.time) == (NOW, NOW + timedelta(minutes=1))
    assert "anna" not in repr(event)
    # As it leaves the outbox it is what went in.
    assert decode(encode(event), lambda _: None) == (event, 0)


def test_a_reason_is_told_only_where_asked_for() -> None:
    """As it came from the judge, which has it redacted by then; an empty one is left out."""
    (event,), _ = Telling(10, 3.0, "j", reasons=True).events(STREAM, CALLS, [said(1, GOOD)])
    assert event.details["gen_ai.evaluation.explanation"] == GOOD.reason
    (event,), _ = Telling(10, 3.0, "j", reasons=True).events(STREAM, CALLS, [said(1, replace(GOOD, reason=""))])
    assert "gen_ai.evaluation.explanation" not in event.details


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Verdict("fluency", 2, ""), {"gen_ai.evaluation.score.label": "fail"}),
        (Gap("fluency", "refused"), {"error.type": "refused"}),
        (Gap("fluency", "not_json"), {"error.type": "not_json"}),
        (Gap("fluency", "no_input"), None),
        (Gap("fluency", "budget"), None),
        (Gap("fluency", "throttled"), None),
    ],
)
def test_a_gap_is_no_zero(outcome: Verdict | Gap, expected: dict[str, str] | None) -> None:
    """A judge that gave no score is told of by the reason; where nobody was asked there is no event."""
    events, _ = Telling(10, 3.0, "j").events(STREAM, CALLS, [said(2, outcome)])
    if expected is None:
        assert events == ()
        return
    assert events[0].details == {"gen_ai.evaluation.name": "fluency", "judge": "j", **expected}
    assert ("gen_ai.evaluation.score.value" in events[0].values) == isinstance(outcome, Verdict)


def test_names_from_traffic_are_made_harmless() -> None:
    """Of an answer's id no control character and no more than 128 letters."""
    (event,), _ = Telling(10, 3.0, "j").events(STREAM, CALLS, [said(3, GOOD)])
    assert event.details["gen_ai.response.id"].isprintable()
    assert len(event.details["gen_ai.response.id"]) == 128


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from(["fluency", "relevance"])), unique=True), st.integers(0, 8))
def test_events_are_bounded_and_have_keys_of_their_own(judged: list[tuple[int, str]], most: int) -> None:
    """The first so many are told, the others counted; told again each has the key it had."""
    listed = [said(identity, Verdict(name, 3, "")) for identity, name in judged]
    events, too_many = Telling(most, 3.0, "j").events(STREAM, CALLS, listed)
    assert (len(events), too_many) == (min(most, len(judged)), max(len(judged) - most, 0))
    assert len({event.id for event in events}) == len(events)
    later = [one._replace(time=one.time + timedelta(hours=1)) for one in listed]
    assert [event.id for event in Telling(most, 3.0, "j").events(STREAM, CALLS, later)[0]] == [event.id for event in events]


CONFIG = """
version: 1
sources: {{otlp: {{}}}}
endpoints:
  shop:
    content: transient
    judge: {{url: "http://127.0.0.1:1/v1", model: m, {}}}
"""


def test_reasons_need_a_mode_that_writes_texts() -> None:
    """A judge's reason quotes what it is about."""
    with pytest.raises(ConfigError, match="content: sampled"):
        read(CONFIG.format("reasons: true"), "it.yaml", Path(), {})
    assert read(CONFIG.format("events: 0"), "it.yaml", Path(), {}).endpoints["shop"].judge is not None
