"""An endpoint of which only OTLP metrics are known, from data points to findings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.config import Config, Endpoint
from agent.plain import pack
from agent.spool.frame import Frame
from detectors.types import Batch, Category, Input
from tests.fakes.metric_points import Request
from tests.fakes.rig import Rig

SECOND = 1_000_000_000
START = 1_767_225_600  # 2026-01-01 UTC
HOUR, EXPORT = 3600, 300
LENGTHS = tuple(4.0**k for k in range(14))
TOKENS = "gen_ai.client.token.usage"


@dataclass
class Application:
    """Measures calls in cumulative histograms, and exports every five minutes."""

    rng: np.random.Generator
    duration: np.ndarray[Any, np.dtype[np.int64]] = field(default_factory=lambda: np.zeros(15, np.int64))
    seconds: float = 0.0
    errors: int = 0
    lengths: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=lambda: {"input": 0.0, "output": 0.0})

    def request(self, time: float, calls: int, pace: float, output: float, errors: float) -> Request:
        """Make calls, and return what an export says at `time` (seconds after the start)."""
        failed = int(self.rng.binomial(calls, errors))
        read = self.rng.lognormal(6, 0.6, calls - failed).round() + 1
        written = self.rng.lognormal(np.log(output), 0.5, calls - failed).round() + 1
        lasted = written * pace * self.rng.lognormal(0, 0.15, calls - failed)
        self.duration += np.bincount(np.searchsorted(BOUNDS, lasted), minlength=15)
        self.seconds += float(lasted.sum())
        self.errors += failed
        now = START + time
        request = Request().histogram(self.duration.tolist(), total=self.seconds, time=now, start=START)
        if self.errors:
            request.histogram([self.errors], total=0.001 * self.errors, error__type="timeout", time=now, start=START)
        for kind, values in (("input", read), ("output", written)):
            counted = np.bincount(np.searchsorted(LENGTHS, values), minlength=15)
            self.lengths[kind] = self.lengths.get(kind, np.zeros(15, np.int64)) + counted
            self.tokens[kind] += float(values.sum())
            request.histogram(
                self.lengths[kind].tolist(),
                name=TOKENS,
                bounds=LENGTHS,
                total=self.tokens[kind],
                unit="",
                gen_ai__token__type=kind,
                time=now,
                start=START,
            )
        return request


BOUNDS = tuple(0.01 * 2**k for k in range(14))
QUIET: Mapping[str, float] = {"pace": 0.02, "output": 200.0, "errors": 0.02}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Windows of an hour; the agent began before the application."""
    made = Rig(tmp_path, Config(endpoints={"chat": Endpoint("chat", window=timedelta(hours=1))}))
    yield made
    made.store.close()


def run(rig: Rig, application: Application, hours: range, **changed: float) -> None:
    """Let the application serve for some hours."""
    how = {**QUIET, **changed}
    for time in range(hours.start * HOUR + EXPORT, hours.stop * HOUR + 1, EXPORT):
        daily = 1 + 0.1 * np.sin(2 * np.pi * time / (24 * HOUR))
        request = application.request(time, int(application.rng.poisson(60)), how["pace"] * daily, how["output"], how["errors"])
        for batch in request.decoded().batches:
            rig.send(Frame(batch, "otlp", None, (START + time) * SECOND))


