"""Content-filter results, counted on every call."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from detectors import catalog
from detectors.safety.names import MOST, Names
from detectors.safety.results import CATEGORIES, encode, entry, failed
from detectors.safety.safety import Safety
from detectors.types import Batch, Category, Profile, Window

SAFETY, STATE = Safety(), Names()
START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15))
JAILBREAK = encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "hate", severity="safe")])
BLOCKED = encode([entry("prompt", "jailbreak", detected=True, filtered=True)])
CLEAN = encode([entry("prompt", "jailbreak"), entry("prompt", "hate", severity="safe"), entry("completion", "hate", severity="safe")])
MEDIUM = encode([entry("completion", "violence", severity="medium")])
ERROR = encode([failed("completion")])


def calls(filters: Sequence[str | None], blocked: list[bool] | None = None, throttled: list[bool] | None = None) -> Batch:
    """Build a batch of calls from their filter results."""
    flags = {"blocked_prompt": blocked or [False] * len(filters), "throttled": throttled or [False] * len(filters)}
    return Batch("chat", "calls", len(filters), {"filters": Category.of(filters), **{name: np.array(flag) for name, flag in flags.items()}})


def counters(batch: Batch) -> dict[tuple[str, ...], float]:
    """Return the increases by name and the metric's own attributes in the catalogue's order."""
    totals = SAFETY.totals(SAFETY.observe(STATE, batch))
    return {
        (total.metric.name.split(".")[-1], *(total.attributes[name] for name in total.metric.attributes[3:])): total.value
        for total in totals
    }


def scores(batch: Batch) -> dict[tuple[str, str, str], float]:
    """Return the window's gauges by name, category and direction."""
    step = SAFETY.step(STATE, WINDOW, SAFETY.observe(STATE, batch))
    return {(score.metric.name, score.attributes["category"], score.attributes["direction"]): score.value for score in step.scores}


@pytest.mark.parametrize(
    ("filters", "blocked", "expected"),
    [
        (
            JAILBREAK,
            False,
            {
                ("checked", "jailbreak", "prompt"): 1,
                ("checked", "hate", "prompt"): 1,
                ("filtered", "jailbreak", "prompt", "none", "annotated"): 1,
            },
        ),
        (BLOCKED, True, {("checked", "jailbreak", "prompt"): 1, ("filtered", "jailbreak", "prompt", "none", "blocked"): 1}),
        (MEDIUM, False, {("checked", "violence", "completion"): 1, ("filtered", "violence", "completion", "medium", "annotated"): 1}),
        (ERROR, False, {("not_run", "unknown", "completion"): 1}),
        (None, True, {("checked", "unknown", "prompt"): 1, ("filtered", "unknown", "prompt", "none", "blocked"): 1}),
        (
            MEDIUM,
            True,
            {
                ("checked", "violence", "completion"): 1,
                ("checked", "unknown", "prompt"): 1,
                ("filtered", "violence", "completion", "medium", "annotated"): 1,
                ("filtered", "unknown", "prompt", "none", "blocked"): 1,
            },
        ),
        (None, False, {}),
        ("nonsense", False, {}),
    ],
)
def test_each_answer_counts_as_the_design_says(filters: str | None, blocked: bool, expected: dict[tuple[str, ...], float]) -> None:  # noqa: FBT001 - a column of the table
    """Checked, filtered and not run follow DESIGN section 3 for every shape of answer."""
    assert counters(calls([filters], [blocked])) == expected


