"""Labels are taken only from who shows the token, and only a durable one is answered with 200; files are read once."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.config import Config
from agent.errors import ConfigError, SpoolFull
from agent.labels.inbox import Inbox
from agent.labels.reading import Names, from_file, from_json
from agent.routing import MatchRouter
from agent.rows.identity import identity
from agent.secret import Secret
from agent.series import Series
from agent.sources import Context
from agent.sources.labels import LabelIntake
from detectors.types import Batch, Category

TOKEN = "a-token-of-many-letters"  # of this test only
RECORD = b'[{"id": "r1", "label": 1, "timestamp": "2026-01-01T00:00:00Z", "source": "human"}]'


@dataclass
class Memory:
    """A spool in memory that may be full."""

    batches: list[Batch] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    full: bool = False

    async def emit(self, batches: Sequence[Batch], source: str) -> None:
        """Take batches."""
        assert source == "labels"
        if self.full:
            raise SpoolFull("full", retry_after=3)
        self.batches += batches
        self.came.set()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def listening(clock: Any, **options: Any) -> AsyncIterator[tuple[str, Memory, Series]]:
    """Run the listener; yield its URL, the spool, and what it counts."""
    memory, series = Memory(), Series()
    context = Context("labels", MatchRouter(Config()), None, series, clock)
    source = LabelIntake(Secret(TOKEN), f"127.0.0.1:{free_port()}", **options)
    async with source.listen(context, memory.emit):
        yield f"http://{source.http}", memory, series


async def post(url: str, body: bytes = RECORD, token: str | None = TOKEN, method: str = "POST") -> httpx.Response:
    """Send labels."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient() as client:
        return await client.request(method, url, content=body, headers=headers)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine."""
    asyncio.run(work())


def test_labels_are_accepted_with_the_token(clock: Any) -> None:
    """A 200 says how many are in the spool; ids are hashed as those of rows are."""

    async def work() -> None:
        async with listening(clock) as (url, memory, _):
            answer = await post(f"{url}/labels/loans%20eu")

        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
        (batch,) = memory.batches
        assert (batch.endpoint, batch.kind) == ("loans eu", "labels")
        assert batch.columns["id"] == identity(["r1"])
        labels, tellers = batch.columns["label"], batch.columns["source"]
        assert isinstance(labels, Category)
        assert isinstance(tellers, Category)
        assert (labels.decode(), tellers.decode()) == (["1"], ["human"])

    run(work)


REFUSED: dict[str, tuple[dict[str, Any], str, int]] = {
    "no token": ({"token": None}, "/labels/loans", 401),
    "a wrong token": ({"token": TOKEN[:-1]}, "/labels/loans", 401),
    "an unknown path": ({}, "/label", 404),
    "no endpoint": ({}, "/labels/", 404),
    "another method": ({"method": "PUT"}, "/labels/loans", 405),
    "a large body": ({"body": b"[" + b" " * 2000 + b"]"}, "/labels/loans", 413),
    "no JSON": ({"body": b"id,label"}, "/labels/loans", 400),
    "no label": ({"body": b'{"id": 1}'}, "/labels/loans", 400),
    "nothing": ({"body": b"[]"}, "/labels/loans", 400),
}


@pytest.mark.parametrize("what", REFUSED)
def test_everything_else_is_refused(clock: Any, what: str) -> None:
    """Nothing of a refused request reaches the spool."""
    options, path, status = REFUSED[what]

    async def work() -> None:
        async with listening(clock, max_body=1024) as (url, memory, _):
            answer = await post(url + path, **options)

        assert answer.status_code == status
        assert memory.batches == []
        assert TOKEN not in answer.text

    run(work)


def test_a_full_spool_says_come_back(clock: Any) -> None:
    """503 and Retry-After, and nothing taken."""

    async def work() -> None:
        async with listening(clock) as (url, memory, _):
            memory.full = True
            answer = await post(f"{url}/labels/loans")

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")

    run(work)


def test_a_short_token_or_an_open_address_is_no_configuration() -> None:
    """What can be guessed or overheard is refused at the start."""
    with pytest.raises(ValueError, match="shorter than 16"):
        LabelIntake(Secret("short"))
    with pytest.raises(ConfigError, match="allow_insecure"):
        LabelIntake(Secret(TOKEN), "0.0.0.0:4319").check()  # the point


def test_files_in_the_folder_are_read_once(clock: Any, tmp_path: Path) -> None:
    """The watcher sees a file that rested without being told, and looks again without reading it again."""
    home = tmp_path / "loans"
    home.mkdir()
    (home / "day.csv").write_text("id,label\na,1\nb,0\n")
    os.utime(home / "day.csv", (0, 0))

    async def work() -> None:
        async with listening(clock, folder=tmp_path, every=timedelta(milliseconds=5)) as (_, memory, _series):
            await asyncio.wait_for(memory.came.wait(), 10)

        assert [batch.rows for batch in memory.batches] == [2]

    run(work)


def test_the_inbox_leaves_alone_what_is_not_ready(tmp_path: Path) -> None:
    """Hidden, unfinished and fresh files wait; a second file of a name does not replace the first."""
    home = tmp_path / "loans"
    home.mkdir()
    for name in (".hidden.csv", "half.csv.part", "done.csv", "fresh.csv"):
        (home / name).write_text("id,label\na,1\n")
        os.utime(home / name, (100, 100) if name != "fresh.csv" else (199, 199))
    inbox = Inbox(tmp_path, timedelta(seconds=5), lambda _reason, _rows: None)

    (file,) = inbox.files(200.0)
    assert inbox.take(file)
    (home / "done.csv").write_text("id,label\nb,1\n")
    os.utime(home / "done.csv", (100, 100))
    (again,) = inbox.files(200.0)
    assert inbox.take(again)

    assert file.path.name == again.path.name == "done.csv"
    assert sorted(path.name for path in (home / "taken").iterdir()) == ["done-1.csv", "done.csv"]


def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    """What was added after the look into it is not moved aside unread."""
    path = tmp_path / "loans" / "day.csv"
    path.parent.mkdir()
    path.write_text("id,label\na,1\n")
    os.utime(path, (100, 100))
    inbox = Inbox(tmp_path, timedelta(seconds=5), lambda _reason, _rows: None)

    (file,) = inbox.files(200.0)
    path.write_text("id,label\na,1\nb,1\n")
    os.utime(path, (201, 201))

    assert not inbox.take(file)
    assert inbox.files(203.0) == []
    (again,) = inbox.files(207.0)
    assert sum(batch.rows for batch in inbox.read(again)) == 2
    assert inbox.take(again)


def test_a_file_from_the_future_rests_from_when_it_was_seen(tmp_path: Path) -> None:
    """A machine whose clock is ahead delivers labels all the same."""
    path = tmp_path / "loans" / "day.csv"
    path.parent.mkdir()
    path.write_text("id,label\na,1\n")
    os.utime(path, (10_000, 10_000))
    inbox = Inbox(tmp_path, timedelta(seconds=5), lambda _reason, _rows: None)

    assert inbox.files(200.0) == []
    assert [file.path for file in inbox.files(205.0)] == [path]


def test_a_file_that_cannot_be_moved_holds_up_no_other(clock: Any, tmp_path: Path) -> None:
    """It is told once and not read again and again; files behind it are read."""
    for name in ("fraud", "loans"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "day.csv").write_text("id,label\na,1\n")
        os.utime(tmp_path / name / "day.csv", (0, 0))
    # Where the folder should be that files are moved to, there is a file.
    (tmp_path / "fraud" / "taken").write_text("")
    os.utime(tmp_path / "fraud" / "taken", (2**32, 2**32))

    async def work() -> None:
        async with listening(clock, folder=tmp_path, every=timedelta(milliseconds=5)) as (_, memory, _series):
            while len(memory.batches) < 2:
                memory.came.clear()
                await asyncio.wait_for(memory.came.wait(), 10)
            (tmp_path / "loans" / "more.csv").write_text("id,label\nb,1\n")
            os.utime(tmp_path / "loans" / "more.csv", (0, 0))
            while len(memory.batches) < 3:
                memory.came.clear()
                await asyncio.wait_for(memory.came.wait(), 10)

        assert [batch.endpoint for batch in memory.batches] == ["fraud", "loans", "loans"]

    run(work)


@pytest.mark.parametrize("shown", [f"bearer {TOKEN}", f"BEARER  {TOKEN}"])
def test_the_word_before_the_token_may_be_spelt_as_clients_do(shown: str) -> None:
    """Schemes of HTTP have no case."""
    intake = LabelIntake(Secret(TOKEN))

    assert intake.allows(shown)
    assert not intake.allows(TOKEN)
    assert not intake.allows(f"Basic {TOKEN}")


def test_a_body_may_begin_with_a_byte_order_mark_and_not_be_compressed(clock: Any) -> None:
    """What Windows writes is read; what is compressed is told to be."""

    async def work() -> None:
        async with listening(clock) as (url, memory, _), httpx.AsyncClient() as client:
            headers = {"authorization": f"Bearer {TOKEN}"}
            marked = await client.post(f"{url}/labels/loans/", content=b"\xef\xbb\xbf" + RECORD, headers=headers)
            packed = await client.post(f"{url}/labels/loans", content=b"\x1f\x8b", headers={**headers, "content-encoding": "gzip"})

        assert (marked.status_code, packed.status_code) == (200, 415)
        assert [batch.endpoint for batch in memory.batches] == ["loans"]

    run(work)


FILES = {
    "labels.csv": "id,label,timestamp,source\nr1,true,2026-01-01T00:00:00Z,human\n",
    "labels.jsonl": '{"id": "r1", "label": true, "timestamp": "2026-01-01T00:00:00Z", "source": "human"}\n',
}


@pytest.mark.parametrize("name", FILES)
def test_files_and_requests_say_the_same(tmp_path: Path, name: str) -> None:
    """The same label in any format is the same columns."""
    path = tmp_path / name
    path.write_text(FILES[name])

    (batch,) = from_file(path, "loans", lambda _reason, _rows: None)

    posted = from_json(b'{"id": "r1", "label": true, "timestamp": "2026-01-01T00:00:00Z", "source": "human"}', "loans")
    assert {name: _plain(column) for name, column in batch.columns.items()} == {
        name: _plain(column) for name, column in posted.columns.items()
    }


def _plain(column: Any) -> Any:
    return column.decode() if isinstance(column, Category) else column.tolist()


def test_columns_may_have_other_names_and_time_may_be_absent(tmp_path: Path) -> None:
    """What a file calls them is an option; without a column of times labels count as given when they come."""
    path = tmp_path / "labels.csv"
    path.write_text("correlationid,repaid\nr1,1.0\n")

    (batch,) = from_file(path, "loans", lambda _reason, _rows: None, replace(Names(), id="correlationid", label="repaid"))

    assert set(batch.columns) == {"id", "label"}


def test_a_file_without_labels_names_what_it_has(tmp_path: Path) -> None:
    """The error names the column that is missing and those there are."""
    path = tmp_path / "labels.csv"
    path.write_text("correlationid,repaid\nr1,1\n")

    with pytest.raises(Exception, match="has no column 'id'; it has correlationid, repaid"):
        list(from_file(path, "loans", lambda _reason, _rows: None))
