"""The page of realised performance holds every window, is well formed, and loads nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from agent.decay_chart import Chart, Measure, svg
from agent.decay_report import page

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def measures(count: int, value: float = 0.9) -> list[Measure]:
    """Return so many hours of one value with bounds."""
    return [Measure(NOON + hour * timedelta(hours=1), value, value - 0.01, value + 0.01) for hour in range(count)]


@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("value", [0.0, 0.9, -1e9])
def test_every_window_is_a_point_inside(count: int, value: float) -> None:
    """One dot a window, within the picture, also of constant values."""
    root = ET.fromstring(svg(Chart("a <b> & c", measures(count, value), limit=1.0)))  # noqa: S314 # our own text

    dots = root.findall("circle")
    assert len(dots) == count
    assert all(0 <= float(dot.attrib["cx"]) <= 860 and 0 <= float(dot.attrib["cy"]) <= 180 for dot in dots)


def test_names_are_escaped() -> None:
    """A deployment's name from traffic is text, not markup."""
    text = page("<script>", "a & b", [svg(Chart("<img src=x>", measures(2)))])

    assert "<script>" not in text
    assert "<img" not in text
    assert "http" not in text


def test_a_gap_is_no_line() -> None:
    """Where a window is missing the line ends, and begins again after it."""
    hours = measures(6)

    root = ET.fromstring(svg(Chart("a", [*hours[:3], *hours[4:]], gap=5400.0)))  # noqa: S314 # our own text

    assert [len(line.attrib["points"].split()) for line in root.findall("polyline")] == [3, 2]


def test_only_what_speaks_has_a_dot() -> None:
    """An estimate that labels took over is a line without dots; both are told apart by class and title."""
    silent = [replace(one, speaks=False) for one in measures(4)]

    root = ET.fromstring(svg(Chart("a", measures(4), estimated=[*silent[:3], *measures(4, 0.8)[3:]])))  # noqa: S314 # our own text

    assert [dot.attrib["class"] for dot in root.findall("circle")] == ["estimated dot", *["realised dot"] * 4]
    assert "estimated" in (root.findtext("circle/title") or "")
