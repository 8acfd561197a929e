"""The detector behind `thresholds`: what it learns from, what it says of kept rows, and that it never alarms."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors.drift.parity.compare import compare
from detectors.drift.parity.detector import LEARNT, Parity, ParityState
from detectors.drift.parity.product import Product
from detectors.drift.parity.rows import MOST, ReferenceRows, rows_from
from detectors.types import Batch, Category, Column, Text, Window

START = datetime(2026, 1, 1, tzinfo=UTC)


def window(hour: int) -> Window:
    """Return an hour."""
    return Window(START + timedelta(hours=hour), START + timedelta(hours=hour + 1))


def rows(seed: int, number: int = 400, shift: float = 0.0) -> Batch:
    """Return rows of a number, a category and a prediction."""
    random = np.random.default_rng(seed)
    features: dict[str, Column] = {
        "x": random.normal(shift, 1, number),
        "c": Category.of(random.choice(["a", "b", "c"], number).tolist()),
        "note": Text(("words",) * number),
    }
    return Batch("e", "rows", number, {"prediction": random.normal(shift, 1, number)}, features)


@pytest.mark.parametrize("product", ["azureml", "evidently", "nannyml"])
def test_a_shift_of_the_kept_rows_is_information_and_a_gauge_by_the_products_name(product: Product) -> None:
    """Each feature has its finding, without severity; only what the product would report has a level, and that is information."""
    detector = Parity(product)
    state = detector.learn(detector.restore(None), rows(0, 3000))
    quiet = detector.look(state, window(0), rows(1, 3000))
    loud = detector.look(quiet.state, window(1), rows(2, 3000, shift=1.0))
    assert [one.feature for one in loud.findings] == ["x", "c", "prediction"]
    assert [one.kind for one in loud.findings] == ["data", "data", "prediction"]
    assert {one.feature for one in loud.findings if one.level == "information"} >= {"x", "prediction"}
    assert not any(one.level == "information" for one in quiet.findings if one.feature == "x")
    assert {one.level for one in loud.findings} <= {None, "information"}
    assert all(np.isnan(one.severity) for one in loud.findings)
    assert all("no promise about false alarms" in one.explanation for one in loud.findings)
    methods = {score.attributes["method"] for score in loud.scores}
    assert methods
    assert all(method.startswith(f"{product}.") for method in methods)
    assert {score.metric for score in loud.scores} == set(Parity.metrics)


def test_the_windows_say_what_a_comparison_of_the_same_rows_says() -> None:
    """Saved and taken back, the reference leads to the same values as the rows it came from."""
    detector = Parity("nannyml")
    reference, current = rows(3, 2000), rows(4)
    state = detector.learn(detector.restore(None), reference)
    again = detector.restore(state.plain())
    found = detector.look(again, window(0), current)
    told = compare("nannyml", {**reference.features, "prediction": reference.columns["prediction"]},
                   {**current.features, "prediction": current.columns["prediction"]})  # fmt: skip
    assert [one.methods for one in found.findings] == [one.methods for one in told]
    assert [one.threshold for one in found.findings] == [one.decides.threshold for one in told]


def test_without_a_reference_the_first_windows_are_it() -> None:
    """Ten windows of kept rows are learnt from and nothing is said of them; a window of under 30 rows counts for nothing."""
    detector = Parity("evidently")
    state: ParityState = detector.restore(None)
    for hour in range(LEARNT):
        step = detector.look(state, window(hour), rows(hour))
        assert not step.scores
        state = detector.look(step.state, window(hour), rows(99, 20)).state
    assert (state.fixed, state.windows, state.reference.rows) == (True, LEARNT, LEARNT * 400)
    assert detector.look(state, window(LEARNT), rows(50)).findings
    assert not detector.look(state, window(LEARNT), rows(51, 20)).findings


@pytest.mark.parametrize("size", [1, 7, 2500, 40_000])
def test_a_reference_is_bounded_keeps_its_order_and_spans_all_of_it(size: int) -> None:
    """However it was cut into batches, at most 9,999 evenly spaced rows are left."""
    total = 40_000 if size > 100 else 300
    values = np.arange(float(total))
    names = Category(np.arange(total, dtype=np.int32) % 3, ("a", "b", "c"))
    kept = ReferenceRows()
    for begin in range(0, total, size):
        part = np.arange(begin, min(begin + size, total))
        kept = kept.add({"x": values[part], "c": Category(names.codes[part], names.values)}, len(part))
    assert kept.rows <= MOST
    x, c = kept.columns["x"], kept.columns["c"]
    assert isinstance(x, np.ndarray)
    assert isinstance(c, Category)
    assert x.tolist() == np.arange(0, total, kept.stride).tolist()
    assert c.decode() == ["abc"[int(place) % 3] for place in x.tolist()]
    again = rows_from(kept.plain())
    assert (again.rows, again.stride, again.seen) == (kept.rows, kept.stride, kept.seen)


def test_a_column_that_comes_and_goes_or_changes_its_kind_is_missing_there() -> None:
    """Rows of a batch without the column, or with another kind of it, have no value."""
    kept = ReferenceRows().add({"x": np.array([1.0, 2.0])}, 2).add({"y": Category.of(["a"])}, 1).add({"x": Category.of(["z"])}, 1)
    x, y = kept.columns["x"], kept.columns["y"]
    assert isinstance(x, np.ndarray)
    assert isinstance(y, Category)
    np.testing.assert_array_equal(x, [1.0, 2.0, np.nan, np.nan])
    assert y.decode() == [None, None, "a", None]
