"""Queries in both dialects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.query import Aggregation, Query, kql, promql, series_name
from detectors import catalog
from detectors.catalog import Metric, metrics
from tests.fakes.series_names import names_used_by

NAMES = [
    (catalog.DRIFT_SEVERITY, "driftline_drift_severity"),
    (catalog.DRIFT_P_VALUE, "driftline_drift_p_value"),
    (catalog.SAFETY_UNSAFE_LOWER, "driftline_safety_unsafe_lower_ratio"),
    (catalog.DATA_FRESHNESS, "driftline_data_freshness_seconds"),
    (catalog.REQUEST_DURATION, "driftline_request_duration_seconds"),
    (catalog.TIME_TO_FIRST_TOKEN_P99, "driftline_request_time_to_first_token_p99_seconds"),
    (catalog.TOKENS, "driftline_tokens_total"),
    (catalog.AGENT_SPOOL_SIZE, "driftline_agent_spool_size_bytes"),
]

PROMQL: list[tuple[Query, str, str]] = [
    (Query(catalog.DRIFT_SEVERITY, "last", ("endpoint",)), "", "max by (endpoint) (driftline_drift_severity)"),
    (Query(catalog.DRIFT_SEVERITY, "last", ()), "5m", "max(last_over_time(driftline_drift_severity[5m]))"),
    (Query(catalog.AGENT_WINDOW_AGE, "age", ()), "5m", "max(last_over_time(driftline_agent_window_age_seconds[5m]))"),
    (Query(catalog.DATA_ROWS, "min", ("endpoint",), above=30), "1h", "min by (endpoint) (min_over_time(driftline_data_rows[1h])) > 30"),
    (Query(catalog.REQUESTS, "rate", ("endpoint",)), "1m", "sum by (endpoint) (rate(driftline_requests_total[1m]))"),
    (
        Query(catalog.TOKENS, "increase", (), (("token_type", ("input", "output")),)),
        "1h",
        'sum(increase(driftline_tokens_total{token_type=~"input|output"}[1h]))',
    ),
    (
        Query(catalog.REQUEST_DURATION, "mean", ("endpoint",)),
        "5m",
        "sum by (endpoint) (rate(driftline_request_duration_seconds_sum[5m])) / sum by (endpoint) (rate(driftline_request_duration_seconds_count[5m]))",
    ),
]


@pytest.mark.parametrize(("metric", "name"), NAMES)
def test_series_are_named_as_prometheus_names_them(metric: Metric, name: str) -> None:
    """Dots become underscores, units and counters get their suffix, annotations fall away."""
    assert series_name(metric) == name


@pytest.mark.parametrize(("query", "window", "text"), PROMQL)
def test_promql_is_the_usual_form_for_the_kind(query: Query, window: str, text: str) -> None:
    """Gauges are maximised, counters rated and summed, histograms divided."""
    assert promql(query, window) == text


@given(st.sampled_from(metrics()))
def test_a_query_asks_for_its_metric_and_nothing_else(metric: Metric) -> None:
    """Whatever the metric, PromQL selects its series and KQL its name."""
    kinds: dict[str, Aggregation] = {"gauge": "max", "counter": "rate", "histogram": "mean"}
    query = Query(metric, kinds[metric.kind], metric.attributes)
    base = series_name(metric)
    assert names_used_by(promql(query, "5m")) == ({f"{base}_sum", f"{base}_count"} if metric.kind == "histogram" else {base})
    assert f"Name == '{metric.name}'" in kql(query, "5m")


def test_selections_apply_where_the_metric_has_the_attribute() -> None:
    """A board's choice of deployment does not empty a panel of metrics that know no deployment."""
    query = Query(catalog.AGENT_WINDOW_AGE, "last", ("endpoint",))
    chosen = {"endpoint": 'endpoint=~"a|b"', "deployment": 'deployment="blue"'}
    assert promql(query, "", chosen) == 'max by (endpoint) (driftline_agent_window_age_seconds{endpoint=~"a|b"})'
    assert "deployment" not in kql(query, "", {"endpoint": "endpoint == 'a'", "deployment": "deployment == 'blue'"})


@pytest.mark.parametrize(
    ("metric", "aggregation", "by"),
    [
        (catalog.REQUESTS, "max", ()),
        (catalog.DRIFT_SEVERITY, "rate", ()),
        (catalog.REQUEST_DURATION, "last", ()),
        (catalog.REQUESTS, "rate", ("feature",)),
    ],
)
def test_senseless_questions_are_refused(metric: Metric, aggregation: Aggregation, by: tuple[str, ...]) -> None:
    """No rate of a gauge, no maximum of a counter, no attribute the metric lacks."""
    with pytest.raises(ValueError, match=metric.name):
        Query(metric, aggregation, by)


def test_counters_need_a_window() -> None:
    """A counter as it stands says nothing."""
    with pytest.raises(ValueError, match="needs a window"):
        promql(Query(catalog.REQUESTS, "rate", ()))
    with pytest.raises(ValueError, match="needs a window"):
        kql(Query(catalog.REQUESTS, "rate", ()))
