"""Bursts of attacks are found, told with their numbers, and usual traffic is none."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom  # type: ignore[import-untyped]  # SciPy ships no types

from detectors import catalog_attacks as catalog
from detectors.metric import Metric
from detectors.quality.priority_sample import ALWAYS
from detectors.quality.text_columns import IMPORTANCE, TEMPLATE_SIMILARITY
from detectors.safety.attacks import Attacks, Known
from detectors.safety.bursts import densest, lengths, log_at_least
from detectors.safety.results import encode, entry
from detectors.safety.usual_attacks import DAYS, UsualAttacks, usual_attacks_from
from detectors.types import Batch, Category, Score, Window

START = datetime(2026, 3, 1, tzinfo=UTC)
LENGTH = timedelta(minutes=15)
CLEAN = encode([entry("prompt", "jailbreak"), entry("prompt", "indirect_attack")])
PASSED = encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "indirect_attack")])
BLOCKED = encode([entry("prompt", "jailbreak", detected=True, filtered=True), entry("prompt", "indirect_attack")])


def window(number: int) -> Window:
    """Return a window by its number."""
    return Window(START + number * LENGTH, START + (number + 1) * LENGTH)


def calls(number: int, minutes: Sequence[int], filters: Sequence[str | None]) -> Batch:
    """Return calls at minutes of a window."""
    begin = int((START + number * LENGTH).timestamp())
    times = np.array([(begin + 60 * minute + 7) * 10**9 for minute in minutes], np.int64)
    return Batch("chat", "calls", len(times), {"time": times, "filters": Category.of(filters)})


def usual(chance: np.random.Generator) -> tuple[list[int], list[str | None]]:
    """Return a usual window's minutes and filter results: some 60 calls, one in 500 a jailbreak."""
    size = int(chance.poisson(60))
    return chance.integers(0, 15, size).tolist(), [PASSED if one else CLEAN for one in chance.random(size) < 0.002]


def lived(detector: Attacks, days: int, chance: np.random.Generator) -> Known:
    """Return what is known after usual days."""
    state = Known()
    for number in range(96 * days):
        state = detector.step(state, window(number), detector.observe(state, calls(number, *usual(chance)))).state
    return state


def value(scores: Sequence[Score], metric: Metric, category: str = "jailbreak") -> float | None:
    """Return a gauge of a category in prompts."""
    return next((one.value for one in scores if one.metric is metric and one.attributes["category"] == category), None)


@pytest.fixture(scope="module")
def known() -> Known:
    """Two usual days."""
    return lived(Attacks(), 2, np.random.default_rng(3))


@given(st.integers(1, 400), st.floats(1e-4, 300), st.floats(0.01, 50))
def test_chances_are_those_of_scipy(count: int, mean: float, scatter: float) -> None:
    """The chance of so many attacks or more equals SciPy's negative binomial."""
    shape = 1 / scatter
    expected = nbinom.logsf(count - 1, shape, shape / (shape + mean))
    found = log_at_least(np.array([float(count)]), np.array([mean]), np.array([scatter]))[0]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9) or expected < -600


def test_a_burst_is_told_with_its_numbers(known: Known) -> None:
    """Nine jailbreaks within two minutes, four of them blocked: where it began, how many, what is usual; not a word of other categories."""
    minutes = [*range(15), *[6] * 5, *[7] * 4]
    batch = calls(200, minutes, [*[CLEAN] * 15, *[PASSED] * 5, *[BLOCKED] * 4])
    scores = Attacks().step(known, window(200), Attacks().observe(known, batch)).scores
    severity = value(scores, catalog.SAFETY_BURST_SEVERITY)
    assert severity is not None
    assert severity > 1
    found = [
        value(scores, metric)
        for metric in (
            catalog.SAFETY_BURST_ATTACKS,
            catalog.SAFETY_BURST_PASSED,
            catalog.SAFETY_BURST_START,
            catalog.SAFETY_BURST_LENGTH,
        )
    ]
    assert found == [9, 5, 6 * 60, 2 * 60]
    assert value(scores, catalog.SAFETY_BURST_USUAL) == pytest.approx(11 * 0.002, rel=0.9)
    assert value(scores, catalog.SAFETY_BURST_SEVERITY, "indirect_attack") == 0
    assert value(scores, catalog.SAFETY_BURST_ATTACKS, "indirect_attack") is None


def test_busy_minutes_are_no_burst(known: Known) -> None:
    """Ten times the calls with the usual share of attacks is no burst, nor is a single attack in a minute of one call."""
    chance = np.random.default_rng(4)
    parts = [usual(chance) for _ in range(10)]
    busy = calls(200, [one for minutes, _ in parts for one in minutes], [one for _, filters in parts for one in filters])
    lone = calls(200, [3], [PASSED])
    for batch in (busy, lone):
        severity = value(Attacks().step(known, window(200), Attacks().observe(known, batch)).scores, catalog.SAFETY_BURST_SEVERITY)
        assert severity is not None
        assert severity < 1


def test_the_first_day_is_not_judged() -> None:
    """As long as no such hour was seen nothing is said, whatever comes; the share rule needs no past."""
    detector, state = Attacks(), Known()
    for number in range(96):
        step = detector.step(state, window(number), detector.observe(state, calls(number, [1] * 20, [PASSED] * 20)))
        state = step.state
        assert step.scores == ()


