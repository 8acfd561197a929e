"""Late labels of all endpoints: the log of answers, what waits to be saved, and the windows whose performance they change."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from agent.config import Endpoint
from agent.config_hash import config_hash
from agent.labels.joining import UNKNOWN, Changes, join, join_waiting, logged, profile_of
from agent.labels.judging import judge
from agent.labels.realised import Realised
from agent.names import harmless
from agent.registry import component
from agent.series import Series
from agent.store.labels import LabelTables, Logged
from agent.store.store import Store
from agent.stream import plain_profile, profile_from
from detectors.catalog import LABELS_RECEIVED
from detectors.decay.decay import Decay
from detectors.types import Batch, Profile, Stream

_FORGET = 3600 * 1_000_000_000
"""Nanoseconds between looks for answers that are too old."""


@dataclass(slots=True)
class Waiting:
    """What came since the last save, in the order in which it came."""

    answers: list[tuple[Stream, Batch, NDArray[np.int64], int]] = field(default_factory=list)
    """Stream, rows, starts of their windows, and arrival."""
    labels: list[tuple[Batch, int]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """`answers` or `labels`: which of the lists is next."""


class LateLabels:
    """Used by the pipeline's thread. What comes is kept in memory until the next save writes it and joins it, in one transaction."""

    def __init__(self, endpoint: Callable[[str], Endpoint], series: Series, store: Store, expecting: Collection[str]) -> None:
        """Take the endpoints `expecting` labels too: what is kept of others is dropped at the first save."""
        self._endpoint = endpoint
        self._expecting = expecting
        self._tidy = False
        self._series = series
        self._store = store
        self._waiting = Waiting()
        self._forgot: dict[str, tuple[int, int]] = {}
        self._decays: dict[tuple[str, int], Decay] = {}
        self._hashes: dict[str, str] = {}

    def remember(self, stream: Stream, batch: Batch, starts: NDArray[np.int64], received: int) -> None:
        """Take in rows of a stream for labels that come later, where the endpoint expects any."""
        if batch.kind == "rows" and batch.rows and self._endpoint(stream.endpoint).labels is not None:
            self._waiting.answers.append((stream, batch, starts, received))
            self._waiting.order.append("answers")

    def take(self, batch: Batch, received: int) -> None:
        """Take in labels."""
        self._waiting.labels.append((batch, received))
        self._waiting.order.append("labels")

    @property
    def waits(self) -> bool:
        """Whether there is anything to settle."""
        return bool(self._waiting.order) or not self._tidy

    def settle(self, tables: LabelTables) -> Counter[tuple[str, str]]:
        """Write and join what came. Returns what became of the labels, by endpoint and outcome; forget it with `settled`."""
        told: Counter[tuple[str, str]] = Counter()
        if not self._tidy:
            tables.keep_only(self._expecting)
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
                    self._keep(tables, join(tables, self.decay(batch.endpoint), batch, received, outcomes), labelled=True)
                    self._bound(tables, batch.endpoint, outcomes[UNKNOWN], received)
                told.update({(harmless(batch.endpoint), outcome): count for outcome, count in outcomes.items()})
        for (endpoint, outcome), count in told.items():
            self._series.add(LABELS_RECEIVED, count, endpoint=endpoint, outcome=outcome)
        return told

    def settled(self) -> None:
        """Tell that what `settle` wrote is saved."""
        self._waiting = Waiting()
        self._tidy = True

    def undo(self, told: Mapping[tuple[str, str], int]) -> None:
        """Take back what `settle` counted: it could not be saved, and comes again."""
        for (endpoint, outcome), count in told.items():
            self._series.add(LABELS_RECEIVED, -count, endpoint=endpoint, outcome=outcome)

    def judge(self, endpoint: str, closed: Mapping[Stream, int], now: int) -> list[Realised]:
        """Return what the windows with new labels say; `closed` is up to where each stream's windows are closed."""
        wanted = self._endpoint(endpoint)
        if wanted.labels is None or not self._store.has_new_labels(endpoint):
            return []
        horizon = now - _nanoseconds(wanted.labels.max_age) - 2 * _nanoseconds(wanted.window)
        return judge(self._store, wanted, self.decay(endpoint, max(len(closed), 1)), closed, horizon, self._hash(endpoint))

    def decay(self, endpoint: str, streams: int = 1) -> Decay:
        """Return the decay detector of an endpoint, with its share of the alarm budget."""
        if (endpoint, streams) not in self._decays:
            self._decays[endpoint, streams] = decay_of(self._endpoint(endpoint), streams)
        return self._decays[endpoint, streams]

    def _hash(self, endpoint: str) -> str:
        if endpoint not in self._hashes:
            self._hashes[endpoint] = config_hash(self._endpoint(endpoint))
        return self._hashes[endpoint]

    def _log(self, tables: LabelTables, stream: Stream, batch: Batch, starts: NDArray[np.int64], received: int) -> None:
        decay = self.decay(stream.endpoint)
        found = logged(stream, batch, starts)
        tables.log(found, received)
        changes: Changes = {}
        for start, rows in zip(*np.unique(starts, return_counts=True), strict=True):
            changes[stream, int(start)] = Profile({"answers": np.array([rows], np.int64)})
        self._keep(tables, changes, labelled=False)
        self._keep(tables, _by_window(decay, [one for one in found if one.label is not None]), labelled=True)
        self._keep(tables, join_waiting(tables, decay, stream.endpoint, found, received), labelled=True)
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
    def _keep(tables: LabelTables, changes: Changes, *, labelled: bool) -> None:
        for (stream, start), profile in changes.items():
            saved = tables.performance(stream, start)
            merged = profile if saved is None else profile_from(saved).merge(profile)
            tables.put_performance(stream, start, plain_profile(_clean(merged)), changed=labelled)


def decay_of(endpoint: Endpoint, streams: int) -> Decay:
    """Return the decay detector that an endpoint configures, or the usual one."""
    found = next((one for one in endpoint.detectors.values() if isinstance(one, Decay)), None) or component("detectors", "decay")()
    assert isinstance(found, Decay)  # noqa: S101 # the registry says so
    if found.task == "auto" and endpoint.columns.probability is not None:
        # A window whose labelled rows happen to lack their probability is no regression.
        found = replace(found, task="classification")
    return replace(found, budget=endpoint.alarm_budget.per_30_days / streams)


def _by_window(decay: Decay, answers: Sequence[Logged]) -> Changes:
    windows: dict[tuple[Stream, int], list[Logged]] = {}
    for one in answers:
        windows.setdefault((one.stream, one.start), []).append(one)
    return {window: profile_of(decay, ones) for window, ones in windows.items()}


def _clean(profile: Profile) -> Profile:
    """Return a profile without zeros, as it would be if what was taken away had never come."""
    tallies: Iterator[tuple[str, dict[str, int]]] = (
        (name, {value: count for value, count in tally.items() if count}) for name, tally in profile.tallies.items()
    )
    return Profile(profile.counts, {name: tally for name, tally in tallies if tally})


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
