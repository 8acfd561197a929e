"""The alarm rule against golden vectors made by two other implementations of the same page."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from detectors.drift.calibration import Calibration, DayState, FeatureHistory, MinEffect, calibrate
from detectors.drift.judging import Measurement, measure
from detectors.drift.rates import log_rate_tail
from detectors.drift.scaling import strength
from detectors.drift.survival import log_f_sf, log_t_sf
from detectors.drift.verdict import Verdict

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data/statistics/golden.json").read_text())
FEATURES: list[dict[str, Any]] = GOLDEN["features"]
NAMES = [feature["name"] for feature in FEATURES]
EXPECTED: dict[str, Any] = GOLDEN["expected"]
FAMILIES = ("shape", "moment", "rare")
REFERENCE_DAYS = np.array(GOLDEN["reference_days"])
SCORED = np.flatnonzero(np.isin(REFERENCE_DAYS, GOLDEN["scored_reference"]))
LIVE = [index for index, day in enumerate(GOLDEN["live_days"]) if day in GOLDEN["scored_live"]]

pytestmark = pytest.mark.filterwarnings("error")


def same(actual: ArrayLike, expected: ArrayLike, relative: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(actual, np.float64), np.asarray(expected, np.float64), rtol=relative, atol=1e-12)


def history(feature: Mapping[str, Any]) -> FeatureHistory:
    unseen = np.zeros(len(REFERENCE_DAYS), np.int64)
    unseen[SCORED] = feature["unseen"]
    return FeatureHistory(feature["name"], feature["kind"], np.array(feature["reference"]), unseen)


HISTORIES = [history(feature) for feature in FEATURES]


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibrate(HISTORIES, REFERENCE_DAYS, GOLDEN["budget"])


@pytest.fixture(scope="module")
def live(calibration: Calibration) -> Measurement:
    return measure(calibration.replay, {feature["name"]: np.array(feature["live"])[LIVE] for feature in FEATURES}, MinEffect())


@pytest.fixture(scope="module")
def verdicts(calibration: Calibration) -> list[tuple[DayState, Verdict]]:
    state, found = DayState(), []
    for index, day in enumerate(GOLDEN["live_days"]):
        counts = {feature["name"]: np.array(feature["live"][index]) for feature in FEATURES}
        state, verdict = calibration.judge(state, day, counts)
        state = DayState.from_plain(json.loads(json.dumps(state.plain())))
        found.append((state, verdict))
    return found


def sub_tests(calibration: Calibration) -> Iterator[tuple[int, dict[str, Any]]]:
    for model, feature in zip(calibration.replay.models, FEATURES, strict=True):
        assert set(model.yardstick.tests) == set(feature["expected"]["tests"])
        for at, test in zip(range(model.tests.start, model.tests.stop), model.yardstick.tests, strict=True):
            yield at, feature["expected"]["tests"][test]


def test_groups_and_scores(calibration: Calibration) -> None:
    """Groups are equal exactly, rank scores to 1e-9."""
    for model, feature in zip(calibration.replay.models, FEATURES, strict=True):
        assert model.yardstick.groups.tolist() == feature["expected"]["groups"]
        assert len(model.yardstick.scores) == len(feature["expected"]["h"])
        same(model.yardstick.scores.ravel(), np.ravel(feature["expected"]["h"]))
        assert model.unseen.tolist() == [feature["expected"]["unseen_total"]]


def test_scaling(calibration: Calibration) -> None:
    """Overdispersion, mean, variance and degrees of freedom agree, of all windows and with each block left out."""
    replay = calibration.replay
    assert replay.blocks.tolist() == EXPECTED["block"]
    for at, expected in sub_tests(calibration):
        same(replay.tau2[at], expected["tau2"])
        same(replay.scale.mean[at], expected["M_all"])
        same(replay.scale.variance[at], expected["V_all"])
        same(replay.scale.freedom[at], expected["live"]["nu"])
        same(replay.own.mean[:, at], expected["block"]["M"])
        same(replay.own.variance[:, at], expected["block"]["V"])
        same(replay.own.windows[:, at], expected["block"]["W"])
        same(replay.own.freedom[:, at], expected["block"]["nu"])


def test_reference_windows(calibration: Calibration) -> None:
    """Every reference window's statistic, p and strength agree."""
    replay = calibration.replay
    assert replay.source.tolist() == SCORED.tolist()
    for at, expected in sub_tests(calibration):
        same(replay.raw[:, at], expected["reference"]["T"])
        same(np.exp(replay.log_p[:, at]), expected["reference"]["p"], 1e-8)
        same(replay.strengths[:, at], expected["reference"]["s"])


