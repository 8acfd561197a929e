"""The generated Grafana board: by lint, by Grafana's own types, and by a real Prometheus that scraped our own page."""

import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.point import Distribution, Point
from agent.sinks.exposition import expose
from alerts.prometheus import rule_file
from dashboards import boards
from dashboards.grafana import dashboard
from detectors.catalog import metrics
from tests.conftest import Requires
from tests.dashboards.grafana_lint import expressions, problems
from tests.fakes.series_names import names_offered_by, names_used_by

NODE = Path(__file__).parents[1] / "node"
PROMETHEUS_OWN = {"up"}
VALUES = {"traffic": "live", "alert_severity": "page", "share": "error"}


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dashboard(boards.OVERVIEW))
    return found


def scrape(step: int = 0) -> str:
    """Return our own page with one series of every metric of the catalogue; counters grow with `step`."""
    points = []
    for metric in metrics():
        attributes = tuple(sorted((name, VALUES.get(name, name)) for name in metric.attributes))
        buckets = Distribution(tuple([step + 1] * (len(metric.boundaries) + 1)), float(step + 1))
        points.append(Point(metric, attributes, buckets if metric.kind == "histogram" else float(step + 1), 0))
    return expose(points, "")[0].decode()


def test_the_lint_finds_nothing() -> None:
    """Unique ids, no overlap, every variable declared, the variable data source, descriptions, units, rates as they should be."""
    assert problems(board()) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("editable",), True, "editable"),
        (("panels", 1, "id"), board()["panels"][2]["id"], "2 have the id"),
        (("panels", 1, "description"), "", "needs title and description"),
        (("panels", 1, "targets", 0, "expr"), "driftline_requests_total", "shows a counter as it stands"),
        (("panels", 1, "targets", 0, "expr"), 'x{a="$nobody"}', "$nobody is no variable"),
        (("panels", 1, "targets", 0, "expr"), "sum(rate(x_total[5m]))", "$__rate_interval"),
        (("panels", 1, "gridPos", "x"), 23, "wider than the page"),
        (("panels", 2, "gridPos", "x"), 0, "lies over"),
        (("panels", 1, "fieldConfig", "defaults", "unit"), "parsecs", "unknown unit"),
    ],
)
def test_the_lint_would_find_it(path: tuple[Any, ...], value: Any, said: str) -> None:
    """Each rule of the lint can fail."""
    broken = deepcopy(board())
    place: Any = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert any(said in found for found in problems(broken))


def test_ids_stay_when_panels_move() -> None:
    """A link to a panel outlives a rearranged board."""
    moved = json.loads(dashboard(replace(boards.OVERVIEW, rows=boards.OVERVIEW.rows[:0:-1])))
    before, after = ({(panel["type"], panel["title"]): panel["id"] for panel in each["panels"]} for each in (board(), moved))
    assert len(after) > 15
    assert after.items() <= before.items()


def test_no_data_is_grey_and_drift_has_its_line() -> None:
    """Silence never looks healthy, and the line at 1 stands on the drift panel."""
    for panel in board()["panels"]:
        if panel["type"] in ("stat", "state-timeline"):
            (nothing,) = [each for each in panel["fieldConfig"]["defaults"]["mappings"] if each["type"] == "special"]
            assert nothing["options"]["match"] == "null+nan"
            assert nothing["options"]["result"]["color"] == "#999999"
    (drift,) = [panel for panel in board()["panels"] if panel["title"] == "Drift severity by feature"]
    assert drift["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] == 1
    assert drift["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "dashed"}


def test_every_series_of_rules_and_board_is_on_the_page() -> None:
    """Names come from what the Prometheus sink writes, not from the function that wrote the queries."""
    rules = yaml.safe_load(rule_file("azure"))["groups"][0]["rules"]
    asked = [*expressions(board()).values(), *(rule["expr"] for rule in rules)]
    used = set().union(*(names_used_by(expression) for expression in asked)) - PROMETHEUS_OWN
    assert len(used) > 20
    assert used - names_offered_by(scrape()) == set()


def test_grafanas_types_accept_the_board(requires: Requires, tmp_path: Path) -> None:
    """The board is a Dashboard as Grafana publishes it; panel options and field configurations fit their panels too."""
    requires(NODE / "node_modules" / "@grafana" / "schema")
    done = types(board(), requires("node"), tmp_path)
    assert done.returncode == 0, done.stdout
    broken = board()
    (stat, *_) = [panel for panel in broken["panels"] if panel["type"] == "stat"]
    stat["options"]["colorMode"] = "backgrund"
    broken["graphTooltip"] = 7
    done = types(broken, requires("node"), tmp_path)
    assert "colorMode" in done.stdout
    assert "graphTooltip" in done.stdout


def types(content: dict[str, Any], node: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a board by Grafana's published TypeScript types."""
    (folder / "board.json").write_text(json.dumps(content), "utf-8")
    command = [node, str(NODE / "grafana.mjs"), str(folder / "board.json")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_real_prometheus_answers_every_question(requires: Requires, tmp_path: Path) -> None:
    """Each panel, annotation and variable gets an answer from a Prometheus that scraped a page with every metric on it."""
    with page() as target, prometheus(requires("prometheus"), target, tmp_path) as root:
        pending = {where: concrete(expression) for where, expression in expressions(board()).items()}
        deadline = time.monotonic() + 30
        while pending and time.monotonic() < deadline:
            pending = {where: text for where, text in pending.items() if not answer(root, text)}
            threading.Event().wait(0.2)
        assert pending == {}


def concrete(expression: str) -> str:
    """Put values in the place of Grafana's variables, as Grafana does."""
    for name, value in {"$__rate_interval": "5s", "$__range": "1m", "$traffic": "live", "$endpoint": ".*", "$deployment": ".*"}.items():
        expression = expression.replace(name, value)
    if expression.startswith("label_values("):
        (expression,) = [expression.removeprefix("label_values(").rsplit(",", 1)[0]]
    return expression


def answer(root: str, expression: str) -> list[Any]:
    """Return the result of a query; a parse error fails with Prometheus' own words."""
    try:
        with urllib.request.urlopen(f"{root}/api/v1/query?{urllib.parse.urlencode({'query': expression})}", timeout=5) as reply:  # noqa: S310 - loopback
            found: list[Any] = json.load(reply)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
            return []  # listening, and not ready yet
        pytest.fail(f"{expression}: {error.read().decode()}")
    except OSError:
        return []  # not listening yet


@contextmanager
def page() -> Iterator[str]:
    """Serve our own page on loopback; every look finds the counters grown."""

    class Handler(BaseHTTPRequestHandler):
        looks = 0

        def do_GET(self) -> None:
            Handler.looks += 1
            body = scrape(Handler.looks).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def prometheus(program: str, target: str, folder: Path) -> Iterator[str]:
    """Run a Prometheus that scrapes `target` every second."""
    listen = f"127.0.0.1:{free_port()}"
    scraped = {"job_name": "driftline", "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": [{"targets": [target]}]}
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scraped]}), "utf-8")
    options = ["--config.file=prometheus.yml", f"--web.listen-address={listen}", "--storage.tsdb.path=data", "--log.level=error"]
    with subprocess.Popen([program, *options], cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://{listen}"
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port nobody listens on; Prometheus cannot be asked for one."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port
