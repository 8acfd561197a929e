"""Estimated performance through the agent: from a configuration and files to gauges of the catalogue."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.clock import WallClock
from agent.config import Columns, Config, Endpoint, Reference
from agent.config_file import load
from agent.errors import InputError
from agent.references import load as start
from agent.replay import Replay
from agent.routing import MatchRouter
from agent.series import Series
from agent.store.store import Store
from detectors import catalog
from detectors.decay.confidence_based import ConfidenceBased
from detectors.types import Score

HOURS, ROWS = 4, 600
GAUGES = (catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER)


def table(path: Path, seed: int, rows: int, *, timed: bool, label: str = "repaid") -> None:
    """Write rows of a model whose probabilities promise too much; in the last hours its scores become uncertain."""
    rng = np.random.default_rng(seed)
    hour = np.arange(rows) * HOURS // rows
    score = np.where(timed & (hour >= HOURS // 2), rng.beta(4, 4, rows), rng.beta(0.4, 0.4, rows))
    truth = rng.random(rows) < score**1.5
    lines = [f"time,amount,p,answer,{label}"]
    for row in range(rows):
        moment = f"2026-03-02T{hour[row]:02d}:{row * HOURS * 60 // rows % 60:02d}:00Z" if timed else ""
        lines.append(f"{moment},{rng.normal():.3f},{score[row]:.4f},{'yes' if score[row] > 0.5 else 'no'},{'yes' if truth[row] else 'no'}")
    path.write_text("\n".join(lines) + "\n")


def scores(folder: Path, detectors: str, columns: str) -> Iterator[tuple[int, Score]]:
    """Yield the scores of every window of a replay with its hour."""
    (folder / "driftline.yaml").write_text(
        f"""version: 1
endpoints:
  loans:
    source: {{files: {{path: live.csv}}}}
    columns: {columns}
    window: 1h
    reference: {{file: training.csv}}
    detectors: {detectors}
