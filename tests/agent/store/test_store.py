"""The store: all of a transaction or nothing, across processes, versions and full disks."""

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ConfigError, InputError, Transient, Unavailable
from agent.store.dedup import RecentIds
from agent.store.schema import STATE_VERSION
from agent.store.store import Store
from detectors.types import Plain, Stream

STREAM = Stream("chat", "gpt", "live")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name the store's file."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    """Open a store."""
    with Store(file) as opened:
        yield opened


def test_a_transaction_is_all_or_nothing(store: Store, file: Path) -> None:
    """What was put is there after a commit, for other threads and the next process; after an error nothing is."""
    with store.transaction() as transaction:
        transaction.put("position", {"at": [1, 2], "counts": np.arange(3)})
        assert transaction.get("position")["at"] == [1, 2]
        assert store.get("position") is None
    with pytest.raises(KeyError), store.transaction() as transaction:  # noqa: PT012  # the block is the transaction
        transaction.put("position", {"at": [9, 9]})
        transaction.add_window(STREAM, 0, 1, {})
        raise KeyError
    assert store.get("position")["at"] == [1, 2]
    assert list(store.windows("chat", 0, 10)) == []
    store.close()
    with Store(file) as again:
        assert again.get("position")["counts"].tolist() == [0, 1, 2]


def test_only_changes_are_written(store: Store, file: Path) -> None:
    """A part that did not change costs no write; one undone by an error is written again."""
    large = {"counts": np.arange(100_000)}
    log = Path(f"{file}-wal")

    def written(value: Plain) -> int:
        before = log.stat().st_size
        with store.transaction() as transaction:
            transaction.put("large", value)
        return log.stat().st_size - before

    assert written(large) > 500_000
    assert written(large) < 100_000
    with pytest.raises(KeyError), store.transaction() as transaction:  # noqa: PT012  # the block is the transaction
        transaction.put("large", {"counts": np.arange(5)})
        raise KeyError
    with store.transaction() as transaction:
        transaction.put("large", {"counts": np.arange(5)})
    assert len(store.get("large")["counts"]) == 5
    with store.transaction() as transaction:
        transaction.delete("large")
        transaction.put("large", {"counts": np.arange(5)})
    assert store.get("large") is not None


def test_groups_of_parts(store: Store) -> None:
    """Parts are listed and deleted by prefix, whatever characters names have."""
    names = ["open/a", "open/%", "open/ä/\U0001f600", "open/\udcff", "opened"]
    with store.transaction() as transaction:
        for name in names:
            transaction.put(name, {"name": name})
        transaction.put("cursor/files/x", {"line": 3})
    assert [value["name"] for _, value in store.items("open/")] == sorted(
        names[:4], key=lambda name: name.encode("utf-8", "backslashreplace")
    )
    assert store.get("open/\udcff") == {"name": "open/\udcff"}
    assert store.cursors() == {"files/x": {"line": 3}}
    with store.transaction() as transaction:
        transaction.delete("open/")
    assert [key for key, _ in store.items("")] == ["cursor/files/x", "opened"]


def test_windows_come_back_in_order(store: Store) -> None:
    """By start, deployment and traffic, across pages, within the span asked for, one computed again in place of the first."""
    with store.transaction() as transaction:
        for start in reversed(range(100)):
            for deployment in ("b", "a"):
                transaction.add_window(Stream("chat", deployment, "live"), start, start + 1, {"rows": start})
        transaction.add_window(Stream("other", "a", "live"), 5, 6, {"rows": 0})
        transaction.add_window(Stream("chat", "a", "live"), 50, 51, {"rows": -1})
    found = list(store.windows("chat", 10, 60))
    assert [(each.start, each.stream.deployment) for each in found] == [(start, name) for start in range(10, 60) for name in "ab"]
    assert [each.value["rows"] for each in found if each.start == 50] == [-1, 50]
    assert found[0].end == 11


def test_audit_and_baselines(store: Store) -> None:
    """Decisions are found by endpoint and time; baselines by name and version, the newest first."""
    with store.transaction() as transaction:
        for moment in range(5):
            transaction.add_audit({"endpoint": "chat", "time": moment, "state": "fired"})
        transaction.add_audit({"endpoint": "other", "time": 3})
        transaction.put_baseline("spring", 1, {"rows": 1})
        transaction.put_baseline("spring", 2, {"rows": 2})
        transaction.put_baseline("summer", 1, {"rows": 3})
    assert [record["time"] for record in store.audit("chat", 2)] == [2, 3, 4]
    assert store.baselines() == [("spring", 1), ("spring", 2), ("summer", 1)]
    assert store.baseline("spring") == (2, {"rows": 2})
    assert store.baseline("spring", 1) == (1, {"rows": 1})
    assert store.baseline("autumn") is None
    with store.transaction() as transaction:
        transaction.keep_baselines("spring", {2})
    assert store.baselines() == [("spring", 2), ("summer", 1)]