def test_what_goes_on_becomes_usual(known: Known) -> None:
    """A fifth of calls being attacks is told at first, and is what is usual some days later."""
    detector, state, chance, loud = Attacks(), known, np.random.default_rng(5), []
    for number in range(192, 192 + 96 * 4):
        size = int(chance.poisson(60))
        filters = [PASSED if one else CLEAN for one in chance.random(size) < 0.2]
        step = detector.step(state, window(number), detector.observe(state, calls(number, chance.integers(0, 15, size).tolist(), filters)))
        state = step.state
        loud.append((value(step.scores, catalog.SAFETY_BURST_SEVERITY) or 0) > 1)
    assert any(loud[:96])
    assert not any(loud[-96:])


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 14), st.sampled_from([CLEAN, PASSED, BLOCKED, None])), max_size=30), st.randoms())
def test_any_cut_counts_the_same(rows: list[tuple[int, str | None]], order: object) -> None:
    """However a window's calls are cut and ordered, the merged profile says the same."""
    detector, state = Attacks(), Known()
    whole = detector.observe(state, calls(5, [one for one, _ in rows], [one for _, one in rows]))
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    half = len(rows) // 2
    parts = [
        detector.observe(state, calls(5, [one for one, _ in part], [one for _, one in part])) for part in (shuffled[:half], shuffled[half:])
    ]
    assert parts[0].merge(parts[1]).tallies == whole.tallies


def test_known_texts_the_filter_lets_pass_burst_too() -> None:
    """Sampled prompts near known templates, of calls the filter said nothing of, are a series of their own; flagged ones count once."""
    detector, state, chance = Attacks(), Known(), np.random.default_rng(6)

    def rows(number: int, near: int, importance: float = 1.0) -> Batch:
        times = np.array([int(window(number).start.timestamp() + 60 * minute) * 10**9 for minute in [*range(15)] * 4 + [2] * near])
        likeness = np.concatenate((np.where(chance.random(60) < 0.003, 0.4, 0.1), np.full(near, 0.5)))
        columns = {"time": times, TEMPLATE_SIMILARITY: likeness, IMPORTANCE: np.concatenate((np.ones(60), np.full(near, importance)))}
        return Batch("chat", "calls", len(times), columns)

    for number in range(96 * 2):
        state = detector.look(state, window(number), rows(number, 0)).state
    told = detector.look(state, window(200), rows(200, 12)).scores
    assert (value(told, catalog.SAFETY_BURST_SEVERITY, "known_template") or 0) > 1
    assert value(told, catalog.SAFETY_BURST_ATTACKS, "known_template") == 12
    flagged = detector.look(state, window(200), rows(200, 12, ALWAYS)).scores
    assert (value(flagged, catalog.SAFETY_BURST_SEVERITY, "known_template") or 0) < 1


def test_what_is_usual_is_kept_and_bounded(known: Known) -> None:
    """Saved and restored it says the same; four weeks of it are kept; another length of windows begins the scatter anew."""
    detector = Attacks()
    again = detector.restore(known.plain())
    assert again.usual["prompt/jailbreak"].rate(3) == known.usual["prompt/jailbreak"].rate(3)
    one = UsualAttacks()
    for day in range(100):
        one = one.add(day, day % 24, np.full(15, 4.0), np.zeros(15), loud=False)
    assert len(one.days) == DAYS
    assert usual_attacks_from(one.plain()).scatter(3, 15)[0].tolist() == one.scatter(3, 15)[0].tolist()
    other = one.add(100, 0, np.full(60, 4.0), np.zeros(60), loud=False)
    assert other.scatter(0, 60)[0].shape == (len(lengths(60)),)
    assert other.rate(3)[0] == pytest.approx(one.rate(3)[0], rel=0.1)


def test_rows_and_parts_say_nothing() -> None:
    """Batches without filter results, or that are no calls, are not counted; a window without checked calls is not judged."""
    detector = Attacks()
    rows = Batch("chat", "rows", 1, {"time": np.array([1], np.int64), "filters": Category.of([PASSED])})
    bare = Batch("chat", "calls", 1, {"time": np.array([1], np.int64)})
    assert not detector.observe(Known(), rows).tallies
    assert not detector.observe(Known(), bare).tallies
    assert detector.step(Known(), window(0), detector.observe(Known(), bare)).scores == ()
    assert densest(np.zeros(15, np.int64), np.zeros(15), np.ones(5), np.zeros(5)) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.sampled_from([PASSED, BLOCKED, CLEAN, "junk", "prompt/jailbreak/none/", "|", ""])), max_size=20),
    st.sampled_from([timedelta(seconds=3), timedelta(minutes=1), timedelta(minutes=90), timedelta(days=1)]),
)  # fmt: skip
def test_odd_times_filters_and_windows_harm_nobody(rows: list[tuple[int, str]], length: timedelta) -> None:
    """Whatever times and filter results come, in windows of any length: counts stay in their window, scores are finite."""
    times = np.array([time for time, _ in rows], np.int64)
    batch = Batch("chat", "calls", len(rows), {"time": times, "filters": Category.of([one for _, one in rows])})
    detector, state = Attacks(), Known()
    for day in range(3):
        at = Window(START + timedelta(days=day), START + timedelta(days=day) + length)
        near = Batch(
            "chat", "calls", 1, {"time": np.array([int(at.start.timestamp()) * 10**9], np.int64), "filters": Category.of([PASSED])}
        )
        profile = detector.observe(state, batch).merge(detector.observe(state, near))
        step = detector.step(state, at, profile)
        state = step.state
        assert all(np.isfinite(score.value) and score.value >= 0 for score in step.scores)
    assert detector.restore(state.plain()).plain().keys() == state.plain().keys()
