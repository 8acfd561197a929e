"""Lines are whole, once, and in the file that has the name now."""

import json
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import ConfigError, Transient
from agent.point import Point
from agent.sinks.json_lines import JsonLines
from detectors.catalog import DATA_ROWS

STREAM = (("deployment", "d"), ("endpoint", "e"), ("traffic", "live"))


def points(*values: float) -> list[Point]:
    return [Point(DATA_ROWS, STREAM, value, 1) for value in values]


def values(path: Path) -> list[float]:
    return [json.loads(line)["value"] for line in path.read_text().splitlines()]


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 500 bytes."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """What does not fit is not there at all, so that writing it again makes it whole and single."""
    path = tmp_path / "out.jsonl"
    sink = JsonLines(path).open()
    sink.write(points(1), [])

    with pytest.raises(Transient, match="cannot write"):
        sink.write(points(2, 3, 4, 5), [])

    assert values(path) == [1]
    sink.write(points(2), [])
    assert values(path) == [1, 2]
    sink.close()


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    """Rotation from outside needs no signal."""
    path = tmp_path / "out.jsonl"
    sink = JsonLines(path).open()
    sink.write(points(1), [])
    path.rename(tmp_path / "old.jsonl")
    sink.write(points(2), [])
    sink.close()

    assert (values(tmp_path / "old.jsonl"), values(path)) == ([1], [2])


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    """With the key, as everything that is configured wrongly."""
    with pytest.raises(ConfigError, match=r"sinks\.json_lines\.path"):
        JsonLines(tmp_path / "nowhere" / "out.jsonl").open()
