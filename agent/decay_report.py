"""The page of an endpoint's performance over time: a chart a metric, how far errors have risen, and its parts. No script, no font."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from math import isnan
from zoneinfo import ZoneInfo

from agent.clock import from_nanoseconds
from agent.config import Endpoint
from agent.decay_chart import STYLE, Basis, Chart, Measure, svg
from agent.decay_history import Seen, history
from agent.errors import TooLittleData
from agent.store.store import Store
from detectors.decay.trust import Bounded, Trust, leading

_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:24px;max-width:900px}h2{font-size:16px;margin:28px 0 4px}p{margin:4px 0}"
    "table{border-collapse:collapse;font-size:13px}td,th{padding:2px 10px;text-align:right;border-bottom:1px solid #ddd}"
    "td{white-space:nowrap}.wide{overflow-x:auto}td:first-child,th:first-child{text-align:left}.key{color:#555}summary{cursor:pointer;margin-top:20px;font-weight:600}"
)
_KEY = (
    "Blue: from labels. Orange, dashed: estimated before there were labels. A dot marks the value that speaks for its window; "
    "an estimate without a dot gave way to labels, or labels contradict it. Bands are 95 % intervals."
)
_NAN = float("nan")
Windows = Mapping[int, Seen]


def decay_page(store: Store, endpoint: Endpoint, deployment: str | None) -> tuple[str, int]:
    """Return the page, and the windows with labels on it. Raises TooLittleData where no window had enough labels."""
    zone = ZoneInfo(endpoint.timezone)
    found = history(store, endpoint.name, deployment)
    if not found:
        raise TooLittleData(
            f"{endpoint.name}: no window has labels enough; set endpoints.{endpoint.name}.labels: {{}}, and run driftline labels import FILE"
        )
    parts: list[str] = []
    for stream, windows in found.items():
        name = f"{stream.deployment}, {stream.traffic}"
        gap = 1.5 * endpoint.window.total_seconds()
        charts = [*_alarms(name, windows, zone, gap), *_performance(name, windows, zone, gap)]
        parts += [_drawn(chart) for chart in charts if chart.all]
        parts += _tables(name, windows, zone)
    count = sum(bool(one.realised) for windows in found.values() for one in windows.values())
    summary = f"{count:,} windows of {_span(endpoint.window)}, newest version of each. Times in {endpoint.timezone}."
    return page(f"{endpoint.name}: performance", summary, parts), count


def page(title: str, summary: str, parts: Sequence[str]) -> str:
    """Return the whole page as HTML; `parts` are HTML already."""
    head = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}{STYLE}</style></head>'
    )
    body = "\n".join(parts)
    return f'{head}\n<body><h1>{escape(title)}</h1>\n<p>{escape(summary)}</p>\n<p class="key">{escape(_KEY)}</p>\n{body}\n</body></html>\n'


def _drawn(chart: Chart) -> str:
    note = f"<p>{escape(chart.note)}</p>\n" if chart.note else ""
    return f"<h2>{escape(chart.title)}</h2>\n{note}{svg(chart)}"


def _performance(name: str, windows: Windows, zone: ZoneInfo, gap: float) -> Iterator[Chart]:
    """Yield a chart a metric that labels tell, in the order in which metrics first appear."""
    for metric in dict.fromkeys(metric for one in windows.values() for metric in one.realised):
        speaks = {start: _speaks(one, metric) for start, one in windows.items()}
        realised, estimated = (_measures(windows, metric, basis, speaks, zone) for basis in ("realised", "estimated"))
        yield Chart(f"{name}: {metric}", realised, estimated=estimated, note=_note(windows, metric, zone), gap=gap)


def _measures(windows: Windows, metric: str, basis: Basis, speaks: Mapping[int, str], zone: ZoneInfo) -> list[Measure]:
    found = []
    for start, one in windows.items():
        known = (one.realised if basis == "realised" else one.estimated).get(metric)
        if known is not None and not isnan(known.value):
            lower, upper = (None if isnan(bound) else bound for bound in (known.lower, known.upper))
            found.append(Measure(_local(start, zone), known.value, lower, upper, speaks=speaks[start] == basis))
    return found


def _speaks(one: Seen, metric: str) -> str:
    """Return which series speaks for a window: labels take over from the estimate as they come."""
    if metric not in one.estimated:
        return "realised"
    status: Trust = Trust("not trustworthy" if metric in one.doubted else "trusted", 0, 0, _NAN, _NAN)
    return leading(status, 0.0 if isnan(one.coverage) else one.coverage, one.labels if metric in one.realised else 0)


def _note(windows: Windows, metric: str, zone: ZoneInfo) -> str:
    doubted = [start for start, one in windows.items() if metric in one.doubted]
    if not any(metric in one.estimated for one in windows.values()):
        return ""
    if not doubted:
        return "Labels do not contradict the estimates."
    first = _local(doubted[0], zone).isoformat(" ", "minutes")
    newest = max(start for start, one in windows.items() if one.realised)
    since = "since" if newest in doubted else "at times, first in"
    return f"Estimates are not trustworthy {since} the window of {first}: labels say otherwise."


def _alarms(name: str, windows: Windows, zone: ZoneInfo, gap: float) -> Iterator[Chart]:
    risen = [Measure(_local(start, zone), max(one.severities.values())) for start, one in windows.items() if one.severities]
    yield Chart(f"{name}: decay severity; above 1 is an alarm", risen, limit=1.0, gap=gap)
    moved = [Measure(_local(start, zone), one.moved) for start, one in windows.items() if not isnan(one.moved)]
    yield Chart(f"{name}: label drift severity; above 1 is a warning", moved, limit=1.0, gap=gap)
    covered = [Measure(_local(start, zone), one.coverage) for start, one in windows.items() if not isnan(one.coverage)]
    yield Chart(f"{name}: share of answers whose label is known", covered, gap=gap)


def _tables(name: str, windows: Windows, zone: ZoneInfo) -> Iterator[str]:
    """Yield a table for each segment column, and one for the classes: the newest window that has them."""
    newest = max((start for start, one in windows.items() if one.parts), default=None)
    if newest is None:
        return
    of_part: dict[str, dict[str, Mapping[str, Bounded]]] = {}
    for (part, value), metrics in windows[newest].parts.items():
        of_part.setdefault(part, {})[value] = metrics
    when = _local(newest, zone).isoformat(" ", "minutes")
    for part, values in of_part.items():
        names = list(dict.fromkeys(metric for one in values.values() for metric in one))
        head = "".join(f"<th>{escape(metric)}</th>" for metric in names)
        rows = "".join(
            f"<tr><td>{escape(value)}</td>{''.join(_cell(one.get(metric)) for metric in names)}</tr>" for value, one in values.items()
        )
        title = f"{name}: by {part}, window of {when}"
        table = f"<table><tr><th>{escape(part)}</th>{head}</tr>{rows}</table>"
        yield f"<details><summary>{escape(title)}</summary><div class='wide'>{table}</div></details>"


def _cell(one: Bounded | None) -> str:
    if one is None or isnan(one.value):
        return "<td></td>"
    bounds = "" if isnan(one.lower) or isnan(one.upper) else f" <small>({one.lower:.3g} to {one.upper:.3g})</small>"
    return f"<td>{one.value:.4g}{bounds}</td>"


def _span(window: timedelta) -> str:
    """Return a length as people say it.

    >>> _span(timedelta(days=7)), _span(timedelta(minutes=15)), _span(timedelta(hours=1, minutes=30))
    ('7 days', '15 minutes', '90 minutes')
    """
    seconds = window.total_seconds()
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0:
            count = round(seconds / size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"


def _local(start: int, zone: ZoneInfo) -> datetime:
    return from_nanoseconds(start).astimezone(zone)
