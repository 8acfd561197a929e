"""ADWIN cuts where river's does, for single values; blocks of rows count as their rows."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.decay.adwin import Adwin, Bucket, step

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "adwin.json").read_text())
DELTA = 0.002


def stream(name: str) -> list[int]:
    """Return the values of a golden stream."""
    if name == "docs":
        chosen = random.Random(12345)  # the stream of river's own example
        return chosen.choices([0, 1], k=1000) + chosen.choices(range(4, 8), k=1000)
    seed, before, after, _ = (float(part) for part in name.split(":"))
    chosen = random.Random(int(seed))  # as river was fed
    return [int(chosen.random() < share) for share in [before] * 2000 + [after] * 3000]


@pytest.mark.parametrize("name", GOLDEN)
def test_it_cuts_where_river_does(name: str) -> None:
    """Detections, what is left of the window, and its mean are those of river 0.26.1, which begins anew after each detection."""
    clock = 32 if name == "docs" else int(name.split(":")[3])
    state, seen, detections = Adwin(), 0, []
    for number, value in enumerate(stream(name)):
        seen += 1
        state = step(state, Bucket(1.0, float(value), 0.0), delta=DELTA, look=seen % clock == 0)
        whole = state.whole
        if whole.weight < seen:
            detections.append([number, whole.weight, round(whole.total / whole.weight, 12)])
            state, seen = Adwin(), 0

    whole = state.whole
    assert detections == GOLDEN[name]["detections"]
    assert (whole.weight, whole.total / whole.weight) == pytest.approx((GOLDEN[name]["width"], GOLDEN[name]["estimation"]))
    assert whole.squares == pytest.approx(GOLDEN[name]["variance"])


def test_blocks_count_as_their_rows() -> None:
    """A rise is seen in blocks of a hundred rows as in single rows: soon, and once."""
    chosen = np.random.default_rng(5)
    state, cuts = Adwin(), []
    for block, share in enumerate([0.1] * 40 + [0.25] * 40):
        errors = int(chosen.binomial(100, share))
        state = step(state, Bucket(100.0, float(errors), errors * (1 - errors / 100)), delta=1e-4)
        if state.rise > 1:
            cuts.append(block)

    assert cuts
    assert 40 <= cuts[0] <= 43
    assert state.whole.total / state.whole.weight == pytest.approx(0.25, abs=0.03)


def test_memory_grows_with_the_logarithm() -> None:
    """Ten thousand values take fewer than a hundred buckets."""
    state = Adwin()
    for number in range(10_000):
        state = step(state, Bucket(1.0, float(number % 2), 0.0), delta=DELTA, look=False)

    assert state.whole.weight == 10_000
    assert len(state.newest_first()) < 100
