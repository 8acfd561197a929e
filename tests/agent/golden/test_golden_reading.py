"""Files of golden sets: what is read, and what is said of every line that cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import InputError
from agent.golden.pair import GoldenSet
from agent.golden.provenance import machine_written
from agent.golden.reading import read
from agent.golden.validating import validated

GOOD: dict[str, Any] = {"question": "Where is my card?", "truth": "On its way.", "source": "support-ticket-17"}


def lines(path: Path, *pairs: Any) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in pairs), "utf-8")
    return path


def said(found: GoldenSet) -> list[str]:
    return [str(one) for one in found.errors]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"question": None}, "line 1: question: is missing or empty"),
        ({"question": "   "}, "line 1: question: is missing or empty"),
        ({"question": ["a"]}, "line 1: question: must be text, not a list"),
        ({"question": "a" * 40_000}, "line 1: question: has 40,000 characters, at most 32,000 can be used; shorten it"),
        ({"question": "a\x07b"}, "line 1: question: holds the control character U+0007 at place 2; remove it"),
        ({"truth": {"a": 1}}, "line 1: truth: must be text, not a mapping"),
        ({"source": None}, "line 1: source: is missing; say who wrote the pair or where it comes from, such as human"),
        ({"source": ""}, "line 1: source: is missing"),
        ({"source": "gpt-4o"}, "line 1: source: says that a model wrote it (gpt-4o); a golden pair is written by people: replace it"),
        ({"source": None, "provenance": "synthetic, checked"}, "line 1: provenance: says that a model wrote it (synthetic)"),
        ({"generated": True}, "line 1: generated: says that a model wrote it (generated: true)"),
        ({"tags": "x" * 80}, 'line 1: tags: must be a list of short texts such as ["billing"]'),
        ({"tags": [str(number) for number in range(30)]}, "line 1: tags: are 30, at most 20 can be told apart"),
        ({"messages": [{"role": "user"}]}, 'line 1: messages: must be a list such as [{"role": "user", "content": "..."}]'),
        ({"question": None, "messages": [{"role": "assistant", "content": "Hi"}]}, "line 1: messages: must be a list such as"),
        ({"messages": [{"role": "user", "content": "Why?"}]}, "line 1: question: is not the last user message of messages"),
    ],
)
def test_a_bad_line_says_line_key_and_way_out(changed: dict[str, Any], words: str, tmp_path: Path) -> None:
    """Each fault is one sentence that begins with the line and the key."""
    pair = {key: value for key, value in {**GOOD, **changed}.items() if value is not None}
    found = read(lines(tmp_path / "a.jsonl", pair))

    assert found.pairs == ()
    assert any(one.startswith(words) for one in said(found)), said(found)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"question": "caf\xe9"}', "line 1: is not UTF-8 (byte 18); parts of the file have another encoding"),
        (b"{question: 1}", "line 1: is no JSON"),
        (b"[1, 2]", "line 1: is no JSON object"),
        (b"\n\n7\n", "line 3: is no JSON object"),
    ],
)
def test_a_line_that_is_no_pair_is_named(body: bytes, words: str, tmp_path: Path) -> None:
    """Junk on one line costs that line; the others are read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(body + b"\n" + json.dumps(GOOD).encode())
    found = read(path)

    assert said(found)[0].startswith(words)
    assert len(found.pairs) == 1


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.txt", b"{}", "a golden set is a .jsonl file (one pair a line) or a .csv file with a header"),
        ("a.jsonl", "{}".encode("utf-16"), "is UTF-16 or binary; save it as UTF-8"),
        ("a.csv", b"frage,antwort\na,b\n", "its first line must name the columns, question among them"),
        ("a.jsonl", json.dumps(GOOD).encode() + b"\n", ""),
    ],
)
def test_a_file_of_another_kind_is_refused(name: str, body: bytes, words: str, tmp_path: Path) -> None:
    """What is no golden set at all is one sentence; a good one is none."""
    (tmp_path / name).write_bytes(body)
    if not words:
        assert len(read(tmp_path / name).pairs) == 1
        return
    with pytest.raises(InputError, match=words.replace("(", r"\(").replace(")", r"\)")):
        read(tmp_path / name)


def test_a_csv_file_is_read(tmp_path: Path) -> None:
    """Cells may span lines, hold commas, and be empty; tags stand apart by semicolons; lines are counted as an editor does."""
    path = tmp_path / "a.csv"
    path.write_text('\ufeffid,question,truth,source,tags\n1,"Where,\nand when?",Here,human,a; b\n2,Why?,,human,\n3,short\n', "utf-8")
    found = read(path)

    assert [(pair.id, pair.question, pair.truth, pair.tags, pair.line) for pair in found.pairs] == [
        ("1", "Where,\nand when?", "Here", ("a", "b"), 2),
        ("2", "Why?", "", (), 4),
    ]
    assert said(found) == ["line 5: has not as many cells as the first line; quote texts that hold commas"]


