"""One question to a metric store, written in PromQL and in KQL from the catalogue's own objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from detectors.catalog import Metric

Aggregation = Literal["last", "age", "max", "min", "increase", "rate", "mean"]
"""last, age, max and min are for gauges, increase and rate (per second) for counters, mean for histograms.

age is the last of a gauge that says how old something is: it goes on ageing when nobody reports any more.
"""

EVERYTHING: Final[Mapping[str, str]] = MappingProxyType({})

_AGGREGATIONS: Final[Mapping[str, tuple[Aggregation, ...]]] = MappingProxyType(
    {"gauge": ("last", "age", "max", "min"), "counter": ("increase", "rate"), "histogram": ("mean",)}
)
_RESERVED: Final = frozenset({"kind"})
"""Attributes whose names KQL keeps for itself."""

_SUFFIXES: Final[Mapping[str, str]] = MappingProxyType({"s": "_seconds", "By": "_bytes"})


@dataclass(frozen=True, slots=True)
class Query:
    """Which metric, aggregated how, split by which attributes, for which values of them."""

    metric: Metric
    aggregation: Aggregation
    by: tuple[str, ...]
    """Attributes that stay apart; the others are aggregated over. Empty: one number."""
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Attribute and the values it may have."""
    above: float | None = None
    """Keep only results greater than this."""
    within: str = ""
    """How old a value of now may be, such as `15m`, where a store would go on showing its last one (Prometheus forgets)."""

    def __post_init__(self) -> None:
        if self.aggregation not in _AGGREGATIONS[self.metric.kind]:
            raise ValueError(f"{self.metric.name} is a {self.metric.kind}: it has no '{self.aggregation}'")
        unknown = {*self.by, *(name for name, _ in self.where)} - {*self.metric.attributes}
        if unknown:
            raise ValueError(f"{self.metric.name} has no attribute {', '.join(sorted(unknown))}")


def series_name(metric: Metric) -> str:
    """Return the name under which Prometheus stores a metric; histograms add `_bucket`, `_sum` and `_count`.

    >>> from detectors import catalog
    >>> [series_name(metric) for metric in (catalog.REQUESTS, catalog.REQUEST_DURATION_P95, catalog.DATA_MISSING)]
    ['driftline_requests_total', 'driftline_request_duration_p95_seconds', 'driftline_data_missing_ratio']
    """
    total = "_total" if metric.kind == "counter" else ""
    return metric.name.replace(".", "_") + _SUFFIXES.get(metric.unit, "") + total


def promql(query: Query, window: str = "", selection: Mapping[str, str] = EVERYTHING) -> str:
    """Return the query in PromQL (Prometheus 2.42 and later).

    `window` is a range such as `5m` or `$__rate_interval`; gauges may go without one and are then read as they are
    now. `selection` maps attributes to matchers (`endpoint=~"$endpoint"`); attributes the metric lacks are passed over.
    """
    matchers = [selection[name] for name in query.metric.attributes if name in selection]
    for name, values in query.where:
        matchers.append(f'{name}{"=" if len(values) == 1 else "=~"}"{"|".join(values)}"')
    chosen = "{" + ", ".join(matchers) + "}" if matchers else ""
    name = series_name(query.metric)
    if not window and query.metric.kind != "gauge":
        raise ValueError(f"{query.metric.name} is a {query.metric.kind}: it needs a window")
    by = f" by ({', '.join(query.by)}) " if query.by else ""
    if query.aggregation == "mean":
        sums, counts = (f"sum{by}(rate({name}_{part}{chosen}[{window}]))" for part in ("sum", "count"))
        text = f"{sums} / {counts}"
    elif query.metric.kind == "counter":
        text = f"sum{by}({query.aggregation}({name}{chosen}[{window}]))"
    else:
        # Prometheus forgets a series nobody reports, so an age needs no correction there.
        over_time = "last" if query.aggregation == "age" else query.aggregation
        over = f"{over_time}_over_time({name}{chosen}[{window}])" if window else f"{name}{chosen}"
        text = f"{'min' if query.aggregation == 'min' else 'max'}{by}({over})"
    return text if query.above is None else f"{text} > {query.above:g}"


def kql(query: Query, window: str = "", selection: Mapping[str, str] = EVERYTHING, value: str = "Value") -> str:
    """Return the query in KQL over `AppMetrics`; columns: TimeGenerated, the attributes of `by`, and `value` (real).

    With a `window` (`5m`, `{TimeRange:grain}`) there is a row for each such bin of time, and `last` means the
    largest of the bin; without one, the latest value of a gauge or the whole of a counter. `selection` maps
    attributes to conditions (`endpoint in ('a', 'b')`); attributes the metric lacks are passed over.
    """
    chosen = [name for name in query.metric.attributes if name in selection]
    wanted = [*query.by, *(name for name, _ in query.where), *chosen, *(query.metric.attributes if _newest(query, window) else ())]
    lines = ["AppMetrics", f"| where Name == '{query.metric.name}'"]
    lines += [f"| where TimeGenerated > ago({query.within})"] if query.within else []
    if wanted:
        # Attributes arrive in a dynamic column; a dynamic cannot be grouped by without tostring.
        lines.append("| extend " + ", ".join(f"{column(name)} = tostring(Properties.{column(name)})" for name in dict.fromkeys(wanted)))
    lines += [f"| where {column(name)} in ({', '.join(map(_quoted, values))})" for name, values in query.where]
    lines += [f"| where {selection[name]}" for name in chosen]
    lines += _summary(query, window, value)
    if query.above is not None:
        lines.append(f"| where {value} > {query.above:g}")
    return "\n".join(lines)


def column(attribute: str) -> str:
    """Return an attribute as KQL writes its column.

    >>> column("feature"), column("kind")
    ('feature', "['kind']")
    """
    return f"['{attribute}']" if attribute in _RESERVED else attribute


def _newest(query: Query, window: str) -> bool:
    return query.aggregation in ("last", "age") and not window


def _summary(query: Query, window: str, value: str) -> list[str]:
    """Return the lines that turn rows of AppMetrics into TimeGenerated, the attributes of `by`, and `value`.

    A row holds Sum over ItemCount: for a gauge ItemCount is the number of exports that were put together, for a
    histogram the number of observations; for a counter Sum is the increase and ItemCount says nothing.
    """
    time = f"TimeGenerated = bin(TimeGenerated, {window})" if window else ""
    by = ", ".join(part for part in (time, *map(column, query.by)) if part)
    by = f" by {by}" if by else ""
    newest = "" if window else "TimeGenerated = max(TimeGenerated), "
    if _newest(query, window):
        # The newest row of each series first, then the largest of them: as PromQL reads a gauge now.
        each = ", ".join(map(column, query.metric.attributes))
        since = " + (now() - TimeGenerated) / 1s" if query.aggregation == "age" else ""
        first = "| summarize arg_max(TimeGenerated, Sum, ItemCount)" + (f" by {each}" if each else "")
        return [first, f"| summarize {newest}{value} = max(Sum / ItemCount{since}){by}"]
    if query.metric.kind == "gauge":
        return [f"| summarize {newest}{value} = {'min' if query.aggregation == 'min' else 'max'}(Sum / ItemCount){by}"]
    if query.metric.kind == "histogram":
        return [f"| summarize {newest}{value} = sum(Sum) / sum(ItemCount){by}"]
    if query.aggregation == "increase":
        return [f"| summarize {newest}{value} = sum(Sum){by}"]
    if not window:
        raise ValueError(f"{query.metric.name}: a rate needs a window")
    return [f"| summarize {value} = sum(Sum) / ({window} / 1s){by}"]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
