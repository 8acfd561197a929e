"""The rule about the number of rows: a warning of its own, no drift, and silent where nothing is judged."""

import numpy as np
import pytest

from alerts.builtin import rules
from alerts.rule import Observation, Reading, readings
from detectors import catalog
from detectors.drift.row_counts import FEATURE, KIND, REFERENCE, judge_rows
from detectors.drift.state import DriftState
from detectors.drift.stored_window import When
from detectors.quality.volumes import Volumes
from detectors.types import Finding, Level, Profile, Score, Stream

STREAM = Stream("orders", "blue", "live")
FIRST = 739_000


def observed(rows: int, past: int = 56, day_off: str = "") -> Observation:
    """Return what the detector says of a day with so many rows after `past` days of 400."""
    days = FIRST + np.arange(past)
    known = Volumes(days * 86_400, days, np.zeros(past, np.int64), np.full(past, 400), live=True)
    when = When((FIRST + past) * 86_400, FIRST + past, 0)
    _, told = judge_rows(DriftState(volumes=known), when, Profile({"rows": np.array([rows])}), 1.0, day_off)
    return Observation(STREAM, told.scores, told.findings)


def read(observation: Observation, **options: str) -> dict[str, Reading]:
    """Return the readings by rule."""
    return {reading.alert: reading for reading in readings(rules({"row_count": options}), observation)}


@pytest.mark.parametrize(
    ("rows", "past", "breached"),
    [(20, 56, True), (4000, 56, True), (400, 56, False), (330, 56, False), (20, 12, False), (20, 5, None)],
    ids=["fewer", "more", "usual", "too little to matter", "too early to warn", "unknown"],
)
def test_the_rule_follows_the_detector(rows: int, past: int, breached: bool | None) -> None:  # noqa: FBT001 - a table
    """Fires both ways on a warning; information is no breach; where nothing is known it has no reading at all."""
    found = read(observed(rows, past))
    assert "drift" not in found
    assert ("row_count" in found) is (breached is not None)
    if breached is not None:
        assert found["row_count"].breached is breached
        assert found["row_count"].severity == "warning"


def test_it_says_what_is_usual() -> None:
    """Numbers and a sentence; how loud it is can be chosen."""
    reading = read(observed(20), severity="page")["row_count"]
    assert reading.severity == "page"
    assert reading.values["rows"] == 20
    assert reading.values["lower"] < 400 < reading.values["upper"]
    assert reading.values["severity"] == reading.statistic > 1
    assert reading.summary.startswith("orders/blue: 20 rows in this window, ")
    assert reading.details["reference_status"] == "calibrated"


def test_a_day_off_wakes_nobody() -> None:
    """Its finding is information."""
    assert read(observed(20, day_off="holiday"))["row_count"].breached is False


def test_rows_are_no_drifting_feature() -> None:
    """Beside a drift page they neither count as a feature nor stand as the worst; alone they make no drift alert."""
    level: Level = "page"
    page = Finding("data", "x", "rolling", 3.0, 2.0, 1.5, 0.01, 20, 0.1, "sd", level, "calibrated", {}, "x moved")
    alone = observed(20)
    both = Observation(STREAM, alone.scores, (*alone.findings, page))
    found = read(both)
    assert found["drift"].values["features"] == 1
    assert found["drift"].details["feature"] == "x"
    assert found["row_count"].breached is True


def test_a_feature_called_rows_is_another_thing() -> None:
    """A column of that name is data, and does not speak for the number of rows."""
    where = {"kind": "data", "feature": FEATURE, "reference": REFERENCE}
    assert "row_count" not in read(Observation(STREAM, (Score(catalog.DRIFT_SEVERITY, 9.0, where),)))
    assert KIND != "data"
