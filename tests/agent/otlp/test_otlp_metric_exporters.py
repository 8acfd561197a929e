"""The real OpenTelemetry SDK as the client of metrics: what it measured is what is counted, through restarts of both sides."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics.export import MetricExporter

from agent.config import Config, Endpoint
from agent.point import Distribution
from agent.spool.frame import Frame
from tests.fakes.metered_application import AGGREGATION, TEMPORALITY, MeteredApplication
from tests.fakes.rig import Rig

Listen = Callable[..., Any]
SECOND = 1_000_000_000
TRANSPORTS = ("http", "http+gzip", "grpc")


def exporter(on: Any, transport: str, temporality: str, buckets: str) -> MetricExporter:
    """Return a stock exporter."""
    options: dict[str, Any] = {"preferred_temporality": TEMPORALITY[temporality], "preferred_aggregation": AGGREGATION[buckets]}
    if transport == "grpc":
        return GrpcExporter(endpoint=f"http://{on.grpc}", insecure=True, **options)
    return HttpExporter(
        endpoint=f"{on.http}/v1/metrics", compression=Compression.Gzip if "gzip" in transport else Compression.NoCompression, **options
    )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A pipeline that counts metrics of the endpoint `chat`."""
    made = Rig(tmp_path, Config(endpoints={"chat": Endpoint("chat", window=timedelta(days=1))}))
    yield made
    made.store.close()


def absorb(rig: Rig, on: Any) -> None:
    """Let the pipeline read what the listener took, and what metrics waited for."""
    for batch in on.memory.batches:
        rig.send(Frame(batch, "otlp", None, int(batch.columns["time"].max())))
    on.memory.batches.clear()
    rig.pipeline.advance(rig.clock.time + 11 * SECOND)


def counted(rig: Rig) -> tuple[dict[str, float], Distribution]:
    """Return what the counters say in the application's words, and the histogram of durations."""
    found: dict[str, float] = {}
    histogram = Distribution((), 0.0)
    for (name, attributes), value in rig.counters().items():
        names = dict(attributes)
        if isinstance(value, Distribution):
            histogram = value if name == "driftline.request.duration" else histogram
        elif name == "driftline.requests":
            found["requests"] = value
        elif name == "driftline.request.errors":
            found[names["error_type"]] = value
        elif name == "driftline.tokens":
            found[names["token_type"]] = value
    return found, histogram


@pytest.mark.parametrize("buckets", AGGREGATION)
@pytest.mark.parametrize("temporality", TEMPORALITY)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_was_measured_is_what_is_counted(listen: Listen, rig: Rig, transport: str, temporality: str, buckets: str) -> None:
    """Requests, errors by type, tokens and seconds: as the application has them, after several exports and a crash of the agent."""
    on = listen()
    application = MeteredApplication(exporter(on, transport, temporality, buckets), seed=1)
    for calls in (50, 0, 200, 1):
        application.call(calls)
        application.export()
        absorb(rig, on)
        rig.save()
        rig.crash()
    application.end()
    absorb(rig, on)

    found, durations = counted(rig)
    assert found == dict(application.measured)
    assert sum(durations.buckets) == application.measured["requests"]
    assert durations.sum == pytest.approx(application.seconds, abs=1e-4)


@pytest.mark.parametrize("temporality", TEMPORALITY)
def test_a_restarted_application_adds_up(listen: Listen, rig: Rig, temporality: str) -> None:
    """Three processes of one name, one after the other, and two at a time: the counters are the sum of all they measured."""
    on = listen()
    every = []
    for seed in range(3):
        application = MeteredApplication(exporter(on, "http", temporality, "explicit"), seed)
        for calls in (30, 20):
            application.call(calls)
            application.export()
        every.append(application)
        if seed < 2:
            application.end()
    twin = MeteredApplication(exporter(on, "http", temporality, "explicit"), 9)
    for application in (twin, every[-1], twin, every[-1]):
        application.call(10)
        application.export()
    absorb(rig, on)

    found, _ = counted(rig)
    assert found == dict(sum((one.measured for one in every), twin.measured))


def test_a_crash_before_the_checkpoint_repeats_nothing(listen: Listen, rig: Rig) -> None:
    """Frames since the last checkpoint are read again, and count what they counted."""
    on = listen()
    application = MeteredApplication(exporter(on, "http", "cumulative", "explicit"), seed=4)
    for save in (True, False, False):
        application.call(40)
        application.export()
        absorb(rig, on)
        if save:
            rig.save()
    before = counted(rig)
    rig.crash()
    rig.pipeline.advance(rig.clock.time + 11 * SECOND)
    assert counted(rig) == before == (dict(application.measured), before[1])


def test_an_agent_that_comes_late_counts_from_then_on(listen: Listen, rig: Rig) -> None:
    """An application that ran for days before anybody listened: what it had done is not counted, what it does now is."""
    on = listen()
    application = MeteredApplication(exporter(on, "http", "cumulative", "explicit"), seed=5)
    application.call(500)
    application.export()
    began = int(on.memory.batches[0].columns["time"].max()) - 1
    rig.store.close()
    (rig.folder / "late").mkdir()
    late = Rig(rig.folder / "late", rig.config, began=began)
    absorb(late, on)
    before = dict(application.measured)
    application.call(60)
    application.export()
    absorb(late, on)

    found, _ = counted(late)
    assert found == {name: value - before.get(name, 0) for name, value in application.measured.items() if value - before.get(name, 0)}
    assert late.dropped()["join", "first_point"] >= 4
    late.store.close()
    rig.start()


def test_a_refused_export_is_tried_again_and_counts_once(listen: Listen, rig: Rig) -> None:
    """A full spool refuses the request; the exporter sends the same increases again."""
    on = listen()
    on.memory.full = 1
    application = MeteredApplication(exporter(on, "http", "delta", "explicit"), seed=6)
    application.call(100)
    application.export()
    absorb(rig, on)
    assert counted(rig)[0] == dict(application.measured)
