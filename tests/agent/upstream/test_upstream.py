"""What samplers upstream kept back is known from the call, the configuration, or the client's own metrics; the three mix."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.config import Endpoint
from agent.plain import pack, unpack
from agent.sources.otlp.clients import client_of
from agent.sources.otlp.count_join import CountJoin
from agent.upstream.weighing import Upstream
from detectors.types import Batch, Category, Stream
from detectors.usage.thinning import weights_of
from tests.fakes.metric_points import Request

SECOND = 1_000_000_000
STREAM = Stream("chat", "gpt", "live")
EVERY = 60
"""Seconds between exports of metrics."""


@dataclass
class Clients:
    """Processes that call, sample and tell; `rates` are the parts of their calls that they send as spans."""

    rates: dict[str, float]
    options: dict[str, float] = field(default_factory=dict)
    began: int = 1_000

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(11)
        self.upstream = self._new()
        self.made = dict.fromkeys(self.rates, 0)
        self.weights: dict[str, list[float]] = {name: [] for name in self.rates}
        self.join = self._join()

    def _new(self) -> Upstream:
        return Upstream(lambda name: Endpoint(name, sampled_upstream=self.options.get("rate")))

    def _join(self) -> CountJoin:
        return CountJoin(lambda *_: None, lambda _name: "auto", 0, told=self._told)

    def _told(self, increases: Batch, now: int) -> None:
        self.upstream.hidden.told(increases, now)

    def crash(self) -> None:
        """Go on from what was saved."""
        saved = unpack(pack(self.upstream.plain()))
        self.upstream = self._new()
        self.upstream.restore(saved)

    def live(self, exports: int, calls: int = 40, *, known: dict[str, float] | None = None, tells: bool = True) -> None:
        """Let everybody call so often between two exports; `known` names clients whose calls say their weight."""
        for number in range(exports):
            begin = self.began + EVERY * number
            for name, rate in self.rates.items():
                times = np.sort(self.random.uniform(begin + 0.01, begin + EVERY - 0.01, calls))
                self.made[name] += calls
                kept = times[self.random.random(calls) < rate]
                weight = (known or {}).get(name)
                for part in np.array_split(kept, 4):
                    if len(part):
                        self._spans(name, part, weight)
                if tells:
                    request = Request({"service.name": name}).histogram([self.made[name]], start=1_000, time=begin + EVERY)
                    for batch in request.decoded().batches:
                        self.join.push(batch, begin + EVERY)
        self.began += EVERY * exports

    def _spans(self, name: str, times: "np.ndarray[tuple[int], np.dtype[np.float64]]", weight: float | None) -> None:
        columns = {"client": Category.constant(client_of({"service.name": name}), len(times))}
        batch = Batch("chat", "calls", len(times), columns if weight is None else {**columns, "weight": np.full(len(times), weight)})
        moments = (times * SECOND).astype(np.int64)
        found = weights_of(self.upstream.weigh(STREAM, batch, moments, int(moments[-1]) + 5 * SECOND))
        self.weights[name] += [1.0] * len(times) if found is None else found.tolist()


@pytest.mark.parametrize("crashes", [False, True])
def test_a_hidden_rate_is_found_by_service(*, crashes: bool) -> None:
    """A client that sends one span in five stands for five, the one beside it that sends all for one; a restart forgets nothing."""
    clients = Clients({"thinned": 0.2, "whole": 1.0})
    clients.live(15)
    if crashes:
        clients.crash()
    before = {name: len(weights) for name, weights in clients.weights.items()}
    clients.live(20)
    thinned, whole = (np.array(clients.weights[name][before[name] :]) for name in ("thinned", "whole"))
    assert thinned.mean() == pytest.approx(5, rel=0.15)
    assert thinned.sum() == pytest.approx(800, rel=0.2)
    assert set(whole) == {1.0}
    assert clients.upstream.thinned[STREAM].keys() == {"inferred"}


def test_what_calls_say_themselves_comes_first() -> None:
    """A client that says its weight is believed, and explains its metrics: nothing is hidden behind it."""
    clients = Clients({"thinned": 0.25})
    clients.live(20, known={"thinned": 4.0})
    assert set(clients.weights["thinned"]) == {4.0}
    assert clients.upstream.hidden.probability("chat", client_of({"service.name": "thinned"})) is None
    assert clients.upstream.thinned[STREAM] == {"tracestate": 0.25}


def test_the_configured_part_is_for_those_who_say_nothing() -> None:
    """A call that says it was always kept counts once, whatever the file says of the others."""
    clients = Clients({"silent": 0.1, "tells": 1.0}, {"rate": 0.1})
    clients.live(2, known={"tells": 1.0}, tells=False)
    assert set(clients.weights["silent"]) == {10.0}
    assert set(clients.weights["tells"]) == {1.0}
    assert clients.upstream.thinned[STREAM].keys() == {"configured"}


@pytest.mark.parametrize(("rate", "exports", "calls"), [(0.97, 20, 40), (0.2, 2, 40), (0.5, 20, 1), (1.0, 20, 40)])
def test_little_or_nothing_hidden_is_left_alone(rate: float, exports: int, calls: int) -> None:
    """Lost spans, short acquaintance and little traffic make no estimate."""
    clients = Clients({"one": rate})
    clients.live(exports, calls)
    assert set(clients.weights["one"]) == {1.0}
    assert not clients.upstream.thinned


def test_an_absence_is_no_sampling() -> None:
    """Where nobody listened for ten minutes, the calls of that time say nothing."""
    clients = Clients({"one": 1.0})
    clients.live(10)
    clients.made["one"] += 4_000
    clients.began += 600
    clients.live(10)
    assert set(clients.weights["one"]) == {1.0}


def test_streams_nobody_thins_keep_their_columns() -> None:
    """Without a weight, a rate or metrics nothing is added and nothing is copied."""
    upstream = Upstream(Endpoint)
    batch = Batch("chat", "calls", 1, {"time": np.array([SECOND])})
    assert upstream.weigh(STREAM, batch, np.array([SECOND]), SECOND) is batch
    known = Batch("chat", "calls", 1, {"weight": np.array([1.0])})
    assert "weight" not in upstream.weigh(STREAM, known, np.array([SECOND]), SECOND).columns
