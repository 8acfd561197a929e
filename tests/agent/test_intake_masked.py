"""What reaches the spool: no address of a row or label, whoever brings it, and nothing at all where masking fails."""

import asyncio
from pathlib import Path

import pytest

from agent.clock import WallClock
from agent.config import Config, Endpoint, Spool
from agent.intake import Intake
from agent.redaction.masking import Masks
from agent.routing import MatchRouter
from agent.rows.csv_text import header
from agent.series import OTHER
from agent.sources import Poll
from agent.spool import spool as spools
from detectors.types import Batch, Category, Column, Text

MAIL = "anna@example.org"


def rows(kind: str, name: str, column: Column, number: int) -> Batch:
    """Return a batch of one column."""
    features = {name: column} if kind == "rows" else {}
    return Batch("loans", "rows" if kind == "rows" else "labels", number, {} if kind == "rows" else {name: column}, features)


def written(folder: Path) -> bytes:
    """Return everything on disk."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def stored(folder: Path, batch: Batch, masks: Masks | None = None) -> bytes:
    """Return what is on disk after a listener and a poll brought a batch."""

    async def bring() -> None:
        spool = spools.Spool(folder, Spool(durability="write", min_free_bytes=0))
        try:
            intake = Intake(spool, WallClock(), masks=masks)
            await intake.emit([batch], "collector")
            await asyncio.to_thread(intake.put, Poll([batch], {"at": 1}), "files/loans")
        finally:
            await spool.close()

    asyncio.run(bring())
    return written(folder)


@pytest.mark.parametrize("many", [1, 700])
@pytest.mark.parametrize(("kind", "name"), [("rows", "owner"), ("labels", "label"), ("labels", "source")])
def test_no_address_is_on_disk(kind: str, name: str, many: int, tmp_path: Path) -> None:
    """By a listener, in its own thread where there is much to look at, and by a poll."""
    values = [f"{number}.{MAIL}" for number in range(many)]
    disk = stored(tmp_path, rows(kind, name, Category.of([*values, "gold"]), many + 1))
    assert MAIL.encode() not in disk
    assert disk.count(b"<email>") == 2
    assert b"gold" in disk


def test_texts_of_a_strangers_poll_are_not_on_disk(tmp_path: Path) -> None:
    """Should a source of another package bring prompts by a poll, they go no further than those of a listener."""
    calls = Batch("chat", "calls", 1, {"input": Text(("I am Ann",)), "model": Category.of(["gpt-4o"])})
    disk = stored(tmp_path, calls)
    assert b"I am Ann" not in disk
    assert b"gpt-4o" in disk


def test_nothing_is_written_where_masking_fails(tmp_path: Path) -> None:
    """The sender is not told that it was."""

    def unknown(_: str) -> Endpoint:
        raise LookupError

    with pytest.raises(LookupError):
        stored(tmp_path, rows("rows", "owner", Category.of([MAIL]), 1), Masks(unknown))
    assert MAIL.encode() not in written(tmp_path)


def test_a_record_in_the_place_of_a_header_gives_no_names() -> None:
    """Its cells would be names of columns, in cursors, metrics and errors."""
    found = header(f"{MAIL},4111111111111111,plan\n".encode(), "a.csv", final=True)
    assert found is not None
    assert found.names == ("column_1", "column_2", "plan")


def test_an_endpoint_is_not_called_after_a_person() -> None:
    """Traffic nobody configured has its host's name, unless that is an address or a key."""
    router = MatchRouter(Config(endpoints={"a": Endpoint("a", {"service.name": "a"})}))
    assert [router.route({}, host).name for host in ("api.example.org", MAIL)] == ["api.example.org", OTHER]
