"""Two files compared: the family-wise level, what is found, and a stated answer for every kind of bad column."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.drift.check import Report, check
from detectors.drift.check_quality import Quality
from detectors.drift.descriptive import ANY_KIND, NUMERIC
from detectors.drift.only_here import log_only_here_tail
from detectors.types import Category, Column, Text


def mixed(random: np.random.Generator, rows: int) -> dict[str, Column]:
    """Return independent columns of many shapes, with ties, atoms, heavy tails, missing values and long-tailed categories."""
    holes = random.normal(size=rows)
    holes[random.uniform(size=rows) < 0.05] = np.nan
    zipf = np.minimum(random.zipf(1.6, rows), 2000)
    return {
        "normal": random.normal(size=rows),
        "holes": holes,
        "heavy": random.standard_t(1.5, rows),
        "lognormal": random.lognormal(0, 2, rows),
        "count": random.poisson(3, rows),
        "zeros": random.exponential(1, rows) * (random.uniform(size=rows) < 0.3),
        "flag": random.uniform(size=rows) < 0.02,
        "carrier": Category(random.choice(5, rows, p=[0.5, 0.3, 0.15, 0.04, 0.01]).astype(np.int32), ("a", "b", "c", "d", "e")),
        "customer": Category(zipf.astype(np.int32) - 1, tuple(f"c{number}" for number in range(2000))),
    }


@pytest.mark.parametrize(("reference_rows", "rows"), [(2000, 500), (500, 2000)])
def test_family_wise_level_holds(reference_rows: int, rows: int) -> None:
    """Over 300 pairs without a change, at most about 5 % have any drifted feature at level .05 (any size of effect)."""
    random = np.random.default_rng(11)
    false = 0
    for _ in range(300):
        report = check(mixed(random, reference_rows), mixed(random, rows), level=0.05)
        false += any(score.p_value <= 0.05 for score in report.scores)
    # A true share of 5 % exceeds this in one of a thousand runs.
    assert binomtest(false, 300, 0.05, alternative="greater").pvalue > 0.001, false


def test_a_quarter_sd_at_a_thousand_rows_is_found() -> None:
    """+0.25 sd in one of nine columns at n = 1000 drifts at level .001, and only that column."""
    random = np.random.default_rng(12)
    found = 0
    for _ in range(20):
        reference, current = mixed(random, 5000), mixed(random, 1000)
        current["normal"] = np.asarray(current["normal"]) + 0.25
        report = check(reference, current)
        found += report.drifted == ("normal",)
    assert found >= 19


def one(reference: Column, current: Column) -> Report:
    """Check one column beside a quiet one, which must stay quiet."""
    rows, others = len(reference), len(current)
    random = np.random.default_rng(13)
    report = check(
        {"bad": reference, "quiet": random.normal(size=rows)},
        {"bad": current, "quiet": random.normal(size=others)},
    )
    assert "quiet" not in report.drifted
    return report


def flagged(report: Report) -> set[tuple[str, str]]:
    """Return what the report flags."""
    return {(finding.check, finding.feature) for finding in report.quality if finding.flagged}


N = 1000
NORMAL = np.random.default_rng(14).normal(size=N)
MANY = Category(np.random.default_rng(15).integers(0, 5000, 50_000).astype(np.int32), tuple(f"v{number}" for number in range(5000)))


@pytest.mark.parametrize(
    ("reference", "current", "drifted", "flags"),
    [
        pytest.param(np.full(N, 3.0), np.full(N, 3.0), False, set(), id="constant on both sides"),
        pytest.param(np.full(N, 3.0), np.full(N, 4.0), True, {"out_of_range"}, id="another constant"),
        pytest.param(NORMAL, np.full(N, 0.0), True, {"constant"}, id="becomes constant"),
        pytest.param(NORMAL, np.full(N, np.nan), True, {"missing", "empty"}, id="all missing now"),
        pytest.param(np.full(N, np.nan), np.full(N, np.nan), False, set(), id="all missing always"),
        pytest.param(np.full(N, np.nan), NORMAL, True, set(), id="all missing in the reference"),
        pytest.param(np.repeat([0.0, 1.0], N // 2), np.repeat([0.0, 1.0], [N // 5, N - N // 5]), True, set(), id="two-valued"),
        pytest.param(np.arange(N) % 7, np.arange(N)[::-1] % 7, False, set(), id="integers with ties"),
        pytest.param(NORMAL, np.append(NORMAL[1:], 1e6), False, set(), id="one outlier now"),
        pytest.param(np.append(NORMAL[1:], 1e6), NORMAL, False, set(), id="one outlier in the reference"),
        pytest.param(NORMAL, np.where(np.arange(N) % 3, NORMAL, np.inf), True, {"missing"}, id="infinities"),
        pytest.param(Category.of(["a", "b"] * 500), Category.of(["x", "y"] * 500), True, {"new_category", "vanished_category"}, id="all new categories"),
        pytest.param(MANY, Category(MANY.codes[::-1].copy(), MANY.values), False, set(), id="5,000 categories"),
        pytest.param(NORMAL, Category.of([str(value) for value in NORMAL.tolist()]), False, set(), id="numbers as text"),
        pytest.param(NORMAL, Category.of(["oops"] * N), True, {"type_error", "missing", "empty"}, id="text instead of numbers"),
        pytest.param(Category.of(["1", "2"] * 500), np.repeat([1, 2], 500), False, set(), id="codes as numbers"),
    ],
)  # fmt: skip
def test_bad_columns_have_a_stated_answer(reference: Column, current: Column, drifted: bool, flags: set[str]) -> None:  # noqa: FBT001 - a table
    """Each bad column drifts or not as stated, raises the stated flags, and stops no other column."""
    report = one(reference, current)
    assert ("bad" in report.drifted) is drifted
    assert {check for check, feature in flagged(report) if feature == "bad"} == flags
    json.dumps(report.plain(), allow_nan=False)


def quality(report: Report, check_name: str) -> Quality | None:
    """Return what a check says of the bad column."""
    return next((finding for finding in report.quality if (finding.check, finding.feature) == (check_name, "bad")), None)


def test_categories_that_come_and_go_are_named() -> None:
    """By name, the most frequent first, cut at 64 characters, at most ten and how many more; in the explanation as well."""
    long = "x" * 100
    kept = ["a"] * 900
    reference = Category.of([*kept, *["gone"] * 60, *[long] * 30, "once"])
    current = Category.of([*kept, *(f"new {number % 12:02}" for number in range(120)), *["most"] * 20])
    report = one(reference, current)
    new, lost = quality(report, "new_category"), quality(report, "vanished_category")
    assert new is not None
    assert (new.names, new.more, new.flagged) == (("most", *(f"new {number:02}" for number in range(9))), 3, True)
    assert lost is not None
    assert (lost.names, lost.more, lost.flagged) == (("gone", "x" * 64), 0, True)
    assert lost.reference == pytest.approx(90 / 991)
    assert {"names": ["gone", "x" * 64], "more": 0}.items() <= lost.plain().items()
    assert "names" not in Quality("missing", "x", 0.0, 0.1, True).plain()
    mostly_new = one(Category.of(["a", "b"] * 500), Category.of([*["a", "b"] * 480, *["zebra"] * 40]))
    assert (
        "values the reference does not have in 4 % of rows: 'zebra'" in {one.feature: one for one in mostly_new.scores}["bad"].explanation
    )


def test_rare_categories_may_stay_away() -> None:
    """Over 200 pairs without a change, a long tail of categories is said to have lost one in no more than the level allows."""
    random = np.random.default_rng(19)
    names = tuple(f"v{number}" for number in range(300))
    share = 1 / np.arange(1, 301)
    told = 0
    for _ in range(200):
        sides = [Category(random.choice(300, rows, p=share / share.sum()).astype(np.int32), names) for rows in (3000, 300)]
        report = check({"bad": sides[0]}, {"bad": sides[1]}, level=0.05)
        told += quality(report, "vanished_category") is not None
    # A true share of 5 % exceeds this in one of a thousand runs.
    assert binomtest(told, 200, 0.05, alternative="greater").pvalue > 0.001, told


def test_values_that_could_not_be_read_are_type_errors() -> None:
    """What the reader left out as of the wrong type is a share of rows on both sides, flagged where it rose beyond chance."""
    column = np.where(np.arange(N) < 60, np.nan, NORMAL)
    report = check({"bad": NORMAL}, {"bad": column}, wrong=({"bad": 1}, {"bad": 60}))
    found = quality(report, "type_error")
    assert found == Quality("type_error", "bad", 1 / N, 60 / N, True)
    assert quality(check({"bad": NORMAL}, {"bad": NORMAL}, wrong=({}, {"bad": 1})), "type_error") == Quality(
        "type_error", "bad", 0.0, 1 / N, False
    )


@pytest.mark.parametrize(("rows", "verdict"), [(1, "insufficient"), (20, "insufficient"), (30, "stable")])
def test_small_files_are_insufficient_and_never_stable(rows: int, verdict: str) -> None:
    """Under 30 rows there is no verdict on a column, and none on the files."""
    random = np.random.default_rng(16)
    report = check({"x": random.normal(size=1000)}, {"x": random.normal(size=rows)})
    assert report.verdict == verdict
    assert np.isnan(report.scores[0].severity) == (verdict == "insufficient")
    report = check({"x": random.normal(size=rows)}, {"x": random.normal(size=1000)})
    assert report.verdict == verdict


def test_ids_text_and_one_sided_columns_are_named() -> None:
    """Ids and free text are set aside with the reason; columns that vanish or appear are quality findings."""
    rows = 400
    reference: dict[str, Column] = {
        "id": Category.of([f"order-{number}" for number in range(rows)]),
        "comment": Category.of([f"this is a rather long comment number {number % 9}" for number in range(rows)]),
        "body": Text(tuple("word" for _ in range(rows))),
        "gone": np.arange(rows),
        "x": np.arange(rows) % 10,
    }
    current = {name: column for name, column in reference.items() if name != "gone"} | {"late": np.arange(rows)}
    report = check(reference, current)
    assert {name for name, _ in report.set_aside} == {"id", "comment", "body"}
    assert flagged(report) == {("vanished", "gone"), ("appeared", "late")}
    assert report.verdict == "stable"


def test_the_answer_is_the_documented_object() -> None:
    """`check --json` has the keys of its version, numbers or null, and an explanation for each column."""
    random = np.random.default_rng(17)
    report = check(
        {"x": random.normal(size=2000), "y": random.normal(size=2000)},
        {"x": random.normal(1, 1, 1000), "y": random.normal(size=1000)},
        predictions=("y",),
    )
    plain = json.loads(json.dumps(report.plain(), allow_nan=False))
    assert set(plain) == {"version", "verdict", "rows", "level", "scores", "drifted", "quality", "set_aside", "note"}
    assert (plain["verdict"], plain["drifted"], plain["rows"]) == ("drift", ["x"], {"reference": 2000, "current": 1000})
    first, second = plain["scores"]
    assert set(first) == {
        "kind", "feature", "statistic", "threshold", "severity", "p_value", "samples", "mde", "drifted", "methods", "explanation",
    }  # fmt: skip
    assert (first["kind"], second["kind"]) == ("data", "prediction")
    assert first["severity"] > 1 > second["severity"]
    assert "moved up" in first["explanation"] or "shape changed" in first["explanation"]
    assert set(first["methods"]) == {*ANY_KIND, *NUMERIC}
    assert first["methods"]["wasserstein"] == pytest.approx(1.09 / 0.99, rel=0.02)


def test_small_but_certain_changes_do_not_drift() -> None:
    """A shift of .02 sd on 400,000 rows is certain, and below `min_effect`."""
    random = np.random.default_rng(18)
    report = check({"x": random.normal(size=400_000)}, {"x": random.normal(0.025, 1, 400_000)})
    assert report.scores[0].severity > 1
    assert report.verdict == "stable"
    assert "too small to matter" in report.scores[0].explanation


def test_the_median_told_is_the_windows_own() -> None:
    """Also where few rows leave a cell to one side; beyond the reference's range only the side is told."""
    draw = np.random.default_rng(1)
    then, now = draw.normal(0, 1, 40), draw.normal(1.1, 1, 40)
    (score,) = check({"x": then}, {"x": now}).scores
    told = float(score.explanation.rpartition("-> ")[2])
    ordered = np.sort(now)
    assert ordered[17] <= told <= ordered[22]
    (score,) = check({"x": np.full(50, 3.0)}, {"x": np.full(50, 3.7)}).scores
    assert score.explanation.endswith("median 3 -> above 3")
    (score,) = check({"x": np.full(50, np.nan)}, {"x": now.repeat(2)}).scores
    assert score.explanation.startswith("shape changed, median none -> some")


