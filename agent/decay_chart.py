"""Draws one metric over time as SVG: what labels say with its interval, what was estimated before, and which of the two speaks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Literal

WIDTH, HEIGHT = 860, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 12, 26

STYLE = (
    ".line{fill:none;stroke:#0b62c4;stroke-width:1.5}.dot{fill:#0b62c4}.band{fill:#0b62c4;opacity:.15}"
    ".estimated.line{stroke:#b35900;stroke-dasharray:4 3}.estimated.dot{fill:#fff;stroke:#b35900;stroke-width:1.5}"
    ".estimated.band{fill:#b35900;opacity:.1}.axis{stroke:#999}.limit{stroke:#c22;stroke-dasharray:5 4}text{font-size:11px;fill:#555}"
)

Basis = Literal["realised", "estimated"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of one window."""

    at: datetime
    value: float
    lower: float | None = None
    upper: float | None = None
    speaks: bool = True
    """Whether this is the value to go by for its window; only such ones get a dot."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One metric over time, by `at`."""

    title: str
    measures: Sequence[Measure]
    limit: float | None = None
    """A line that matters, such as the threshold."""
    estimated: Sequence[Measure] = ()
    """The same metric as it was estimated before there were labels."""
    note: str = ""
    """A sentence under the title."""
    gap: float = float("inf")
    """Seconds from one measure to the next above which nothing is drawn between them: a gap is no value."""

    @property
    def all(self) -> list[Measure]:
        """Everything on it, by time."""
        return sorted((*self.measures, *self.estimated), key=lambda one: one.at)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where times and values lie in the picture."""

    first: float
    last: float
    low: float
    high: float

    def x(self, at: datetime) -> float:
        share = (at.timestamp() - self.first) / (self.last - self.first) if self.last > self.first else 0.5
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - _TOP - _BOTTOM)


def svg(chart: Chart) -> str:
    """Return one chart. Raises ValueError without measures."""
    measures = chart.all
    if not measures:
        raise ValueError("a chart needs measures")
    low, high = _range(chart, measures)
    scale = _Scale(measures[0].at.timestamp(), measures[-1].at.timestamp(), low, high)
    parts = []
    for value in (low, high):
        at = f"{scale.y(value):.1f}"
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{scale.y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    if chart.limit is not None:
        at = f"{scale.y(chart.limit):.1f}"
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>')
    parts += _drawn(chart.estimated, scale, "estimated", chart.gap)
    parts += _drawn(chart.measures, scale, "realised", chart.gap)
    for one, anchor in ((measures[0], "start"), (measures[-1], "end")):
        parts.append(f'<text x="{scale.x(one.at):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{one.at.isoformat(" ", "minutes")}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">{"".join(parts)}</svg>'


def _drawn(measures: Sequence[Measure], scale: _Scale, basis: Basis, gap: float) -> Iterator[str]:
    for stretch in _stretches(measures, gap):
        bounded = [
            (scale.x(one.at), scale.y(one.lower), scale.y(one.upper)) for one in stretch if one.lower is not None and one.upper is not None
        ]
        corners = [f"{at:.1f},{top:.1f}" for at, _, top in bounded] + [f"{at:.1f},{bottom:.1f}" for at, bottom, _ in reversed(bounded)]
        if bounded:
            yield f'<polygon class="{basis} band" points="{" ".join(corners)}"/>'
        points = " ".join(f"{scale.x(one.at):.1f},{scale.y(one.value):.1f}" for one in stretch)
        yield f'<polyline class="{basis} line" points="{points}"/>'
    for one in measures:
        if one.speaks:
            place = f'cx="{scale.x(one.at):.1f}" cy="{scale.y(one.value):.1f}"'
            yield f'<circle class="{basis} dot" {place} r="2.5"><title>{escape(_said(one, basis))}</title></circle>'


def _stretches(measures: Sequence[Measure], gap: float) -> list[list[Measure]]:
    """Return the measures cut where one is missing."""
    found: list[list[Measure]] = []
    for one in measures:
        if found and (one.at - found[-1][-1].at).total_seconds() <= gap:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _range(chart: Chart, measures: Sequence[Measure]) -> tuple[float, float]:
    """Return the ends of the axis: all values, bounds and the limit, with some room."""
    values = [one.value for one in measures]
    values += [bound for one in measures for bound in (one.lower, one.upper) if bound is not None]
    values += [] if chart.limit is None else [chart.limit, 0.0]
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _said(one: Measure, basis: Basis) -> str:
    bounds = "" if one.lower is None or one.upper is None else f" ({one.lower:.4g} to {one.upper:.4g})"
    return f"{one.at.isoformat(' ', 'minutes')}: {one.value:.4g}{bounds}, {basis}"
