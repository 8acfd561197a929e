"""The built-in rules, from calls and findings to readings."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.builtin import RULES, rules
from alerts.grouping import group
from alerts.rule import ALL, Observation, Reading, Rule, readings
from detectors import catalog
from detectors.safety.names import Names
from detectors.safety.results import encode, entry
from detectors.safety.safety import Safety
from detectors.types import Batch, Category, Column, Finding, Level, Score, Stream, Window
from detectors.usage.usage import Nothing, Usage

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15))
STREAM = Stream("chat", "gpt", "live")
NAN = float("nan")


def window(**columns: Column) -> Observation:
    """Run a window of calls through the usage and safety detectors."""
    batch = Batch("chat", "calls", len(next(iter(columns.values()))), columns)
    usage, safety = Usage(), Safety()
    scores = (
        *usage.step(Nothing(), WINDOW, usage.observe(Nothing(), batch)).scores,
        *safety.step(Names(), WINDOW, safety.observe(Names(), batch)).scores,
    )
    return Observation(STREAM, scores, window=WINDOW)


def read(observation: Observation, **changed: Mapping[str, object]) -> dict[str, Reading]:
    """Return the readings by rule."""
    return {reading.alert: reading for reading in readings(rules(changed), observation)}


def judged(observation: Observation, **changed: Mapping[str, object]) -> dict[str, bool | None]:
    """Return what each rule says."""
    return {name: reading.breached for name, reading in read(observation, **changed).items()}


def errors(*runs: tuple[int, str | None]) -> Category:
    """Spell an error_type column by runs of equal values."""
    return Category.of([value for count, value in runs for _ in range(count)])


def flags(hits: int, rows: int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return a column whose first rows are true."""
    return np.arange(rows) < hits


def finding(feature: str, severity: float, level: Level | None, status: str = "calibrated", kind: str = "data") -> Finding:
    """Return a finding as the drift detector gives it."""
    return Finding(kind, feature, "fixed", severity * 3, 3.0, severity, 0.01, 500, 0.1, "sd", level, status, {}, f"{feature} moved")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"error_type": errors((20, "500"), (80, None))}, {"error_share": True, "throttling": False}),
        ({"error_type": errors((100, None))}, {"error_share": False, "throttling": False}),
        ({"error_type": errors((1, "timeout"))}, {"error_share": None, "throttling": None}),
        ({"error_type": errors((2, "timeout"), (4, None))}, {"error_share": None, "throttling": False}),
        ({"error_type": errors((60, "429"), (40, None)), "throttled": flags(60, 100)}, {"error_share": False, "throttling": True}),
        ({"error_type": errors((100, "429")), "throttled": flags(100, 100)}, {"error_share": None, "throttling": True}),
        (
            {"error_type": errors((60, "429"), (30, "500"), (10, None)), "throttled": flags(60, 100)},
            {"error_share": True, "throttling": True},
        ),
        (
            {"error_type": errors((40, "content_filter"), (60, None)), "blocked_prompt": flags(40, 100)},
            {"error_share": False, "throttling": False, "safety_rate": True},
        ),
        (
            {"error_type": errors((40, "BadRequestError"), (60, None)), "blocked_prompt": flags(40, 100)},
            {"error_share": False, "throttling": False, "safety_rate": True},
        ),
    ],
    ids=[
        "errors",
        "fine",
        "one call",
        "two failures",
        "storm",
        "all throttled",
        "storm and errors",
        "blocked burst",
        "blocked, other name",
    ],
)
def test_one_cause_fires_one_rule(columns: dict[str, Column], expected: dict[str, bool | None]) -> None:
    """A storm of 429 is throttling, a burst of blocked prompts is safety, failures are errors; a handful of calls is nothing."""
    assert judged(window(**columns)) == expected


def test_the_bad_category_is_named() -> None:
    """Jailbreak attempts, annotated or blocked, breach a lower limit than other categories, and are told by name."""
    seen = [
        *[encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "hate", severity="safe")])] * 4,
        *[encode([entry("prompt", "jailbreak", detected=True, filtered=True)])] * 2,
        *[encode([entry("prompt", "jailbreak"), entry("prompt", "hate", severity="safe")])] * 94,
    ]
    observation = window(filters=Category.of(seen))
    reading = read(observation)["safety_rate"]

    assert (reading.breached, reading.severity, reading.threshold) == (True, "page", 0.02)
    assert reading.details == {"category": "jailbreak", "direction": "prompt", "top_categories": "jailbreak in the prompt"}
    assert reading.values["ratio"] == 0.06
    assert "6.0 % of 100 calls were unsafe, jailbreak in the prompt" in reading.summary
    assert judged(observation, safety_rate={"thresholds": {"jailbreak": 0.1}})["safety_rate"] is False


def test_a_category_high_on_few_calls_is_not_cleared_by_others() -> None:
    """Two jailbreaks in ten are too few to fire, and keep a firing alert from resolving although hate is clean."""
    seen = [encode([entry("prompt", "jailbreak", detected=index < 2), entry("prompt", "hate", severity="safe")]) for index in range(10)]

    assert judged(window(filters=Category.of(seen)))["safety_rate"] is None