"""
    )
    for _, effects in Replay(load(folder / "driftline.yaml", {}), [], lambda _: None).effects():
        for closed in effects.windows:
            yield from ((closed.window.start.hour, score) for score in closed.scores)


def replayed(folder: Path, options: str = "{positive: 'yes'}", columns: str = "probability: p, ") -> Iterator[tuple[int, Score]]:
    """Yield the scores of the loans."""
    return scores(folder, f"{{performance: {options}}}", f"{{timestamp: time, {columns}prediction: answer, label: repaid}}")


def prices(path: Path, seed: int, rows: int) -> None:
    """Write rows of a price model that errs five times as much on old cars, of which there are many in the last hours."""
    rng = np.random.default_rng(seed)
    hour = np.arange(rows) * HOURS // rows
    lines = ["time,age,fuel,price,paid"]
    for row in range(rows):
        age = rng.uniform(10, 20) if rng.random() < (0.8 if hour[row] >= HOURS // 2 else 0.2) else rng.uniform(0, 10)
        price = 30_000 - 1_000 * age
        paid = price + rng.normal(0, 500 if age > 10 else 100)
        fuel = "petrol" if rng.random() < 0.5 else "diesel"
        lines.append(f"2026-03-02T{hour[row]:02d}:{row * HOURS * 60 // rows % 60:02d}:00Z,{age:.2f},{fuel},{price:.0f},{paid:.0f}")
    path.write_text("\n".join(lines) + "\n")


def test_a_replay_estimates_the_error_of_a_regression(tmp_path: Path) -> None:
    """The mean absolute error of the hours is within its interval in all but one at most, and doubles when old cars come."""
    prices(tmp_path / "training.csv", 1, 6_000)
    prices(tmp_path / "live.csv", 2, HOURS * ROWS)
    columns = "{timestamp: time, prediction: price, label: paid}"
    found: dict[str, list[float]] = {}
    for _, score in scores(tmp_path, "{regression_performance: {only: [mae]}}", columns):
        if "metric" in score.attributes:
            found.setdefault(score.metric.name, []).append(score.value)
    values, lower, upper = (found[one.name] for one in GAUGES)
    lines = [line.split(",") for line in (tmp_path / "live.csv").read_text().splitlines()[1:]]
    errors = np.array([abs(float(line[3]) - float(line[4])) for line in lines]).reshape(HOURS, ROWS).mean(axis=1)
    assert np.count_nonzero((np.array(lower) <= errors) & (errors <= np.array(upper))) >= HOURS - 1
    assert np.array(values) == pytest.approx(errors, rel=0.15)
    assert min(values[2:]) > 1.8 * max(values[:2])


def test_a_replay_estimates_every_window(tmp_path: Path) -> None:
    """The training file has labels, what is replayed is judged without: accuracy is near the truth and falls when scores blur."""
    table(tmp_path / "training.csv", 1, 8000, timed=False)
    table(tmp_path / "live.csv", 2, HOURS * ROWS, timed=True)
    found: dict[str, list[float]] = {}
    for _, score in replayed(tmp_path):
        if score.attributes.get("metric") == "accuracy":
            assert score.attributes["basis"] == "estimated"
            found.setdefault(score.metric.name, []).append(score.value)
    values, lower, upper = (found[one.name] for one in GAUGES)
    lines = [line.split(",") for line in (tmp_path / "live.csv").read_text().splitlines()[1:]]
    realised = [np.mean([line[3] == line[4] for line in lines if line[0][11:13] == f"{hour:02d}"]) for hour in range(HOURS)]
    assert np.all((np.array(lower) <= realised) & (realised <= np.array(upper)))
    assert max(values[2:]) < min(values[:2]) - 0.1


@pytest.mark.parametrize(
    ("options", "columns", "why"),
    [
        ("{positive: perhaps}", "probability: p, ", "0 positive and 8000 negative rows.*labels are 'no', 'yes'"),
        ("{positive: 'yes'}", "probability: score, ", "no row has a column 'score'"),
        ("{positive: 'yes'}", "probability: amount, ", "rows have a probability outside .*percent"),
        ("{positive: 'no'}", "probability: p, ", "is it the probability of the positive class"),
        ("{positive: 'yes'}", "", "set columns.probability"),
    ],
)
def test_a_reference_that_cannot_serve_is_told(tmp_path: Path, options: str, columns: str, why: str) -> None:
    """The reason, the endpoint and what to change."""
    table(tmp_path / "training.csv", 1, 8000, timed=False)
    table(tmp_path / "live.csv", 2, 100, timed=True)
    with pytest.raises(InputError, match=why):
        list(replayed(tmp_path, options, columns))


@pytest.mark.parametrize(("share", "refused"), [(3, True), (400, False)])
def test_more_than_two_classes_are_refused(tmp_path: Path, share: int, refused: bool) -> None:  # noqa: FBT001 - an expectation
    """What is realised of three classes is another thing than one against the rest; a stray label among thousands is none."""
    for name, timed in (("training", False), ("live", True)):
        table(tmp_path / f"{name}.csv", 1, 2_000, timed=timed)
    lines = (tmp_path / "training.csv").read_text().splitlines()
    changed = [line.rpartition(",")[0] + ",prepaid" if number % share == 1 and number > 1 else line for number, line in enumerate(lines)]
    (tmp_path / "training.csv").write_text("\n".join(changed) + "\n")
    if refused:
        with pytest.raises(InputError, match="more than two classes, 'no', 'prepaid', 'yes'; two can be estimated"):
            list(replayed(tmp_path))
    else:
        assert any(score.metric is catalog.MODEL_PERFORMANCE for _, score in replayed(tmp_path))


def test_a_slip_in_the_configuration_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A column of answers that is not there, and answers in other words than the labels: both would be estimated, as something else."""
    for name, timed in (("training", False), ("live", True)):
        table(tmp_path / f"{name}.csv", 1, 400, timed=timed)
    list(scores(tmp_path, "{performance: {positive: 'yes'}}", "{timestamp: time, probability: p, prediction: answr, label: repaid}"))
    assert "no row has a column 'answr' (columns.prediction)" in caplog.text
    text = (tmp_path / "training.csv").read_text().replace(",yes,", ",grant,").replace(",no,", ",deny,")
    (tmp_path / "training.csv").write_text(text)
    list(replayed(tmp_path))
    assert "no answer is 'yes' (detectors.performance.positive), they are 'deny', 'grant'" in caplog.text