def test_recent_ids_survive(store: Store) -> None:
    """Saved piece by piece; a piece of an undone transaction is saved by the next."""
    recent = RecentIds(64)
    for start in range(1, 200, 10):
        recent.admit(np.arange(start, start + 10, dtype=np.uint64))
        with store.transaction() as transaction:
            transaction.add_ids(recent)
    recent.admit(np.arange(1000, 1005, dtype=np.uint64))
    with pytest.raises(KeyError), store.transaction() as transaction:  # noqa: PT012  # the block is the transaction
        transaction.add_ids(recent)
        raise KeyError
    with store.transaction() as transaction:
        transaction.add_ids(recent)
        transaction.add_ids(RecentIds(), name="empty")
    again = RecentIds(64)
    store.restore_ids(again)
    assert len(again) == len(recent)
    assert not again.admit(np.arange(1000, 1005, dtype=np.uint64)).any()


def test_old_windows_and_too_many_go(file: Path) -> None:
    """Windows and audit leave after `keep`, the oldest windows also beyond `max_bytes`."""
    now = [1]
    noise = np.random.default_rng(0).integers(0, 2**60, 500)
    hour = 3600 * 10**9
    with Store(file, clock=lambda: now[0], keep=timedelta(days=1), max_bytes=1_000_000) as store:
        for index in range(600):
            now[0] += hour // 100
            with store.transaction() as transaction:
                transaction.add_window(STREAM, index, index + 1, {"counts": noise + index})
                transaction.add_audit({"endpoint": "chat", "time": index})
        kept = [each.start for each in store.windows("chat", 0, 1000)]
        assert kept[-1] == 599
        assert 50 < len(kept) < 400
        assert kept == list(range(kept[0], 600))
        now[0] += 25 * hour
        with store.transaction() as transaction:
            transaction.put("x", {})
        assert list(store.windows("chat", 0, 1000)) == []
        assert store.audit("chat", 0) == []


def test_only_the_owner_may_read(store: Store, file: Path) -> None:
    """The file and its log have mode 0600."""
    with store.transaction() as transaction:
        transaction.put("x", {})
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == dict.fromkeys(
        ("store.sqlite", "store.sqlite-wal", "store.sqlite-shm"), 384
    )


def test_a_newer_version_is_refused(store: Store, file: Path) -> None:
    """State of a newer driftline stops the start with a sentence and is left as it is."""
    store.close()
    connection = sqlite3.connect(file)
    connection.execute(f"PRAGMA user_version = {STATE_VERSION + 1}")
    connection.close()
    with pytest.raises(ConfigError, match="newer driftline"):
        Store(file)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough " * 40, b"short"], ids=["text", "short"])
def test_a_damaged_file_is_told(file: Path, content: bytes) -> None:
    """Something that is no database: a sentence that names the file."""
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"store\.sqlite is damaged"):
        Store(file)


def test_a_database_of_something_else_is_left_alone(file: Path) -> None:
    """Another program's file is not turned into ours."""
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(InputError, match="something else"):
        Store(file)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder where the file should be."""
    (tmp_path / "store.sqlite").mkdir()
    with pytest.raises(Unavailable, match="cannot be opened"):
        Store(tmp_path / "store.sqlite")


def test_busy_is_waited_for_and_then_told(file: Path) -> None:
    """While another program holds the file a transaction waits; after busy_seconds it is Transient, and works again later."""
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    with Store(file, busy_seconds=0.05) as store:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="locked"), store.transaction() as transaction:
            transaction.put("x", {})
        assert store.get("x") is None
        holder.execute("ROLLBACK")
        with store.transaction() as transaction:
            transaction.put("x", {"n": 1})
    with Store(file, busy_seconds=30) as patient:
        holder.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, holder.execute, ("ROLLBACK",))
        release.start()
        with patient.transaction() as transaction:
            transaction.put("x", {"n": 2})
        release.join()
        assert patient.get("x") == {"n": 2}
    holder.close()


def test_a_full_disk_is_transient(tmp_path: Path) -> None:
    """The kernel's own ENOSPC undoes the transaction; with room again the next one is saved."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        with Store(folder / "store.sqlite") as store:
            with store.transaction() as transaction:
                transaction.put("x", {"n": 1})
            with pytest.raises(Transient), store.transaction() as transaction:  # noqa: PT012  # the block is the transaction
                transaction.put("x", {"n": 2})
                transaction.put("large", {"noise": np.random.default_rng(0).random(100_000)})
            assert store.get("x") == {"n": 1}
            with store.transaction() as transaction:
                transaction.put("x", {"n": 3})
            assert store.get("x") == {"n": 3}
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_readers_neither_wait_nor_pile_up(store: Store) -> None:
    """A read inside another thread's transaction answers at once; threads that came and went leave no open files behind."""
    with store.transaction() as transaction:
        transaction.put("x", {"n": 1})
    found = list[object]()

    def look() -> None:
        found.append(store.get("x"))

    look()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with store.transaction() as transaction:
        transaction.put("x", {"n": 2})
        for _ in range(50):
            thread = threading.Thread(target=look)
            thread.start()
            thread.join(10)
    assert found == [{"n": 1}] * 51
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2


KILLED = """
import os, sys
from pathlib import Path
from agent.store.store import Store
store = Store(Path(sys.argv[1]))
with store.transaction() as transaction:
    transaction.put("x", {"n": 1})
with store.transaction() as transaction:
    transaction.put("x", {"n": 2})
    os.kill(os.getpid(), 9)
"""


def test_killed_inside_a_transaction(file: Path) -> None:
    """The committed one is there, the open one is not."""
    subprocess.run([sys.executable, "-c", KILLED, file], check=False)
    with Store(file) as store:
        assert store.get("x") == {"n": 1}
