"""What another product's process reads is what was written for it: columns, orders, shuffled rows and changes."""

from pathlib import Path

import numpy as np

from bench.peers import exchange
from bench.peers.days import Change, load_days, save_days


def test_days_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Missing values stay missing, an empty name stays a name, and an order gives its windows' rows in its own sequence."""
    numbers = {"x": np.array([1.0, np.nan, 3.0, 4.0])}
    categories = {"c": (np.array([0, -1, 1, 0], np.int32), ("a", ""))}
    exchange.save(tmp_path / "columns.npz", numbers, categories)
    changed = Change(0, "lost", "c", 1, (np.array(["a", None], dtype=object), np.array([""], dtype=object)))
    moved = Change(1, "moved", "x", 1, (np.array([2.0]),))
    rows = np.array([[3, 2, 1, 0], [0, 1, 2, 3]])
    save_days(tmp_path, np.array([0, 1, 4]), np.array([[1, 0], [0, 1]]), rows, 1, (changed, moved))
    days = load_days(str(tmp_path))
    assert days.columns["c"].tolist() == ["a", None, "", "a"]
    assert np.array_equal(days.columns["x"], numbers["x"], equal_nan=True)
    assert [days.columns["c"][part].tolist() for _, part in days.whole(0)] == [["", None, "a"], ["a"]]
    assert [[one.tolist() for one in change.places] for change in days.changes] == [[["a", None], [""]], [[2.0]]]
    assert (days.reference, days.changes[0].label, days.changes[1].order) == (1, "lost", 1)
