"""Recorded exports of real clients: what of each call is found, whatever the dialect."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.config import Endpoint
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_logs import decode_logs
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.join import Joiner
from agent.sources.otlp.json_decode import from_json
from detectors.safety.results import parse
from detectors.types import Batch, Category, Column, Text

SAMPLES = Path(__file__).parents[2] / "data" / "otlp"
NAMES = sorted({path.name.removesuffix(".traces.pb") for path in SAMPLES.glob("*.traces.pb")})
NOW = datetime(2026, 11, 20, tzinfo=UTC).timestamp()

COLUMNS = (
    "request_model", "model", "response_id", "input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens",
    "time_to_first_token", "finish_reason", "input", "output", "filters", "error_type", "blocked_prompt", "throttled",
)  # fmt: skip
# The table of measured coverage: provider, calls, then the number of calls with each column. Captures with a .logs
# file have their content there: five answers and seven prompts, as the calls were the same everywhere.
COVERAGE: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "azure-ai-inference.http": ("azure.ai.inference", (5, 5, 4, 4, 4, 4, 0, 0, 0, 4, 5, 4, 0, 1, 1, 0)),
    "genai-openai-azure-grpc.grpc": ("openai", (9, 9, 7, 6, 7, 6, 6, 6, 1, 6, 8, 6, 0, 2, 1, 1)),
    "genai-openai-content.http": ("openai", (9, 9, 7, 6, 7, 6, 6, 6, 1, 6, 8, 6, 0, 2, 1, 1)),
    "genai-openai-default.http": ("openai", (9, 9, 7, 6, 7, 6, 6, 6, 1, 6, 0, 0, 0, 2, 1, 1)),
    "mlflow.http": ("openai", (9, 9, 7, 6, 6, 6, 6, 0, 0, 5, 8, 6, 0, 2, 1, 1)),
    "openai-v2-default.http": ("openai", (8, 8, 6, 5, 6, 5, 0, 0, 0, 5, 0, 0, 0, 2, 1, 1)),
    "openai-v2-latest-azure.http": ("openai", (8, 8, 6, 5, 6, 5, 0, 0, 0, 5, 7, 5, 0, 2, 1, 1)),
    "openai-v2-latest-events.grpc": ("openai", (8, 8, 6, 5, 6, 5, 0, 0, 0, 5, 7, 5, 0, 2, 1, 1)),
    "openai-v2-latest.http": ("openai", (8, 8, 6, 5, 6, 5, 0, 0, 0, 5, 7, 5, 0, 2, 1, 1)),
    "openai-v2-legacy-content.http": ("openai", (8, 8, 6, 5, 6, 5, 0, 0, 0, 5, 7, 5, 0, 2, 1, 1)),
    "openinference-azure.http": ("azure.ai.openai,openai", (9, 9, 7, 6, 7, 6, 6, 6, 0, 5, 8, 6, 6, 2, 1, 1)),
    "openinference.http": ("openai", (9, 9, 7, 6, 7, 6, 6, 6, 0, 5, 8, 6, 0, 2, 1, 1)),
    "traceloop-0.40-flat-azure.http": ("azure.ai.openai", (8, 8, 6, 5, 5, 4, 4, 0, 0, 5, 8, 5, 5, 2, 1, 1)),
    "traceloop-0.40-flat.http": ("openai", (8, 8, 6, 5, 5, 4, 4, 0, 0, 5, 8, 5, 0, 2, 1, 1)),
    # One answer of the events capture has no span id, so it cannot be joined: 5 of its 6 answers.
    "traceloop-events.http": ("openai", (9, 9, 7, 6, 7, 6, 6, 5, 0, 6, 8, 5, 0, 2, 1, 1)),
    "traceloop-legacy.http": ("openai", (9, 9, 7, 6, 7, 6, 6, 5, 0, 6, 8, 6, 0, 2, 1, 1)),
    # As measured here, of clients against `tests/fakes/filtering_azure.py`.
    "agent-framework.http": ("azure.ai.openai", (10, 10, 8, 8, 8, 8, 8, 8, 0, 8, 10, 8, 1, 2, 1, 1)),
    "azure-ai-projects.http": ("azure.ai.foundry", (5, 5, 3, 3, 3, 3, 0, 0, 0, 1, 5, 3, 0, 2, 1, 1)),
    "langchain-openinference.http": ("azure.ai.openai", (9, 9, 9, 4, 6, 6, 6, 6, 0, 6, 9, 8, 5, 3, 1, 1)),
    "langchain-openllmetry.http": ("azure.ai.openai", (9, 9, 4, 4, 6, 6, 6, 0, 0, 6, 9, 6, 0, 3, 1, 1)),
    "langchain-azure-ai.http": ("azure.ai.openai", (9, 9, 4, 4, 6, 6, 0, 0, 0, 6, 9, 6, 0, 3, 1, 1)),
    "azure-ai-inference-filters.http": ("azure.ai.inference", (9, 9, 7, 7, 5, 5, 0, 0, 0, 7, 9, 7, 1, 2, 1, 1)),
    "logfire-3.http": ("openai", (12, 12, 12, 0, 10, 9, 8, 8, 0, 0, 11, 8, 1, 2, 1, 1)),
    "pydantic-ai-1.http": ("azure.ai.openai", (10, 10, 8, 8, 8, 8, 0, 8, 0, 8, 8, 8, 1, 2, 1, 1)),
    "traceloop-0.47-azure.http": ("azure.ai.openai,openai", (12, 12, 10, 9, 10, 9, 9, 7, 2, 8, 12, 9, 9, 2, 1, 1)),
    "langfuse-3.http": ("openai", (12, 0, 12, 0, 10, 9, 9, 9, 2, 2, 12, 9, 1, 2, 1, 1)),
    "langfuse.http": ("openai", (12, 0, 12, 0, 10, 9, 9, 9, 2, 2, 12, 9, 0, 2, 1, 1)),
    "logfire.http": ("openai", (12, 12, 12, 7, 10, 9, 9, 9, 0, 8, 11, 9, 0, 2, 1, 1)),
    "mlflow-azure.http": ("azure.ai.openai,openai", (12, 12, 10, 9, 9, 9, 9, 9, 2, 9, 12, 9, 9, 2, 1, 1)),
    "openinference-azure-twelve.http": ("azure.ai.openai,openai", (12, 12, 10, 9, 10, 9, 9, 9, 2, 9, 12, 9, 9, 2, 1, 1)),
    "prompt-flow.http": ("azure.ai.openai", (11, 11, 9, 8, 9, 8, 8, 8, 0, 8, 11, 8, 8, 2, 1, 1)),
    "pydantic-ai.http": ("azure.ai.openai", (10, 10, 9, 8, 8, 8, 8, 8, 2, 8, 9, 9, 1, 2, 1, 1)),
    "semantic-kernel.http": ("azure.ai.openai", (10, 10, 0, 8, 8, 8, 0, 0, 0, 8, 10, 8, 0, 2, 1, 1)),
    "traceloop-azure.http": ("azure.ai.openai,openai", (12, 12, 10, 9, 10, 9, 9, 7, 2, 9, 11, 9, 8, 2, 1, 1)),
}


class ByHost:
    """One endpoint for all, which keeps no text."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


