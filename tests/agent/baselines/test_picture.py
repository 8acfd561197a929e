"""References as pictures: what the bars say, how they fit a terminal, and that a page is safe and stands alone."""

import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.baselines.bars import bars
from agent.baselines.page import page
from agent.baselines.picture import ASCII, BLOCKS, Canvas, canvas, drawn
from agent.reference_view import StateView, view
from detectors.drift import counting
from detectors.drift.cells import FeatureCells
from detectors.drift.drift import Drift
from detectors.drift.grid import fit_categories, fit_numeric
from detectors.drift.state import DriftState
from detectors.types import Category
from tests.fakes.drift_stream import DRIFT, batch, day, history

EVIL = "<script>alert(1)</script>\x1b[31m&\"'"


def cells(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> FeatureCells:
    """Return a numeric feature cut from these values."""
    grid = fit_numeric(values)
    return FeatureCells("x", grid, np.full(grid.columns - 1, np.nan), np.zeros(grid.columns - 1, np.intp))


@pytest.fixture(scope="module")
def seen() -> StateView:
    """A stream with both references, and a feature of a wicked name."""

    def rows(number: int) -> dict[str, object]:
        random = np.random.default_rng(number)
        values = random.exponential(size=200)
        values[: number % 7] = np.nan
        return {
            EVIL: random.normal(size=200),
            "amount": values,
            "colour": Category.of([f"<b>{one}" for one in random.choice(list("aabc"), 200)]),
        }

    state = history({day(n): batch(rows(n)) for n in range(56)})  # type: ignore[arg-type]  # columns of both kinds
    state = DRIFT.step(state, day(56), DRIFT.observe(state, batch(rows(56)))).state  # type: ignore[arg-type]  # as above
    return view(state.plain(), DRIFT)


def test_bars_are_a_histogram() -> None:
    """Cells of equal share show the shape they were cut from: against numpy's histogram of the values within the edges."""
    values = np.random.default_rng(1).normal(size=100_000)
    known = cells(values)
    shown = bars(known, counting.count(known.grid, values), 20)
    low, high = (float(label) for label in shown.labels)
    expected = np.histogram(values, 20, (low, high))[0] / len(values)
    assert abs(sum(shown.shares) - 1) < 1e-9
    assert np.abs(np.array(shown.shares) - expected)[1:-1].max() < 0.01


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60),
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60),
    st.integers(1, 60),
)
def test_any_numbers_give_bars(fixed: list[float], later: list[float], number: int) -> None:
    """Constant, huge, tiny, infinite and missing values: shares of what has a value, or no bars, and never a warning."""
    known = cells(np.array(fixed))
    shown = bars(known, counting.count(known.grid, np.array(later)), number)
    assert len(shown.shares) <= number
    assert not shown.shares or abs(sum(shown.shares) - 1) < 1e-9
    assert all(share >= -1e-12 for share in shown.shares)


def test_whole_numbers_are_not_drawn_with_gaps() -> None:
    """Hours of the day are as even in ten bars as in fifty; a switch is two bars, a constant one."""
    hours = np.tile(np.arange(24.0), 50)
    for number in (10, 12, 24, 50):
        shown = bars(cells(hours), counting.count(cells(hours).grid, hours), number).shares
        assert min(shown[:-1]) == pytest.approx(max(shown[:-1]))
    for values, expected in ((np.repeat([0.0, 1.0], [300, 100]), (0.75, 0.25)), (np.ones(100), (1.0,))):
        assert bars(cells(values), counting.count(cells(values).grid, values), 20).shares == pytest.approx(expected)


def test_bars_of_categories_are_their_shares() -> None:
    """The most frequent first, what has no cell together, and new ones by themselves."""
    grid = fit_categories({f"v{n:02}": 100 - n for n in range(30)})
    known = FeatureCells("c", grid, np.empty(0), np.arange(grid.columns - 1))
    counts = np.arange(grid.columns, dtype=np.int64)
    shown = bars(known, counts, 5)
    assert shown.labels == ("v19", "v18", "v17", "v16", "v15", "other", "new")
    assert shown.shares[0] == pytest.approx(19 / counts[:-1].sum())
    assert sum(shown.shares) == pytest.approx(1)


@pytest.mark.parametrize(("width", "told"), [(20, ""), (40, "sees"), (60, "missing"), (80, "line"), (100, "line"), (200, "line")])
def test_lines_fit_the_terminal(seen: StateView, width: int, told: str) -> None:
    """No line of a feature is longer than the terminal, whatever names and values there are: it tells less; nothing drives it."""
    lines = list(drawn(seen, Canvas(width)))
    features = [line for line in lines if set(line) & set("▂▃▄▅▆▇█")]
    assert len(features) == 6
    assert max(map(len, features)) <= width
    assert all(told in line for line in features)
    assert all(line.isprintable() for line in lines)


def test_a_line_says_everything_of_a_feature(seen: StateView) -> None:
    """Its shape, missing share, what is seen, the line it is held against; below, the windows that set it."""
    lines = list(drawn(seen, Canvas(120)))
    amount = next(line for line in lines if line.startswith("  amount "))
    assert re.search(r"█[▇▆▅▄▃▂▁]+ *  missing 1\.5 %  sees 0\.\d+ sd +line \d\.\d+ \((shape|location|scale)\)  .* to ", amount)
    assert "fixed reference: status calibrated: 56 windows on 56 days" in lines
    assert sum("sets the line" in line or "next to it" in line for line in lines) >= 6


def test_an_encoding_without_blocks_gets_letters(seen: StateView) -> None:
    """A terminal that knows ASCII only, or an unknown encoding, is drawn on with what it has."""
    latin = canvas(io.TextIOWrapper(io.BytesIO(), encoding="latin-1"), 90)
    assert (latin.ramp, canvas(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), 90).ramp) == (ASCII, BLOCKS)
    "\n".join(line for line in drawn(seen, latin) if "amount" in line).encode("ascii")


def test_nothing_fixed_and_no_windows_are_said() -> None:
    """A stream of its first day, and a file without time: no line, no bars, no error."""
    assert list(drawn(view(DriftState().plain(), Drift()), Canvas(80))) == ["nothing fixed yet: fewer than 2,000 rows"]
    state = history({day(n): batch({"x": np.arange(100.0)}) for n in range(3)})
    lines = "\n".join(drawn(view(state.plain(), Drift()), Canvas(80)))
    assert "status uncalibrated: 3 windows on 3 days" in lines
    assert "no line" in lines
    cut = state.exclude(0, 2**40)
    assert "taken out: 3 windows" in "\n".join(drawn(view(cut.plain(), Drift()), Canvas(80)))


class _Tags(HTMLParser):
    """Notes every tag and attribute, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "line", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"line", "rect"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_stands_alone_and_is_safe(seen: StateView) -> None:
    """No script, no address, no control character; names are text; light and dark."""
    text = page(f"driftline: {EVIL}", [(f"baseline {EVIL}", [EVIL], seen), ("empty", [], view(DriftState().plain(), Drift()))])
    tags = _Tags()
    tags.feed(text)
    assert tags.open == []
    assert not {tag for tag, _ in tags.found} & {"script", "link", "img", "iframe", "b", "a", "object"}
    assert not any(name.startswith("on") or name in {"href", "src"} for _, attributes in tags.found for name in attributes)
    assert "http" not in text
    assert "url(" not in text
    assert "\x1b" not in text
    assert tags.text.count("<script>alert(1)</script>") >= 4
    assert "prefers-color-scheme:dark" in text
    assert sum(tag == "svg" for tag, _ in tags.found) == 6
