"""Where an endpoint sends both spans and metrics, each call counts once."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.plain import pack, unpack
from agent.sources.otlp.count_join import PATIENCE, REMEMBERED, CountJoin
from detectors.types import Batch, Input
from tests.fakes.metric_points import Request


@dataclass
class Joining:
    """A join of an endpoint with a mode, and what it passed on."""

    mode: Input = "auto"
    lost: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.join = CountJoin(self._lose, lambda _name: self.mode, 0)

    def _lose(self, reason: str, count: int) -> None:
        self.lost[reason] += count

    def metrics(self, now: float, calls: int) -> None:
        """A process that began 50 s before tells so many calls."""
        for batch in Request().histogram([calls], start=1 + now, time=51 + now).decoded().batches:
            self._note(self.join.push(batch, now))

    def span(self, now: float, endpoint: str = "chat") -> None:
        """One call record."""
        self._note(self.join.push(Batch(endpoint, "calls", 1, {"time": np.array([1])}), now))

    def wait(self, now: float) -> None:
        """Let go what waited long enough."""
        self._note(self.join.due(now))

    def crash(self) -> None:
        """Go on from what was saved."""
        senders = {key: unpack(pack(plain)) for key, plain in self.join.senders() if plain is not None}
        self.join = CountJoin(self._lose, lambda _name: self.mode, 0, unpack(pack(self.join.plain())), senders)

    def _note(self, batches: "tuple[Batch, ...] | list[Batch] | object") -> None:
        assert isinstance(batches, list | tuple)
        for batch in batches:
            calls = int(np.asarray(batch.columns["count"]).sum()) if batch.kind == "call_counts" else batch.rows
            self.passed[batch.kind] += calls


@pytest.mark.parametrize("crashes", [False, True])
def test_metrics_count_where_no_spans_come(*, crashes: bool) -> None:
    """They wait ten seconds, over a crash too, and count then."""
    joining = Joining()
    joining.metrics(100, 5)
    if crashes:
        joining.crash()
    joining.wait(100 + PATIENCE - 0.1)
    assert not joining.passed
    joining.wait(100 + PATIENCE)
    assert joining.passed == {"call_counts": 5}


@pytest.mark.parametrize("crashes", [False, True])
def test_spans_that_come_with_metrics_take_their_place(*, crashes: bool) -> None:
    """Spans of the same calls a few seconds later, or up to an hour before: the metrics count nothing."""
    joining = Joining()
    joining.metrics(100, 5)
    if crashes:
        joining.crash()
    joining.span(104)
    joining.wait(200)
    if crashes:
        joining.crash()
    joining.metrics(104 + REMEMBERED - 1, 7)
    joining.wait(104 + REMEMBERED + 20)
    assert joining.passed == {"calls": 1}
    assert joining.lost == {"counted_from_calls": 2}


def test_metrics_take_over_when_spans_stay_away() -> None:
    """Somebody switched tracing off: an hour later metrics count, and none of what was told meanwhile."""
    joining = Joining()
    joining.span(0)
    joining.metrics(60, 5)
    joining.metrics(REMEMBERED + 1, 7)
    joining.wait(REMEMBERED + 20)
    assert joining.passed == {"calls": 1, "call_counts": 7}


def test_spans_of_another_endpoint_are_no_matter() -> None:
    """Each endpoint has its own say."""
    joining = Joining()
    joining.metrics(100, 5)
    joining.span(101, "other")
    joining.wait(120)
    assert joining.passed == {"calls": 1, "call_counts": 5}


@pytest.mark.parametrize(("mode", "passed"), [("calls", {"calls": 1}), ("metrics", {"calls": 1, "call_counts": 5})])
def test_a_configured_input_does_not_wait(mode: Input, passed: dict[str, int]) -> None:
    """`calls`: metrics never count; `metrics`: always and at once, records still go on for what only they say."""
    joining = Joining(mode)
    joining.metrics(100, 5)
    joining.span(101)
    assert joining.passed == passed


def test_counting_goes_on_while_metrics_are_not_wanted() -> None:
    """What was told while spans came is not told later as one heap."""
    joining = Joining("calls")
    for batch in Request().histogram([5], start=1, time=60).decoded().batches:
        joining.join.push(batch, 60)
    joining.mode = "metrics"
    for batch in Request().histogram([9], start=1, time=120).decoded().batches:
        (increases,) = joining.join.push(batch, 120)
        assert np.asarray(increases.columns["count"]).tolist() == [4]
