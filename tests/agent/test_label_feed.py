"""Labels of a replay: with a time when it has come, without one together with their answer, each exactly once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.replay_labels import LabelFeed
from detectors.types import Batch, Category

LABELS = st.lists(st.tuples(st.integers(1, 20), st.sampled_from(["a", "b"]), st.sampled_from([0, 0, 5, 10, 15])), max_size=40)


def batches(rows: list[tuple[int, str, int]], cut: int) -> list[Batch]:
    """Return labels in two batches, as a file is read."""
    return [
        Batch(
            "e",
            "labels",
            len(part),
            {
                "id": np.array([one[0] for one in part], np.uint64),
                "label": Category.of([one[1] for one in part]),
                "time": np.array([one[2] for one in part], np.int64),
            },
        )
        for part in (rows[:cut], rows[cut:])
        if part
    ]


def told(batch: Batch | None) -> list[tuple[int, str | None, int]]:
    """Return what was handed out, sorted."""
    if batch is None:
        return []
    label = batch.columns["label"]
    assert isinstance(label, Category)
    rows = zip(np.asarray(batch.columns["id"]).tolist(), label.decode(), np.asarray(batch.columns["time"]).tolist(), strict=True)
    return sorted(rows)


@settings(deadline=None)
@given(LABELS, st.integers(0, 40), st.sets(st.integers(1, 25)))
def test_each_label_comes_once(rows: list[tuple[int, str, int]], cut: int, asked: set[int]) -> None:
    """As a plain loop would choose them."""
    feed = LabelFeed("e", batches(rows, cut))

    answers = Batch("e", "rows", len(asked), {"id": np.array(sorted(asked), np.uint64)})
    assert told(feed.of(answers)) == sorted(one for one in rows if one[2] == 0 and one[0] in asked)
    assert feed.due == min((one[2] for one in rows if one[2]), default=None)
    for now in (4, 5, 12, 99):
        earlier = {4: 0, 5: 4, 12: 5, 99: 12}[now]
        assert told(feed.until(now)) == sorted(one for one in rows if earlier < one[2] <= now)
    assert feed.due is None


def test_answers_without_ids_get_none() -> None:
    """A batch that names no ids is passed over."""
    assert LabelFeed("e", []).of(Batch("e", "rows", 1, {})) is None
