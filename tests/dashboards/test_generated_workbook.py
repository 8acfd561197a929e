"""The generated workbook: by Microsoft's schema and language service, by lint, and run on rows as the exporter makes them."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.rule import ALL
from dashboards import boards
from dashboards.workbook import lines_query, table_query, workbook
from tests.alerts.arm_schema import SCHEMAS, workbook_errors
from tests.conftest import Requires
from tests.dashboards.workbook_lint import problems, queries, sampled
from tests.fakes.scheduled_query_rule import Row, run
from tests.node.kql_service import MODULES, Checked, check

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WRONG = {
    "column": "AppMetrics | where Nmae == 'x'",
    "table": "AppMetricz | take 1",
    "function": "AppMetrics | summarize maxx(Sum)",
    "type": "AppMetrics | extend x = Name * 2",
    "dynamic": "AppMetrics | summarize max(Sum) by Properties.endpoint",
    "reserved": "AppMetrics | extend kind = tostring(Properties.kind)",
    "syntax": "AppMetrics | where (Sum > 1",
    "good": "AppMetrics | project TimeGenerated, Sum",
}
STREAM = {"endpoint": "delay", "deployment": "blue", "traffic": "live"}


def content() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(workbook(boards.WORKBOOK, None))
    return found


def row(name: str, value: float, minutes: float = 1, **properties: str) -> Row:
    return Row(NOW - timedelta(minutes=minutes), name, 1, value, None, None, {**STREAM, **properties})


def answers(query: str, *rows: Row) -> list[dict[str, Any]]:
    """Run a panel's query with everything chosen, or those of deployment blue."""
    return run(sampled(query), rows, NOW)


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the published workbook schema is not beside the project")
def test_microsofts_schema_accepts_it() -> None:
    """No error against the schema of the workbook gallery."""
    assert workbook_errors(content()) == []


def test_the_lint_finds_nothing() -> None:
    """Unique names and ids, parameters that exist, tabs that open, sizes within Azure's limits, nobody's resource ids."""
    assert problems(content()) == []


def test_one_tab_holds_six_panels() -> None:
    """The whole workbook fits on one page."""
    (group,) = [step for step in content()["items"] if step["type"] == 12]
    assert sum(step["type"] == 3 for step in group["content"]["items"]) == 6


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{TimeRange:grain}", "{TimeSpan:grain}", "{TimeSpan} is no parameter"),
        ('"label": "Endpoint"', '"label": ""', "no label"),
        ('"subTarget": "is-my-model-ok"', '"subTarget": "other"', "nobody can open it"),
        ('"timeContextFromParameter": "TimeRange"', '"timeContextFromParameter": "Time"', "its time comes from no parameter"),
        ('"name": "tabs"', '"name": "parameters"', "2 are called 'parameters'"),
    ],
)
def test_the_lint_would_find_it(old: str, new: str, said: str) -> None:
    """Each rule of the lint can fail."""
    text = json.dumps(content())
    assert old in text
    assert any(said in found for found in problems(json.loads(text.replace(old, new))))


def test_the_lint_knows_azures_limits() -> None:
    """Too many steps, too long a query, somebody's resource."""
    broken = deepcopy(content())
    step = broken["items"][2]["content"]["items"][1]
    step["content"]["query"] += " " * 3000
    step["content"]["crossComponentResources"] = ["/subscriptions/00000000-0000-0000-0000-000000000000"]
    broken["items"] += [{**step, "name": f"step {number}"} for number in range(41)]
    found = "\n".join(problems(broken))
    assert all(said in found for said in ("more than 3,000 characters", "somebody's resource", "more than 40 log queries"))


@pytest.fixture(scope="module")
def checked(requires: Requires) -> dict[str, Checked]:
    """Return the language service's verdict on every query there is, and on some that are wrong: it starts once."""
    requires(MODULES)
    panels = [panel for line in boards.OVERVIEW.rows for panel in line.panels]
    charts = {f"chart: {panel.title}": sampled(lines_query(panel)) for panel in panels if panel.shape in ("line", "states")}
    tables = {f"table: {panel.title}": sampled(table_query(panel)) for panel in panels if panel.shape in ("number", "table")}
    return check({**queries(content()), **charts, **tables, **WRONG}, requires("node"))


def test_microsofts_language_service_accepts_every_query(checked: dict[str, Checked]) -> None:
    """Those of the workbook, and those any panel of the other boards would have; charts have time, name and number."""
    assert {name: found.errors for name, found in checked.items() if found.errors and name not in WRONG} == {}
    charts = {tuple(found.columns.items()) for name, found in checked.items() if name.startswith("chart: ")}
    assert charts == {(("TimeGenerated", "datetime"), ("Series", "string"), ("Value", "real"))}
    assert checked["good"].columns == {"TimeGenerated": "datetime", "Sum": "real"}


def test_microsofts_language_service_would_find_it(checked: dict[str, Checked]) -> None:
    """It knows tables, columns, types and functions: the check is no dummy."""
    assert [name for name in WRONG if not checked[name].errors] == ["good"]


