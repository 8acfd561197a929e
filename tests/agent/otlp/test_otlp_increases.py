"""Counts since a beginning become counts since last time: nothing twice, whatever senders and networks do."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.plain import pack, unpack
from agent.sources.otlp.increases import Increases
from agent.sources.otlp.senders import MOST_RUNS
from detectors.types import Batch, Category
from tests.fakes.metric_points import DELTA, Request

SECOND = 1_000_000_000
TOKENS = "gen_ai.client.token.usage"


@dataclass
class Counting:
    """Increases with what was lost, and their state as it comes back from the store."""

    since: float = 0.0
    limit: int = 20_000
    lost: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.increases = Increases(self._lose, int(self.since * SECOND), {}, self.limit)

    def _lose(self, reason: str, count: int) -> None:
        self.lost[reason] += count

    def take(self, request: Request) -> list[tuple[str, float, int]]:
        """Return quantity, value and count of what a request adds."""
        found: list[tuple[str, float, int]] = []
        for batch in request.decoded().batches:
            if (increases := self.increases.take(batch)) is not None:
                found += rows(increases)
        return found

    def crash(self) -> None:
        """Go on from what was saved."""
        saved = {key: unpack(pack(self.increases.plain(key))) for key in self.increases.changed}
        self.increases = Increases(self._lose, self.increases.since, saved, self.limit)
        self.increases.changed.update(saved)


def rows(batch: Batch) -> list[tuple[str, float, int]]:
    """Return quantity, value and count of each row."""
    quantity = batch.columns["quantity"]
    assert isinstance(quantity, Category)
    names: list[Any] = quantity.decode()
    return list(zip(names, np.asarray(batch.columns["value"]).round(9).tolist(), np.asarray(batch.columns["count"]).tolist(), strict=True))


def calls(found: list[tuple[str, float, int]]) -> int:
    """Return how many calls were added."""
    return sum(count for quantity, _, count in found if quantity == "duration")


# What is sent one after the other, and how many calls each adds. The agent began at second 10.
TABLE: dict[str, list[tuple[Request, int]]] = {
    "it grows": [(Request().histogram([3], start=20, time=60), 3), (Request().histogram([5, 1], start=20, time=120), 3)],
    "it rests": [(Request().histogram([3], start=20, time=60), 3), (Request().histogram([3], start=20, time=120), 0)],
    "it was there before us": [(Request().histogram([99], start=1, time=60), 0), (Request().histogram([101], start=1, time=120), 2)],
    "nobody says when it began": [(Request().histogram([99], start=0, time=60), 0), (Request().histogram([101], start=0, time=120), 2)],
    "the sender is restarted": [(Request().histogram([9], start=20, time=60), 9), (Request().histogram([2], start=90, time=120), 2)],
    "restarted, more than before": [(Request().histogram([9], start=20, time=60), 9), (Request().histogram([12], start=90, time=120), 12)],
    "restarted, and does not say so": [
        (Request().histogram([9], start=0, time=60), 0),
        (Request().histogram([2], start=0, time=120), 2),
        (Request().histogram([3], start=0, time=180), 1),
    ],
    "fewer than before, the same beginning": [(Request().histogram([9], start=20), 9), (Request().histogram([2], start=20, time=120), 0)],
    "two processes of one name": [
        (Request().histogram([5], start=20, time=60), 5),
        (Request().histogram([7], start=21, time=61), 7),
        (Request().histogram([6], start=20, time=120), 1),
        (Request().histogram([9], start=21, time=121), 2),
    ],
    "told again": [(Request().histogram([5], start=20, time=60), 5), (Request().histogram([5], start=20, time=60), 0)],
    "an older one behind a newer": [
        (Request().histogram([5], start=20, time=60), 5),
        (Request().histogram([9], start=20, time=180), 4),
        (Request().histogram([7], start=20, time=120), 0),
        (Request().histogram([10], start=20, time=240), 1),
    ],
    "increases": [
        (Request().histogram([5], start=20, time=60, temporality=DELTA), 5),
        (Request().histogram([2], start=60, time=120, temporality=DELTA), 2),
    ],
    "increases from before us": [(Request().histogram([5], start=1, time=60, temporality=DELTA), 5)],
    "an increase told again": [
        (Request().histogram([5], start=20, time=60, temporality=DELTA), 5),
        (Request().histogram([2], start=60, time=120, temporality=DELTA), 2),
        (Request().histogram([5], start=20, time=60, temporality=DELTA), 0),
    ],
    "increases that overtake each other": [
        (Request().histogram([2], start=60, time=120, temporality=DELTA), 2),
        (Request().histogram([5], start=20, time=60, temporality=DELTA), 5),
    ],
    "an end that is the beginning: nobody knows when it began": [
        (Request().histogram([99], start=60, time=60), 0),
        (Request().histogram([101], start=60, time=120), 2),
    ],
    "increases of twenty processes of one name, the first of which comes last, and again": [
        *((Request().histogram([1], start=20 + number, time=60 + number, temporality=DELTA), 1) for number in range(1, 20)),
        (Request().histogram([1], start=20, time=60, temporality=DELTA), 1),
        (Request().histogram([1], start=30, time=70, temporality=DELTA), 0),
        (Request().histogram([1], start=20, time=60, temporality=DELTA), 0),
    ],
    "increases of long ago": [
        *((Request().histogram([1], start=20, time=60 * number, temporality=DELTA), 1) for number in range(1, 20)),
        (Request().histogram([1], start=19, time=59, temporality=DELTA), 0),
    ],
    "the last increase told again behind eight older ones": [
        (Request().histogram([1], start=20, time=900, temporality=DELTA), 1),
        *((Request().histogram([1], start=20, time=60 * number, temporality=DELTA), 1) for number in range(1, 8)),
        (Request().histogram([1], start=20, time=960, temporality=DELTA), 1),
        (Request().histogram([1], start=20, time=900, temporality=DELTA), 0),
    ],
    "other bounds": [
        (Request().histogram([5], start=20, time=60), 5),
        (Request().histogram([0, 6], start=20, time=120, bounds=[1.0]), 0),
        (Request().histogram([1, 6], start=20, time=180, bounds=[1.0]), 1),
    ],
    "a coarser scale": [
        (Request().exponential([1, 1, 1, 1], scale=1, offset=0, zeros=1, start=20, time=60), 5),
        (Request().exponential([3, 2], scale=0, offset=0, zeros=2, start=20, time=120), 2),
    ],
    "a finer scale": [
        (Request().exponential([3], scale=0, start=20, time=60), 3),
        (Request().exponential([4], scale=1, start=20, time=120), 0),
    ],
    "an older name beside a newer": [
        (Request().histogram([3], name="gen_ai.client.inference.duration", start=20, time=60), 3),
        (Request().histogram([3], start=20, time=60), 0),
    ],
    "an older name, then a newer": [
        (Request().histogram([3], start=20, time=60), 3),
        (Request().histogram([4], name="gen_ai.client.inference.duration", start=70, time=120), 4),
        (Request().histogram([7], start=20, time=121), 0),
    ],
    "a newer name that is told no more": [
        (Request().histogram([3], name="gen_ai.client.inference.duration", start=20, time=60), 3),
        (Request().histogram([4], start=900, time=960), 4),
    ],
    "an older name of another operation": [
        (Request().histogram([3], name="gen_ai.client.inference.duration", start=20, time=60), 3),
        (Request().histogram([4], start=20, time=60, gen_ai__operation__name="embeddings"), 4),
    ],
}


@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize("case", TABLE)
def test_every_call_counts_once(case: str, *, crashes: bool) -> None:
    """Restarts, repeats, replicas of one name, disorder: what each request adds, also with a crash after each."""
    counting = Counting(since=10)
    for request, added in TABLE[case]:
        assert calls(counting.take(request)) == added
        if crashes:
            counting.crash()


@given(st.data())
def test_any_history_adds_up(data: st.DataObject) -> None:
    """However often a process tells its counts, in whatever order they come and however often, their increases are its last counts."""
    counting = Counting(since=10)
    total = 0
    for run in range(data.draw(st.integers(1, 3))):
        steps = data.draw(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=1, max_size=6))
        told = np.cumsum(steps, axis=0)
        start = 20 + 1000 * run
        requests = [Request().histogram(counts.tolist(), start=start, time=start + 60 * (place + 1)) for place, counts in enumerate(told)]
        order = [*data.draw(st.lists(st.integers(0, len(requests) - 1), max_size=8)), len(requests) - 1]
        found = sum(calls(counting.take(requests[place])) for place in order)
        assert found == told[-1].sum()
        total += found
        if data.draw(st.booleans()):
            counting.crash()
    assert total >= 0


def test_tokens_are_told_by_the_sum() -> None:
    """The sum of a histogram of tokens is what was used; its buckets are how long prompts are."""
    counting = Counting()
    (batch,) = (
        Request().histogram([0, 2], name=TOKENS, bounds=[64.0], total=300.0, unit="{token}", gen_ai__token__type="input").decoded().batches
    )
    found = counting.increases.take(batch)
    assert found is not None
    assert rows(found) == [("input_tokens", 96.0, 2)]
    assert np.asarray(found.columns["total"]).tolist() == [300.0]


def test_a_counter_of_tokens_takes_the_place_of_the_histograms_sum() -> None:
    """New conventions send both: the tokens count once, the lengths stay."""
    counting = Counting()
    both = (
        Request()
        .counter(300, "gen_ai.client.inference.usage.input_tokens")
        .histogram([0, 2], name="gen_ai.client.inference.operation.input_tokens", bounds=[64.0], total=300.0, unit="{token}")
    )
    (batch,) = both.decoded().batches
    found = counting.increases.take(batch)
    assert found is not None
    assert rows(found) == [("input_tokens", 0.0, 0), ("input_tokens", 96.0, 2)]
    assert np.nansum(np.asarray(found.columns["total"])) == 300.0


def test_a_sum_nobody_told_is_had_from_the_buckets() -> None:
    """Without a sum: the middles of the buckets."""
    (batch,) = Request().histogram([2, 1], bounds=[1.0, 4.0]).decoded().batches
    found = Counting().increases.take(batch)
    assert found is not None
    assert np.asarray(found.columns["total"]).tolist() == [2 * 0.5 + 2.0, 0.0]


def pace(request: Request) -> list[tuple[float, int]]:
    """Return the milliseconds a token of a request, each with its calls."""
    return [(value, count) for quantity, value, count in Counting().take(request) if quantity == "milliseconds_per_token"]


def test_milliseconds_a_token_are_had_from_two_metrics() -> None:
    """Ten calls of 20 s together that wrote 1,000 tokens: 20 ms a token; behind the first where all calls streamed."""
    request = Request().histogram([0, 10], total=20.0).histogram([10], name=TOKENS, total=1000.0, gen_ai__token__type="output")
    assert pace(request) == [(20.0, 10)]
    request.histogram([10], name="gen_ai.client.operation.time_to_first_chunk", total=5.0)
    assert pace(request) == [(15.0, 10)]


def test_instruments_read_one_after_the_other_are_of_one_export() -> None:
    """Go and .NET give each instrument the time at which it was read; the next export is another one."""
    request = Request()
    for time, mean in ((60.0, 2.0), (61.0, 4.0)):
        request.histogram([0, 10], time=time, total=10 * mean, temporality=DELTA)
        request.histogram([10], name=TOKENS, time=time + 0.0003, total=1000.0, temporality=DELTA, gen_ai__token__type="output")
    assert pace(request) == [(20.0, 10), (40.0, 10)]


def test_errors_have_no_pace() -> None:
    """A call that failed wrote nothing; it is another series, and no part of the ratio."""
    request = Request().histogram([0, 10], total=20.0).histogram([10], name=TOKENS, total=1000.0, gen_ai__token__type="output")
    assert pace(request.histogram([500], total=5000.0, error__type="timeout")) == [(20.0, 10)]


def test_calls_that_do_not_tell_their_tokens_have_no_pace() -> None:
    """Half of the calls without tokens: the ratio would be twice the truth."""
    assert not pace(Request().histogram([0, 10], total=20.0).histogram([5], name=TOKENS, total=500.0, gen_ai__token__type="output"))


def test_memory_is_bounded_and_forgets_nothing_into_a_second_count() -> None:
    """Of more senders than fit the oldest are forgotten; should one come back, what it had counted does not count again."""
    counting = Counting(limit=20)
    for number in range(100):
        request = Request({"service.instance.id": str(number)}).histogram([4], start=50 + number, time=60 + number)
        assert calls(counting.take(request)) == 4
    again = Request({"service.instance.id": "0"})
    assert calls(counting.take(again.histogram([9], start=50, time=999))) == 0
    assert counting.lost == {"first_point": 1}
    assert len(counting.increases.gone) > 70
    assert calls(counting.take(Request({"service.instance.id": "0"}).histogram([11], start=50, time=1059))) == 2


def test_a_sender_of_endless_series_is_bounded_too() -> None:
    """An attribute with a name for every call, or restarts without end under one name: the oldest runs are forgotten."""
    counting = Counting()
    for number in range(MOST_RUNS + 300):
        assert calls(counting.take(Request().histogram([1], start=20 + number, time=30 + number))) == 1
    (sender,) = counting.increases.changed
    assert len(counting.increases.plain(sender)["runs"]) <= MOST_RUNS
    assert calls(counting.take(Request().histogram([5], start=20, time=9999))) == 0
