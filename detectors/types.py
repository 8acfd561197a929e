"""The values that flow through driftline: batch, window, profile, score, finding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from detectors.catalog import Metric

Numbers: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.uint64] | NDArray[np.bool_]
"""A numeric column, one value a row. Missing is NaN in float64 columns; the other types have no missing."""

Plain: TypeAlias = Mapping[str, Any]
"""State as data: str keys; values are None, bool, int, float, str, bytes, lists, mappings, numpy arrays."""

Level: TypeAlias = Literal["information", "warning", "page"]
"""How loud a finding may be: shown, warned about, or worth waking somebody."""

Input: TypeAlias = Literal["auto", "calls", "metrics"]
"""What calls are counted from where both come: call records, or OTLP metrics. `auto`: records as long as there are any."""


@dataclass(frozen=True, slots=True)
class Category:
    """A dictionary-coded column: `codes[row]` points into `values`, -1 is missing.

    >>> Category.of(["a", None, "a"]).codes.tolist()
    [0, -1, 0]
    """

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str | None]) -> "Category":
        """Code a sequence of strings; values keep the order in which they first appear."""
        index: dict[str, int] = {}
        codes = [-1 if value is None else index.setdefault(value, len(index)) for value in values]
        return cls(np.array(codes, np.int32), tuple(index))

    @classmethod
    def constant(cls, value: str, rows: int) -> "Category":
        """Repeat one value over all rows."""
        return cls(np.zeros(rows, np.int32), (value,))

    def __len__(self) -> int:
        return len(self.codes)

    def decode(self) -> list[str | None]:
        """Return one str a row, None where missing."""
        return [None if code < 0 else self.values[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class Text:
    """A free-text column, one str or None a row. Kept only where the content mode allows it."""

    values: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.values)

    def at(self, row: int) -> str | None:
        """Return the text of one row."""
        return self.values[row]


Column: TypeAlias = Numbers | Category | Text


def take(column: Column, rows: NDArray[np.intp]) -> Column:
    """Return the given rows of a column, in that order."""
    if isinstance(column, Category):
        return Category(column.codes[rows], column.values)
    if isinstance(column, Text):
        return Text(tuple(column.values[row] for row in rows.tolist()))
    return column[rows]


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of one request, poll or file chunk for one endpoint; never one object a record.

    `columns` hold the reserved names of `docs/architecture.md` ("Columns"); `features` the model's own inputs.
    """

    endpoint: str
    kind: Literal["calls", "call_parts", "call_counts", "retrievals", "tools", "conversations", "rows", "labels"]
    rows: int
    columns: Mapping[str, Column]
    features: Mapping[str, Column] = field(default_factory=dict)

    def take(self, rows: NDArray[np.intp]) -> "Batch":
        """Return the given rows of every column, in that order."""
        return replace(
            self,
            rows=len(rows),
            columns={name: take(column, rows) for name, column in self.columns.items()},
            features={name: take(column, rows) for name, column in self.features.items()},
        )


class Stream(NamedTuple):
    """What is never mixed: one deployment of one endpoint under one kind of traffic."""

    endpoint: str
    deployment: str
    traffic: str