def findings(rig: Rig) -> list[tuple[int, dict[str, Any]]]:
    """Return every finding of a closed window, with the hour it is about."""
    rig.save()
    return [(int((start / SECOND - START) // HOUR), finding) for _, start, _, value in rig.windows("chat") for finding in value["findings"]]


def loud(rig: Rig, since: int = 0) -> set[tuple[str, str]]:
    """Return kind and feature of what is a warning or a page."""
    return {(one["kind"], one["feature"]) for hour, one in findings(rig) if hour >= since and one["level"] in {"warning", "page"}}


def test_slower_tokens_are_told_from_metrics_alone(rig: Rig) -> None:
    """Half as slow again after two days: a warning that names milliseconds per token, and the level's step with what it is not."""
    application = Application(np.random.default_rng(1))
    run(rig, application, range(48))
    assert not loud(rig)
    run(rig, application, range(48, 66), pace=0.03)
    assert ("endpoint", "milliseconds_per_token") in loud(rig, 48)
    assert ("latency", "milliseconds_per_token") in loud(rig, 48)
    assert not {feature for kind, feature in loud(rig, 48) if feature in {"input_tokens", "output_tokens", "error", "model"}}
    (said, *_) = [one for hour, one in findings(rig) if one["kind"] == "latency" and one["level"] == "warning"]
    assert "neighbour" in said["explanation"]
    assert "+5" in said["explanation"]


def test_longer_answers_are_told_as_longer_answers(rig: Rig) -> None:
    """Twice the tokens at the same pace: lengths and durations moved, the pace did not."""
    application = Application(np.random.default_rng(2))
    run(rig, application, range(48))
    run(rig, application, range(48, 60), output=400.0)
    found = loud(rig, 48)
    assert {("endpoint", "output_tokens"), ("endpoint", "duration")} <= found
    assert not {kind for kind, feature in found if feature == "milliseconds_per_token"}


def test_errors_are_told_as_a_mix(rig: Rig) -> None:
    """Timeouts from 2 to 12 %: the error mix names them."""
    application = Application(np.random.default_rng(3))
    run(rig, application, range(48))
    run(rig, application, range(48, 60), errors=0.12)
    assert ("endpoint", "error") in loud(rig, 48)
    said = next(one for hour, one in findings(rig) if one["feature"] == "error" and one["level"] == "warning")
    assert "timeout" in said["explanation"]


def test_a_quiet_endpoint_stays_quiet(rig: Rig) -> None:
    """Three days with nothing but a daily wave of load: not one warning."""
    run(rig, Application(np.random.default_rng(4)), range(72))
    assert not loud(rig)


def test_a_crash_changes_nothing(rig: Rig, tmp_path: Path) -> None:
    """Killed every few hours, with the checkpoint some frames behind: the same windows, findings and counters."""
    (tmp_path / "other").mkdir()
    other = replace(rig, folder=tmp_path / "other", frames=[])
    application, same = (Application(np.random.default_rng(5)) for _ in range(2))
    for hours in range(0, 30, 3):
        run(rig, application, range(hours, hours + 3))
        run(other, same, range(hours, hours + 3))
        if hours % 2:
            other.save()
        other.crash()
    rig.save()
    other.save()
    assert [pack(list(window)) for window in other.windows("chat")] == [pack(list(window)) for window in rig.windows("chat")]
    assert other.counters() == rig.counters()
    other.store.close()


def spans(times: np.ndarray[Any, np.dtype[np.int64]], seconds: np.ndarray[Any, np.dtype[np.float64]], rng: np.random.Generator) -> Batch:
    """Return call records that ended at these nanoseconds."""
    rows = len(times)
    return Batch(
        "chat",
        "calls",
        rows,
        {
            "time": times,
            "id": rng.integers(1, 2**63, rows, dtype=np.uint64),
            "deployment": Category.constant("gpt", rows),
            "operation": Category.constant("chat", rows),
            "finish_reason": Category.constant("stop", rows),
            "duration": seconds,
            "output_tokens": np.full(rows, 100.0),
        },
    )


@pytest.mark.parametrize(("input_", "requests"), [("auto", 240), ("calls", 240), ("metrics", 600)])
def test_an_endpoint_that_sends_both_is_counted_from_one(tmp_path: Path, input_: Input, requests: int) -> None:
    """Spans of 240 of 600 calls, and metrics of all: usage, drift and latency read what `input` says, safety what only spans hold."""
    rig = Rig(tmp_path, Config(endpoints={"chat": Endpoint("chat", window=timedelta(hours=1), input=input_)}))
    rng = np.random.default_rng(7)
    ends = np.sort(rng.integers(1, HOUR, 240))
    batch = spans(((START + ends) * SECOND).astype(np.int64), rng.lognormal(0.7, 0.2, 240), rng)
    batch = replace(batch, columns={**batch.columns, "filters": Category.constant("prompt/hate/safe/passed", 240)})
    application = Application(rng)
    for part in np.array_split(np.arange(240), 10):
        newest = int(batch.columns["time"][part[-1]])  # type: ignore[index]  # an array
        rig.send(Frame(batch.take(part), "otlp", None, newest))
        for metrics in application.request(newest / SECOND - START, 60, 0.02, 200.0, 0.0).decoded().batches:
            rig.send(Frame(metrics, "otlp", None, newest + SECOND))
    rig.settle((START + 2 * HOUR) * SECOND)

    found = {name: value for (name, attributes), value in rig.counters().items()}
    assert found["driftline.requests"] == requests
    assert found["driftline.safety.checked"] == 240
    profiles = [value["profiles"] for _, _, _, value in rig.windows("chat")]
    counted = {name for profile in profiles for name in ("drift", "metrics/drift") if len(profile.get(name, {}).get("counts", ())) > 1}
    assert counted == {"metrics/drift" if input_ == "metrics" else "drift"}
    rig.store.close()


def test_only_records_speak_of_a_window_in_which_both_count(rig: Rig) -> None:
    """Spans begin in the middle of an hour that metrics had counted until then: each gauge of each window is written once, of it by the spans."""
    application, rng = Application(np.random.default_rng(9)), np.random.default_rng(8)
    run(rig, application, range(30, 40))
    half = 40 * HOUR + HOUR // 2
    for time in range(40 * HOUR + EXPORT, half + 1, EXPORT):
        for batch in application.request(time, 60, 0.02, 200.0, 0.0).decoded().batches:
            rig.send(Frame(batch, "otlp", None, (START + time) * SECOND))
    rig.settle((START + half + 60) * SECOND)
    times = (START + half + 120 + np.sort(rng.integers(0, 1500, 200))) * SECOND
    rig.send(Frame(spans(times.astype(np.int64), rng.lognormal(0.7, 0.2, 200), rng), "otlp", None, int(times.max())))
    rig.settle((START + 43 * HOUR) * SECOND)

    windows = {(start // SECOND - START) // HOUR: value for stream, start, _, value in rig.windows("chat") if stream.deployment == "gpt"}
    assert set(windows[40]["profiles"]["metrics/drift"]["counts"]) > {"records"}, "both counted"
    for value in windows.values():
        written = [(name, *sorted(attributes.items())) for name, _, attributes in value["scores"]]
        assert len(written) == len(set(written))
    said = {hour: {one["feature"] for one in value["findings"] if one["kind"] == "endpoint"} for hour, value in windows.items()}
    assert "milliseconds_per_token" in said[39], "metrics have a reference"
    assert not said[40], "records have none yet, and metrics are silent beside them"


@pytest.mark.parametrize(("cold_start", "warned"), [(True, False), (False, True)])
def test_cold_starts_do_not_alarm(tmp_path: Path, *, cold_start: bool, warned: bool) -> None:
    """An endpoint that scales to zero: from the third day on it is called in bursts, each met by a start of half a minute."""
    endpoint = Endpoint("chat", window=timedelta(hours=1))
    rig = Rig(tmp_path, Config(endpoints={"chat": endpoint if cold_start else replace(endpoint, cold_start=None)}))
    rng = np.random.default_rng(6)
    for hour in range(72):
        if hour < 48:
            ends = np.sort(rng.integers(0, HOUR, 240))
            seconds = rng.lognormal(0.7, 0.2, 240)
        else:
            # Three bursts an hour; the first 15 calls of each wait for the start.
            ends = np.concatenate([burst + np.sort(rng.integers(0, 300, 80)) for burst in (0, 1200, 2400)]) + 60
            seconds = rng.lognormal(0.7, 0.2, 240)
            late = np.concatenate([np.arange(15) + 80 * burst for burst in range(3)])
            ends[late] = np.repeat([40, 1240, 2440], 15)
            seconds[late] = rng.uniform(25, 35, 45)
        order = np.argsort(ends, kind="stable")
        times = ((START + hour * HOUR + ends[order]) * SECOND).astype(np.int64)
        rig.send(Frame(spans(times, seconds[order], rng), "otlp", None, int(times.max())))
    latency = {feature for _, feature in loud(rig, 48) if feature in {"duration", "milliseconds_per_token"}}
    assert bool(latency) is warned
    cold = sum(value for (name, _), value in rig.counters().items() if name == "driftline.request.cold_starts")
    assert (cold >= 23 * 3 * 15) is cold_start
    rig.store.close()