def _read(name: str, signal: str, encoding: str, *, content: bool) -> Decoded | None:
    path = SAMPLES / f"{name}.{signal}.{encoding}"
    if not path.exists():
        return None
    request: Any = ExportTraceServiceRequest() if signal == "traces" else ExportLogsServiceRequest()
    if encoding == "json":
        from_json(path.read_bytes(), request, 1000)
    else:
        request.ParseFromString(path.read_bytes())
    if signal == "logs":
        return decode_logs(request, ByHost(), content=content)
    return decode_traces(trace_message.parse(request.SerializeToString()), ByHost(), content=content)


def _joined(name: str, *, logs_first: bool) -> list[Batch]:
    parts = [_read(name, signal, "pb", content=True) for signal in ("traces", "logs")]
    joiner = Joiner(lambda _reason, _count: None)
    ready: list[Batch] = []
    for decoded in reversed(parts) if logs_first else parts:
        for batch in decoded.batches if decoded else ():
            ready += joiner.push(batch, NOW)
    return [batch for batch in (*ready, *joiner.due(float("inf"))) if batch.kind == "calls"]


def _present(column: Column | None) -> int:
    if column is None:
        return 0
    if isinstance(column, Category):
        return int(np.count_nonzero(column.codes >= 0))
    if isinstance(column, Text):
        return sum(value is not None for value in column.values)
    return int(np.count_nonzero(column)) if column.dtype == np.bool_ else int(np.count_nonzero(~np.isnan(column)))


