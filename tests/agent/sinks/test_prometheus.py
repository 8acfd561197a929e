"""The page Prometheus scrapes, over a real socket and through Prometheus' own parser."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.errors import ConfigError, Unavailable
from agent.series import OTHER, Series
from agent.sinks.prometheus import Prometheus
from detectors.catalog import DATA_MISSING, REQUEST_DURATION, REQUESTS, metrics
from detectors.types import Total

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
STREAM = {"endpoint": "chat", "deployment": 'blu"e\n', "traffic": "live"}


def scrape(series: Series, now: datetime, accept: str = "", path: str = "/metrics") -> httpx.Response:
    async def ask() -> httpx.Response:
        async with Prometheus("127.0.0.1:0").serve(lambda: series.points(now)) as port, httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})

    return asyncio.run(ask())


def samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_gauges_and_histograms_read_back() -> None:
    """What was counted is what is scraped, under Prometheus' spelling, odd label values included."""
    series = Series()
    series.add(REQUESTS, 3, **STREAM)
    series.set(DATA_MISSING, 0.25, NOW, NOW + timedelta(hours=1), **STREAM, feature="age")
    buckets = [0] * 15
    buckets[1] = 2
    import numpy as np  # noqa: PLC0415 - only this test builds a histogram

    series.absorb([Total(REQUEST_DURATION, {}, 0.03, np.array(buckets))], STREAM)

    found = samples(scrape(series, NOW).text)

    assert found["driftline_requests_total", ""] == 3
    assert found["driftline_data_missing_ratio", ""] == 0.25
    assert found["driftline_request_duration_seconds_bucket", "0.02"] == 2
    assert found["driftline_request_duration_seconds_bucket", "+Inf"] == 2
    assert found["driftline_request_duration_seconds_sum", ""] == 0.03


def test_a_stale_gauge_is_not_shown() -> None:
    """A dead detector looks dead: its last value is gone when its time is over."""
    series = Series()
    series.set(DATA_MISSING, 0.25, NOW, NOW + timedelta(minutes=30), **STREAM, feature="age")

    assert "driftline_data_missing_ratio{" in scrape(series, NOW + timedelta(minutes=30)).text
    assert "driftline_data_missing_ratio{" not in scrape(series, NOW + timedelta(minutes=31)).text


def test_series_are_bounded() -> None:
    """Past the limit everything lands in one series of `__other__`, and nothing is lost from the sum."""
    series = Series(limit=3)
    for number in range(10):
        series.add(REQUESTS, endpoint=f"e{number}", deployment="d", traffic="live")

    points = series.points(NOW)

    assert sum(point.value for point in points if isinstance(point.value, float | int)) == 10
    assert len(points) == 4
    assert any(dict(point.attributes)["endpoint"] == OTHER for point in points)


def test_a_wrong_label_set_is_a_mistake_of_ours() -> None:
    """A metric takes exactly its catalogue attributes."""
    with pytest.raises(ValueError, match="takes"):
        Series().add(REQUESTS, endpoint="e")


def test_openmetrics_on_request_and_404_elsewhere() -> None:
    """Content negotiation as Prometheus does it."""
    series = Series()
    series.add(REQUESTS, 1, **STREAM)

    assert (
        scrape(series, NOW, "application/openmetrics-text; version=1.0.0")
        .headers["content-type"]
        .startswith("application/openmetrics-text")
    )
    assert scrape(series, NOW, path="/").status_code == 404


def test_listening_beyond_loopback_needs_a_word() -> None:
    """Other machines may read the page only when somebody said so."""
    with pytest.raises(ConfigError, match=r"sinks\.prometheus\.listen: 0\.0\.0\.0 .*allow_insecure"):
        Prometheus("0.0.0.0:9464").serve(list)


def test_a_taken_port_is_named() -> None:
    """The message names address and likely cause."""

    async def twice() -> None:
        async with Prometheus("127.0.0.1:0").serve(list) as port, Prometheus(f"127.0.0.1:{port}").serve(list):
            raise AssertionError

    with pytest.raises(Unavailable, match="is another agent or collector running"):
        asyncio.run(twice())


def test_every_metric_can_be_shown() -> None:
    """Each catalogue metric gives exactly one family whose name has no double suffix."""
    series = Series()
    for metric in metrics():
        names = dict.fromkeys(metric.attributes, "x")
        if metric.kind == "counter":
            series.add(metric, 1, **names)
        elif metric.kind == "gauge":
            series.set(metric, 1, NOW, None, **names)

    families = [family.name for family in text_string_to_metric_families(scrape(series, NOW).text)]

    assert len(families) == len(set(families)) == sum(metric.kind != "histogram" for metric in metrics())
    assert not [name for name in families if "_ratio_ratio" in name or "_seconds_seconds" in name or "_total_total" in name]
