"""Late labels of all endpoints: the log of answers, what waits to be saved, and the windows whose performance they change."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agent.beginnings import Beginnings
from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.config_hash import config_hash
from agent.effects import ClosedWindow
from agent.endpoint import late_decay
from agent.faults import place_of
from agent.labels.calibration import Calibration
from agent.labels.counted import CountedWindow, counted_from
from agent.labels.joining import UNKNOWN, Came, Changes, join, join_waiting, logged, profile_of
from agent.labels.judging import Judging
from agent.labels.opinions import EVALUATOR
from agent.labels.realised import Realised
from agent.labels.sampled import Sampled
from agent.names import harmless
from agent.seldom import Seldom
from agent.series import Series
from agent.store.labels import LabelTables, Logged
from agent.store.store import Store
from detectors.catalog import LABELS_RECEIVED
from detectors.decay.decay import Decay
from detectors.decay.trust import Bounded
from detectors.decay.trusting import bounded
from detectors.types import Batch, Profile, Score, Stream, Window

_PACE = 100_000_000
"""Nanoseconds between two looks at an endpoint's labels for each of its windows: looking at one costs 3 to 6 ms."""
_FORGET = 3600 * 1_000_000_000
"""Nanoseconds between looks for answers that are too old."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Waiting:
    """What came since the last save, in the order in which it came."""

    answers: list[tuple[Stream, Batch, NDArray[np.int64], int]] = field(default_factory=list)
    """Stream, rows, starts of their windows, and arrival."""
    labels: list[tuple[Batch, int]] = field(default_factory=list)
    estimates: list[tuple[Stream, int, Mapping[str, Bounded]]] = field(default_factory=list)
    """Stream, start of a window that closed, and what was estimated of it."""
    order: list[str] = field(default_factory=list)
    """`answers` or `labels`: which of the lists is next."""


class LateLabels:
    """Used by the pipeline's thread. What comes is kept in memory until the next save writes it and joins it, in one transaction."""

    def __init__(self, endpoint: Callable[[str], Endpoint], series: Series, store: Store, expecting: Collection[str]) -> None:
        """Take the endpoints `expecting` labels too: what is kept of others is dropped at the first save."""
        self._endpoint = endpoint
        self._expecting = expecting
        self._tidy = False
        self.calibration = Calibration(endpoint, store)
        """What people say of evaluators."""
        self._seldom = Seldom()
        self._series = series
        self._store = store
        self._waiting = Waiting()
        self._forgot: dict[str, tuple[int, int]] = {}
        self._decays: dict[tuple[str, int], tuple[str, Decay]] = {}
        self._hashes: dict[str, str] = {}
        self._looked: dict[str, tuple[int, int]] = {}
        """Endpoint to when its labels were looked at last, and how many windows that were."""

    def remember(self, stream: Stream, batch: Batch, starts: NDArray[np.int64], received: int) -> None:
        """Take in rows of a stream for labels that come later, where the endpoint expects any."""
        if batch.kind == "rows" and batch.rows and self._endpoint(stream.endpoint).labels is not None:
            self._waiting.answers.append((stream, batch, starts, received))
            self._waiting.order.append("answers")

    def take(self, batch: Batch, received: int) -> None:
        """Take in labels."""
        if EVALUATOR in batch.columns and self._endpoint(batch.endpoint).labels is not None:
            self.calibration.take(batch, received)
            return
        self._waiting.labels.append((batch, received))
        self._waiting.order.append("labels")

    def closed(self, closed: ClosedWindow) -> ClosedWindow:
        """Take in what was estimated of a window as it closed, where the endpoint expects labels; return it with what labels make of it."""
        if self._endpoint(closed.stream.endpoint).labels is None:
            return closed
        found = bounded(closed.scores, "estimated")
        if found:
            self._waiting.estimates.append((closed.stream, to_nanoseconds(closed.window.start), found))
        return replace(closed, scores=(*closed.scores, *self._corrected(closed.stream.endpoint, partial(self.calibration.closed, closed))))

    def judged(self, stream: Stream, window: Window, verdicts: Sequence[Sampled], passes_from: float) -> tuple[Score, ...]:
        """Take in what a judge says of a window; return what labels make of it."""
        return self._corrected(stream.endpoint, partial(self.calibration.judged, stream, window, verdicts, passes_from))

    def _corrected(self, endpoint: str, work: Callable[[], tuple[Score, ...]]) -> tuple[Score, ...]:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whatever it is: the window stays as it is without labels
            if self._seldom.may(endpoint):
                _log.error("endpoint %s: not calibrated: %s at %s", endpoint, type(error).__name__, place_of(error))
            return ()

    @property
    def waits(self) -> bool:
        """Whether there is anything to settle."""
        return bool(self._waiting.order or self._waiting.estimates) or not self._tidy or self.calibration.waits

    def settle(self, tables: LabelTables) -> Counter[tuple[str, str]]:
        """Write and join what came. Returns what became of the labels, by endpoint and outcome; forget it with `settled`."""
        told: Counter[tuple[str, str]] = Counter()
        if not self._tidy:
            tables.keep_only(self._expecting)
            tables.verdicts.keep_only(self._expecting)
        told += self.calibration.settle(tables.verdicts)
        answers, labels = iter(self._waiting.answers), iter(self._waiting.labels)
        for what in self._waiting.order:
            if what == "answers":
                self._log(tables, *next(answers))
            else:
                batch, received = next(labels)
                outcomes: Counter[str] = Counter()
                if self._endpoint(batch.endpoint).labels is None:
                    outcomes["not_expected"] = batch.rows
                else:
                    self._keep(
                        tables,
                        _labels(join(tables, self.decay(batch.endpoint), batch, self._came(batch.endpoint, received), outcomes)),
                        labelled=True,
                    )
                    self._bound(tables, batch.endpoint, outcomes[UNKNOWN], received)
                told.update({(harmless(batch.endpoint), outcome): count for outcome, count in outcomes.items()})
        for stream, start, estimated in self._waiting.estimates:
            self._keep(tables, {(stream, start): CountedWindow(estimated=estimated)}, labelled=False)
        for (endpoint, outcome), count in told.items():
            self._series.add(LABELS_RECEIVED, count, endpoint=endpoint, outcome=outcome)
        return told

    def settled(self) -> None:
        """Tell that what `settle` wrote is saved."""
        self._waiting = Waiting()
        self.calibration.settled()
        self._tidy = True

    def undo(self, told: Mapping[tuple[str, str], int]) -> None:
        """Take back what `settle` counted: it could not be saved, and comes again."""
        for (endpoint, outcome), count in told.items():
            self._series.add(LABELS_RECEIVED, -count, endpoint=endpoint, outcome=outcome)

    def judge(self, endpoint: str, closed: Mapping[Stream, int], now: int, beginnings: Beginnings) -> list[Realised]:
        """Return what the windows with new labels say; `closed` is up to where each stream's windows are closed."""
        wanted = self._endpoint(endpoint)
        if wanted.labels is None or not self._store.has_new_labels(endpoint):
            return []
        looked, windows = self._looked.get(endpoint, (0, 0))
        if 0 <= now - looked < _PACE * windows:
            return []
        until = dict(closed)
        for stream, start, _ in self._waiting.estimates:
            # What was estimated of it is not saved yet.
            until[stream] = min(until.get(stream, start), start)
        judging = Judging(self._store, wanted, self._decay(endpoint, max(len(closed), 1)), self._hash(endpoint), beginnings)
        rows = self._store.performance(endpoint)
        self._looked[endpoint] = (now, len(rows))
        return judging.judge(rows, until, now - _nanoseconds(wanted.labels.max_age) - 2 * _nanoseconds(wanted.window))

    def decay(self, endpoint: str) -> Decay:
        """Return the decay detector of an endpoint that expects labels."""
        return self._decay(endpoint, 1)[1]

    def _decay(self, endpoint: str, streams: int) -> tuple[str, Decay]:
        """Return id and detector, with each stream's share of the alarm budget."""
        if (endpoint, streams) not in self._decays:
            found = late_decay(self._endpoint(endpoint), streams)
            assert found is not None  # noqa: S101 # only asked of endpoints that expect labels
            self._decays[endpoint, streams] = found
        return self._decays[endpoint, streams]

    def _came(self, endpoint: str, received: int) -> Came:
        expected = self._endpoint(endpoint).labels
        return Came(received, received - (_nanoseconds(expected.max_age) if expected is not None else 0))

    def _hash(self, endpoint: str) -> str:
        if endpoint not in self._hashes:
            self._hashes[endpoint] = config_hash(self._endpoint(endpoint))
        return self._hashes[endpoint]

    def _log(self, tables: LabelTables, stream: Stream, batch: Batch, starts: NDArray[np.int64], received: int) -> None:
        decay = self.decay(stream.endpoint)
        found = logged(stream, batch, starts)
        tables.log(found, received)
        counted = {
            (stream, int(start)): CountedWindow(Profile({"answers": np.array([rows], np.int64)}), received=received)
            for start, rows in zip(*np.unique(starts, return_counts=True), strict=True)
        }
        self._keep(tables, counted, labelled=False)
        self._keep(tables, _labels(_by_window(decay, [one for one in found if one.label is not None])), labelled=True)
        self._keep(
            tables, _labels(join_waiting(tables, decay, stream.endpoint, found, self._came(stream.endpoint, received))), labelled=True
        )
        self._bound(tables, stream.endpoint, len(found), received)

    def _bound(self, tables: LabelTables, endpoint: str, came: int, received: int) -> None:
        """Forget what is too old or too much: once an hour, and before a tenth more than what is allowed came in."""
        expected = self._endpoint(endpoint).labels
        if expected is None:
            return
        since, looked = self._forgot.get(endpoint, (0, 0))
        if received - looked < _FORGET and since + came < expected.max_rows // 10:
            self._forgot[endpoint] = (since + came, looked)
            return
        self._forgot[endpoint] = (0, received)
        tables.forget(endpoint, received - _nanoseconds(expected.max_age), expected.max_rows)

    @staticmethod
    def _keep(tables: LabelTables, counted: Mapping[tuple[Stream, int], CountedWindow], *, labelled: bool) -> None:
        for (stream, start), window in counted.items():
            saved = tables.performance(stream, start)
            merged = (CountedWindow() if saved is None else counted_from(saved)).add(window)
            tables.put_performance(stream, start, merged.plain(), changed=labelled)


def _labels(changes: Changes) -> dict[tuple[Stream, int], CountedWindow]:
    return {window: CountedWindow(profile) for window, profile in changes.items()}


def _by_window(decay: Decay, answers: Sequence[Logged]) -> Changes:
    windows: dict[tuple[Stream, int], list[Logged]] = {}
    for one in answers:
        windows.setdefault((one.stream, one.start), []).append(one)
    return {window: profile_of(decay, ones) for window, ones in windows.items()}


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
