"""Decay is told when errors have surely risen: a page against a known usual error, a warning before there is one."""

from datetime import UTC, datetime

import pytest

from alerts.rule import Observation
from alerts.rules.decay import Decay
from detectors import catalog
from detectors.types import Score, Stream, Window

STREAM = Stream("loans", "blue", "live")
WINDOW = Window(datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 11, tzinfo=UTC))


def severity(value: float, method: str, metric: str = "error") -> Score:
    """Return a severity of realised errors."""
    return Score(catalog.MODEL_DECAY_SEVERITY, value, {"metric": metric, "basis": "realised", "method": method})


@pytest.mark.parametrize(
    ("methods", "breached", "level"),
    [
        ({"cusum": 0.2, "e_detector": 0.9}, False, "page"),
        ({"cusum": 0.2, "e_detector": 1.1}, True, "page"),
        ({"cusum": 1.3, "e_detector": 1.1}, True, "page"),
        ({"adwin": 1.2}, True, "warning"),
        ({"adwin": 0.2}, False, "warning"),
    ],
)
def test_the_worst_method_decides(methods: dict[str, float], breached: bool, level: str) -> None:  # noqa: FBT001 # a table's column
    """Any method above 1 breaches; ADWIN, which knows no usual error, only warns."""
    scores = tuple(severity(value, method) for method, value in methods.items())

    reading = Decay().read(Observation(STREAM, scores, window=WINDOW))

    assert reading is not None
    assert (reading.breached, reading.severity, reading.statistic) == (breached, level, max(methods.values()))


def test_it_says_how_good_the_answers_are() -> None:
    """The message names the metrics of the window."""
    accuracy = Score(catalog.MODEL_PERFORMANCE, 0.8125, {"metric": "accuracy", "basis": "realised"})

    reading = Decay().read(Observation(STREAM, (severity(2.0, "cusum"), accuracy), window=WINDOW))

    assert reading is not None
    assert reading.summary == "loans/blue: answers are wrong more often than usual: accuracy 0.8125"
    assert reading.values == {"severity": 2.0, "accuracy": 0.8125}


def test_without_labels_it_says_nothing() -> None:
    """A window without a severity is no reading: neither well nor ill."""
    assert Decay().read(Observation(STREAM, (Score(catalog.DATA_ROWS, 5.0),), window=WINDOW)) is None


@pytest.mark.parametrize(("status", "level"), [("provisional", "warning"), ("calibrated", "page")])
def test_it_warns_until_it_is_known_how_much_windows_vary(status: str, level: str) -> None:
    """A usual error taken from a file wakes nobody in its first days."""
    standing = [
        Score(catalog.REFERENCE_STATUS, float(name == status), {"reference": "errors", "status": name})
        for name in ("provisional", "calibrated")
    ]

    reading = Decay().read(Observation(STREAM, (severity(2.0, "cusum"), *standing), window=WINDOW))

    assert reading is not None
    assert (reading.breached, reading.severity) == (True, level)


@pytest.mark.parametrize(("status", "breached"), [("untested", True), ("trusted", True), ("not_trustworthy", None)])
def test_an_estimate_wakes_nobody(status: str, breached: bool | None) -> None:  # noqa: FBT001 # a table's column
    """A rise that is only estimated warns at most; one that labels contradict is no reading at all."""
    rise = Score(catalog.MODEL_DECAY_SEVERITY, 3.0, {"metric": "error", "basis": "estimated", "method": "cusum"})
    trust = Score(catalog.MODEL_ESTIMATE_TRUST, 1.0, {"metric": "error", "status": status})

    reading = Decay().read(Observation(STREAM, (rise, trust), window=WINDOW))

    assert (reading and reading.breached, reading and reading.severity) == (breached, breached and "warning")
