"""The names in every KQL text, held against envelopes of the real exporter."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.clock import to_nanoseconds
from agent.point import Distribution, Point
from agent.secret import Secret
from agent.sinks.azure_monitor import AzureMonitor
from alerts.azure import WORKSPACE, template
from dashboards import boards
from dashboards.workbook import lines_query, table_query, workbook
from detectors.catalog import metrics
from tests.dashboards.workbook_lint import sampled
from tests.fakes.breeze import Breeze
from tests.fakes.scheduled_query_rule import Row, fires, rows_from_envelopes, run

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
VALUES = {"traffic": "live", "alert_severity": "page", "share": "error", "deployment": "blue"}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Return the rows Application Insights makes of one point of every metric, sent by the Azure sink."""
    points = []
    for metric in metrics():
        attributes = tuple(sorted((name, VALUES.get(name, name)) for name in metric.attributes))
        distribution = Distribution((1,) * (len(metric.boundaries) + 1), 1.0)
        points.append(Point(metric, attributes, distribution if metric.kind == "histogram" else 1.0, to_nanoseconds(NOW)))
    with Breeze().serve() as breeze:
        sink = AzureMonitor(Secret(breeze.connection_string)).open()
        assert sink.write(points, []) == []
        sink.close()
        return rows_from_envelopes(breeze.envelopes)


def panels() -> list[Any]:
    return [panel for board in (boards.WORKBOOK, boards.OVERVIEW) for row in board.rows for panel in row.panels]


def test_every_panel_finds_what_the_exporter_sent(rows: list[Row]) -> None:
    """Whatever a panel asks for, by the names it asks, the real exporter's envelopes hold."""
    empty = []
    for panel in panels():
        query = lines_query(panel) if panel.shape in ("line", "states") else table_query(panel)
        found = run(sampled(query), rows, NOW)
        if not found or any(value is None for answer in found for value in answer.values()):
            empty.append(panel.title)
    assert empty == []


def test_the_rule_fires_on_what_the_exporter_sent(rows: list[Row]) -> None:
    """From the agent's own point to the fired dimensions, through the exporter's envelope and the rule's KQL."""
    content = json.loads(template("azure", workbook(boards.WORKBOOK, WORKSPACE)))
    fired = {each["name"]: fires(each, rows, NOW) for each in content["resources"] if "criteria" in each["properties"]}
    assert fired == {
        "driftline page": [{"endpoint": "endpoint", "deployment": "blue", "traffic": "live", "alert": "alert"}],
        "driftline warning": [],
        "driftline agent dead": [],
    }