def test_what_a_pair_holds(tmp_path: Path) -> None:
    """Conversations, numbers as truth, classes and contexts are kept; a pair without id has one that follows its texts."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    both = {"messages": messages, "truth": 4, "class": "arithmetic", "context": "Sums.", "source": "human"}
    first, second = read(lines(tmp_path / "a.jsonl", both, {**GOOD, "id": "card"})).pairs
    (moved,) = read(lines(tmp_path / "b.jsonl", "", both)).pairs

    assert (first.question, first.truth, first.label, first.context) == ("2 + 2?", "4", "arithmetic", "Sums.")
    assert first.conversation == (("system", "Be brief."), ("user", "2 + 2?"))
    assert first.id == moved.id
    assert (second.id, second.line) == ("card", 2)


def test_the_set_as_a_whole_is_looked_at(tmp_path: Path) -> None:
    """Doubled ids and questions, contradicting truths, missing contexts and unknown keys are told; near doubles and few pairs are warnings."""
    path = lines(
        tmp_path / "a.jsonl",
        {**GOOD, "id": "a", "context": "c"},
        {**GOOD, "id": "a", "question": "What else?", "context": "c"},
        {**GOOD, "context": "c"},
        {**GOOD, "truth": "Lost.", "context": "c"},
        {**GOOD, "question": "where is my CARD", "context": "c"},
        {**GOOD, "question": "No context?", "autor": "me"},
    )
    found = validated(read(path), {"truth": ["exact"], "context": ["groundedness", "overlap"]})

    assert said(found) == [
        "line 2: id: a is that of line 1 too; give each pair its own, or leave it out",
        "line 3: question: is that of line 1, and would count twice; remove one",
        "line 4: truth: differs from that of line 1, which asks the same; one of both is wrong",
        "line 6: context: is missing, and groundedness and overlap need it; add it, or leave the evaluator out",
    ]
    assert [str(one) for one in found.warnings] == [
        "line 5: question: is nearly that of line 1; such pairs tell less than two",
        "line 6: autor: unknown key, passed over; known: class, context, generated, id, messages, provenance, question, source, tags, truth",
        "has 2 usable pairs, fewer than 100: a loss of ten points may go unseen, and intervals are wide; add pairs",
    ]


def test_mojibake_is_a_warning(tmp_path: Path) -> None:
    """UTF-8 that was read as something else once is seen, and does not refuse the pair."""
    found = read(lines(tmp_path / "a.jsonl", {**GOOD, "truth": "CafÃ©"}))

    assert len(found.pairs) == 1
    assert "looks like text read in a wrong encoding (U+00C3 at place 4)" in str(found.warnings[0])


@pytest.mark.parametrize(
    ("source", "machine"),
    [
        ("human", False),
        ("support-ticket-1832", False),
        ("written by A. Person, checked by B.", False),
        ("FAQ page, geminispheric section", False),
        ("handbook 2024 chapter o3", False),
        ("chatgpt", True),
        ("GPT_4", True),
        ("Claude 3.5", True),
        ("llm", True),
        ("auto-generated from docs", True),
        ("synthetic", True),
        ("meta-llama/Llama-3-8B", True),
    ],
)
def test_provenance_tells_people_from_models(source: str, machine: bool) -> None:  # noqa: FBT001 - a table
    """Names of models and words for making up are refused, tickets and people are not."""
    assert (machine_written(source) is not None) is machine


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.builds(
                lambda value: json.dumps(value).encode(),
                st.dictionaries(
                    st.sampled_from(["question", "truth", "source", "tags", "messages", "id", "class", "generated"]),
                    st.recursive(
                        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
                        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
                    ),
                ),
            ),
        )
    )
)
def test_any_bytes_become_pairs_or_sentences(parts: list[bytes], tmp_path: Path) -> None:
    """Whatever the file holds, there is no other error than InputError, and every line is a pair or has a remark."""
    for name in ("a.jsonl", "a.csv"):
        path = tmp_path / name
        path.write_bytes(b"\n".join(parts) if name == "a.jsonl" else b"question,source\n" + b"\n".join(parts))
        try:
            found = validated(read(path), {"truth": ["exact"]})
        except InputError:
            continue
        assert all(one.text and "\n" not in one.text for one in found.remarks)
        assert all(pair.source and pair.question.strip() for pair in found.pairs)
