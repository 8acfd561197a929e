"""A page of realised performance over time: one chart a metric with its interval, and how far errors have risen. No script, no font."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

WIDTH, HEIGHT = 860, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 12, 26

_STYLE = (
    "body{font:14px system-ui,sans-serif;margin:24px;max-width:900px}h2{font-size:16px;margin:28px 0 4px}"
    ".line{fill:none;stroke:#0b62c4;stroke-width:1.5}.dot{fill:#0b62c4}.band{fill:#0b62c4;opacity:.15}"
    ".axis{stroke:#999}.limit{stroke:#c22;stroke-dasharray:5 4}text{font-size:11px;fill:#555}"
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of one window."""

    at: datetime
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """One metric over time, by `at`."""

    title: str
    measures: Sequence[Measure]
    limit: float | None = None
    """A line that matters, such as the threshold."""


def page(title: str, summary: str, charts: Sequence[Chart]) -> str:
    """Return the whole page as HTML."""
    drawn = "\n".join(f"<h2>{escape(chart.title)}</h2>\n{svg(chart)}" for chart in charts if chart.measures)
    head = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
    return f"{head}\n<body><h1>{escape(title)}</h1>\n<p>{escape(summary)}</p>\n{drawn}\n</body></html>\n"


def svg(chart: Chart) -> str:
    """Return one chart. Raises ValueError without measures."""
    measures = chart.measures
    if not measures:
        raise ValueError("a chart needs measures")
    low, high = _range(chart)
    first, last = measures[0].at.timestamp(), measures[-1].at.timestamp()

    def x(at: datetime) -> float:
        share = (at.timestamp() - first) / (last - first) if last > first else 0.5
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    bounded = [(x(one.at), y(one.lower), y(one.upper)) for one in measures if one.lower is not None and one.upper is not None]
    corners = [f"{at:.1f},{top:.1f}" for at, _, top in bounded] + [f"{at:.1f},{bottom:.1f}" for at, bottom, _ in reversed(bounded)]
    parts = [f'<polygon class="band" points="{" ".join(corners)}"/>'] if bounded else []
    for value in (low, high):
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    if chart.limit is not None:
        at = f"{y(chart.limit):.1f}"
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>')
    points = " ".join(f"{x(one.at):.1f},{y(one.value):.1f}" for one in measures)
    parts.append(f'<polyline class="line" points="{points}"/>')
    parts += [
        f'<circle class="dot" cx="{x(one.at):.1f}" cy="{y(one.value):.1f}" r="2"><title>{escape(_said(one))}</title></circle>'
        for one in measures
    ]
    for one, anchor in ((measures[0], "start"), (measures[-1], "end")):
        parts.append(f'<text x="{x(one.at):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{one.at.isoformat(" ", "minutes")}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">{"".join(parts)}</svg>'


def _range(chart: Chart) -> tuple[float, float]:
    """Return the ends of the axis: all values, bounds and the limit, with some room."""
    values = [one.value for one in chart.measures]
    values += [bound for one in chart.measures for bound in (one.lower, one.upper) if bound is not None]
    values += [] if chart.limit is None else [chart.limit, 0.0]
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _said(one: Measure) -> str:
    bounds = "" if one.lower is None or one.upper is None else f" ({one.lower:.4g} to {one.upper:.4g})"
    return f"{one.at.isoformat(' ', 'minutes')}: {one.value:.4g}{bounds}"


def charts_of(windows: Sequence[tuple[datetime, Mapping[str, tuple[float, float | None, float | None]]]]) -> list[Chart]:
    """Return a chart a metric, in the order in which metrics first appear; `windows` are by time.

    >>> charts_of([(datetime(2026, 1, 1), {"accuracy": (0.9, None, None)})])[0].title
    'accuracy'
    """
    found: dict[str, list[Measure]] = {}
    for at, metrics in windows:
        for name, (value, lower, upper) in metrics.items():
            found.setdefault(name, []).append(Measure(at, value, lower, upper))
    return [Chart(name, measures) for name, measures in found.items()]
