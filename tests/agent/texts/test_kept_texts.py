"""Redacted texts stay on disk with their window's sample, for as long as allowed, and are gone from the file when deleted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.config import KeptTexts as Limits
from agent.effects import ClosedWindow
from agent.errors import InputError
from agent.judges.criteria import CRITERIA
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.series import Series
from agent.texts.keeping import Keeping
from agent.texts.kept import Arrived, KeptTexts
from agent.texts.unjudged import Lent, Remembering, Unjudged
from detectors.catalog import AGENT_DROPPED
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.types import Batch, Stream, Window

SECOND = 1_000_000_000
START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(seconds=60))
AT = int(START.timestamp()) * SECOND
STREAM = Stream("shop", "gpt", "live")
LARGE = 2**63 + 7
"""An id that SQLite has no number for."""


@dataclass
class Place:
    """A folder with texts, and a clock."""

    folder: Path
    now: int = AT
    limits: dict[str, Limits] = field(default_factory=lambda: {"shop": Limits()})

    @contextmanager
    def open(self) -> Iterator[KeptTexts]:
        """Open the file until the block ends."""
        kept = KeptTexts(self.folder / "texts.sqlite", self.limits, lambda: self.now)
        try:
            yield kept
        finally:
            kept.close()

    def holds(self, text: str) -> bool:
        """Whether any file holds these bytes."""
        return any(text.encode() in file.read_bytes() for file in self.folder.iterdir())


def _arrived(identity: int, question: str, second: int = 1, deployment: str = "gpt") -> Arrived:
    return Arrived(identity, AT + second * SECOND, deployment, "live", Item(question, f"answer to {question}"))


def _sample(*ids: int) -> Batch:
    columns = {
        "id": np.array(ids, np.uint64),
        PROBABILITY: np.full(len(ids), 0.25),
        IMPORTANCE: np.ones(len(ids)),
        "time": np.full(len(ids), AT + SECOND),
    }
    return Batch("shop", "calls", len(ids), columns)


def _close(kept: KeptTexts, *ids: int, window: int = 0) -> None:
    kept.closed(STREAM, AT + 60 * SECOND * window, AT + 60 * SECOND * (window + 1), _sample(*ids))


def test_the_sample_of_a_closed_window_stays_and_the_rest_is_gone(tmp_path: Path) -> None:
    """What a later call displaced is in no file any more; another deployment's window may still close, an earlier one is over."""
    place = Place(tmp_path)
    with place.open() as kept:
        kept.put("shop", [_arrived(1, "zebra stays"), _arrived(LARGE, "yak goes"), _arrived(3, "owl waits", deployment="other")])
        kept.put("shop", [_arrived(4, "newt of the next window", 61)])
        _close(kept, 1)
        kept.wipe()
        assert [one.question for one in kept.samples("shop")] == ["zebra stays", "owl waits", "newt of the next window"]
        assert not place.holds("yak goes")
        _close(kept, 4, window=1)
        assert [(one.id, one.chance) for one in kept.samples("shop")] == [(1, 0.25), (4, 0.25)]
    with place.open() as kept:
        assert kept.item("shop", 1) == Item("zebra stays", "answer to zebra stays")
        assert kept.item("shop", LARGE) is None


def test_parts_of_a_call_are_put_together(tmp_path: Path) -> None:
    """Prompt and answer may come apart; what one lacks the other brings. A text of any signs is taken."""
    with Place(tmp_path).open() as kept:
        kept.put("shop", [Arrived(LARGE, AT, "gpt", "live", Item(question="why \ud800?"))])
        kept.put("shop", [Arrived(LARGE, AT, "gpt", "live", Item(answer="because\x00"))])
        assert kept.item("shop", LARGE) == Item("why \\ud800?", "because\x00")


def test_what_is_too_old_is_deleted_for_good(tmp_path: Path) -> None:
    """At the age limit, also when nobody ran in between."""
    place = Place(tmp_path, limits={"shop": Limits(max_age=timedelta(days=2))})
    with place.open() as kept:
        kept.put("shop", [_arrived(1, "zebra")])
        _close(kept, 1)
        place.now += 86_400 * SECOND
        kept.sweep()
        assert kept.item("shop", 1) is not None
    assert place.holds("zebra")
    place.now += 2 * 86_400 * SECOND
    with place.open():
        pass
    assert not place.holds("zebra")


def test_the_size_is_bounded(tmp_path: Path) -> None:
    """Beyond it the oldest go, and are counted."""
    place, series = Place(tmp_path, limits={"shop": Limits(max_bytes=1024 * 1024)}), Series()
    with place.open() as kept:
        for number in range(20):
            place.now += 1
            kept.put("shop", [_arrived(number + 1, f"{number} " + "x" * 50_000)])
        Keeping(kept, series).sweep()
        left = [one.id for one in kept.samples("shop")]
        assert left == list(range(left[0], 21))
        assert len(left) == 10
        [dropped] = [point.value for point in series.totals(START) if point.metric is AGENT_DROPPED]
        assert dropped == 20 - len(left)
    assert (tmp_path / "texts.sqlite").stat().st_size < 3 * 1024 * 1024


def test_texts_of_endpoints_that_may_keep_none_are_deleted(tmp_path: Path) -> None:
    """Another mode in the file is enough."""
    place = Place(tmp_path)
    with place.open() as kept:
        kept.put("shop", [_arrived(1, "zebra")])
    place.limits = {"bank": Limits()}
    with place.open() as kept:
        assert list(kept.samples("shop")) == []
    assert not place.holds("zebra")


