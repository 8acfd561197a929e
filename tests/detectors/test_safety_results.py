"""The string form of content-filter results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.safety.results import CATEGORIES, DIRECTIONS, Entry, category_name, encode, entry, failed, parse

ENTRIES = st.builds(
    entry,
    st.sampled_from(DIRECTIONS),
    st.one_of(st.sampled_from(CATEGORIES), st.text(max_size=60)),
    severity=st.sampled_from([None, "safe", "low", "medium", "high", "Severe"]),
    filtered=st.booleans(),
    detected=st.booleans(),
) | st.builds(failed, st.sampled_from(DIRECTIONS))


@given(st.lists(ENTRIES))
def test_encoding_survives_the_round_trip(entries: list[Entry]) -> None:
    """What was encoded parses to entries that encode to the same string, whatever the order."""
    text = encode(entries)

    assert encode(parse(text)) == text
    assert encode(reversed(entries)) == text
    assert {(one.direction, one.category) for one in parse(text)} == {(one.direction, one.category) for one in entries}


@given(st.text())
def test_any_text_parses(text: str) -> None:
    """A string that is no filter result yields no entry and no error."""
    assert encode(parse(text)) or not parse(text)


@pytest.mark.parametrize(
    ("severity", "filtered", "detected", "expected"),
    [
        ("safe", False, False, ("safe", "passed")),
        ("low", False, False, ("low", "annotated")),
        ("high", True, False, ("high", "blocked")),
        (None, False, False, ("none", "passed")),
        (None, False, True, ("none", "annotated")),
        (None, True, True, ("none", "blocked")),
        ("safe", True, False, ("safe", "blocked")),
    ],
)
def test_action_follows_the_answer(severity: str | None, filtered: bool, detected: bool, expected: tuple[str, str]) -> None:  # noqa: FBT001 - columns of the table
    """Blocked iff filtered, annotated from low on or if detected, else passed."""
    one = entry("prompt", "hate", severity=severity, filtered=filtered, detected=detected)

    assert (one.severity, one.action) == expected


def test_choices_of_a_call_count_once_with_the_worst() -> None:
    """Two choices with one category give one entry; a failed filter stays apart from it."""
    text = encode(
        [entry("completion", "hate", severity="low"), entry("completion", "hate", severity="high", filtered=True), failed("completion")]
    )

    assert text == "completion/hate/high/blocked|completion/unknown/not_run/passed"


def test_an_entry_that_would_not_come_back_is_refused() -> None:
    """A separator in a category cannot forge a second entry."""
    with pytest.raises(ValueError, match="expected direction"):
        encode([Entry("prompt", "a|prompt/hate/high/blocked", "none", "passed")])
    assert category_name("a|prompt/hate") == "a_prompt_hate"
