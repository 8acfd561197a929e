"""A judge that answers well, then is throttled, then says junk, refuses and hangs: gaps and no zeros, and nothing twice."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import numpy as np
import pytest

from agent.judges.chat import Chat
from agent.judges.criteria import CRITERIA
from agent.judges.events import Telling
from agent.judges.held import HeldTexts
from agent.judges.judge import Judge
from agent.judges.sitting import WAITING, Pending, Sitting
from agent.judges.spend import Limits, Price, Spent
from agent.judges.task import Item
from agent.labels.sampled import Sampled
from agent.secret import Secret
from agent.series import Series
from alerts.event import Event
from detectors.catalog import EVALUATION_MEAN, EVALUATION_SAMPLES
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.types import Batch, Score, Stream, Window

STREAM = Stream("shop", "gpt", "live")
LENGTH = timedelta(minutes=15)
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class World:
    """A clock, a judge behind a transport, and everything the sitting told."""

    def __init__(self, reply: Callable[["World", httpx.Request], httpx.Response], limits: Limits | None = None) -> None:
        self.moment = BEGAN
        self.told: dict[datetime, dict[str, float]] = {}
        self.asked: Counter[str] = Counter()
        self.saved: list[Spent] = []
        self.held = HeldTexts()
        asking = Chat("https://judge.openai.azure.com", "judge", Secret("k")).open(
            httpx.MockTransport(lambda request: reply(self, request))
        )
        judge = Judge(
            asking, [CRITERIA["fluency"]], Spent(BEGAN.date()), limits or Limits(), Price(), lambda: self.moment, self.wait, Random(1)
        )
        self.events: list[Event] = []
        self.sitting = Sitting(
            "shop",
            judge,
            20,
            3.0,
            self.held,
            Series(),
            self.tell,
            lambda: self.saved.append(judge.spent),
            telling=Telling(200, 3.0, "judge"),
        )

    def wait(self, seconds: float) -> bool:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)
        return False

    def tell(self, stream: Stream, window: Window, scores: Sequence[Score], verdicts: Sequence[Sampled], events: Sequence[Event]) -> None:
        """Take in what a window scored; each window is told of once, and with the verdicts its scores are made of."""
        self.events += events
        assert [len(one.ids) for one in verdicts] == [score.value for score in scores if score.metric is EVALUATION_SAMPLES]
        assert stream == STREAM
        assert window.start not in self.told
        self.told[window.start] = {score.metric.name: score.value for score in scores}

    def window(self, number: int, calls: int = 40) -> None:
        """Close a window of so many calls, whose texts are held, and let the judge sit until the next one would close."""
        start = BEGAN + number * LENGTH
        ids = np.arange(number * 1000 + 1, number * 1000 + calls + 1, dtype=np.uint64)
        for identity in ids.tolist():
            self.held.put("shop", identity, Item("Where?", f"answer-{identity}"), int(start.timestamp() * 1e9) + 1)
        columns = {"id": ids, IMPORTANCE: np.ones(calls), PROBABILITY: np.full(calls, 0.5)}
        self.moment = max(self.moment, start + LENGTH)
        self.sitting.offer(Pending(STREAM, Window(start, start + LENGTH), Batch("shop", "calls", calls, columns)))
        while self.moment < start + 2 * LENGTH:
            self.sitting.sit()
            self.moment += timedelta(seconds=5)

    def lag(self) -> float:
        """Return the judge's lag in window lengths."""
        return self.sitting.lag(self.moment) / LENGTH.total_seconds()


def _scored(score: int) -> httpx.Response:
    content = json.dumps({"fluency": {"reason": "r", "score": score}})
    usage = {"prompt_tokens": 200, "completion_tokens": 20}
    return httpx.Response(200, json={"choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": usage})


