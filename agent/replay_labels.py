"""Labels in a replay: each comes when it was given, or with its answer where nobody says when; joined in a store that is thrown away."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.config import Endpoint
from agent.effects import Effects
from agent.labels.late import LateLabels
from agent.labels.realised import TRUST, key
from agent.store.store import Store
from agent.windowing import window_of
from detectors.catalog import MODEL_DECAY_SEVERITY, MODEL_ESTIMATE_TRUST
from detectors.types import Batch, Category, Stream, Window

Ints = NDArray[np.int64]


class LabelFeed:
    """The labels of one endpoint, all in memory: some 60 bytes each."""

    def __init__(self, endpoint: str, batches: Iterable[Batch]) -> None:
        """Take labels as `agent.labels.reading.from_file` yields them."""
        ids, times, names, codes = list[NDArray[np.uint64]](), list[Ints](), dict[str, int](), list[Ints]()
        for batch in batches:
            label = batch.columns["label"]
            given = batch.columns.get("time")
            if isinstance(label, Category):
                place = np.array([*(names.setdefault(value, len(names)) for value in label.values), -1], np.int64)
                codes.append(place[label.codes])
                ids.append(np.asarray(batch.columns["id"], np.uint64))
                times.append(np.asarray(given, np.int64) if given is not None else np.zeros(batch.rows, np.int64))
        time = np.concatenate([*times, np.empty(0, np.int64)])
        order = np.argsort(time, kind="stable")
        self._endpoint = endpoint
        self._time = time[order]
        self._ids = np.concatenate([*ids, np.empty(0, np.uint64)])[order]
        self._codes = np.concatenate([*codes, np.empty(0, np.int64)])[order]
        self._values = tuple(names)
        untimed = int(np.searchsorted(self._time, 1))
        self._by_id = np.argsort(self._ids[:untimed], kind="stable")
        """Labels without a time, by id."""
        self._sorted = self._ids[self._by_id]
        self._next = untimed

    @property
    def due(self) -> int | None:
        """When the next label was given, nanoseconds; None: no more."""
        return int(self._time[self._next]) if self._next < len(self._time) else None

    def until(self, now: int) -> Batch | None:
        """Return the labels given by `now` that were not handed out yet."""
        end = int(np.searchsorted(self._time, now, side="right"))
        rows, self._next = np.arange(self._next, max(end, self._next)), max(end, self._next)
        return self._batch(rows)

    def of(self, answers: Batch) -> Batch | None:
        """Return the labels of these answers of which nobody says when they were given."""
        ids = answers.columns.get("id")
        if not isinstance(ids, np.ndarray):
            return None
        wanted = np.unique(ids.astype(np.uint64))
        first, after = np.searchsorted(self._sorted, wanted, "left"), np.searchsorted(self._sorted, wanted, "right")
        # Where an id has several labels, all of them: which one stays is decided when they are joined.
        many = after - first
        rows = np.repeat(after - np.cumsum(many), many) + np.arange(many.sum())
        return self._batch(self._by_id[rows])

    def _batch(self, rows: NDArray[np.intp]) -> Batch | None:
        if not len(rows):
            return None
        label = Category(self._codes[rows].astype(np.int32), self._values)
        return Batch(self._endpoint, "labels", len(rows), {"id": self._ids[rows], "label": label, "time": self._time[rows]})


def settle(store: Store, late: LateLabels, effects: Effects) -> None:
    """Save what labels said so far, then join what came since."""
    with store.transaction() as transaction:
        for found in effects.realised:
            found.save(transaction.labels)
            if found.follow is not None:
                transaction.put(key(found.stream), found.follow)
        late.settle(transaction.labels)
    late.settled()


@dataclass(frozen=True, slots=True)
class Realised:
    """What labels said in the end of one window."""

    stream: Stream
    window: Window
    rows: list[tuple[str, float, Mapping[str, Any]]]
    """Name of the metric, value, attributes."""


def told(store: Store, endpoint: Endpoint) -> list[Realised]:
    """Return every window with labels enough in its newest version, by start, with how far errors had risen at its end."""
    newest = {(one.start, one.stream): one for one, _ in store.realised(endpoint.name)}
    severities, found = store.severities(endpoint.name), []
    for (start, stream), one in sorted(newest.items()):
        rows = [(name, value, about) for name, value, about in one.value["scores"]]
        window = window_of(start, endpoint.window, endpoint.timezone)
        found.append(Realised(stream, window, [*rows, *_kept(severities.get((stream, start), {}))]))
    return found


def _kept(severities: Mapping[str, float]) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    for name, value in severities.items():
        if name.startswith(TRUST):
            status = "trusted" if value > 0 else "not_trustworthy"
            yield MODEL_ESTIMATE_TRUST.name, 1.0, {"metric": name.removeprefix(TRUST), "status": status}
        else:
            yield MODEL_DECAY_SEVERITY.name, value, {"basis": "realised", "method": name}


@contextmanager
def temporary() -> Iterator[Store]:
    """Give a store that is thrown away afterwards."""
    with TemporaryDirectory() as folder, Store(Path(folder) / "store.sqlite") as store:
        yield store
