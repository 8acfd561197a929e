"""What Azure AI Content Safety is asked, within its limits, and what is read from its answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.content_safety.checks import Question, Unreadable, findings, pieces, questions
from agent.content_safety.options import ContentSafety
from agent.errors import ConfigError
from agent.judges.task import Item
from agent.secret import Secret

ALL = ContentSafety(
    "https://a.cognitiveservices.azure.com", checks=("analyze_text", "prompt_shields", "groundedness", "protected_material")
)
LONG = "word " * 60


@given(st.text(max_size=3_000), st.integers(110, 500))
def test_pieces_are_within_the_limit(text: str, longest: int) -> None:
    """No piece is longer than the service takes, and a text of up to five pieces is all there."""
    found = pieces(text, longest)
    assert all(0 < len(piece) <= longest for piece in found)
    assert len(found) <= 5
    clean = "".join(sign for sign in text if sign >= " " or sign in "\n\t")
    if clean.strip() and len(clean) <= longest * 4:
        at = 0
        for piece in found:
            # Every piece begins before the one before it ended.
            begin = clean.find(piece, max(at - longest, 0))
            assert 0 <= begin <= at
            at = begin + len(piece)
        assert at == len(clean)


def test_what_is_asked() -> None:
    """Paths, versions and bodies as the public REST reference has them (2024-09-01 and the preview of groundedness)."""
    asked = {(one.check, one.direction): one for one in questions(ALL, Item("Why?", LONG, "Because it is so."))}
    assert {one.address for one in asked.values()} == {
        "/contentsafety/text:analyze?api-version=2024-09-01",
        "/contentsafety/text:shieldPrompt?api-version=2024-09-01",
        "/contentsafety/text:detectGroundedness?api-version=2024-09-15-preview",
        "/contentsafety/text:detectProtectedMaterial?api-version=2024-09-01",
    }
    assert asked["analyze_text", "prompt"].bodies == ({"text": "Why?", "outputType": "FourSeverityLevels"},)
    assert asked["prompt_shields", "prompt"].bodies == ({"userPrompt": "Why?", "documents": ["Because it is so."]},)
    assert asked["groundedness", "completion"].bodies == (
        {
            "domain": "Generic",
            "task": "QnA",
            "qna": {"query": "Why?"},
            "groundingSources": ["Because it is so."],
            "reasoning": False,
            "text": LONG,
        },
    )
    assert asked["protected_material", "completion"].bodies == ({"text": LONG},)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Item(), []),
        (Item("Why?"), ["analyze_text/prompt/1", "prompt_shields/prompt/1"]),
        (Item("", "short"), ["analyze_text/completion/1"]),
        (Item("", LONG, "context"), ["analyze_text/completion/1", "prompt_shields/prompt/1", "groundedness/completion/1", "protected_material/completion/1"]),
        (Item("x " * 6_000), ["analyze_text/prompt/2", "prompt_shields/prompt/2"]),
        (Item("\x00\x01", "\x02"), []),
        (Item("", "y " * 500_000), ["analyze_text/completion/5", "protected_material/completion/5"]),
    ],
    ids=["nothing", "prompt", "short answer", "no question", "long prompt", "signs nobody sees", "a megabyte"],
)  # fmt: skip
def test_missing_short_and_long_texts(item: Item, expected: list[str]) -> None:
    """What is missing or too short is not asked about; long texts are cut, and no text takes more than five requests."""
    assert [f"{one.check}/{one.direction}/{len(one.bodies)}" for one in questions(ALL, item)] == expected


def test_blocklists_are_looked_through() -> None:
    """Named blocklists go along, and a match is a category of its own."""
    options = ContentSafety("https://a.cognitiveservices.azure.com", checks=("analyze_text",), blocklists=("ours",))
    (asked,) = questions(options, Item("Hi"))
    assert asked.bodies[0]["blocklistNames"] == ["ours"]
    answer = {"categoriesAnalysis": [{"category": "Hate", "severity": 0}], "blocklistsMatch": [{"blocklistName": "ours"}]}
    assert findings(asked, answer) == {"prompt/hate/severity": 0, "prompt/custom_blocklists/detected": 1}


SHIELD = Question("prompt_shields", "", "", (), "prompt")
TEXT = Question("analyze_text", "", "", (), "completion")
GROUND = Question("groundedness", "", "", (), "completion")
MATERIAL = Question("protected_material", "", "", (), "completion")


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        (
            TEXT,
            {"categoriesAnalysis": [{"category": "SelfHarm", "severity": 6}, {"category": "Hate", "severity": 2}]},
            {"completion/self_harm/severity": 3, "completion/hate/severity": 1},
        ),
        (TEXT, {"categoriesAnalysis": [{"category": "Hate", "severity": 7}]}, {"completion/hate/severity": 3}),
        (TEXT, {"categoriesAnalysis": [{"category": "Bad Mood/7", "severity": 4}]}, {"completion/bad_mood_7/severity": 2}),
        (
            SHIELD,
            {"userPromptAnalysis": {"attackDetected": True}, "documentsAnalysis": [{"attackDetected": False}, {"attackDetected": True}]},
            {"prompt/jailbreak/detected": 1, "prompt/indirect_attack/detected": 1},
        ),
        (SHIELD, {"userPromptAnalysis": {"attackDetected": False}}, {"prompt/jailbreak/detected": 0}),
        (GROUND, {"ungroundedDetected": True, "ungroundedPercentage": 0.5}, {"completion/ungrounded_material/detected": 1}),
        (MATERIAL, {"protectedMaterialAnalysis": {"detected": False}}, {"completion/protected_material_text/detected": 0}),
    ],
)
def test_what_answers_say(question: Question, answer: Any, expected: dict[str, int]) -> None:
    """Documented answers, and categories nobody has heard of."""
    assert findings(question, answer) == expected


@pytest.mark.parametrize("question", [TEXT, SHIELD, GROUND, MATERIAL])
@pytest.mark.parametrize(
    "answer",
    [
        None, [], "safe", {}, {"error": {"code": "x"}}, {"categoriesAnalysis": []}, {"categoriesAnalysis": [None]},
        {"categoriesAnalysis": [{"category": "Hate", "severity": "high"}]}, {"categoriesAnalysis": [{"category": "Hate", "severity": 80}]},
        {"categoriesAnalysis": [{"category": "Hate", "severity": True}]}, {"userPromptAnalysis": {"attackDetected": None}},
        {"userPromptAnalysis": {"attackDetected": True}, "documentsAnalysis": [{}]}, {"ungroundedDetected": "no"},
        {"protectedMaterialAnalysis": {"detected": 1}},
    ],
)  # fmt: skip
def test_junk_is_no_finding(question: Question, answer: Any) -> None:
    """What has not the documented form is unreadable; never safe, never unsafe."""
    with pytest.raises(Unreadable):
        findings(question, answer)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["categoriesAnalysis", "category", "severity", "userPromptAnalysis", "attackDetected", "detected"]), inner, max_size=3), max_leaves=10))  # fmt: skip
def test_any_json_is_read_or_refused(document: Any) -> None:
    """Nothing but Unreadable is raised, and levels stay in their range."""
    for question in (TEXT, SHIELD, GROUND, MATERIAL):
        try:
            found = findings(question, document)
        except Unreadable:
            continue
        assert all(0 <= level <= 3 and key.count("/") == 2 for key, level in found.items())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ContentSafety("ftp://a"), "must start with https"),
        (ContentSafety("http://a.cognitiveservices.azure.com", Secret("k")), "the key is sent in the clear"),
        (ContentSafety("https://169.254.169.254"), "metadata address"),
        (ContentSafety("https://a.cognitiveservices.azure.com/contentsafety/text:analyze"), "ends before '/contentsafety'"),
        (ContentSafety("https://a.cognitiveservices.azure.com?api-version=1"), "ends before '/contentsafety'"),
        (ContentSafety("https://a.cognitiveservices.azure.com", checks=()), "nothing is chosen"),
        (ContentSafety("https://a.cognitiveservices.azure.com", checks=("prompt_shields",), blocklists=("x",)), "only analyze_text"),
    ],
)
def test_addresses_and_checks_that_cannot_be_used(options: ContentSafety, said: str) -> None:
    """Each is refused in a sentence."""
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        options.check()
