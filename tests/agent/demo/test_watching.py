"""Tests how the demo looks at a running agent."""

import json
from pathlib import Path

import pytest

from agent.demo.watching import Cost, Watching
from agent.errors import Unavailable


def _event(name: str) -> bytes:
    return json.dumps({"type": "event", "name": name}).encode() + b"\n"


def test_events_are_read_once_and_whole(tmp_path: Path) -> None:
    """A line written in two halves is told when it is whole; points are passed over."""
    path = tmp_path / "events.jsonl"
    watching = Watching("http://127.0.0.1:1/metrics", path)
    second = _event("second")

    assert watching.new_events() == []
    path.write_bytes(_event("first") + b'{"type":"point"}\n' + second[:7])
    assert [event["name"] for event in watching.new_events()] == ["first"]
    with path.open("ab") as file:
        file.write(second[7:])
    assert [event["name"] for event in watching.new_events()] == ["second"]
    assert watching.new_events() == []


def test_a_page_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One line with the address instead of a traceback."""
    watching = Watching("http://127.0.0.1:1/metrics", tmp_path / "none")

    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:1/metrics does not answer"):
        watching.page()
    watching.close()


def test_cost_is_per_thousand_calls() -> None:
    """Half a second for 250 calls is two for a thousand."""
    assert Cost(cpu=0.5, memory=80, calls=250, seconds=40).per_thousand == 2