@given(
    st.lists(st.tuples(st.sampled_from([None, JAILBREAK, BLOCKED, CLEAN, MEDIUM, ERROR]), st.booleans(), st.booleans()), max_size=40),
    st.data(),
)
def test_any_cut_and_order_merges_to_the_same_profile(rows: list[tuple[str | None, bool, bool]], data: st.DataObject) -> None:
    """Counting is exact: the batches a stream came in leave no trace."""
    batch = calls([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    order = np.array(data.draw(st.permutations(range(batch.rows))), np.intp)
    cuts = sorted(data.draw(st.lists(st.integers(0, batch.rows), max_size=4)))

    merged = reduce(Profile.merge, [SAFETY.observe(STATE, batch.take(piece)) for piece in np.split(order, cuts)])
    whole = SAFETY.observe(STATE, batch)

    assert merged.tallies == whole.tallies
    assert {name: vector.tolist() for name, vector in merged.counts.items()} == {
        name: vector.tolist() for name, vector in whole.counts.items()
    }


def test_unsafe_share_has_scipys_bounds_per_category_and_overall() -> None:
    """A call with two findings counts once in `any`, and once in each of its categories."""
    both = encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "hate", severity="high")])
    found = scores(calls([CLEAN] * 17 + [both] * 3))
    interval = binomtest(3, 20).proportion_ci(0.95, method="wilson")

    for category, direction in (("jailbreak", "prompt"), ("hate", "prompt"), ("any", "any")):
        assert found[("driftline.safety.samples", category, direction)] == 20
        assert found[("driftline.safety.unsafe.ratio", category, direction)] == 0.15
        assert found[("driftline.safety.unsafe.lower.ratio", category, direction)] == pytest.approx(interval.low)
        assert found[("driftline.safety.unsafe.upper.ratio", category, direction)] == pytest.approx(interval.high)
    assert found[("driftline.safety.unsafe.ratio", "hate", "completion")] == 0.0


def test_a_block_without_category_is_a_share_of_all_calls() -> None:
    """Where only blocks are told, 2 of 100 calls are 2 %, not 2 of 2; throttled calls never reached the filter."""
    found = scores(calls([None] * 110, [True] * 2 + [False] * 108, [False] * 100 + [True] * 10))

    assert found[("driftline.safety.unsafe.ratio", "unknown", "prompt")] == 0.02
    assert found[("driftline.safety.unsafe.ratio", "any", "any")] == 0.02


def test_after_a_block_without_category_silence_is_consent() -> None:
    """The window after such a burst shows a share of 0, so that an alert can resolve; before the first block there is none."""
    state = SAFETY.step(STATE, WINDOW, SAFETY.observe(STATE, calls([None] * 9, [True] * 9))).state
    state = SAFETY.restore(state.plain())
    quiet = SAFETY.observe(state, calls([None] * 30))

    found = {
        score.attributes["category"]: score.value
        for score in SAFETY.step(state, WINDOW, quiet).scores
        if score.metric is catalog.SAFETY_UNSAFE
    }
    assert found == {"unknown": 0.0, "any": 0.0}
    assert SAFETY.step(STATE, WINDOW, quiet).scores == ()


@pytest.mark.parametrize("filters", [[], [None, None], [ERROR]])
def test_no_share_without_samples(filters: list[str | None]) -> None:
    """Where no filter ran there is no unsafe share, and no zero."""
    assert scores(calls(filters)) == {}


def test_a_batch_of_rows_is_not_read() -> None:
    """Only calls are counted."""
    assert SAFETY.observe(STATE, Batch("m", "rows", 3, {})) == Profile()


def test_new_categories_are_kept_within_bounds() -> None:
    """The first new categories keep their names, also after a restart; the flood behind them shares one."""
    flood = calls([encode([entry("prompt", f"new {i:02}", detected=True)]) for i in range(50)])
    step = SAFETY.step(STATE, WINDOW, SAFETY.observe(STATE, flood))
    state = SAFETY.restore(step.state.plain())

    assert {key[1] for key in counters(flood) if key[0] == "checked"} == {*(f"new_{i:02}" for i in range(MOST)), "__other__"}
    assert sum(value for key, value in counters(flood).items() if key[0] == "checked") == 50
    assert SAFETY.observe(state, flood).tallies["checked"]["prompt/__other__"] == 50 - MOST
    assert SAFETY.observe(state, calls([CLEAN])).tallies["checked"].keys() == {"prompt/jailbreak", "prompt/hate", "completion/hate"}
    assert all(state.name(category) == category for category in CATEGORIES)


def test_only_declared_metrics_come_out() -> None:
    """Everything reported is in the detector's list, with exactly its attributes."""
    profile = SAFETY.observe(STATE, calls([JAILBREAK, ERROR, None], [False, False, True]))
    counted, judged = SAFETY.totals(profile), SAFETY.step(STATE, WINDOW, profile).scores
    reported = [(total.metric, total.attributes) for total in counted] + [(score.metric, score.attributes) for score in judged]

    for metric, attributes in reported:
        assert metric in Safety.metrics
        assert {*attributes, *catalog.STREAM} == set(metric.attributes)
