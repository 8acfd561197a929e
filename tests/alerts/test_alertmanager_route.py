"""The Alertmanager route of docs/alerts.md, judged by Alertmanager's own tool."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from alerts.paging import Paging
from alerts.prometheus import rule_file
from tests.conftest import Requires

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
PAGINGS: tuple[Paging, ...] = ("azure", "prometheus", "agent")


@pytest.fixture
def route(tmp_path: Path) -> Path:
    """Return the documented configuration as a file."""
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "alertmanager.yml"
    path.write_text(block, "utf-8")
    return path


def test_alertmanager_accepts_the_route(route: Path, requires: Requires) -> None:
    """What the page shows can be pasted."""
    done = subprocess.run([requires("amtool"), "check-config", str(route)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("paging", PAGINGS)
def test_people_are_told_only_where_prometheus_pages(paging: Paging, route: Path, requires: Requires) -> None:
    """Each generated rule's labels lead to people exactly when the rule carries the label, and to nobody otherwise."""
    told = []
    for rule in yaml.safe_load(rule_file(paging))["groups"][0]["rules"]:
        labels = [f"{name}={value}" for name, value in {"alertname": rule["alert"], **rule["labels"]}.items()]
        done = subprocess.run(
            [requires("amtool"), "config", "routes", "test", f"--config.file={route}", *labels], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told += [(rule["alert"], rule["labels"]["severity"])] if done.stdout.strip() == "people" else []
    pages = [("DriftlineAlert", "critical"), ("DriftlineAlert", "warning"), ("DriftlineAgentDead", "critical")]
    assert told == (pages if paging == "prometheus" else [])