def _values(batches: list[Batch], name: str) -> list[str]:
    columns = [batch.columns[name] for batch in batches if name in batch.columns]
    return [value for column in columns if isinstance(column, Category) for value in column.decode() if value is not None]


def test_every_recorded_client_is_in_the_table() -> None:
    """A capture that is added is measured too."""
    assert sorted(COVERAGE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_coverage(name: str) -> None:
    """Each capture, its log records joined, gives at least what was measured to be in it."""
    providers, expected = COVERAGE[name]
    batches = _joined(name, logs_first=True)
    found = (sum(batch.rows for batch in batches), *(sum(_present(b.columns.get(c)) for b in batches) for c in COLUMNS))
    assert found[0] == expected[0]
    short = {c: (have, want) for c, have, want in zip(COLUMNS, found[1:], expected[1:], strict=True) if have < want}
    assert short == {}
    assert ",".join(sorted(set(_values(batches, "provider")))) == providers


@pytest.mark.parametrize("name", NAMES)
def test_json_and_protobuf_say_the_same(name: str) -> None:
    """Both encodings of a capture decode to equal columns."""
    for signal in ("traces", "logs"):
        one, other = (_read(name, signal, encoding, content=True) for encoding in ("pb", "json"))
        if one is None or other is None:
            continue
        for left, right in zip(one.batches, other.batches, strict=True):
            assert list(left.columns) == list(right.columns)
            for column, value in left.columns.items():
                np.testing.assert_equal(_plain(value), _plain(right.columns[column]))


def _plain(column: Column) -> Any:
    if isinstance(column, Category):
        return column.decode()
    return list(column.values) if isinstance(column, Text) else column


@pytest.mark.parametrize("name", NAMES)
def test_content_off_leaves_no_text(name: str) -> None:
    """Without content no prompt, answer or error text is anywhere in the batch; lengths, filters and reasons are as with it."""
    for signal in ("traces", "logs"):
        on, off = (_read(name, signal, "pb", content=content) for content in (True, False))
        if on is None or off is None:
            continue
        for full, bare in zip(on.batches, off.batches, strict=True):
            assert full.columns.keys() - bare.columns.keys() <= {"input", "output", "trace", "document_text"}
            assert not bare.columns.keys() & {"input", "output", "trace", "document_text"}
            for column, value in bare.columns.items():
                np.testing.assert_equal(_plain(value), _plain(full.columns[column]))
            if full.kind == "tools":
                # The name of a tool is no text of a person.
                continue
            everything = repr({column: _plain(value) for column, value in bare.columns.items()})
            for words in ("weather", "Paris", "JAILBREAK", "filtered due to", "rate limit"):
                assert words not in everything


@pytest.mark.parametrize("logs_first", [True, False])
def test_a_stream_gets_its_reason_from_the_logs(*, logs_first: bool) -> None:
    """The span of a stream carries no finish reason in this dialect; its log record does, whichever comes first."""
    batches = _joined("openai-v2-legacy-content.http", logs_first=logs_first)
    assert sorted(_values(batches, "finish_reason")) == ["content_filter", "stop", "stop", "stop", "tool_call"]


def test_errors_are_named_not_quoted() -> None:
    """A blocked prompt and a throttled call have names of their own, in every capture; so has an answer a client gave up as filtered."""
    for name in NAMES:
        errors = sorted(_values(_joined(name, logs_first=True), "error_type"))
        assert errors in (["429", "content_filter"], ["content_filter"], ["429", "content_filter", "content_filter"])


def test_filter_results_of_azure() -> None:
    """Both directions with all categories, the blocked completion, and the category of the blocked prompt."""
    for name in ("openinference-azure.http", "traceloop-0.40-flat-azure.http"):
        calls = [parse(text) for text in _values(_joined(name, logs_first=True), "filters")]
        entries = {entry for call in calls for entry in call}
        assert ("completion", "violence", "medium", "blocked") in entries
        assert ("prompt", "jailbreak", "none", "passed") in entries
        assert ("prompt", "hate", "safe", "passed") in entries
    blocked = _values(_joined("openai-v2-default.http", logs_first=True), "filters")
    assert [("prompt", "jailbreak", "none", "blocked") in parse(text) for text in blocked] == [True]
