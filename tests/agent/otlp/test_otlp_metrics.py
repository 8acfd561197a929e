"""Metrics of real clients and of none: what is read of them, and what is not."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from agent.sources.otlp.buckets import MOST_BUCKETS
from agent.sources.otlp.decode_metrics import MOST_POINTS, decode_metrics
from agent.sources.otlp.increases import Increases
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.points import records
from detectors.types import Batch, Category
from tests.fakes.metric_points import DELTA, One, Request

SAMPLES = Path(__file__).parents[2] / "data" / "otlp"
NAMES = sorted(path.name.removesuffix(".pb") for path in SAMPLES.glob("*.metrics.pb"))


def told(batch: Batch) -> Counter[tuple[str, str | None, str | None]]:
    """Return the calls by quantity, model that answered and error."""
    columns = batch.columns
    names: list[Any] = []
    for name in ("quantity", "model", "error_type"):
        column = columns.get(name)
        names.append(column.decode() if isinstance(column, Category) else [None] * batch.rows)
    found: Counter[tuple[str, str | None, str | None]] = Counter()
    for quantity, model, error, count in zip(*names, np.asarray(columns["count"]).tolist(), strict=True):
        found[quantity, model, error] += count
    return found


def _points(metric: Any) -> Any:
    return getattr(metric, metric.WhichOneof("data")).data_points


GPT, ADA = "gpt-4o-mini-2024-07-18", "text-embedding-3-small"
EXPECTED: dict[str, dict[tuple[str, str | None, str | None], int]] = {
    # Nine calls were made through each client: six chats (one of them streamed), one blocked, one throttled, one embedding.
    "genai-openai-content.http.metrics": {
        ("duration", GPT, None): 6, ("duration", None, "BadRequestError"): 1, ("duration", None, "429"): 1, ("duration", ADA, None): 1,
        ("input_tokens", GPT, None): 6, ("output_tokens", GPT, None): 6, ("input_tokens", ADA, None): 1,
        ("time_to_first_token", GPT, None): 1, ("time_per_chunk", GPT, None): 8,
    },
    "openai-v2-latest.http.metrics": {
        ("duration", GPT, None): 5, ("duration", None, "BadRequestError"): 1, ("duration", None, "429"): 1, ("duration", ADA, None): 1,
        ("input_tokens", GPT, None): 5, ("output_tokens", GPT, None): 5, ("input_tokens", ADA, None): 1,
    },
    "traceloop-legacy.http.metrics": {
        ("duration", GPT, None): 5, ("duration", None, "BadRequestError"): 1, ("duration", None, "429"): 1, ("duration", ADA, None): 1,
        ("input_tokens", GPT, None): 5, ("output_tokens", GPT, None): 5, ("input_tokens", ADA, None): 1,
        ("server_time_to_first_token", "gpt-4o-mini", None): 1, ("choices", GPT, None): 0,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("json", [False, True])
def test_every_call_of_a_real_client_is_there(name: str, *, json: bool) -> None:
    """Recorded exports of three clients: the calls that were made, by quantity, model and error; JSON says what protobuf does."""
    request = ExportMetricsServiceRequest()
    if json:
        from_json((SAMPLES / f"{name}.json").read_bytes(), request, 1000)
    else:
        request.ParseFromString((SAMPLES / f"{name}.pb").read_bytes())
    decoded = decode_metrics(request, One())
    (batch,) = decoded.batches
    assert told(batch) == EXPECTED[name]
    assert not decoded.rejected
    assert not decoded.unmapped
    points = [
        point
        for group in request.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
        for point in _points(metric)
    ]
    assert records(batch) == len(points) - decoded.dropped.total()


def test_what_traceloop_says_about_choices_and_embeddings_is_dropped_by_name() -> None:
    """Its own metrics are known and not used; choices that do not say how they ended would be counted twice."""
    request = ExportMetricsServiceRequest.FromString((SAMPLES / "traceloop-legacy.http.metrics.pb").read_bytes())
    assert decode_metrics(request, One()).dropped == {"metric": 4, "not_a_call": 2}


def test_unknown_metrics_are_counted_by_name() -> None:
    """A new GenAI metric is told by its name; metrics of something else only as a number; absurd names not at all."""
    decoded = (
        Request()
        .histogram([1], name="gen_ai.client.brand_new")
        .histogram([1], name="http.client.request.duration")
        .histogram([1], name="gen_ai." + "x" * 500)
        .decoded()
    )
    assert decoded.dropped == {"metric": 3}
    assert decoded.unmapped == {"gen_ai.client.brand_new": 1, "__other__": 1}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request().histogram([1], flags=1), "no_value"),
        (Request().histogram([1], gen_ai__operation__name="execute_tool"), "not_a_call"),
        (Request().histogram([1], name="gen_ai.client.token.usage", gen_ai__token__type="strange"), "not_a_call"),
        (Request().counter(1, "gen_ai.client.operation.duration"), "metric_kind"),
        (Request().histogram([1], name="gen_ai.client.inference.usage.input_tokens"), "metric_kind"),
        (Request().counter(1, "gen_ai.client.inference.usage.input_tokens", monotonic=False), "metric_kind"),
    ],
)
def test_points_that_say_nothing_of_calls_are_dropped(request_: Request, reason: str) -> None:
    """Each with its reason, without an error to the sender."""
    decoded = request_.decoded()
    assert decoded.dropped == {reason: 1}
    assert not decoded.rejected
    assert not decoded.batches


NAN, HUGE = float("nan"), 2**60


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request().histogram([1], temporality=0), "temporality"),
        (Request().histogram([1], time=0), "invalid_time"),
        (Request().histogram([1], start=99), "invalid_time"),
        (Request().histogram([1], bounds=[3.0, 2.0]), "invalid_point"),
        (Request().histogram([1], bounds=[1.0, NAN]), "invalid_point"),
        (Request().histogram([HUGE]), "invalid_point"),
        (Request().histogram([1, 1, 1], bounds=[1.0]), "invalid_point"),
        (Request().exponential([1], scale=99), "invalid_point"),
        (Request().exponential([1], scale=0, offset=5000), "invalid_point"),
        (Request().exponential([HUGE], scale=0), "invalid_point"),
        (Request().exponential([1] * (MOST_BUCKETS + 1), scale=8), "invalid_point"),
        (Request().counter(-1, "gen_ai.client.inference.usage.input_tokens"), "invalid_point"),
        (Request().counter(NAN, "gen_ai.client.inference.usage.input_tokens"), "invalid_point"),
    ],
)
def test_points_that_break_the_protocol_are_rejected(request_: Request, reason: str) -> None:
    """The sender is told how many; nothing is counted, nothing fails."""
    decoded = request_.decoded()
    assert decoded.rejected == {reason: 1}
    assert decoded.fault is None
    assert not decoded.batches


@pytest.mark.parametrize(
    ("request_", "values", "counts"),
    [
        (Request().histogram([2, 0, 1], bounds=[1.0, 4.0]), [0.5, 6.0], [2, 1]),
        (Request().histogram([0, 3], bounds=[1.0, 4.0]), [2.0], [3]),
        (Request().histogram([1, 1], bounds=[0.0, 8.0]), [0.0, 4.0], [1, 1]),
        (Request().histogram([0, 1], bounds=[-1.0, 1.0]), [0.5], [1]),
        (Request().histogram([0, 5000], bounds=[1000.0, 4000.0], unit="ms"), [2.0], [5000]),
        (Request().histogram([0, 5], bounds=[1000.0, 4000.0], unit="milliseconds"), [2.0], [5]),
        (Request().histogram([0, 5], bounds=[1e6, 4e6], unit="us"), [2.0], [5]),
        (Request().histogram([0, 5], bounds=[1.0, 4.0], unit="fortnight"), [2.0], [5]),
        (Request().exponential([1, 2], scale=0, offset=1, zeros=4), [0.0, 2**1.5, 2**2.5], [4, 1, 2]),
        (Request().exponential([1], scale=1, offset=-2), [2**-0.75], [1]),
        (Request().exponential([1], scale=-1, offset=0), [2.0], [1]),
    ],
)
def test_a_bucket_is_its_middle(request_: Request, values: list[float], counts: list[int]) -> None:
    """The middle by ratio of its ends, from zero on the half; the last one half as much again; zeros are zeros."""
    (batch,) = request_.decoded().batches
    np.testing.assert_allclose(np.asarray(batch.columns["value"]), values)
    assert np.asarray(batch.columns["count"]).tolist() == counts


@pytest.mark.parametrize("bounds", [[], [0.0, 5.0, 10.0, 25.0, 50.0]])
def test_buckets_that_say_nothing_give_way_to_the_mean(bounds: list[float]) -> None:
    """One bucket for all, or the SDK's bounds for milliseconds with seconds in them: the mean of an export is used."""
    (batch,) = Request().histogram([0, 4] if bounds else [4], bounds=bounds, total=2.0, temporality=DELTA).decoded().batches
    increases = Increases(lambda _why, _count: None, 0, {}).take(batch)
    assert increases is not None
    assert np.asarray(increases.columns["value"]).tolist() == [0.5]
    assert np.asarray(increases.columns["count"]).tolist() == [4]