def test_lines_and_days(calibration: Calibration) -> None:
    """Family lines, day values, persistence and the alarm line agree; k exactly."""
    replay = calibration.replay
    for line, family in zip(replay.lines, FAMILIES, strict=True):
        assert line is not None
        same([line.threshold, line.upper_fifth, line.slope], [EXPECTED[key][family] for key in ("t", "u80", "beta")])
    same(replay.values, EXPECTED["reference"]["v"])
    same(replay.daily, EXPECTED["reference"]["d"])
    same(replay.lasting, EXPECTED["reference"]["P"])
    same(replay.unusual.max(axis=1), EXPECTED["reference"]["U"])
    same([replay.rho, replay.gamma], [EXPECTED["rho"], EXPECTED["gamma"]])
    assert replay.rank == EXPECTED["k"]


@pytest.mark.parametrize("budget", list(GOLDEN["other_budgets"]))
def test_other_budgets(budget: str) -> None:
    """The lines of smaller and larger budgets agree."""
    expected = GOLDEN["other_budgets"][budget]
    replay = calibrate(HISTORIES, REFERENCE_DAYS, float(budget)).replay
    assert replay.rank == expected["k"]
    same([replay.rho, replay.gamma], [expected["rho"], expected["gamma"]])
    same(
        [line.threshold for line in replay.lines if line is not None],
        [expected["t"][family] for family in FAMILIES],
    )


def test_live_windows(calibration: Calibration, live: Measurement) -> None:
    """Every live window's statistic, p, strength and effect agree."""
    for at, expected in sub_tests(calibration):
        same(live.raw[:, at], expected["live"]["T"])
        same(np.exp(live.log_p[:, at]), expected["live"]["p"], 1e-8)
        same(live.strength[:, at], expected["live"]["s"])
    for model, feature in zip(calibration.replay.models, FEATURES, strict=True):
        same(live.size[:, model.tests].max(axis=1), feature["expected"]["effect_live"])


def test_verdicts(calibration: Calibration, live: Measurement, verdicts: list[tuple[DayState, Verdict]]) -> None:
    """Severity, p, alarm and page of every live day agree, through states that were saved and restored each day."""
    expected = EXPECTED["live"]
    days = GOLDEN["live_days"]
    same(np.array([live.relative[:, model.tests].max(axis=1) for model in calibration.replay.models]).T, expected["v"])
    for row, index in enumerate(LIVE):
        state, verdict = verdicts[index]
        features = [verdict.of(name) for name in NAMES]
        same([state.days[days[index]][name].value for name in NAMES], expected["d"][row])
        same([state.lasting(days[index], name) for name in NAMES], expected["P"][row])
        same([feature.severity * calibration.replay.gamma for feature in features], expected["U"][row])
        same([feature.severity for feature in features], expected["severity"][row])
        same([feature.p_value for feature in features], expected["p_adj"][row])
        assert [feature.alarm for feature in features] == expected["alert"][row]
        assert [feature.level == "page" for feature in features] == expected["page"][row]
        ratios = [(feature.statistic / feature.threshold, feature.severity) for feature in features if not feature.carried]
        same([ratio for ratio, _ in ratios], [severity for _, severity in ratios])


