"""Evaluators without a model: what they say of plain cases, and how far people agree with them on public data."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.quality.evaluators.degeneration import repetition, truncated
from detectors.quality.evaluators.explicit import explicit_share
from detectors.quality.evaluators.grounding import citations_found, loose_overlap, numbers_found, overlap
from detectors.quality.evaluators.refusal import refuses
from detectors.quality.evaluators.similarity import alike, bank

DATA = Path(__file__).parents[2] / "../shared/data"


def _there(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip("../shared/data is not there")
    return DATA / name


def _area(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: how often a positive is above a negative."""
    return float((positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean())


@pytest.mark.parametrize(("model", "least"), [("gpt4", 0.93), ("llama2new", 0.90), ("mistralinstruct", 0.85)])
def test_refusals_are_those_people_see(model: str, least: float) -> None:
    """On XSTest's answers people agree with the phrases at least as often as with a published string match or judge, less .01."""
    with _there(f"xstest/{model}_gpteval.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    agreed = [refuses(row["completion"]) == (row["final_label"] != "1_full_compliance") for row in rows]
    assert np.mean(agreed) >= least


def test_known_templates_are_recognised() -> None:
    """80 jailbreaks as the bank: at most 1 in 100 ordinary queries is as near as 84 in 100 unseen jailbreaks."""
    with _there("jailbreak_prompts_train.csv").open(encoding="utf-8") as lines:
        known = bank([row["prompt"] for row in csv.DictReader(lines)])
    with _there("jailbreak_prompts.csv").open(encoding="utf-8") as lines:
        unseen = np.array([known.nearness(row["prompt"]) for row in csv.DictReader(lines)])
    with _there("halueval_general.json").open(encoding="utf-8") as lines:
        usual = np.array([known.nearness(json.loads(line)["user_query"]) for line in list(lines)[:1500]])
    assert _area(unseen, usual) >= 0.99
    assert (unseen > np.quantile(usual, 0.99)).mean() >= 0.84


def test_explicit_words_rank_unsafe_texts() -> None:
    """Over OpenAI's moderation set the area is .82 at least; on HateCheck it is no verdict, and none is claimed."""
    with gzip.open(_there("openai_moderation_1680.jsonl.gz"), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    unsafe = np.array([any(value == 1 for name, value in row.items() if name != "prompt") for row in rows])
    shares = np.array([explicit_share(row["prompt"]) or 0.0 for row in rows])
    assert _area(shares[unsafe], shares[~unsafe]) >= 0.82


LOOP = "I can help you with that. " * 6

CASES = [
    (repetition(LOOP), 1 - 6 / 34),
    (repetition("The quick brown fox jumps over the lazy dog."), 0.0),
    (repetition("Yes."), None),
    (truncated("The three steps are: first open the", "stop"), True),
    (truncated("Done!", "stop"), False),
    (truncated("- one\n- two", "stop"), False),
    (truncated("1. open\n2. close it now", "stop"), False),
    (truncated("Here it is:\n```\nx = 1\n```", "stop"), False),
    (truncated("All good 🎉", None), False),
    (truncated("42", None), False),
    (truncated("Ends well.", "stop,length"), True),
    (overlap("no context at all is here", ""), 0.0),
    (overlap("short", "short"), None),
    (loose_overlap("a new card", "the new card is here"), None),
    (loose_overlap("get a new card", "the new card is here"), 1 / 3),
    (numbers_found("It is 3.50, 1.200,50 or 7", "3,5 and 1,200.50"), 2 / 3),
    (numbers_found("No numbers", "1 2 3"), None),
    (citations_found("See 【2†source】 and [source 3]", ["a", "b"]), 0.5),
    (citations_found("See [above] (really)", ["a"]), None),
    (alike("same words here", "Same words, here!"), 1.0),
    (alike("", "x"), None),
    (explicit_share(""), None),
]


@pytest.mark.parametrize(("found", "expected"), CASES)
def test_plain_cases(found: float | None, expected: float | None) -> None:
    """Counted by hand."""
    assert found == (expected if expected is None else pytest.approx(expected))


@given(st.text(max_size=400), st.text(max_size=400))
def test_whatever_the_text_the_answer_is_a_share_or_nothing(one: str, other: str) -> None:
    """No text makes an evaluator fail, and no share leaves 0 to 1."""
    found = [
        repetition(one),
        overlap(one, other),
        loose_overlap(one, other),
        numbers_found(one, other),
        alike(one, other),
        explicit_share(one),
    ]
    found += [citations_found(one, [other]), bank([other]).nearness(one)]
    assert all(share is None or -1e-6 <= share <= 1 + 1e-6 for share in found)
    assert isinstance(truncated(one, None), bool)
    assert isinstance(refuses(one), bool)