def test_a_request_of_endless_points_is_cut() -> None:
    """One metric with more data points than anybody reads: the rest is refused, and the sender is told."""
    request = Request().histogram([1])
    (metric,) = request.message.resource_metrics[0].scope_metrics[0].metrics
    metric.histogram.data_points.extend([metric.histogram.data_points[0]] * (MOST_POINTS + 9))
    decoded = request.decoded()
    assert decoded.rejected == {"too_many_points": 10}
    assert records(decoded.batches[0]) == MOST_POINTS


def test_a_url_as_an_address_is_its_host() -> None:
    """Traceloop sends a whole URL: the endpoint is made from the host in it, and a broken one is none."""
    hosts = []

    class Noting(One):
        def route(self, resource: dict[str, str], host: str) -> Any:
            hosts.append(host)
            return super().route(resource, host)

    for address in ("http://127.0.0.1:18080/v1/", "shop.openai.azure.com", "http://[broken"):
        decode_metrics(Request().histogram([1], server__address=address).message, Noting())
    assert hosts == ["127.0.0.1", "shop.openai.azure.com", ""]


@given(st.sampled_from(NAMES), st.data())
def test_damaged_metrics_are_refused_or_read(name: str, data: st.DataObject) -> None:
    """Cut anywhere, with any bytes changed: what can be parsed is read to the end, and its increases are whole."""
    body = bytearray((SAMPLES / f"{name}.pb").read_bytes())
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=5)):
        body[place] = value
    try:
        request = ExportMetricsServiceRequest.FromString(bytes(body[: data.draw(st.integers(0, len(body)))]))
    except DecodeError:
        return
    decoded = decode_metrics(request, One())
    assert decoded.fault is None
    increases = Increases(lambda _why, _count: None, 0, {})
    for batch in decoded.batches:
        found = increases.take(batch)
        assert found is None or np.isfinite(np.asarray(found.columns["value"])).all()
