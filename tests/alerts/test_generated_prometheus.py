"""The generated Prometheus rules, judged by promtool."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.paging import Paging
from alerts.prometheus import rule_file
from tests.conftest import Requires

ACTIVE = (
    'driftline_alert_active{{alert="drift", alert_severity="{severity}", deployment="blue", endpoint="delay", traffic="live", '
    'instance="i", job="driftline", otel_scope_name="driftline"}}'
)
BEAT = 'driftline_agent_heartbeat{instance="i", job="driftline"}'
UP = 'up{instance="i", job="driftline"}'
LABELS = {"alert": "drift", "deployment": "blue", "endpoint": "delay", "traffic": "live", "product": "driftline"}
PAGINGS: tuple[Paging, ...] = ("azure", "prometheus", "agent")


def rules(paging: Paging) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(rule_file(paging))["groups"][0]["rules"]
    return found


def promtool_test(requires: Requires, folder: Path, series: dict[str, str], expected: dict[str, dict[str, list[dict[str, str]]]]) -> None:
    """Run promtool on the rules: `expected` is evaluation time to alert name to the labels of the alerts that fire then."""
    (folder / "driftline.rules.yml").write_text(rule_file("prometheus"), "utf-8")
    tests = {
        "rule_files": ["driftline.rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": time, "alertname": name, "exp_alerts": [{"exp_labels": one, "exp_annotations": {}} for one in firing]}
                    for time, alerts in expected.items()
                    for name, firing in alerts.items()
                ],
            }
        ],
    }
    # What an alert says is not under test here: promtool compares annotations too, so they are taken out.
    plain = yaml.safe_load((folder / "driftline.rules.yml").read_text("utf-8"))
    for rule in plain["groups"][0]["rules"]:
        del rule["annotations"]
    (folder / "driftline.rules.yml").write_text(json.dumps(plain), "utf-8")
    (folder / "tests.yml").write_text(json.dumps(tests), "utf-8")
    done = subprocess.run([requires("promtool"), "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("paging", PAGINGS)
def test_promtool_accepts_the_rules(paging: Paging, requires: Requires, tmp_path: Path) -> None:
    """Debian's Prometheus takes the file whoever pages."""
    (tmp_path / "rules.yml").write_text(rule_file(paging), "utf-8")
    done = subprocess.run([requires("promtool"), "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules(paging))} rules found" in done.stdout


@pytest.mark.parametrize("paging", PAGINGS)
def test_only_one_place_pages(paging: Paging) -> None:
    """The label that Alertmanager routes on is there only where Prometheus pages, and never on information."""
    pages = {(rule["alert"], rule["labels"]["severity"]) for rule in rules(paging) if rule["labels"].get("page") == "true"}
    told = {("DriftlineAlert", "critical"), ("DriftlineAlert", "warning"), ("DriftlineAgentDead", "critical")}
    assert pages == (told if paging == "prometheus" else set())
    assert all("page" not in rule["labels"] for rule in rules(paging) if (rule["alert"], rule["labels"]["severity"]) not in pages)


@pytest.mark.parametrize(
    ("level", "labels"),
    [
        ("page", {"severity": "critical", "page": "true"}),
        ("warning", {"severity": "warning", "page": "true"}),
        ("information", {"severity": "information"}),
    ],
)
def test_the_agents_decision_fires_with_its_severity(level: str, labels: dict[str, str], requires: Requires, tmp_path: Path) -> None:
    """One alert from the minute the gauge is 1 to the minute it is 0 again, under the severity people route on."""
    fired = [{**LABELS, "alert_severity": level, **labels}]
    promtool_test(
        requires,
        tmp_path,
        {ACTIVE.format(severity=level): "0x3 1x5 0x5"},
        {"3m": {"DriftlineAlert": []}, "4m": {"DriftlineAlert": fired}, "9m": {"DriftlineAlert": fired}, "10m": {"DriftlineAlert": []}},
    )


def test_a_restart_of_the_agent_repeats_nothing(requires: Requires, tmp_path: Path) -> None:
    """Missed scrapes while an alert fires do not resolve it; five minutes of silence do."""
    fired = [{**LABELS, "alert_severity": "page", "severity": "critical", "page": "true"}]
    promtool_test(
        requires,
        tmp_path,
        {ACTIVE.format(severity="page"): "1 1 stale _ _ 1 stale"},
        {f"{minute}m": {"DriftlineAlert": fired} for minute in range(10)} | {"11m": {"DriftlineAlert": []}},
    )


DEAD = {"product": "driftline", "severity": "critical", "page": "true"}
NAMED = {**DEAD, "instance": "i", "job": "driftline"}


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param({BEAT: "1x30", UP: "1x30"}, {"20m": []}, id="alive"),
        pytest.param({}, {"0m": [], "2m": [DEAD]}, id="never seen"),
        pytest.param({BEAT: "1x10 stale", UP: "1x10 0x20"}, {"14m": [], "17m": [NAMED], "30m": [NAMED]}, id="down"),
        pytest.param({BEAT: "1x10 stale", UP: "1x30"}, {"14m": [], "17m": [NAMED]}, id="answers, but its heart stopped"),
        pytest.param({BEAT: "1x10 stale _x3 1x20", UP: "1x10 0x4 1x20"}, {"15m": [], "17m": [], "20m": []}, id="restarted"),
        pytest.param(
            {BEAT: "1x10 stale", UP: "1x10 stale", BEAT.replace('"i"', '"j"'): "_x10 1x30", UP.replace('"i"', '"j"'): "_x10 1x30"},
            {"17m": [], "30m": []},
            id="its pod was replaced",
        ),
        pytest.param({BEAT: "1x10 stale", UP: "1x10 stale"}, {"14m": [], "17m": [DEAD]}, id="its only pod is gone"),
        pytest.param(
            {BEAT: "1x10 stale", UP: "1x10 0x30", BEAT.replace('"i"', '"j"'): "1x40", UP.replace('"i"', '"j"'): "1x40"},
            {"17m": [NAMED], "40m": [NAMED]},
            id="one of two is down",
        ),
    ],
)
def test_a_silent_agent_is_told_once(
    series: dict[str, str], expected: dict[str, list[dict[str, str]]], requires: Requires, tmp_path: Path
) -> None:
    """Silence of any agent fires one alert; restarts and replaced pods fire none."""
    promtool_test(requires, tmp_path, series, {time: {"DriftlineAgentDead": firing} for time, firing in expected.items()})