def _said(content: str) -> httpx.Response:
    return httpx.Response(200, json={"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})


def _script(world: World, request: httpx.Request) -> httpx.Response:
    """Well; throttled for five minutes; junk; refusals; silence; well again: a window each."""
    text = json.loads(json.loads(request.content)["messages"][1]["content"])["answer_to_judge"]
    phase = int((world.moment - BEGAN) / LENGTH) - 1
    if phase == 1 and world.moment < BEGAN + 2 * LENGTH + timedelta(minutes=5):
        return httpx.Response(429, headers={"retry-after": "10"})
    if phase == 2:
        return _said("I would rather write a poem.")
    if phase == 3:
        return _said("I'm sorry, but I can't help with that.")
    if phase == 4:
        world.moment += timedelta(seconds=60)
        raise httpx.ReadTimeout("hangs")
    world.asked[text] += 1
    return _scored(4)


def test_a_judge_that_fails_in_every_way_leaves_gaps() -> None:
    """Scores where it answered, late where it was throttled or silent; for junk and refusals the count 0 and no mean."""
    world, lags = World(_script), []
    for number in range(6):
        world.window(number)
        lags.append(world.lag())
        if number == 4:
            assert BEGAN + 4 * LENGTH not in world.told
    means = [world.told.get(BEGAN + number * LENGTH, {}).get(EVALUATION_MEAN.name) for number in range(6)]
    counts = [world.told.get(BEGAN + number * LENGTH, {}).get(EVALUATION_SAMPLES.name) for number in range(6)]
    assert [means[number] for number in (0, 1, 4, 5)] == pytest.approx([4, 4, 4, 4])
    assert means[2] is means[3] is None
    assert counts[2] == counts[3] == 0
    assert lags[0] == lags[5] == 0
    # Junk, refusals, silence: from one window length on it counts as stalled.
    assert lags[2] >= 0.9
    assert lags[3] > 1
    assert lags[4] > 2
    assert set(world.asked.values()) == {1}
    # One event an answer the judge looked at; those of junk and refusals say why there is no score.
    reasons = Counter(event.details.get("error.type", "") for event in world.events)
    assert reasons == {"": sum(filter(None, counts)), "not_json": 20, "refused": 20}
    assert len({event.id for event in world.events}) == len(world.events)


def test_only_some_are_judged_and_each_weighs_for_those_that_are_not() -> None:
    """Of 40 sampled calls the 20 that come first are judged; each was half as likely again."""
    world = World(lambda *_: _scored(5))
    world.window(0)
    told = world.told[BEGAN]
    assert told[EVALUATION_SAMPLES.name] == 20
    assert told["driftline.evaluation.pass.ratio"] == 1


def test_the_budget_holds_over_windows() -> None:
    """A day's tokens are never exceeded, also as last saved; from then on there are gaps, and no stall is told."""
    world = World(lambda *_: _scored(3), Limits(tokens=8_000))
    for number in range(4):
        world.window(number)
    assert world.sitting.judge.spent.tokens <= 8_000
    assert max(spent.tokens + spent.reserved_tokens for spent in world.saved) <= 8_000
    assert world.told[BEGAN + 3 * LENGTH][EVALUATION_SAMPLES.name] == 0
    assert world.lag() == 0


def test_windows_that_wait_too_long_are_given_up() -> None:
    """No more than a bounded number waits; the lag tells of the oldest that had no verdict."""
    world = World(lambda *_: httpx.Response(429, headers={"retry-after": "300"}))
    for number in range(WAITING + 4):
        world.window(number)
    assert world.lag() > WAITING
    assert len(world.held) <= 40 * (WAITING + 4)


def test_held_texts_are_bounded_and_forgotten() -> None:
    """The oldest go first, parts of one call are put together, and a closed window's rest is let go."""
    held = HeldTexts(most=3_000)
    for number in range(1, 20):
        held.put("shop", number, Item("q", "x" * 100), number)
    assert len(held) == 4
    held.put("shop", 19, Item(context="c"), 19)
    assert held.take("shop", 19) == Item("q", "x" * 100, "c")
    assert held.take("shop", 1) is None
    held.forget("shop", 18)
    assert len(held) == 1
    assert held.take_lost() == {"memory": 15, "gone": 1}
