"""One incident through every station: rows, window, severity, alert, envelope, Azure's rule, Prometheus' rule, one notification."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.azure import template
from alerts.prometheus import rule_file
from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze
from tests.fakes.prometheus_server import prometheus
from tests.fakes.receiver import Receiver
from tests.fakes.scheduled_query_rule import fires, rows_from_envelopes

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = 300
CONFIG = """
version: 1
interval: 1s
endpoints:
  fraud:
    source: {{files: {{path: live.csv, every: 1s}}}}
    columns: {{timestamp: time, id: id}}
    window: 1d
    reference: {{baseline: training}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  azure_monitor: {{connection_string: "${{env:CONNECTION}}"}}
notifiers:
  webhook: {{url: "${{env:HOOK}}"}}
paging: agent
"""
HEADER = "time,id,amount,country\n"


def days(first: int, last: int, shift: float = 0.0) -> str:
    """Return the rows of days first..last-1; the mean of `amount` lies `shift` standard deviations higher."""
    chance = np.random.default_rng(first)
    lines = []
    for day in range(first, last):
        amounts = 100 + 20 * (chance.normal(shift + chance.normal(0, 0.05), 1, ROWS))
        countries = chance.choice(["se", "no", "dk"], ROWS, p=[0.5, 0.3, 0.2])
        start = FIRST + timedelta(days=day)
        lines += [
            f"{(start + timedelta(seconds=86400 * row / ROWS)).isoformat()},{day}-{row},{amount:.3f},{country}\n"
            for row, (amount, country) in enumerate(zip(amounts, countries, strict=True))
        ]
    return "".join(lines)


@pytest.fixture
def incident(tmp_path: Path) -> Iterator[tuple[AgentProcess, Breeze, Receiver]]:
    """An agent with a calibrated baseline of 56 days, a fake ingestion endpoint and a web hook's receiver."""
    metrics = free_port()
    with Breeze().serve() as breeze, Receiver().serve() as receiver:
        environment = {"CONNECTION": breeze.connection_string, "HOOK": receiver.url}
        agent = AgentProcess(tmp_path, CONFIG.format(metrics=metrics), metrics, environment)
        (tmp_path / "training.csv").write_text(HEADER + days(0, 56))
        (tmp_path / "driftline.yaml").write_text(agent.text)
        built = subprocess.run(
            [sys.executable, "-P", "-m", "agent", "baseline", "build", "training", "-c", str(tmp_path / "driftline.yaml"),
             "--endpoint", "fraud", "--file", str(tmp_path / "training.csv")],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip
        assert "status calibrated: 56 windows on 56 days" in built.stdout, built.stderr
        yield agent, breeze, receiver
        agent.stop()


def test_from_row_to_exactly_one_notification(
    incident: tuple[AgentProcess, Breeze, Receiver], requires: Callable[[str | Path], str], tmp_path: Path
) -> None:
    """A lasting shift of one feature: every station shows it, and one person is told once."""
    agent, breeze, receiver = incident
    stream = {"endpoint": "fraud", "deployment": "default", "traffic": "live"}
    live = tmp_path / "live.csv"
    live.write_text(HEADER + days(56, 60))
    agent.start()

    agent.until(lambda: agent.total("driftline_drift_severity", feature="amount", **stream) > 0)
    agent.until(lambda: agent.total("driftline_agent_received_total") == 4 * ROWS)
    assert agent.total("driftline_alert_active", alert="drift", **stream) == 0
    assert agent.total("driftline_reference_status", reference="fixed", status="calibrated", **stream) == 1
    assert receiver.bodies == []

    with live.open("a") as file:
        file.write(days(60, 64, shift=1.5))
    agent.until(lambda: agent.total("driftline_alert_active", alert="drift", alert_severity="page", **stream) == 1)

    severities = {dict(labels)["feature"]: value for (name, labels), value in agent.samples().items() if name == "driftline_drift_severity"}
    assert severities["amount"] > 1 > severities["country"]

    def told(envelopes: list[dict[str, Any]]) -> bool:
        active = [row for row in rows_from_envelopes(envelopes) if row.Name == "driftline.alert.active" and row.Sum == 1]
        return bool(active) and any(envelope["name"].endswith("Event") for envelope in envelopes)

    envelopes = breeze.wait_for(told)
    events = [envelope["data"]["baseData"] for envelope in envelopes if envelope["name"].endswith("Event")]
    assert [(event["name"], event["properties"]["state"], event["properties"]["feature"]) for event in events] == [
        ("driftline.alert", "fired", "amount")
    ]
    assert events[0]["measurements"]["severity"] > 1

    rules = {rule["name"]: rule for rule in _resources(json.loads(template("agent", "{}")))}
    rows = rows_from_envelopes(envelopes)
    now = max(row.TimeGenerated for row in rows)
    fired = {name: fires(rule, rows, now) for name, rule in rules.items()}
    assert [len(found) for found in fired.values()].count(1) == 1
    (dimensions,) = next(found for found in fired.values() if found)
    assert (dimensions["endpoint"], dimensions["alert"]) == ("fraud", "drift")
    assert not any("actions" in rule["properties"] for rule in rules.values())

    with prometheus(requires("prometheus"), tmp_path, agent.metrics_port, rule_file("agent")) as server:
        (alert,) = server.until(lambda found: [one["state"] for one in found] == ["firing"])
    assert alert["labels"]["alert"] == "drift"
    assert alert["labels"]["severity"] == "critical"
    assert "page" not in alert["labels"]

    with live.open("a") as file:
        file.write(days(64, 66, shift=1.5))
    agent.until(lambda: agent.total("driftline_agent_received_total") == 10 * ROWS)
    assert agent.stop() == 0
    (notification,) = receiver.bodies
    essentials = notification["data"]["essentials"]
    assert (essentials["monitorCondition"], essentials["severity"]) == ("Fired", "Sev1")


def _resources(arm: dict[str, Any]) -> list[dict[str, Any]]:
    return [resource for resource in arm["resources"] if resource["type"] == "Microsoft.Insights/scheduledQueryRules"]
