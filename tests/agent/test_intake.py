"""A source is asked again and again, from where it stood, whatever it does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from agent.clock import WallClock
from agent.config import Config, Endpoint
from agent.config import Spool as Limits
from agent.errors import ConfigError, InputError, Permanent, SpoolFull, Transient
from agent.intake import Intake, Poller, cursors
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context, Poll
from agent.spool.position import START
from agent.spool.spool import Spool
from detectors.types import Batch, Plain


@dataclass
class Numbers:
    """A source of the numbers from 1 on; fails before those it is told to, once each."""

    fails: dict[int, Exception] = field(default_factory=dict)
    upto: int = 5

    def poll(self, context: Context, cursor: Plain | None) -> Iterator[Poll]:  # noqa: ARG002 - the protocol of a source
        """Yield the numbers after the cursor, one a chunk."""
        for number in range((cursor or {"at": 0})["at"] + 1, self.upto + 1):
            if number in self.fails:
                raise self.fails.pop(number)
            yield Poll([Batch("e", "rows", 1, {"time": np.array([number])})], {"at": number})


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty one."""
    made = Spool(tmp_path, Limits(durability="write", min_free_bytes=0))
    yield made
    made.close_blocking()


def poller(source: Numbers, spool: Spool, series: Series, cursor: Plain | None = None) -> Poller:
    endpoint = Endpoint("e")
    context = Context("numbers/e", MatchRouter(Config(endpoints={"e": endpoint})), endpoint, series, WallClock())
    return Poller(source, context, Intake(spool, WallClock()), cursor, series)


def arrived(spool: Spool) -> Sequence[int]:
    frames, _ = spool.read(START, 10**6)
    return [int(np.asarray(frame.batch.columns["time"])[0]) for frame in frames if frame.batch is not None]


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (Transient("later"), 1),
        (Permanent("never"), 1),
        (InputError("damaged"), 1),
        (ConfigError("wrong"), 1),
        (KeyError("secret"), 1),
        (SpoolFull("full"), 0),
    ],
)
def test_whatever_it_raises_it_goes_on_where_it_stood(
    spool: Spool, error: Exception, counted: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost or read twice; failures are counted, a full spool is none; what an unforeseen error says stays out of the log."""
    series = Series()
    one = poller(Numbers({3: error}), spool, series)

    one.poll()
    assert arrived(spool) == [1, 2]
    one.poll()

    assert arrived(spool) == [1, 2, 3, 4, 5]
    assert sum(point.value for point in series.totals(datetime.now(UTC)) if isinstance(point.value, float | int)) == counted
    assert "secret" not in caplog.text
    assert spool.cursors() == {"numbers/e": {"at": 5}}


def test_a_source_that_is_down_is_told_of_once(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    """Not at every poll; and once more when it is back."""
    caplog.set_level("INFO")
    source = Numbers()
    one = poller(source, spool, Series())
    for _ in range(10):
        source.fails = {1: Transient("down")}
        one.poll()
    source.fails.clear()
    one.poll()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_the_end_stops_a_poll_after_its_chunk(spool: Spool) -> None:
    """A year of files is not read to its end before the agent may stop."""
    one = poller(Numbers(), spool, Series())
    one.stop()
    one.poll()

    assert arrived(spool) == [1]


def test_the_spools_cursors_are_newer_than_the_stores() -> None:
    """What stands in the spool was put there after what stands in the store."""
    assert cursors({"a": {"at": 2}}, {"a": {"at": 1}, "b": {"at": 7}}) == {"a": {"at": 2}, "b": {"at": 7}}
