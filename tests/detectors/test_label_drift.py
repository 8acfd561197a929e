"""The mix of the labels is judged as features are: a moved one warns, too few labels say nothing, and taking labels away leaves no trace."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors import catalog
from detectors.decay.decay import Decay
from detectors.decay.label_state import LabelState
from detectors.types import Batch, Category, Finding, Profile, Window

START = datetime(2026, 1, 1, tzinfo=UTC)
DECAY = Decay(positive="1")
FRESH = DECAY.restore(None)


def classes(share: float, rows: int, seed: int) -> Batch:
    """Return rows of a perfect model, so many of them positive."""
    random = np.random.default_rng(seed)
    truth = Category.of([str(int(value)) for value in random.random(rows) < share])
    return Batch("e", "rows", rows, {"prediction": truth, "label": truth})


def numbers(shift: float, rows: int, seed: int) -> Batch:
    """Return rows of a regression whose truths are moved by so many standard deviations."""
    truth = 100 + 20 * np.random.default_rng(seed).normal(shift, 1, rows)
    return Batch("e", "rows", rows, {"prediction": truth + 1, "label": truth})


def window(number: int) -> Window:
    """Return a day."""
    return Window(START + timedelta(days=number), START + timedelta(days=number + 1))


def judged(state: LabelState, batches: Sequence[Batch]) -> list[tuple[Finding, ...]]:
    """Return the findings of one day after another."""
    found = []
    for number, batch in enumerate(batches):
        step = DECAY.step(state, window(number), DECAY.observe(state, batch))
        state = DECAY.restore(step.state.plain())
        found.append(step.findings)
    return found


@pytest.mark.parametrize(("made", "usual", "moved"), [(classes, 0.3, 0.45), (numbers, 0.0, 0.6)])
def test_a_moved_mix_warns(made: Callable[[float, int, int], Batch], usual: float, moved: float) -> None:
    """Learnt from 70 days of 300 labels: a warning within two days after the change, never a page."""
    found = judged(FRESH, [made(usual if day < 70 else moved, 300, day) for day in range(76)])

    assert {one.kind for findings in found for one in findings} == {"label"}
    assert {one.feature for findings in found for one in findings} == {"label"}
    loud = [day for day, findings in enumerate(found) if any(one.level == "warning" for one in findings)]
    assert {70, 71} & set(loud)
    assert not any(one.level == "page" for findings in found for one in findings)


@pytest.mark.parametrize(("made", "usual"), [(classes, 0.3), (numbers, 0.0)])
def test_the_same_mix_warns_as_seldom_as_the_budget_says(made: Callable[[float, int, int], Batch], usual: float) -> None:
    """Three streams of 70 days without a change: at most one episode in 30 days would be seven warnings."""
    streams = [judged(FRESH, [made(usual, 300, 1000 * seed + day) for day in range(70)]) for seed in range(3)]

    assert sum(any(one.level == "warning" for one in findings) for found in streams for findings in found) <= 7


def test_a_file_is_the_reference_from_the_first_day_on() -> None:
    """Labels far from those of the file warn once live windows tell how much they vary: a lasting offset is shown as what it is."""
    begin = DECAY.of_rows(DECAY.observe(FRESH, classes(0.3, 8000, 1)))

    found = judged(begin, [classes(0.5, 300, 10 + day) for day in range(30)])

    fixed = [one for findings in found for one in findings if one.reference == "fixed" and one.severity >= 0]
    assert fixed
    assert fixed[-1].severity > 1
    assert fixed[-1].level == "warning"
    assert "'1' 30 % -> 49 %" in fixed[-1].explanation


def part(profile: Profile, labelled: int, answers: int) -> Profile:
    """Return the counts of a window of which only some labels are there."""
    assert profile.counts["all/labelled"][0] == labelled
    return Profile({**profile.counts, "answers": np.array([answers])}, profile.tallies)


def test_few_labels_are_insufficient_until_no_more_come() -> None:
    """Below half of the answers nothing is judged nor learnt; the same labels are judged once the window is final."""
    profile = part(DECAY.observe(FRESH, classes(0.3, 100, 1)), 100, 300)

    early = DECAY.follow(FRESH, window(0), profile, final=False)
    final = DECAY.follow(FRESH, window(0), profile, final=True)

    (told,) = early.moved.findings
    assert told.status == "insufficient"
    assert told.level is None
    assert told.explanation.startswith("labels of 100 of 300 answers are here (33%)")
    assert early.state.labels == FRESH.labels
    assert final.state.labels != FRESH.labels
    enough = part(DECAY.observe(FRESH, classes(0.3, 160, 1)), 160, 300)
    assert DECAY.follow(FRESH, window(0), enough, final=False).state.labels != FRESH.labels


@pytest.mark.parametrize("made", [classes, numbers])
def test_a_label_that_was_corrected_leaves_no_trace(made: Callable[[float, int, int], Batch]) -> None:
    """Counts are integers: labels taken away again lead to the same state as if they had never come."""
    kept, gone = DECAY.observe(FRESH, made(0.3, 120, 1)), DECAY.observe(FRESH, made(0.9, 80, 2))
    negative = Profile(
        {name: -vector for name, vector in gone.counts.items()},
        {name: {value: -count for value, count in tally.items()} for name, tally in gone.tallies.items()},
    )
    merged = gone.merge(kept).merge(negative)
    cleaned = Profile(merged.counts, {name: {value: n for value, n in tally.items() if n} for name, tally in merged.tallies.items()})

    one, other = (DECAY.follow(FRESH, window(0), profile).state.labels for profile in (kept, cleaned))
    assert [dict(early.profile.tallies) for early in one.early] == [dict(early.profile.tallies) for early in other.early]


def test_it_can_be_switched_off() -> None:
    """Then there is no finding, no gauge and no state of it."""
    off = Decay(label_drift=False)

    step = off.step(FRESH, window(0), off.observe(FRESH, classes(0.3, 3000, 1)))

    assert step.findings == ()
    assert step.state.labels == FRESH.labels
    assert not any(score.metric is catalog.DRIFT_SEVERITY for score in step.scores)


def test_an_id_named_as_segment_is_not_looked_at_apart() -> None:
    """A segment column with more than a thousand values in one batch costs nothing; one with fewer has its metrics."""
    batch = classes(0.3, 2000, 1)
    ids = {"segment.customer": Category.of([str(row) for row in range(2000)]), "segment.region": Category.of(["n", "s"] * 1000)}

    profile = DECAY.observe(FRESH, Batch("e", "rows", 2000, {**batch.columns, **ids}))

    assert {name.split("/")[0] for name in profile.counts if "=" in name} == {"region=n", "region=s"}