@pytest.mark.parametrize("then", [np.full(500, 3.0), np.append(np.full(499, 3.0), 8.0)])
def test_distances_see_another_constant(then: NDArray[np.float64]) -> None:
    """A column of one frequent value has two groups: that value, and the rest."""
    (score,) = check({"x": then}, {"x": np.full(500, 3.7)}).scores
    assert score.methods["total_variation"] == pytest.approx(float(np.mean(then == 3.0)))
    assert score.methods["psi"] > 5
    (same,) = check({"x": then}, {"x": then}).scores
    assert same.methods["total_variation"] == same.methods["psi"] == 0


@pytest.mark.parametrize(("ones", "rows", "flagged"), [(0.02, 40, False), (0.02, 3000, True), (0.9, 40, True)])
def test_a_rare_value_that_few_rows_lack_makes_no_constant(ones: float, rows: int, *, flagged: bool) -> None:
    """A column is flagged as constant or empty where chance would not make it so."""
    then = (np.arange(2000) < 2000 * ones).astype(np.float64)
    for value, name in ((0.0, "constant"), (np.nan, "empty")):
        report = check({"x": np.where(then > 0, 1.0, value)}, {"x": np.full(rows, value)}, level=0.05)
        assert [one.flagged for one in report.quality if one.check == name] == [flagged]


