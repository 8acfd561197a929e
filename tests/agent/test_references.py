"""Where streams start from: what was stored, what is built now, and what happens when that fails."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.assembly import build_pipeline
from agent.checkpoint import restore, restore_streams, save
from agent.config import Columns, Config, Endpoint, Reference
from agent.errors import ConfigError, Transient
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.references import References, load, require
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context, Poll
from agent.spool.frame import Frame
from agent.spool.position import Position
from agent.store.store import Store
from detectors.types import Batch, Plain

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOUR = 3600 * 10**9
AT = int(NOW.timestamp()) * 10**9


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return half past noon."""
        return NOW


@dataclass(frozen=True)
class Past:
    """A source with ten days of history, or none while it is down."""

    down: list[bool] = field(default_factory=lambda: [False])

    def poll(self, context: Context, cursor: Plain | None) -> Iterator[Poll]:  # noqa: ARG002 - the protocol of a source
        """Yield nothing."""
        yield from ()

    def history(self, context: Context, since: timedelta) -> Iterator[Batch]:  # noqa: ARG002 - as above
        """Yield 60 rows an hour, to the present."""
        if self.down[0]:
            raise Transient("the account does not answer")
        times = np.arange(AT - 240 * HOUR, AT, HOUR // 60)
        yield Batch("model", "rows", len(times), {"time": times}, {"x": np.random.default_rng(1).normal(size=len(times))})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


def watched(reference: Reference, source: Past | None = None) -> Config:
    endpoint = Endpoint("model", source=source or Past(), reference=reference, window=timedelta(hours=1), columns=Columns(timestamp="t"))
    return Config(endpoints={"model": endpoint, "other": Endpoint("other")})


def loaded(config: Config, store: Store, series: Series | None = None) -> References:
    return load(config, store, MatchRouter(config), series or Series(), Noon())


def pipeline(config: Config, store: Store) -> Pipeline:
    """Return a pipeline as a start of the agent makes it."""
    made = build_pipeline(config, Noon(), store, references={}, origins={}, real_time=True)
    restore(store, made, Series(), Increments(), NOW)
    found = loaded(config, store)
    made.refer(found.beginnings, found.origins)
    restore_streams(store, made)
    return made


def lived(made: Pipeline, store: Store) -> int:
    """Let some rows come in, save, and return how many windows the drift detector's reference has."""
    rows = Batch("model", "rows", 1, {"time": np.array([AT])}, {"x": np.array([0.5])})
    made.absorb(Frame(rows, "test", None, AT))
    save(store, made, Series(), Increments(), Position(1, 1), {})
    return windows(made)


def windows(made: Pipeline) -> int:
    (stream,) = made.streams.values()
    return len(stream.states["drift"].windows)


def test_history_ends_where_live_windows_begin(store: Store) -> None:
    """Whole hours before the present one are the reference; what the source shows again of them is not counted twice."""
    config = watched(Reference(history=timedelta(days=2)))
    made = pipeline(config, store)
    times = np.array([AT - HOUR, AT - HOUR // 2, AT - HOUR // 2 + 1])
    made.absorb(Frame(Batch("model", "rows", 3, {"time": times}, {"x": np.zeros(3)}), "test", None, AT))

    assert windows(made) == 48
    (stream,) = made.streams.values()
    assert [window["rows"] for window in stream.plain()["open"]] == [2]


def test_a_reference_that_comes_late_takes_the_place_of_what_was_learnt(store: Store) -> None:
    """The source was down at the first start: told, counted, and mended by the next start; then it stays."""
    source, series = Past([True]), Series()
    config = watched(Reference(history=timedelta(days=2)), source)
    assert loaded(config, store, series).beginnings.shared == {}
    assert [dict(point.attributes)["outcome"] for point in series.totals(NOW)] == ["failed"]
    assert lived(pipeline(config, store), store) == 0

    source.down[0] = False
    assert lived(pipeline(config, store), store) == 48

    source.down[0] = True
    assert windows(pipeline(config, store)) == 48


def test_a_new_version_of_a_baseline_is_taken_up(store: Store) -> None:
    """`driftline baseline exclude` promises that the daemon takes it up when it starts."""
    history = loaded(watched(Reference(history=timedelta(days=2))), store).beginnings.shared["model/drift"]
    shorter = loaded(watched(Reference(history=timedelta(days=1))), store).beginnings.shared["model/drift"]
    config = watched(Reference(baseline="good"))
    with store.transaction() as transaction:
        transaction.put_baseline("good", 1, {"endpoint": "model", "state": history})
    assert lived(pipeline(config, store), store) == 48
    assert windows(pipeline(config, store)) == 48

    with store.transaction() as transaction:
        transaction.put_baseline("good", 2, {"endpoint": "model", "state": shorter})
    assert windows(pipeline(config, store)) == 24


def test_a_file_that_was_replaced_is_read_again(store: Store, tmp_path: Path) -> None:
    """The same name with other rows is another reference; a file that is gone is the one it was."""
    file = tmp_path / "train.csv"
    file.write_text("x\n" + "1\n2\n" * 2000)
    config = watched(Reference(file=file))
    first = loaded(config, store).beginnings.marks["model/drift"]
    assert loaded(config, store).beginnings.marks["model/drift"] == first

    file.write_text("x\n" + "1\n2\n3\n" * 2000)
    clock = replace(config)  # the same configuration
    found = load(clock, store, MatchRouter(clock), Series(), _Later())
    assert found.beginnings.marks["model/drift"] != first

    file.unlink()
    assert loaded(config, store).beginnings.marks["model/drift"] == found.beginnings.marks["model/drift"]


class _Later:
    def now(self) -> datetime:
        return NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (Reference(baseline="goood"), r"endpoints\.model\.reference\.baseline: no 'goood'; known: none yet"),
        (Reference(file=Path("nowhere.csv")), r"endpoints\.model\.reference\.file: nowhere\.csv is not there"),
    ],
)
def test_what_is_missing_is_told_at_the_start(store: Store, reference: Reference, words: str) -> None:
    """A typing error ends the start with a line, instead of an endpoint that learns from scratch unnoticed."""
    with pytest.raises(ConfigError, match=words):
        require(watched(reference), store)


def test_one_unreadable_reference_leaves_the_others(store: Store) -> None:
    """A damaged state in the store costs its endpoint the reference and nobody else anything."""
    config = watched(Reference(baseline="bad"))
    with store.transaction() as transaction:
        transaction.put_baseline("bad", 1, {"endpoint": "model", "state": {"version": 1}})
    fine = replace(config.endpoints["model"], name="fine", reference=Reference(history=timedelta(days=1)))

    found = loaded(Config(endpoints={**config.endpoints, "fine": fine}), store)

    assert found.beginnings.shared.keys() == {"fine/drift"}
