"""Filter results in odd shapes: kept, counted apart, or left out, and never made up."""

import time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sources.otlp import filters
from detectors.safety.results import CATEGORIES, encode
from detectors.safety.results import parse as entries_of


def said(document: Any) -> str:
    """Return what a document says of a completion, as the column holds it."""
    return filters.column(list(filters.anywhere(document))) or ""


def results(**verdicts: Any) -> dict[str, Any]:
    """Return an answer with these results."""
    return {"choices": [{"content_filter_results": verdicts}]}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (results(mood_swing={"filtered": True, "detected": True}), "completion/mood_swing/none/blocked"),
        (results(**{"Task Adherence": {"detected": True, "filtered": False}}), "completion/task_adherence/none/annotated"),
        (results(novel={"filtered": False, "severity": "medium"}), "completion/novel/medium/annotated"),
        (results(novel={"score": 3}), "completion/novel/none/passed"),
        (results(error={"code": "content_filter_error", "message": "x"}), "completion/unknown/not_run/passed"),
        (results(error="timed out"), "completion/unknown/not_run/passed"),
        (results(error=None), ""),
        (results(jailbreak={"error": {"code": "x"}}), "completion/unknown/not_run/passed"),
        (
            results(hate={"filtered": False, "severity": "safe"}, error={"code": "x"}),
            "completion/hate/safe/passed|completion/unknown/not_run/passed",
        ),
        (results(jailbreak={"filtered": False, "detected": True, "severity": "safe"}), "completion/jailbreak/none/annotated"),
        (results(hate={"filtered": "true", "severity": "HIGH"}), "completion/hate/high/blocked"),
        (results(hate={"filtered": False, "severity": 4}), "completion/hate/medium/annotated"),
        (results(hate={"filtered": False, "severity": 1e300}), "completion/hate/high/annotated"),
        (results(hate={"filtered": False, "severity": "worst"}), "completion/hate/none/passed"),
        (results(hate={}), ""),
        (results(hate=None), ""),
        (results(hate=True), ""),
        (results(hate="safe"), ""),
        (results(hate={"filtered": "maybe", "severity": None}), ""),
        (results(hate={"filtered": [], "detected": {}}), ""),
        (results(custom_blocklists=[{"id": "x", "filtered": "true"}, 7]), "completion/custom_blocklists/none/blocked"),
        ({"content_filter_results": [{"hate": {"filtered": True}}]}, ""),
        ({"choices": [{"content_filter_result": {"hate": {"filtered": True, "severity": "low"}}}]}, "completion/hate/low/blocked"),
        (
            {"body": orjson.dumps({"innererror": {"content_filter_result": {"hate": {"filtered": True, "severity": "high"}}}}).decode()},
            "prompt/hate/high/blocked",
        ),
    ],
)
def test_one_answer(document: Any, expected: str) -> None:
    """A verdict that can be read is counted under its name; one that says nothing is not; an error is "not run"."""
    if expected.startswith("prompt"):
        document = {"error": document["body"]}
    assert said(document) == expected


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["true", "high", "safe", "{", "["]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "content_filter_results",
                    "content_filter_result",
                    "prompt_filter_results",
                    "error",
                    "filtered",
                    "severity",
                    "detected",
                    "hate",
                    "x|/y",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_wrong_types_everywhere(document: Any) -> None:
    """Whatever stands where a verdict should: a column that reads back as it was written, or none."""
    for value in (document, orjson.dumps(document).decode()) if _small(document) else (document,):
        column = said(value)
        assert encode(entries_of(column)) == column
    assert list(filters.prompt(document)) is not None
    assert list(filters.named([(("prompt", "a.content_filter.hate.severity"), document)])) is not None


def _small(document: Any) -> bool:
    try:
        orjson.dumps(document)
    except TypeError:
        return False
    return True


@given(st.text(alphabet="'\"filtered:=<>(){}[]severity,. hate\\", max_size=200))
def test_any_error_text_is_read(text: str) -> None:
    """Brackets that do not close, quotes that do not match."""
    assert all(entry.direction == "prompt" for entry in filters.in_text(f"content_filter_result{text}"))


@pytest.mark.parametrize(
    "piece", ["'a':(", "(", "'a':", "filtered:", "<", "filtered:<a.", "'a", "filtered: ", "'hate': {'filtered': True, "]
)
def test_a_hostile_error_text_costs_no_time(piece: str) -> None:
    """16,000 characters of whatever makes a pattern try again."""
    begun = time.process_time()
    list(filters.in_text("content_filter_result" + piece * (16_000 // len(piece))))
    assert time.process_time() - begun < 0.5


def test_results_nested_beyond_reason_are_left_out() -> None:
    """A thousand levels are no answer of a filter, and no reason to fail."""
    document: Any = results(hate={"filtered": True})
    for _ in range(900):
        document = {"more": [document]}
    assert said(document) == ""


def test_the_body_of_an_error_in_every_form() -> None:
    """JSON, Python, a client's own class, blocklists with details: the same results."""
    expected = "prompt/custom_blocklists/none/blocked|prompt/hate/safe/passed|prompt/jailbreak/none/blocked"
    for text in (
        (
            '"content_filter_result": {"hate": {"filtered": false, "severity": "safe"}, "jailbreak": {"detected": true, "filtered": true}, '
            '"custom_blocklists": {"filtered": true, "details": [{"filtered": false, "id": "a"}, {"filtered": true, "id": "b"}]}}'
        ),
        (
            "'content_filter_result': {'custom_blocklists': [{'id': 'a', 'filtered': True}], 'hate': {'filtered': False, 'severity': 'safe'}, "
            "'jailbreak': {'filtered': True, 'detected': True}}"
        ),
        (
            "content_filter_result={'hate': Result(filtered=False, detected=False, severity=<Severity.SAFE: 'safe'>), 'jailbreak': "
            "Result(filtered=True, detected=True, severity=<Severity.SAFE: 'safe'>), 'custom_blocklists': Result(filtered=True, detected=False)})"
        ),
    ):
        assert filters.column(list(filters.in_text(text))) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("prompt", {"hate": {"filtered": True, "severity": "high"}}, "prompt/hate/high/blocked"),
        ("prompt", '[{"content_filter_results": {"sexual": {"filtered": false, "severity": "low"}}}]', "prompt/sexual/low/annotated"),
        ("completion", '{"error": {"code": "x"}}', "completion/unknown/not_run/passed"),
        ("completion", "{broken", ""),
        ("completion", "off", ""),
        ("completion", 7, ""),
    ],
)
def test_an_attribute_named_after_the_filter(name: str, value: Any, expected: str) -> None:
    """Whoever writes it: the name tells that these are results, and mostly of what."""
    assert (filters.column(list(filters.named([((name, f"some.{name}.content_filter_results"), value)]))) or "") == expected


def test_known_categories_are_azure_s() -> None:
    """Eleven by name and one for what is not told."""
    assert len(set(CATEGORIES)) == 12
