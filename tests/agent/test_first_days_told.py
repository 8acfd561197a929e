"""The first days through the pipeline: status, days still missing and the shift that can be seen, in log, page and board."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.assembly import build_pipeline
from agent.clock import EventClock, to_nanoseconds
from agent.config import Config, Endpoint, Reference
from agent.endpoint import detectors_of
from agent.pipeline import Pipeline
from agent.reference_building import build_from_file
from agent.sinks.exposition import expose
from agent.spool.frame import Frame
from alerts.event import Event
from dashboards.boards import OVERVIEW
from dashboards.grafana import dashboard
from detectors.drift.drift import Drift
from detectors.types import Batch, Plain
from tests.fakes.series_names import names_offered_by

START = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = 4000


def training(folder: Path) -> Plain:
    """Return the state a training file without time leads to."""
    chance = np.random.default_rng(5)
    path = folder / "training.csv"
    path.write_text("distance,temperature\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in _values(chance, 20_000, 0.0)))
    endpoint = Endpoint("model", reference=Reference(file=path))
    (detector,) = [one for one in detectors_of(endpoint, 1).values() if isinstance(one, Drift)]
    return build_from_file(endpoint, detector, path, timed=False)


def _values(chance: np.random.Generator, rows: int, shift: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.column_stack([chance.lognormal(6, 0.5, rows), chance.normal(285 + 8 * shift, 8, rows)])


def hour(chance: np.random.Generator, number: int, shift: float) -> Frame:
    """Return the rows of one hour."""
    begin = to_nanoseconds(START + timedelta(hours=number))
    times = begin + np.arange(ROWS, dtype=np.int64) * (3600 * 10**9 // ROWS)
    values = _values(chance, ROWS, shift)
    batch = Batch("model", "rows", ROWS, {"time": times}, {"distance": values[:, 0], "temperature": values[:, 1]})
    return Frame(batch, "files/model", None, int(times[-1]))


def watch(pipeline: Pipeline, clock: EventClock, shifted_from: int) -> list[Event]:
    """Feed hours until three shifted ones are closed; return what was told."""
    chance = np.random.default_rng(21)
    told: list[Event] = []
    for number in range(shifted_from + 4):
        clock.advance(START + timedelta(hours=number + 1))
        pipeline.absorb(hour(chance, number, 0.5 if number >= shifted_from else 0.0))
        told += pipeline.take_effects().events
    return told


@pytest.mark.parametrize(
    ("shifted_from", "status", "severity", "missing"),
    [
        pytest.param(12, "uncalibrated", "warning", 29, id="hour 12"),
        pytest.param(7 * 24, "provisional", "warning", 22, id="day 7"),
        pytest.param(30 * 24, "calibrated", "page", 0, id="day 30"),
    ],
)
def test_status_days_and_smallest_shift_are_told_everywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, shifted_from: int, status: str, severity: str, missing: int
) -> None:
    """The same three facts stand in the log, in /metrics and on the board; the alert is as loud as they allow."""
    caplog.set_level(logging.INFO, logger="agent.reference_log")
    endpoint = Endpoint("model", window=timedelta(hours=1))
    clock = EventClock(START)
    pipeline = build_pipeline(
        Config(endpoints={"model": endpoint}), clock, None, references={"model/drift": training(tmp_path)}, origins={}, real_time=False
    )

    told = watch(pipeline, clock, shifted_from)

    fired = [event for event in told if event.name == "drift" and event.state == "fired"]
    assert fired
    assert fired[-1].severity == severity
    assert fired[-1].details["reference_status"] == status
    page = expose([*pipeline.series.points(clock.now()), *pipeline.alerting.present(clock.now())], "")[0].decode()
    common = 'deployment="default",endpoint="model"'
    assert f'driftline_reference_status{{{common},reference="fixed",status="{status}",traffic="live"}} 1.0' in page
    (days,) = [line for line in page.splitlines() if line.startswith("driftline_reference_missing{") and 'reference="fixed"' in line]
    assert abs(float(days.rpartition(" ")[2]) - missing) <= 1
    assert ('driftline_reference_missing{deployment="default",endpoint="model",reference="rolling"' in page) == (status == "calibrated")
    last = [line for record in caplog.records if "fixed reference" in (line := record.getMessage())][-1]
    assert any("rolling reference" in record.getMessage() for record in caplog.records) == (status == "calibrated")
    assert f"reference {status}" in last
    assert ("more days of traffic until calibrated" in last) == (missing > 0)
    assert "sd are seen" in last or "no shift can be told yet" in last
    offered = names_offered_by(page)
    board = str(dashboard(OVERVIEW))
    for name in ("driftline_reference_status", "driftline_reference_missing"):
        assert name in offered
        assert name in board
    assert status == "uncalibrated" or "driftline_drift_mde" in offered