def labelled(folder: Path, reference: Reference) -> Config:
    """Return an endpoint whose performance is estimated from a reference."""
    columns = Columns(timestamp="time", probability="p", prediction="answer", label="repaid")
    endpoint = Endpoint("loans", columns=columns, reference=reference, detectors={"performance": ConfidenceBased("yes")})
    return Config(endpoints={"loans": endpoint}, state=folder)


def test_the_agent_keeps_what_it_learnt(tmp_path: Path) -> None:
    """Started again with the same configuration, it takes the stored reference, even when the file is gone."""
    table(tmp_path / "training.csv", 1, 8000, timed=False)
    config = labelled(tmp_path, Reference(file=tmp_path / "training.csv"))
    with Store(tmp_path / "store.sqlite") as store:
        first = start(config, store, MatchRouter(config), Series(), WallClock()).beginnings.shared["loans/performance"]
        (tmp_path / "training.csv").unlink()
        again = start(config, store, MatchRouter(config), Series(), WallClock()).beginnings.shared["loans/performance"]
    state = ConfidenceBased().restore(again)
    assert state.rows.sum() == 8000
    assert state.calibration is not None
    np.testing.assert_array_equal(first["rows"], again["rows"])


@pytest.mark.parametrize(
    ("reference", "told"),
    [(Reference(), "needs reference.file or reference.history with labels"), (Reference(baseline="spring"), "keeps no labels")],
)
def test_the_agent_tells_when_there_is_nothing_to_learn_from(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reference: Reference, told: str
) -> None:
    """No reference, or one without labels: a line in the log, and no state to start from."""
    config = labelled(tmp_path, reference)
    with Store(tmp_path / "store.sqlite") as store:
        assert start(config, store, MatchRouter(config), Series(), WallClock()).beginnings.shared == {}
    assert told in caplog.text


def test_rows_that_bring_their_label_judge_the_estimate(tmp_path: Path) -> None:
    """Both detectors on one endpoint: hours whose labels agree leave accuracy trusted; labels of the other class make it not trustworthy."""
    table(tmp_path / "training.csv", 1, 8000, timed=False)
    table(tmp_path / "live.csv", 2, HOURS * ROWS, timed=True)
    columns = "{timestamp: time, probability: p, prediction: answer, label: repaid}"
    said = []
    for turned in (False, True):
        if turned:
            lines = (tmp_path / "live.csv").read_text().splitlines()
            other = {"yes": "no", "no": "yes"}
            swapped = (f"{line.rpartition(',')[0]},{other[line.rpartition(',')[2]]}" for line in lines[1:])
            (tmp_path / "live.csv").write_text("\n".join([lines[0], *swapped]) + "\n")
        found = scores(tmp_path, "{performance: {positive: 'yes'}, decay: {positive: 'yes'}}", columns)
        trust = [(hour, score.attributes["status"]) for hour, score in found if score.metric is catalog.MODEL_ESTIMATE_TRUST and score.value
                 and score.attributes["metric"] == "accuracy"]  # fmt: skip
        said.append(trust)

    assert said[0] == [(0, "untested"), (1, "untested"), (2, "trusted"), (3, "trusted")]
    assert said[1][2:] == [(2, "not_trustworthy"), (3, "not_trustworthy")]