def test_alerts_show_what_the_agent_says_now() -> None:
    """The newest value counts; an alert nobody reports any more is gone, not quiet."""
    drift = {"alert": "drift", "alert_severity": "page"}
    rows = [
        row("driftline.alert.active", 0, 3, **drift),
        row("driftline.alert.active", 1, 1, **drift),
        row("driftline.alert.active", 0, 1, alert="throttling", alert_severity="warning"),
        row("driftline.alert.active", 1, 60, alert="error_share", alert_severity="page"),
    ]
    found = answers(table_query(boards.ALERTS), *rows)
    assert [(each["alert"], each["state"]) for each in found] == [("drift", 1.0), ("throttling", 0.0)]


def test_what_is_said_of_a_whole_endpoint_is_shown_for_each_deployment() -> None:
    """A stale source has no deployment and no traffic of its own; choosing some does not hide it."""
    stale = {"alert": "source_stale", "alert_severity": "warning", "deployment": ALL, "traffic": ALL}
    (found,) = answers(table_query(boards.ALERTS), row("driftline.alert.active", 1, 1, **stale))
    assert (found["alert"], found["state"]) == ("source_stale", 1.0)
    kept = {name: query for name, query in queries(content()).items() if name == "parameter Deployment"}
    assert run(kept["parameter Deployment"], [row("driftline.alert.active", 1, 1, **stale), row("driftline.alert.active", 0)], NOW) == [
        {"deployment": "blue"}
    ]


def test_drift_draws_one_line_a_feature_with_the_alarm_line() -> None:
    """The largest value of each bin stands, named after the feature, under a line at 1."""
    about = {"kind": "data", "feature": "distance", "reference": "fixed"}
    rows = [row("driftline.drift.severity", value, minutes, **about) for value, minutes in ((0.4, 1), (1.7, 2), (0.2, 9))]
    found = answers(lines_query(boards.DRIFT), *rows)
    assert {each["Series"] for each in found} == {"delay blue distance (data, fixed)"}
    assert sorted(each["Value"] for each in found) == [0.2, 1.7]
    step = next(step for step in content()["items"][2]["content"]["items"] if step["name"].endswith(": Drift severity by feature"))
    assert step["content"]["chartSettings"]["customThresholdLine"] == "1"


def test_the_reference_shows_its_status_and_what_is_missing() -> None:
    """First days: the status of now, the days still to come, and the shift that every feature would show, in one row."""
    rows = [
        row("driftline.reference.status", 1, 900, reference="fixed", status="uncalibrated"),
        row("driftline.reference.status", 0, 1, reference="fixed", status="uncalibrated"),
        row("driftline.reference.status", 1, 1, reference="fixed", status="provisional"),
        row("driftline.reference.missing", 18, 900, reference="fixed"),
        row("driftline.reference.missing", 17, 1, reference="fixed"),
        row("driftline.drift.mde", 0.9, 900, reference="fixed", kind="data", feature="distance"),
        row("driftline.drift.mde", 0.4, 1, reference="fixed", kind="data", feature="distance"),
        row("driftline.drift.mde", 0.2, 1, reference="fixed", kind="data", feature="hour"),
    ]
    (found,) = answers(table_query(boards.REFERENCE), *rows)
    assert (found["status"], found["days missing"], found["shift seen"]) == ("provisional", 17.0, 0.4)


def test_filter_rates_stand_beside_their_number() -> None:
    """Rate and bounds of the last window, and the calls they rest on."""
    about = {"category": "jailbreak", "direction": "prompt"}
    rows = [
        row("driftline.safety.samples", 200, 1, **about),
        row("driftline.safety.samples", 80, 6, **about),
        row("driftline.safety.unsafe.ratio", 0.02, 1, **about),
        row("driftline.safety.unsafe.lower.ratio", 0.01, 1, **about),
        row("driftline.safety.unsafe.upper.ratio", 0.04, 1, **about),
    ]
    (found,) = answers(table_query(boards.FILTERS), *rows)
    assert {name: found[name] for name in ("calls checked", "filtered", "at least", "at most")} == {
        "calls checked": 200.0,
        "filtered": 0.02,
        "at least": 0.01,
        "at most": 0.04,
    }


def test_rates_are_increases_over_time() -> None:
    """600 requests in five minutes are two a second."""
    (found,) = answers(lines_query(boards.TRAFFIC), row("driftline.requests", 400, 1), row("driftline.requests", 200, 2))
    assert (found["Series"], found["Value"]) == ("delay blue requests", 2.0)


def test_an_age_goes_on_ageing_when_the_agent_is_dead() -> None:
    """Thirty seconds old, said an hour ago, is an hour and thirty seconds."""
    (found,) = answers(table_query(boards.FRESHNESS), row("driftline.agent.window.age", 30, 60))
    assert found["Age of the newest record"] == pytest.approx(3630)


def test_what_is_missing_is_grey() -> None:
    """No colour of health for a value that is not there."""
    steps = [step["content"] for step in content()["items"][2]["content"]["items"] if step["type"] == 3]
    grids = [
        each["formatOptions"]["thresholdsGrid"]
        for step in steps
        for each in step.get("gridSettings", {}).get("formatters", [])
        if "formatOptions" in each
    ]
    assert len(grids) == 2
    for grid in grids:
        assert (grid[-1]["operator"], grid[-1]["representation"]) == ("Default", "gray")
