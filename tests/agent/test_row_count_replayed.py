"""Far fewer rows, through the whole pipeline: an alert of its own that fires, says what is usual, and resolves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pytest
from pyarrow import parquet

from agent.config import Config, Endpoint
from agent.config_file import load
from agent.replay import Replay
from agent.spool.frame import Frame
from detectors.types import Batch, Plain
from tests.fakes.rig import Rig

START = datetime(2026, 1, 5, tzinfo=UTC)
REFERENCE, DAYS = 28, 36
CONFIG = """
endpoints:
  orders:
    source: {{files: {{path: "{path}"}}}}
    columns: {{timestamp: at}}
    window: 3h
    reference: {{history: 28d}}
    alerts: {alerts}
"""


def replayed(folder: Path, odd: Mapping[tuple[int, int], float], alerts: str = "{}") -> list[Plain]:
    """Replay 36 days, busy by day and quiet at night; `odd` multiplies the rows of a day and hour."""
    random = np.random.default_rng(1)
    times = []
    for day in range(DAYS):
        for hour in range(0, 24, 3):
            rows = int(random.poisson((300 if 6 <= hour < 21 else 40) * odd.get((day, hour), 1.0)))
            times += [START + timedelta(days=day, hours=hour, seconds=float(second)) for second in np.sort(random.uniform(0, 10_800, rows))]
    parquet.write_table(pa.table({"at": times, "x": random.normal(size=len(times))}), folder / "rows.parquet")
    (folder / "driftline.yaml").write_text(CONFIG.format(path=folder / "rows.parquet", alerts=alerts))
    return list(Replay(load(folder / "driftline.yaml", {}), []).records())


def told(records: list[Plain]) -> list[tuple[str, str, str]]:
    """Return name, state and severity of the events."""
    return [(one["name"], one["state"], one["severity"]) for one in records if one["type"] == "event"]


def test_a_quiet_noon_is_told_and_a_quiet_night_is_not(tmp_path: Path) -> None:
    """One warning for a noon with a tenth of its rows, which resolves a day later; 40 rows at night are as usual."""
    records = replayed(tmp_path, {(31, 12): 0.1})

    assert told(records) == [("row_count", "fired", "warning"), ("row_count", "resolved", "warning")]
    (fired, _) = [one for one in records if one["type"] == "event"]
    assert fired["time"].startswith("2026-02-05T15:00:00")
    assert "rows in this window" in fired["summary"]
    (score,) = [one for one in records if one["type"] == "score" and one["kind"] == "quality"]
    assert (score["feature"], score["level"], score["drifted"]) == ("rows", "warning", True)


@pytest.mark.parametrize("factor", [4.0, 0.02], ids=["four times as many", "hardly any"])
def test_both_directions(tmp_path: Path, factor: float) -> None:
    """Far more rows are as odd as far fewer; a window too small to be judged for drift is told as well."""
    assert ("row_count", "fired", "warning") in told(replayed(tmp_path, {(30, 9): factor}))


def test_traffic_as_usual_is_told_of_by_nobody(tmp_path: Path) -> None:
    """Also not the last window, which the end of the data may cut."""
    assert told(replayed(tmp_path, {(DAYS - 1, 21): 0.1})) == []


def test_it_can_be_switched_off_or_made_louder(tmp_path: Path) -> None:
    """`alerts.row_count` of the endpoint."""
    odd = {(31, 12): 0.1}
    assert told(replayed(tmp_path, odd, "{row_count: {enabled: false}}")) == []
    assert told(replayed(tmp_path, odd, "{row_count: {severity: page}}"))[0] == ("row_count", "fired", "page")


def lived(folder: Path, crashes: bool) -> tuple[list[tuple[str, str, float]], dict[tuple[str, int], float]]:  # noqa: FBT001 - a table
    """Live through 50 days, the agent killed every few days or not at all; return the events and what was shown of the rows."""
    config = Config(endpoints={"orders": Endpoint("orders", window=timedelta(days=1), allowed_lateness=timedelta(0))})
    rig = Rig(folder, config)
    random = np.random.default_rng(2)
    for day in range(50):
        rows = 15 if day == 40 else int(random.poisson(200))
        begin = int((START + timedelta(days=day)).timestamp()) * 10**9
        times = begin + np.sort(random.integers(0, 86_400, rows)) * 10**9
        ids = np.arange(1, rows + 1, dtype=np.uint64) + np.uint64(day * 10_000)
        one = Batch("orders", "rows", rows, {"time": times, "id": ids}, {"x": random.normal(size=rows)})
        rig.send(Frame(one, "test", None, begin + 86_400 * 10**9 - 1))
        if day % 3 == 1:
            rig.save()
        if crashes and day % 7 in {3, 5}:
            rig.crash()
    rig.save()
    points, events = rig.told()
    shown = {
        (point.metric.name, point.time): float(point.value)
        for point in points
        if ("kind", "quality") in point.attributes and isinstance(point.value, float | int)
    }
    rig.store.close()
    return [(one.name, one.state, one.values.get("rows", 0.0)) for one in events], shown


def test_a_killed_agent_says_the_same(tmp_path: Path) -> None:
    """What is usual is kept with the rest of the state: the same verdicts, whenever the agent was killed."""
    folders = [tmp_path / name for name in ("plain", "killed")]
    for folder in folders:
        folder.mkdir()
    plain, killed = (lived(folder, crashes) for folder, crashes in zip(folders, (False, True), strict=True))

    assert ("row_count", "fired", 15.0) in plain[0]
    assert killed == plain
    assert sum(name == "driftline.drift.severity" for name, _ in plain[1]) > 30
