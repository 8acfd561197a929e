"""The page of realised performance holds every window, is well formed, and loads nothing."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from agent.decay_chart import Chart, Measure, charts_of, page, svg

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
    text = page("<script>", "a & b", [Chart("<img src=x>", measures(2))])

    assert "<script>" not in text
    assert "<img" not in text
    assert "http" not in text


def test_a_metric_is_a_chart() -> None:
    """Windows become one series a metric, in order of first appearance."""
    charts = charts_of([(NOON, {"mae": (1.0, 0.5, 1.5)}), (NOON, {"mae": (2.0, None, None), "r2": (0.5, None, None)})])

    assert [(chart.title, [one.value for one in chart.measures]) for chart in charts] == [("mae", [1.0, 2.0]), ("r2", [0.5])]
