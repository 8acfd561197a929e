"""Answers held against what searches of their trace found."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Endpoint
from agent.content.found_documents import FoundDocuments, hashed, share_found
from agent.content.stage import ContentStage
from agent.series import Series
from agent.sources.otlp.columns import DOCUMENT_TEXT, TRACE
from detectors.quality.evaluators.grounding import overlap
from detectors.types import Batch, Column, Text

DOCUMENT = "The card arrives within two days and costs nothing for customers of the bank."
GROUNDED = "The card arrives within two days and costs nothing."
INVENTED = "You will get three umbrellas and a bicycle by pigeon next spring."


@given(st.text(alphabet="abc ", max_size=80), st.text(alphabet="abc ", max_size=80))
def test_hashes_say_what_the_texts_say(answer: str, document: str) -> None:
    """The share is that of the evaluator that has both texts."""
    assert share_found(answer, np.unique(hashed(document))) == overlap(answer, document)


def test_what_is_kept_is_bounded() -> None:
    """The oldest traces go first; of several searches of one trace all counts."""
    kept = FoundDocuments(most=1000)
    for trace in range(1, 200):
        kept.put(trace, " ".join(f"word{trace}x{number}" for number in range(40)))
    assert kept.of(1) is None
    assert kept.of(199) is not None
    kept.put(199, DOCUMENT)
    found = kept.of(199)
    assert found is not None
    assert len(found) == 38 + len(set(hashed(DOCUMENT).tolist()))


def _calls(traces: list[int], answers: list[str]) -> Batch:
    size = len(traces)
    columns: dict[str, Column] = {
        "id": np.arange(1, size + 1, dtype=np.uint64),
        "time": np.full(size, 10**15),
        TRACE: np.array(traces, np.uint64),
        "input": Text((json.dumps([{"role": "user", "text": "When does my card come?"}]),) * size),
        "output": Text(tuple(json.dumps([{"role": "assistant", "text": answer}]) for answer in answers)),
    }
    return Batch("shop", "calls", size, columns)


def _searches(traces: list[int], texts: list[str | None]) -> Batch:
    size = len(traces)
    columns: dict[str, Column] = {
        "id": np.arange(1, size + 1, dtype=np.uint64),
        "time": np.full(size, 10**15),
        "documents": np.ones(size),
        TRACE: np.array(traces, np.uint64),
        DOCUMENT_TEXT: Text(tuple(texts)),
    }
    return Batch("shop", "retrievals", size, columns)


def _take(stage: ContentStage, *batches: Batch) -> list[Batch]:
    return asyncio.run(stage.take(batches))


@pytest.mark.parametrize("content", ["features", "transient"])
def test_answers_are_held_against_the_documents_of_their_trace(content: Any) -> None:
    """In one request or in two; an answer whose trace searched nothing has no share, and no text leaves the stage."""
    stage = ContentStage(lambda name: Endpoint(name, content=content), Series(), {})
    searches, calls = _take(stage, _searches([7, 8], [DOCUMENT, DOCUMENT]), _calls([7, 9], [GROUNDED, GROUNDED]))
    assert np.asarray(calls.columns["retrieved_grounding"]).tolist()[:1] == [1.0]
    assert np.isnan(np.asarray(calls.columns["retrieved_grounding"])[1])
    (later,) = _take(stage, _calls([8], [INVENTED]))
    assert np.asarray(later.columns["retrieved_grounding"]).tolist() == [0.0]
    for batch in (searches, calls, later):
        assert not {TRACE, DOCUMENT_TEXT, "input", "output"} & set(batch.columns)
    assert "documents" in searches.columns


def test_without_content_nothing_is_kept() -> None:
    """Under `content: off` what a decoder left by mistake goes nowhere either."""
    stage = ContentStage(Endpoint, Series(), {})
    (searches, calls) = _take(stage, _searches([7], [None]), _calls([7], [GROUNDED]))
    for batch in (searches, calls):
        assert not {TRACE, DOCUMENT_TEXT, "input", "output", "retrieved_grounding"} & set(batch.columns)