@dataclass(frozen=True, slots=True)
class Window:
    """A tumbling span of event time: `start` inclusive, `end` exclusive, both in the endpoint's time zone."""

    start: datetime
    end: datetime

    @property
    def day(self) -> int:
        """The calendar day of `start` in the endpoint's time zone, as a proleptic ordinal."""
        return self.start.toordinal()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a window keeps: integers that merge by addition, whatever the order or the cut.

    `counts` are dense vectors; `tallies` are open sets, value to count.
    """

    counts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    tallies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def merge(self, other: "Profile") -> "Profile":
        """Add two profiles; a name or value one side lacks counts as zero there.

        >>> one = Profile({"rows": np.array([2])}, {"error": {"429": 1}})
        >>> one.merge(one).tallies["error"]
        {'429': 2}
        """
        counts = dict(self.counts)
        for name, vector in other.counts.items():
            counts[name] = _add(counts[name], vector) if name in counts else vector
        tallies = {name: dict(tally) for name, tally in self.tallies.items()}
        for name, tally in other.tallies.items():
            mine = tallies.setdefault(name, {})
            for value, count in tally.items():
                mine[value] = mine.get(value, 0) + count
        return Profile(counts, tallies)


def _add(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(left) < len(right):
        left, right = right, left
    total = left.copy()
    total[: len(right)] += right
    return total


@dataclass(frozen=True, slots=True)
class Score:
    """One number about one window of one stream: a gauge of the catalogue."""

    metric: Metric
    value: float
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Beside endpoint, deployment and traffic, which the stream adds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector says of one feature in one window, with everything needed to judge it."""

    kind: str
    """data, prediction, quality, endpoint, latency, …: what the feature is."""
    feature: str
    reference: str
    """fixed or rolling."""
    statistic: float
    threshold: float
    severity: float
    """statistic over threshold; above 1 is an alarm. NaN: no severity can be given."""
    p_value: float
    samples: int
    mde: float
    """Smallest shift seen with 80 % power, in the unit of `mde_unit`; NaN: blind."""
    mde_unit: str
    level: Level | None
    """None: nothing to report."""
    status: str
    """calibrated, provisional, uncalibrated or insufficient."""
    methods: Mapping[str, float]
    """Descriptive distances by name: psi, jensen_shannon and the others of `detectors/drift/descriptive.py`."""
    explanation: str


@dataclass(frozen=True, slots=True)
class Total:
    """An increase of a cumulative metric: a number, or bucket counts and a sum for a histogram."""

    metric: Metric
    attributes: Mapping[str, str]
    value: float
    """The increase of a counter; the sum of the observations of a histogram."""
    buckets: NDArray[np.int64] | None = None
    """len(metric.boundaries) + 1 counts, histograms only."""


class Persistent(Protocol):
    """State a detector carries from window to window, and that the store keeps."""

    def plain(self) -> Plain:
        """Return the state as data; `Detector.restore` takes it back."""
        ...


@runtime_checkable
class Piecemeal(Protocol):
    """State whose bulk are pieces that never change: each is saved once. `restore` takes `head` with the pieces under `pieces`."""

    def head(self) -> Plain:
        """Return all but the pieces as data."""
        ...

    def pieces(self) -> Mapping[str, bytes]:
        """Return the pieces there are now, by name."""
        ...


S = TypeVar("S", bound=Persistent)


@dataclass(frozen=True, slots=True)
class Step:
    """What one closed window leads to: the next state, gauges to export, findings to judge."""

    state: Any
    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()


class Detector(Protocol[S]):
    """A signal: counts batches into profiles, and turns a closed window's profile into scores."""

    metrics: ClassVar[tuple[Metric, ...]]
    """Everything it may report."""

    def restore(self, saved: Plain | None) -> S:
        """Return the state saved by `Persistent.plain`, or a fresh one for None."""
        ...

    def observe(self, state: S, batch: Batch) -> Profile:
        """Count a batch of one stream. Pure: the same rows in any cut and order merge to the same profile."""
        ...

    def step(self, state: S, window: Window, profile: Profile) -> Step:
        """Judge a closed window. Windows of a stream arrive in time order, each once."""
        ...


@runtime_checkable
class Looking(Protocol):
    """A detector that also looks at the rows a window kept (`keep_rows`): for what a profile cannot say."""

    def look(self, state: Any, window: Window, rows: Batch) -> Step:
        """Judge the kept rows of a closed window, after `step`."""
        ...


@runtime_checkable
class Reviewing(Protocol):
    """A detector that also looks at what all detectors say of a window: for what two of them say about one thing."""

    def review(self, state: Any, window: Window, scores: Sequence[Score]) -> Step:
        """Judge the scores of a closed window, after every `step`."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A detector whose profiles also feed cumulative metrics, batch by batch."""

    def totals(self, profile: Profile) -> Sequence[Total]:
        """Return the increases a batch's profile stands for."""
        ...
