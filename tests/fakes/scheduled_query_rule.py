"""A stand-in for Azure's log-search alerts: runs a generated rule's own KQL on rows made from captured envelopes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import eq, ge, gt, le, lt
from statistics import fmean
from typing import Any

import duckdb
import duckdb_kql

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "Equals": eq,
    "GreaterThan": gt,
    "GreaterThanOrEqual": ge,
    "LessThan": lt,
    "LessThanOrEqual": le,
}
AGGREGATIONS: dict[str, Callable[[list[float]], float]] = {"Maximum": max, "Minimum": min, "Total": sum, "Average": fmean}
DURATIONS = {f"PT{minutes}M": timedelta(minutes=minutes) for minutes in (1, 5, 10, 15, 30, 45)} | {"PT1H": timedelta(hours=1)}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of AppMetrics, as far as the exporter fills it."""

    TimeGenerated: datetime
    Name: str
    ItemCount: int
    Sum: float
    Min: float | None
    Max: float | None
    Properties: Mapping[str, str]


def rows_from_envelopes(envelopes: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return the rows that Application Insights makes of metric envelopes; other envelopes are passed over."""
    found: list[Row] = []
    for envelope in envelopes:
        if envelope["data"]["baseType"] != "MetricData":
            continue
        data = envelope["data"]["baseData"]
        # Application Insights takes properties as strings; a number here would hide a missing tostring.
        properties = {name: str(value) for name, value in (data.get("properties") or {}).items()}
        time = datetime.fromisoformat(envelope["time"])
        for metric in data["metrics"]:
            extremes = metric.get("min"), metric.get("max")
            found.append(Row(time, metric["name"], metric.get("count") or 1, metric["value"], *extremes, properties))
    return found


def run(query: str, rows: Sequence[Row], now: datetime) -> list[dict[str, Any]]:
    """Return what a KQL query over AppMetrics answers at the time `now`."""
    with duckdb_kql.connect() as connection:
        connection.execute(
            "CREATE TABLE AppMetrics (TimeGenerated TIMESTAMPTZ, Name VARCHAR, ItemCount INTEGER, Sum DOUBLE, Min DOUBLE, Max DOUBLE, Properties JSON)"
        )
        values = [(r.TimeGenerated, r.Name, r.ItemCount, r.Sum, r.Min, r.Max, json.dumps(dict(r.Properties))) for r in rows]
        if values:
            connection.executemany("INSERT INTO AppMetrics VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return _answers(duckdb_kql.kql(connection, query, query_now=now))


def fires(rule: Mapping[str, Any], rows: Sequence[Row], now: datetime) -> list[dict[str, str]]:
    """Return the dimension values for which a scheduledQueryRules resource fires at `now`; `{}` for a rule that is not split.

    Each evaluation period is one `windowSize`, the newest ending at `now`.
    """
    (condition,) = rule["properties"]["criteria"]["allOf"]
    window = DURATIONS[rule["properties"]["windowSize"]]
    periods = condition.get("failingPeriods", {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1})
    failed: dict[tuple[tuple[str, str], ...], int] = {}
    for number in range(periods["numberOfEvaluationPeriods"]):
        end = now - number * window
        seen = [row for row in rows if end - window < row.TimeGenerated <= end]
        for key, value in _values(condition, run(condition["query"], seen, end)).items():
            failed[key] = failed.get(key, 0) + OPERATORS[condition["operator"]](value, condition["threshold"])
    return [dict(key) for key, count in failed.items() if count >= periods["minFailingPeriodsToAlert"]]


def _values(condition: Mapping[str, Any], answers: list[dict[str, Any]]) -> dict[tuple[tuple[str, str], ...], float]:
    """Return the aggregated measure of each combination of dimensions; a rule that is not split has one, rows or none."""
    names = [dimension["name"] for dimension in condition.get("dimensions", [])]
    groups: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {} if names else {(): []}
    for answer in answers:
        if all(_included(dimension, answer[dimension["name"]]) for dimension in condition.get("dimensions", [])):
            groups.setdefault(tuple((name, answer[name]) for name in names), []).append(answer)
    if condition["timeAggregation"] == "Count":
        return {key: len(found) for key, found in groups.items()}
    aggregate = AGGREGATIONS[condition["timeAggregation"]]
    column = condition["metricMeasureColumn"]
    return {key: aggregate([answer[column] for answer in found]) for key, found in groups.items() if found}


def _included(dimension: Mapping[str, Any], value: str) -> bool:
    listed: bool = "*" in dimension["values"] or value in dimension["values"]
    return listed is (dimension["operator"] == "Include")


def _answers(relation: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    return [dict(zip(relation.columns, values, strict=True)) for values in relation.fetchall()]