def test_small_windows_are_insufficient(verdicts: list[tuple[DayState, Verdict]]) -> None:
    """Day 67 with 20 rows gets no severity and says why."""
    _, verdict = verdicts[GOLDEN["live_days"].index(67)]
    assert {(found.status, found.samples, found.level) for found in verdict.features} == {("insufficient", 20, None)}
    assert verdict.features[0].explanation == "20 rows in this window; 30 are needed"


def test_deciding_windows(calibration: Calibration) -> None:
    """The burst of missing values on day 30 is named as what sets the line."""
    first = calibration.deciding[0]
    assert (first.day, first.window, first.feature, first.test, first.decides) == (30, 30, "heavy", "missing", True)


def plain_feature() -> tuple[dict[str, Any], NDArray[np.int64]]:
    feature = next(feature for feature in FEATURES if feature["name"] == GOLDEN["short"]["feature"])
    return feature, np.array(feature["live"])[LIVE]


def test_short_reference() -> None:
    """Below 20 windows the t tail of the logarithm agrees."""
    feature, windows = plain_feature()
    counts = np.array(feature["reference"])[SCORED][:12]
    short = FeatureHistory("plain", "numeric", counts, np.zeros(12, np.int64))
    calibration = calibrate([short], np.arange(12) // 4, 1.0)
    replay = calibration.replay
    assert replay.blocks.tolist() == GOLDEN["short"]["block"]
    found = measure(replay, {"plain": windows}, MinEffect())
    for at, test in enumerate(replay.tests):
        expected = GOLDEN["short"]["tests"][test]
        same(replay.tau2[at], expected["tau2"])
        same(replay.scale.center[at], expected["mean_log"])
        same(replay.scale.variance[at], expected["var_log"])
        same(replay.raw[:, at], expected["reference"]["T"])
        same(np.exp(replay.log_p[:, at]), expected["reference"]["p"], 1e-8)
        same(found.raw[:, at], expected["live"]["T"])
        same(np.exp(found.log_p[:, at]), expected["live"]["p"], 1e-8)
    assert calibration.status == "uncalibrated"
    assert calibration.has_severity


def test_file_without_time() -> None:
    """With a file, groups and comparison are the file's and the scale is of the windows among themselves."""
    feature, windows = plain_feature()
    file = np.array(GOLDEN["file"]["file_counts"])
    zero = np.zeros(len(REFERENCE_DAYS), np.int64)
    mixed = FeatureHistory("plain", "numeric", np.array(feature["reference"]), zero, file)
    replay = calibrate([mixed], REFERENCE_DAYS, 1.0).replay
    assert replay.models[0].yardstick.groups.tolist() == GOLDEN["file"]["groups"]
    found = measure(replay, {"plain": windows}, MinEffect())
    for at, test in enumerate(replay.tests):
        expected = GOLDEN["file"]["tests"][test]
        same(replay.tau2[at], expected["tau2"])
        same(replay.scale.mean[at], expected["M_all"])
        same(replay.scale.variance[at], expected["V_all"])
        same(found.raw[:, at], expected["live"]["T"])
        same(np.exp(found.log_p[:, at]), expected["live"]["p"], 1e-8)
        same(found.strength[:, at], expected["live"]["s"])


def test_functions() -> None:
    """Tails and strengths agree with the golden values, to 1e-300 and below."""
    functions = GOLDEN["functions"]
    for case in functions["f_sf"]:
        same(np.exp(log_f_sf(case["x"], case["d1"], case["d2"])), case["p"])
        assert case["p"] == 0 or abs(log_f_sf(case["x"], case["d1"], case["d2"]) - np.log(case["p"])) < 1e-9
    for case in functions["t_sf"]:
        same(np.exp(log_t_sf(case["x"], case["df"])), case["p"])
    for case in functions["rate_tail"]:
        same(log_rate_tail(case["x"], case["n"], case["y"], case["m"]) / np.log(10), case["log10_p"])
    for case in functions["strength"]:
        with np.errstate(divide="ignore"):
            same(strength(np.log(np.array(case["p"]))), case["s"])
