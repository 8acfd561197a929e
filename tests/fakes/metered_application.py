"""An application that measures its model calls with the real OpenTelemetry SDK, and remembers what it measured."""

import random
from collections import Counter

from opentelemetry.metrics import Histogram as HistogramInstrument
from opentelemetry.sdk.metrics import Counter as CounterInstrument
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import Aggregation, ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

DURATIONS = tuple(0.01 * 2**k for k in range(14))
LENGTHS = tuple(4.0**k for k in range(14))
TEMPORALITY = {
    kind: {Histogram: temporality, CounterInstrument: temporality}
    for kind, temporality in (("cumulative", AggregationTemporality.CUMULATIVE), ("delta", AggregationTemporality.DELTA))
}
AGGREGATION: dict[str, dict[type, Aggregation]] = {
    "explicit": {Histogram: ExplicitBucketHistogramAggregation()},
    "exponential": {Histogram: ExponentialBucketHistogramAggregation()},
}


class MeteredApplication:
    """One process of it. `measured` has requests, errors by type and tokens, as driftline names them."""

    def __init__(self, exporter: MetricExporter, seed: int, service: str = "bot", instance: str = "") -> None:
        self.measured: Counter[str] = Counter()
        self.seconds = 0.0
        self._random = random.Random(seed)
        resource = Resource({"service.name": service, **({"service.instance.id": instance} if instance else {})})
        self._reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        self._provider = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        meter = self._provider.get_meter("application")
        self._duration: HistogramInstrument = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=DURATIONS
        )
        self._tokens: HistogramInstrument = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=LENGTHS
        )

    def call(self, calls: int, pace: float = 0.02) -> None:
        """Make calls; `pace` is how many seconds a token takes."""
        for _ in range(calls):
            names = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
            self.measured["requests"] += 1
            kind = self._random.choices(["fine", "timeout", "429"], [90, 5, 5])[0]
            if kind != "fine":
                self._record(
                    self._random.expovariate(1.0), {**names, "error.type": "RateLimitError" if kind == "429" else "APITimeoutError"}
                )
                self.measured[kind] += 1
                continue
            read, written = self._random.randrange(1, 3000), self._random.randrange(1, 400)
            self._record(written * pace * self._random.uniform(0.8, 1.2), {**names, "gen_ai.response.model": "gpt-4o-2024-08-06"})
            for kind, tokens in (("input", read), ("output", written)):
                self._tokens.record(tokens, {**names, "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.token.type": kind})
                self.measured[kind] += tokens

    def _record(self, seconds: float, names: dict[str, str]) -> None:
        self._duration.record(seconds, names)
        self.seconds += seconds

    def export(self) -> None:
        """Send what was measured; a cumulative exporter sends all of it each time."""
        if not self._reader.force_flush(10_000):
            raise AssertionError("the exporter gave up")

    def end(self) -> None:
        """Send the rest and end."""
        self._provider.shutdown()