@pytest.mark.parametrize(
    ("purge", "left"),
    [
        (lambda kept: kept.purge("shop"), []),
        (lambda kept: kept.purge("shop", LARGE), [1]),
        (lambda kept: kept.purge("shop", None, AT + 2 * SECOND), [LARGE]),
        (lambda kept: kept.purge("bank"), [1, LARGE]),
    ],
)
def test_texts_are_deleted_on_command(tmp_path: Path, purge: Callable[[KeptTexts], int], left: list[int]) -> None:
    """Of an endpoint, of a call, or of before a time; while another process has the file open."""
    place = Place(tmp_path)
    with place.open() as kept, place.open() as running:
        running.put("shop", [_arrived(1, "zebra 1", 1), _arrived(LARGE, f"zebra {LARGE}", 5)])
        purge(kept)
        assert [one.id for one in running.samples("shop")] == left
        for gone in {1, LARGE} - set(left):
            assert not place.holds(f"zebra {gone}")


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """Mode 0600, the log beside it too."""
    with Place(tmp_path).open() as kept:
        kept.put("shop", [_arrived(1, "zebra")])
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A sentence that names it."""
    (tmp_path / "texts.sqlite").write_bytes(b"no database at all, but some other file of theirs")
    with pytest.raises(InputError, match=r"texts\.sqlite"), Place(tmp_path).open():
        pass


def test_a_disk_that_takes_nothing_costs_the_text_alone(tmp_path: Path) -> None:
    """It is counted, and the call goes on."""
    place, series = Place(tmp_path), Series()
    with place.open() as kept:
        keeping = Keeping(kept, series)
        with kept.database.writing() as connection:
            connection.execute("DROP TABLE waiting")
            connection.execute("CREATE TRIGGER full BEFORE INSERT ON text BEGIN SELECT RAISE(ABORT, 'full'); END")
        with kept.database.writing() as connection:
            connection.execute("DROP TRIGGER full")
            connection.execute("PRAGMA max_page_count = 1")
        keeping.put(_sample(1), [(0, Item("q" * 100_000, "a"))])
        assert [point.value for point in series.totals(START) if point.metric is AGENT_DROPPED] == [1]


class _Judge:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.criteria = [CRITERIA["fluency"]]

    def score(self, _item: Item) -> list[Verdict | Gap]:
        """Say four, or nothing to the first."""
        self.asked += 1
        return [Gap("fluency", "throttled")] if self.asked == 1 else [Verdict("fluency", 4, "It reads well.")]


def test_verdicts_outlive_the_process_and_gaps_do_not(tmp_path: Path) -> None:
    """An answer that has a verdict is not asked about again, unless another judge, or another question, asks."""
    place, judge = Place(tmp_path), _Judge()
    for expected in (1, 2, 2):
        with place.open() as kept:
            kept.put("shop", [Arrived(9, AT, "gpt", "live", Item("q", "a"))])
            lent = Lent(kept, "shop")
            item = lent.take("shop", 9)
            assert item is not None
            found = Remembering(judge, lent, "judge/1").score(item)  # type: ignore[arg-type]  # as much of a judge as is asked
            assert judge.asked == expected
    assert list(found) == [Verdict("fluency", 4, "It reads well.")]
    with place.open() as kept:
        lent = Lent(kept, "shop")
        item = lent.take("shop", 9)
        assert item is not None
        Remembering(judge, lent, "judge/2").score(item)  # type: ignore[arg-type]  # as above
    assert judge.asked == 3


def test_windows_wait_for_their_judge_over_a_restart(tmp_path: Path) -> None:
    """Each once: one that closes again after a crash is known, one whose verdicts are saved is done."""
    place, saved = Place(tmp_path), [False, True]
    closed = ClosedWindow(STREAM, WINDOW, 1, (), (), {}, None, _sample(5))
    with place.open() as kept:
        unjudged = Unjudged(kept, "shop", "UTC", lambda: place.now)
        assert (unjudged.add(closed), unjudged.add(closed)) == (True, False)
    with place.open() as kept:
        unjudged = Unjudged(kept, "shop", "UTC", lambda: place.now)
        [pending] = unjudged.left()
        assert (pending.stream, pending.window) == (STREAM, WINDOW)
        assert np.asarray(pending.calls.columns["id"]).tolist() == [5]
        unjudged.told(STREAM, WINDOW)
        unjudged.settle(lambda: saved.pop(0))
        assert len(unjudged.left()) == 1
        unjudged.settle(lambda: saved.pop(0))
        assert (unjudged.left(), unjudged.add(closed)) == ([], False)


def test_no_more_windows_are_taken_up_than_a_judge_lets_wait(tmp_path: Path) -> None:
    """The newest eight; the others are given up."""
    place = Place(tmp_path)
    with place.open() as kept:
        unjudged = Unjudged(kept, "shop", "UTC", lambda: place.now)
        for number in range(10):
            place.now += 1
            window = Window(START + timedelta(minutes=number), START + timedelta(minutes=number + 1))
            unjudged.add(ClosedWindow(STREAM, window, 1, (), (), {}, None, _sample(5)))
        assert [one.window.start.minute for one in unjudged.left()] == list(range(2, 10))
        assert len(unjudged.left()) == 8
