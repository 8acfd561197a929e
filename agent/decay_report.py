"""What the store knows of an endpoint's realised performance, as a page."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.clock import from_nanoseconds
from agent.config import Endpoint
from agent.decay_chart import Chart, Measure, charts_of, page
from agent.errors import TooLittleData
from agent.store.store import Store
from detectors.catalog import MODEL_PERFORMANCE, MODEL_PERFORMANCE_LOWER, MODEL_PERFORMANCE_UPPER
from detectors.types import Stream

_PLACES = {metric.name: place for place, metric in enumerate((MODEL_PERFORMANCE, MODEL_PERFORMANCE_LOWER, MODEL_PERFORMANCE_UPPER))}

Metrics = dict[str, tuple[float, float | None, float | None]]


def decay_page(store: Store, endpoint: Endpoint, deployment: str | None) -> tuple[str, int]:
    """Return the page, and the windows on it. Raises TooLittleData where no window had enough labels."""
    zone = ZoneInfo(endpoint.timezone)
    newest: dict[Stream, dict[int, dict[str, Any]]] = {}
    for stored, _ in store.realised(endpoint.name):
        # Versions come in order: the last one stays.
        if deployment is None or stored.stream.deployment == deployment:
            newest.setdefault(stored.stream, {})[stored.start] = dict(stored.value)
    if not newest:
        raise TooLittleData(
            f"{endpoint.name}: no window has labels enough; set endpoints.{endpoint.name}.labels: {{}}, and run driftline labels import FILE"
        )
    severities = store.severities(endpoint.name)
    charts: list[Chart] = []
    for stream, windows in newest.items():
        name = f"{stream.deployment}, {stream.traffic}: "
        timed = [(_local(start, zone), metrics_of(value)) for start, value in sorted(windows.items())]
        charts += [Chart(name + chart.title, chart.measures) for chart in charts_of(timed)]
        risen = [(start, max(of.values())) for (of_stream, start), of in severities.items() if of_stream == stream and of]
        measures = [Measure(_local(start, zone), value) for start, value in sorted(risen)]
        charts.append(Chart(f"{name}decay severity; above 1 is an alarm", measures, limit=1.0))
    count = sum(map(len, newest.values()))
    summary = f"{count:,} windows of {endpoint.window}, newest version of each, with 95 % intervals. Times in {endpoint.timezone}."
    return page(f"{endpoint.name}: realised performance", summary, charts), count


def metrics_of(value: dict[str, Any]) -> Metrics:
    """Return value and bounds of every overall metric of a stored window."""
    found: dict[str, list[float | None]] = {}
    for name, number, attributes in value["scores"]:
        if name in _PLACES:
            found.setdefault(attributes["metric"], [None, None, None])[_PLACES[name]] = number
    return {name: (row[0], row[1], row[2]) for name, row in found.items() if row[0] is not None}


def _local(start: int, zone: ZoneInfo) -> datetime:
    return from_nanoseconds(start).astimezone(zone)
