"""What the benches take for other products' decisions is what the parity modes say, which equal the products."""

import numpy as np
import pytest

from bench.flights import Column
from bench.peer_rules import distances
from detectors.drift.parity.compare import compare
from detectors.types import Category


def columns(random: np.random.Generator, rows: int, shift: float) -> dict[str, Column]:
    """Return a column of each kind; one of five numbers is a category to Evidently."""
    share = np.arange(1, 7) ** (1 + shift)
    holes = random.lognormal(shift, 1, rows)
    holes[random.random(rows) < 0.1] = np.nan
    return {
        "normal": random.normal(shift, 1, rows),
        "holes": holes,
        "few": np.floor(5 * random.random(rows) ** (1 + shift)),
        "category": Category(random.choice(6, rows, p=share / share.sum()).astype(np.int32), tuple("abcdef")),
    }


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_distances_are_those_of_the_parity_modes(shift: float) -> None:
    """Evidently's choice and NannyML's Jensen-Shannon of a window, with NannyML's line from ten chunks of the reference."""
    random = np.random.default_rng(7)
    then, now = columns(random, 5000, 0.0), columns(random, 700, shift)
    for name, whole in then.items():
        chunks = [_rows(whole, slice(start, start + 500)) for start in range(0, 5000, 500)]
        found = distances(chunks, [now[name]])
        evidently, nannyml = (compare(product, {name: whole}, {name: now[name]})[0] for product in ("evidently", "nannyml"))
        assert found.evidently[0] == pytest.approx(evidently.decides.value, rel=1e-9)
        assert found.evidently_alarms[0] == evidently.decides.alert
        assert found.nannyml[0] == pytest.approx(nannyml.decides.value, rel=1e-9)
        assert found.nannyml_line == pytest.approx(nannyml.decides.threshold, rel=1e-9)
        assert found.nannyml_alarms[0] == nannyml.decides.alert


def _rows(column: Column, rows: slice) -> Column:
    return Category(column.codes[rows], column.values) if isinstance(column, Category) else column[rows]