def test_new_values_keep_the_level_in_a_long_tail() -> None:
    """Many rows against few of a population with hundreds of rare values: new ones are no surprise (they were, 4 times too often)."""
    random = np.random.default_rng(8)
    weight = 1 / np.arange(1, 501) ** 1.3
    called = 0
    for _ in range(400):
        then, now = (random.multinomial(rows, weight / weight.sum()) for rows in (300, 2000))
        called += log_only_here_tail(int(now[then == 0].sum()), (then + now).tolist(), 2000, 300) <= np.log(0.01)
    assert called <= 8


@pytest.mark.parametrize(("rows", "counts", "n", "m"), [(2, [1] * 6, 5, 20), (4, [2, 2, 3, 9], 8, 8), (9, [1] * 20 + [2] * 10, 15, 25)])
def test_rows_with_new_values_against_all_splits(rows: int, counts: list[int], n: int, m: int) -> None:
    """The chance bounds what shuffling the rows between both sides gives, and is at most six times as much."""
    random = np.random.default_rng(1)
    values = np.repeat(np.arange(len(counts)), counts)
    values = np.concatenate([values, np.full(n + m - len(values), len(counts))])
    total = [*counts, n + m - sum(counts)]
    hits, rounds = 0, 4000
    for _ in range(rounds):
        side = np.bincount(random.permutation(values)[:n], minlength=len(total))
        hits += int(side[side == np.array(total)].sum()) >= rows
    exact, told = hits / rounds, float(np.exp(log_only_here_tail(rows, total, n, m)))
    assert exact <= told * 1.1 + 0.005
    assert told <= 6 * exact + 0.005


def test_a_column_with_few_values_is_not_called_fine() -> None:
    """Ten values among a thousand missing ones say nothing; many more missing values than before do, and the others are judged."""
    draw = np.random.default_rng(4)
    rare, full = np.where(np.arange(1000) < 10, 1.0, np.nan) * np.arange(1000), draw.normal(size=1000)
    report = check({"rare": rare, "full": full, "lost": full}, {"rare": rare, "full": full, "lost": rare})
    scores = {score.feature: score for score in report.scores}
    assert scores["rare"].explanation == "too little data: 10 current rows with a value, 30 are needed"
    assert np.isnan(scores["rare"].statistic)
    assert (report.verdict, report.drifted) == ("drift", ("lost",))
    assert check({"rare": rare}, {"rare": rare}).verdict == "insufficient"


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_numbers_near_the_ends_of_doubles_are_compared_without_a_word(scale: float) -> None:
    """No warning of numpy's reaches the terminal, whatever the size of a side."""
    draw = np.random.default_rng(2)
    for then, now in ((3000, 1), (15, 24), (500, 500)):
        (score,) = check({"x": draw.normal(size=then) * scale}, {"x": draw.uniform(-1e5, 1e5, now) * scale}).scores
        assert score.plain()
