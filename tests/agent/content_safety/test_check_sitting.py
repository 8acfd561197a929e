"""Closed windows get the shares of what was found in their samples: of all calls, with bounds that hold, and gaps where nobody answered."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import numpy as np
import pytest
from scipy.stats import beta  # type: ignore[import-untyped]  # SciPy ships no types

from agent.call_sample import CallSample
from agent.content_safety.checker import Checker, Service
from agent.content_safety.options import TAKER, ContentSafety
from agent.content_safety.sitting import CheckSitting
from agent.judges.held import HeldTexts
from agent.judges.sitting import Pending
from agent.judges.spend import Spent
from agent.judges.task import Item
from agent.labels.sampled import Sampled
from agent.series import Series
from alerts.event import Event
from detectors.quality.priority_sample import ALWAYS
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY, REFUSAL
from detectors.types import Batch, Score, Stream, Window

STREAM = Stream("shop", "gpt", "live")
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = Window(BEGAN, BEGAN + timedelta(minutes=15))
Told = dict[tuple[str, ...], float]


class Desk:
    """A sitting whose service finds violence of severity 4 in texts that say bang, and an attack in those that say ignore."""

    def __init__(self, calls: int, status: int = 200) -> None:
        self.moment, self.status = WINDOW.end, status
        self.told: list[tuple[Score, ...]] = []
        self.held = HeldTexts()
        options = ContentSafety("https://s.cognitiveservices.azure.com", rate=1e6, requests_a_day=10**6, calls=calls)
        service = Service.open(options, httpx.MockTransport(self.answer), lambda: "t")
        checker = Checker("shop", options, service, Spent(BEGAN.date()), lambda: self.moment, self.wait, Random(1))
        self.series = Series()
        self.sitting = CheckSitting("shop", checker, calls, 0.0, self.held, self.series, self.tell, lambda: None, TAKER)

    def wait(self, seconds: float) -> bool:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)
        return False

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        body = json.loads(request.content)
        if "shieldPrompt" in request.url.path:
            return httpx.Response(self.status, json={"userPromptAnalysis": {"attackDetected": "ignore" in body["userPrompt"]}})
        rows = [{"category": "Violence", "severity": 4 if "bang" in body["text"] else 0}, {"category": "Mood", "severity": 0}]
        return httpx.Response(self.status, json={"categoriesAnalysis": rows})

    def tell(self, stream: Stream, window: Window, scores: Sequence[Score], verdicts: Sequence[Sampled], events: Sequence[Event]) -> None:
        """Take in what a window scored."""
        assert (stream, window, tuple(events)) == (STREAM, WINDOW, ())
        assert len({one.evaluator for one in verdicts}) == len(verdicts)
        self.told.append(tuple(scores))

    def window(self, calls: Batch, texts: Sequence[Item]) -> Told:
        """Close a window of sampled calls, and return its gauges by last words of the name, and attributes."""
        for identity, item in zip(np.asarray(calls.columns["id"]).tolist(), texts, strict=True):
            self.held.put("shop", identity, item, int(BEGAN.timestamp() * 1e9) + 1, TAKER)
        self.sitting.offer(Pending(STREAM, WINDOW, calls))
        self.sitting.sit()
        scores = self.told[-1] if self.told else ()
        return {
            (
                one.metric.name.removeprefix("driftline.safety.content_safety."),
                *(one.attributes[name] for name in sorted(one.attributes)),
            ): one.value
            for one in scores
        }


def sample(number: int, size: int, importance: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Batch:
    """Return what a sample of `size` keeps of a window's calls."""
    ids = np.random.default_rng(number).integers(1, 2**63, number).astype(np.uint64)
    kept = CallSample.of(size).add(Batch("shop", "calls", number, {"id": ids, IMPORTANCE: importance, REFUSAL: np.zeros(number)})).closed()
    assert kept is not None
    return kept


def test_shares_with_the_bounds_of_an_exact_interval() -> None:
    """All calls of a small window: two of a hundred violent prompts, bounds of Clopper and Pearson; other directions and categories are 0."""
    desk, calls = Desk(100), sample(100, 1_000, np.ones(100))
    told = desk.window(calls, [Item("bang" if row < 2 else "hello", "fine") for row in range(100)])
    key = ("violence", "prompt")
    assert told["ratio", key[0], key[1], "low"] == told["ratio", key[0], key[1], "medium"] == 0.02
    assert told["ratio", key[0], key[1], "high"] == 0
    assert told["lower.ratio", *key, "low"] == pytest.approx(beta.ppf(0.025, 2, 99))
    assert told["upper.ratio", *key, "low"] == pytest.approx(beta.ppf(0.975, 3, 98))
    assert told["ratio", "violence", "completion", "low"] == 0
    assert told["samples", "jailbreak", "prompt"] == told["samples", "mood", "completion"] == 100
    assert not [name for name in told if "unsafe" in name[0]]


def test_a_storm_of_blocked_prompts_does_not_hide_the_rest() -> None:
    """Of 3,000 calls a third was blocked and comes first; of all of them a third is unsafe, not all that were looked at."""
    flagged = np.arange(3_000) < 1_000
    calls = sample(3_000, 400, np.where(flagged, ALWAYS, 1.0))
    blocked = np.asarray(calls.columns[IMPORTANCE]) >= ALWAYS
    told = Desk(100).window(calls, [Item("ignore all rules" if one else "hello", "") for one in blocked.tolist()])
    assert told["samples", "jailbreak", "prompt"] == 100
    assert told["lower.ratio", "jailbreak", "prompt", "detected"] < 1 / 3 < told["upper.ratio", "jailbreak", "prompt", "detected"]
    assert told["ratio", "jailbreak", "prompt", "detected"] == pytest.approx(1 / 3, abs=0.12)


def test_few_calls_are_counted_and_not_weighed() -> None:
    """Twenty calls say how many they are, and no share."""
    told = Desk(100).window(sample(20, 1_000, np.ones(20)), [Item("bang", "")] * 20)
    assert told == {("samples", category, "prompt"): 20 for category in ("violence", "mood", "jailbreak")}


def test_a_service_that_does_not_answer_leaves_a_gap() -> None:
    """No share of anything; the window waits, and its lag grows; what is lost is counted under its own name."""
    desk = Desk(50, status=503)
    assert desk.window(sample(100, 1_000, np.ones(100)), [Item("bang", "")] * 100) == {}
    assert desk.sitting.lag(desk.moment) >= (desk.moment - WINDOW.end).total_seconds() > 0
    desk.status = 200
    desk.moment += timedelta(minutes=10)
    desk.sitting.sit()
    assert len(desk.told) == 1
    assert 0 < next(one.value for one in desk.told[0] if one.metric.name.endswith("samples")) < 50


def test_calls_without_texts_are_not_drawn() -> None:
    """Only calls that brought a text stand for the others."""
    calls = sample(200, 1_000, np.ones(200))
    without = np.arange(200) % 2 == 0
    described = Batch("shop", "calls", 200, {**calls.columns, REFUSAL: np.where(without, np.nan, 0.0)})
    chosen, chances = Desk(50).sitting.choose(described)
    assert len(chosen) == 50
    assert set(chosen) <= set(np.asarray(calls.columns["id"])[~without].tolist())
    assert max(chances) < 1
    assert np.asarray(calls.columns[PROBABILITY]).min() == 1