def test_a_rare_category_does_not_hold_up_the_rest() -> None:
    """One answer with a category of its own cannot be judged; that the other hundred are clean still counts."""
    seen = [encode([entry("prompt", "hate", severity="safe")])] * 100 + [encode([entry("prompt", "purview")])]

    assert judged(window(filters=Category.of(seen)))["safety_rate"] is False


@pytest.mark.parametrize(
    ("findings", "breached", "severity"),
    [
        ([], "no reading", None),
        ([finding("a", 0.5, None)], False, "warning"),
        ([finding("a", 3.0, "information")], False, "warning"),
        ([finding("a", NAN, None, "insufficient")], None, "warning"),
        ([finding("a", NAN, None, "insufficient"), finding("b", 0.2, None)], False, "warning"),
        ([finding("a", NAN, "warning", "uncalibrated")], True, "warning"),
        ([finding("a", 9.0, "warning"), finding("b", 1.2, "page")], True, "page"),
    ],
)
def test_drift_follows_the_findings(findings: list[Finding], breached: bool | str | None, severity: str | None) -> None:  # noqa: FBT001 - a column of the table
    """A warning or page breaches, information does not, insufficient windows say nothing."""
    found = read(Observation(STREAM, findings=findings, window=WINDOW)).get("drift")

    assert (found.breached if found else "no reading", found.severity if found else None) == (breached, severity)


def test_all_drifting_features_are_one_reading() -> None:
    """Worst feature first, distinct names counted, five of them told; data quality is inside."""
    findings = [finding(f"f{index}", 1 + index, "warning") for index in range(7)]
    findings += [finding("f6", 1.1, "warning", kind="quality"), finding("other", 0.1, None), finding("paged", 1.5, "page", kind="quality")]
    reading = read(Observation(STREAM, findings=findings, window=WINDOW))["drift"]

    assert reading.values["features"] == 8
    assert (reading.details["feature"], reading.details["kind"]) == ("paged", "quality")
    assert reading.details["top_features"] == "paged, f6, f5, f4, f3 and 3 more"
    assert reading.summary == "chat/gpt: 8 features drifted, worst paged (paged moved)"


@given(
    st.permutations(
        [finding("a", 2.0, "warning"), finding("b", 2.0, "page"), finding("c", NAN, "page"), finding("a", 1.5, "page", kind="prediction")]
    )
)
def test_grouping_does_not_depend_on_order(findings: list[Finding]) -> None:
    """The same findings in any order give the same group."""
    found = group(findings)

    assert found is not None
    assert (found.worst.feature, found.features) == ("b", ("b", "a", "c"))


@pytest.mark.parametrize(
    ("age", "length", "breached"),
    [(599, 60, False), (601, 60, True), (10_000, 3600, False), (10_801, 3600, True), (None, 3600, "no reading")],
)
def test_a_source_is_stale_after_three_windows_or_ten_minutes(age: float | None, length: float, breached: bool | str) -> None:  # noqa: FBT001 - a column of the table
    """Silence counts only once there was traffic, and waits for the longer of both limits."""
    scores = [] if age is None else [Score(catalog.AGENT_WINDOW_AGE, age)]
    found = judged(Observation(Stream("chat", ALL, ALL), scores, length=timedelta(seconds=length)))

    assert found.get("source_stale", "no reading") == breached


def test_options_change_a_rule() -> None:
    """What `alerts:` says replaces the defaults; a rule that is off gives no reading, an unknown one is refused."""
    failing = window(error_type=errors((20, "500"), (80, None)))

    assert judged(failing, error_share={"threshold": 0.3})["error_share"] is False
    assert read(failing, error_share={"severity": "warning"})["error_share"].severity == "warning"
    assert "error_share" not in judged(failing, error_share={"enabled": False})
    with pytest.raises(KeyError, match=r"unknown alert errors; known: drift, decay, label_drift, safety_rate"):
        rules({"errors": {}})


@pytest.mark.parametrize("rule", rules({}), ids=lambda rule: rule.name)
def test_rules_read_catalogue_metrics(rule: Rule) -> None:
    """Each rule names what it reads, and has at least one severity."""
    assert set(rule.metrics) <= set(catalog.metrics())
    assert rule.levels
    assert len({each.name for each in RULES}) == len(RULES)


def test_a_breach_is_a_statistic_above_its_threshold() -> None:
    """The numbers of a reading agree with its verdict, so that a receiver can see why."""
    for observation in (
        window(error_type=errors((20, "500"), (80, None))),
        window(error_type=errors((60, "429"), (40, None)), throttled=flags(60, 100)),
        window(blocked_prompt=flags(40, 100)),
        Observation(STREAM, findings=[finding("a", 2.0, "page")], window=WINDOW),
    ):
        for reading in read(observation).values():
            assert reading.breached == (reading.statistic > reading.threshold)
            assert not reading.values.keys() & reading.details.keys()
