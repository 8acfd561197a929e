"""The generated Azure template: by Microsoft's schemas and language service, and run on rows as the exporter makes them."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.azure import DIMENSIONS, WORKSPACE, template
from alerts.paging import Paging
from dashboards import boards
from dashboards.workbook import workbook
from tests.alerts.arm_schema import SCHEMAS, errors, template_errors
from tests.conftest import Requires
from tests.fakes.scheduled_query_rule import Row, fires, rows_from_envelopes
from tests.node.kql_service import MODULES, check

PAGINGS: tuple[Paging, ...] = ("azure", "prometheus", "agent")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NUMBERS = {"real", "long", "int", "decimal"}

needs_schemas = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the published ARM schemas are not beside the project")


def content(paging: Paging = "azure") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(template(paging, workbook(boards.WORKBOOK, WORKSPACE)))
    return found


def rules(paging: Paging = "azure") -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in content(paging)["resources"] if each["type"].endswith("scheduledQueryRules")}


def condition(rule: dict[str, Any]) -> dict[str, Any]:
    (found,) = rule["properties"]["criteria"]["allOf"]
    assert isinstance(found, dict)
    return found


def row(name: str, value: float, age: timedelta, **properties: str) -> Row:
    return Row(NOW - age, name, 1, value, None, None, properties)


def active(value: float, minutes: float, severity: str = "page", deployment: str = "blue") -> Row:
    return row(
        "driftline.alert.active",
        value,
        timedelta(minutes=minutes),
        endpoint="delay",
        deployment=deployment,
        traffic="live",
        alert="drift",
        alert_severity=severity,
    )


FIRED = {"endpoint": "delay", "deployment": "blue", "traffic": "live", "alert": "drift"}


@needs_schemas
@pytest.mark.parametrize("paging", PAGINGS)
@pytest.mark.parametrize("strict", [False, True])
def test_azures_schemas_accept_the_template(paging: Paging, strict: bool) -> None:  # noqa: FBT001 - a table of cases
    """Every resource fits the schema of its version, with unknown keys forbidden too."""
    found = content(paging)
    assert template_errors(found) == []
    assert {resource["name"]: errors(resource, strict=strict) for resource in found["resources"]} == {
        resource["name"]: [] for resource in found["resources"]
    }


@needs_schemas
def test_the_strict_schema_refuses_a_misspelt_key() -> None:
    """What Azure would silently ignore, the check does not."""
    wrong = deepcopy(rules()["driftline page"])
    condition(wrong)["metricMesureColumn"] = condition(wrong).pop("metricMeasureColumn")
    assert errors(wrong, strict=False) == []
    assert any("metricMesureColumn" in error for error in errors(wrong, strict=True))


@pytest.mark.parametrize("paging", PAGINGS)
def test_only_one_place_pages(paging: Paging) -> None:
    """Rules can call an action group only where Azure pages; left empty, they call nobody."""
    found = content(paging)
    assert ("actionGroupId" in found["parameters"]) is (paging == "azure")
    assert all(("actions" in rule["properties"]) is (paging == "azure") for rule in rules(paging).values())
    if paging == "azure":
        assert found["parameters"]["actionGroupId"]["defaultValue"] == ""
        assert rules()["driftline page"]["properties"]["actions"] == {
            "actionGroups": "[if(empty(parameters('actionGroupId')), createArray(), createArray(parameters('actionGroupId')))]"
        }


def test_severity_follows_the_agents_level() -> None:
    """A page is Sev 1, a warning Sev 2; silence of the agent is as bad as a page."""
    assert {name: rule["properties"]["severity"] for name, rule in rules().items()} == {
        "driftline page": 1,
        "driftline warning": 2,
        "driftline agent dead": 1,
    }


def test_log_alerts_keep_azures_rules_of_the_game() -> None:
    """At most six dimensions, a table first, none of the operators that log alerts forbid, a window of at most two days."""
    for rule in rules().values():
        query = condition(rule)["query"]
        assert len(condition(rule).get("dimensions", [])) <= 6
        assert query.startswith("AppMetrics\n")
        assert not any(word in query for word in ("bag_unpack", "pivot", "narrow", "search ", "union", "take ", "AggregatedValue"))


def test_microsofts_language_service_accepts_the_rules(requires: Requires) -> None:
    """No error; the measure is a number, dimensions are strings, and there is a time for the failing periods."""
    requires(MODULES)
    checked = check({name: condition(rule)["query"] for name, rule in rules().items()}, requires("node"))
    for name, rule in rules().items():
        assert checked[name].errors == []
        columns = checked[name].columns
        assert "datetime" in columns.values()
        if "metricMeasureColumn" in condition(rule):
            assert columns[condition(rule)["metricMeasureColumn"]] in NUMBERS
        assert {columns[dimension["name"]] for dimension in condition(rule).get("dimensions", [])} <= {"string"}


def test_the_workbook_in_the_template_is_the_committed_one() -> None:
    """Deployed, it differs only in the workspace it opens with."""
    inside = json.loads(content()["variables"]["workbook"])
    (parameter,) = [each for each in inside["items"][0]["content"]["parameters"] if each["name"] == "Workspace"]
    assert parameter.pop("value") == WORKSPACE
    assert inside == json.loads(workbook(boards.WORKBOOK, None))


@pytest.mark.parametrize(
    ("rows", "fired"),
    [
        pytest.param([], [], id="nothing came"),
        pytest.param([active(0, 1), active(0, 2)], [], id="quiet"),
        pytest.param([active(1, 1), active(0, 2)], [FIRED], id="just fired"),
        pytest.param([active(0, 1), active(1, 9)], [FIRED], id="over already, but nobody was told yet"),
        pytest.param([active(0, 1), active(1, 16)], [], id="over for longer than the window"),
        pytest.param([active(1, 1, severity="warning")], [], id="only a warning"),
        pytest.param([active(1, 1, severity="information")], [], id="only information"),
        pytest.param([active(1, 1), active(1, 2), active(1, 1, deployment="green")], [FIRED, {**FIRED, "deployment": "green"}], id="two"),
        pytest.param(
            [row("driftline.drift.severity", 9, timedelta(minutes=1), endpoint="delay")], [], id="a severity alone decides nothing"
        ),
    ],
)
def test_a_page_fires_by_the_agents_decision(rows: list[Row], fired: list[dict[str, str]]) -> None:
    """Once for each deployment whose alert the agent holds at level page, and for nothing else."""
    found = fires(rules()["driftline page"], rows, NOW)
    assert sorted(found, key=json.dumps) == sorted(fired, key=json.dumps)


def test_a_warning_has_a_rule_of_its_own() -> None:
    """One level fires one rule."""
    rows = [active(1, 1, severity="warning")]
    assert [name for name, rule in rules().items() if fires(rule, [*rows, row("driftline.agent.heartbeat", 1, timedelta())], NOW)] == [
        "driftline warning"
    ]


@pytest.mark.parametrize(("age", "fired"), [(1, []), (14, []), (16, [{}]), (None, [{}])])
def test_silence_of_the_agent_fires(age: int | None, fired: list[dict[str, str]]) -> None:
    """No heartbeat for 15 minutes fires, also when there never was one."""
    rows = [] if age is None else [row("driftline.agent.heartbeat", 1, timedelta(minutes=age))]
    assert fires(rules()["driftline agent dead"], rows, NOW) == fired


def test_rows_are_made_as_application_insights_makes_them() -> None:
    """An envelope in the exporter's form becomes a row with text properties; events are not metrics."""
    tags = {"ai.cloud.role": "driftline"}
    metric = {"name": "driftline.request.duration", "value": 2.6, "count": 3, "min": 0.1, "max": 2.0}
    base = {"ver": 2, "properties": {"endpoint": "delay", "n": 3}, "metrics": [metric]}
    envelopes = [
        {"time": "2026-11-20T06:54:47.819090Z", "tags": tags, "data": {"baseType": "MetricData", "baseData": base}},
        {
            "time": "2026-11-20T06:54:48Z",
            "tags": tags,
            "data": {"baseType": "EventData", "baseData": {"ver": 2, "name": "driftline.alert"}},
        },
    ]
    time = datetime(2026, 11, 20, 6, 54, 47, 819090, tzinfo=UTC)
    assert rows_from_envelopes(envelopes) == [Row(time, "driftline.request.duration", 3, 2.6, 0.1, 2.0, {"endpoint": "delay", "n": "3"})]


def test_dimensions_tell_incidents_apart() -> None:
    """Whatever makes two alerts two for the agent makes them two in Azure."""
    assert {dimension["name"] for dimension in condition(rules()["driftline page"])["dimensions"]} == set(DIMENSIONS)


def test_the_template_stays_within_azures_limits() -> None:
    """A rule is at most 64 KB, a template at most 4 MB."""
    assert all(len(json.dumps(rule)) < 64_000 for rule in rules().values())
    assert len(json.dumps(content())) < 4_000_000
