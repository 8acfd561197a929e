"""Safety counts of every recorded client equal what the service it spoke to said; what a client drops is not counted at all."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent.captures import Captures
from detectors import catalog
from detectors.safety.safety import Safety
from tests.fakes.filtering_azure import SENT

FOLDER = Path(__file__).parents[2] / "data" / "otlp"
CAPTURES = Captures.of(FOLDER)
NAMES = sorted(CAPTURES.captures)
# Of what was sent only prompts were looked at for jailbreaks, only completions for protected material.
MARKS = {"prompt": "jailbreak", "completion": "protected_material_text"}


def sent(name: str, call: str, direction: str) -> list[tuple[str, str, str, str]]:
    """Return what the service said of one direction of a call: direction, category, severity, action."""
    azure = CAPTURES.captures[name].azure or call == "blocked"
    verdicts: Mapping[str, Any] = SENT[call].get(direction, {}) if azure else {}
    found = []
    for category, verdict in verdicts.items():
        if category == "error":
            found.append((direction, "unknown", "not_run", "passed"))
            continue
        unsafe = verdict.get("detected") or verdict.get("severity", "safe") != "safe"
        action = "blocked" if verdict["filtered"] else "annotated" if unsafe else "passed"
        found.append((direction, category, verdict.get("severity", "none"), action))
    return found


@cache
def raw(name: str) -> list[str]:
    """Return what a capture holds of each call as text, with its log records and the failure of the span around it, in the order they ended.

    A chain's span repeats its last answer; whose results those are it does not say.
    """
    spans = list(_records(name, "traces"))
    by_id = {span["spanId"]: span for span in spans}
    told = [*_records(name, "logs")]
    texts = []
    for row in CAPTURES.rows(name):
        ended = [span for span in spans if int(span["endTimeUnixNano"]) == row["time"]]
        assert ended
        related = [*ended, *(by_id[span["parentSpanId"]] for span in ended if span.get("parentSpanId") in by_id)]
        related = [span for span in related if span in ended or span.get("status", {}).get("code") == 2]
        related += [record for record in told if record.get("spanId") in {span["spanId"] for span in ended}]
        texts.append(json.dumps(related).replace("\\", ""))
    return texts


def _records(name: str, signal: str) -> Iterator[dict[str, Any]]:
    path = FOLDER / f"{name}.{signal}.json"
    document = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for group in document.get("resourceSpans", document.get("resourceLogs", ())):
        for scope in group.get("scopeSpans", group.get("scopeLogs", ())):
            yield from scope.get("spans", scope.get("logRecords", ()))


def carried(name: str, call: str, text: str, direction: str) -> list[tuple[str, str, str, str]]:
    """Return what of that a capture holds, as its raw text tells."""
    said = sent(name, call, direction)
    if call.startswith("responses"):
        return said if "content_filter" in text else []
    if call == "not_run":
        # Both directions say the same: where they stand is as in the other answers of the client.
        usual = raw(name)[CAPTURES.captures[name].calls.index("chat")]
        return said if "content_filter_error" in text and carried(name, "chat", usual, direction) else []
    if re.search(rf"{MARKS[direction]}\W", text):
        return said
    # Of a stream some clients keep the last piece only, which says what was violated.
    return [one for one in said if direction == "completion" and f'"{one[1]}": {{"filtered": true' in text]


def test_every_capture_is_in_the_index() -> None:
    """And all that the index names is there."""
    assert sorted(path.name.removesuffix(".traces.pb") for path in FOLDER.glob("*.traces.pb")) == NAMES
    assert {call for capture in CAPTURES.captures.values() for call in capture.calls} <= CAPTURES.kinds.keys()
    assert {name: sorted(said) for name, said in SENT.items()} == {name: sorted(kind.filters) for name, kind in CAPTURES.kinds.items()}


@pytest.mark.parametrize("name", NAMES)
def test_filter_results_are_those_that_were_sent(name: str) -> None:
    """Call by call and direction by direction: all that the capture carries, and nothing where it carries nothing."""
    calls, rows = CAPTURES.captures[name].calls, CAPTURES.rows(name)
    assert len(rows) == len(calls)
    for call, row, text in zip(calls, rows, raw(name), strict=True):
        for direction in ("prompt", "completion"):
            expected = carried(name, call, text, direction)
            found = [tuple(one.split("/")) for one in row.get("filters", "").split("|") if one.startswith(direction)]
            assert sorted(found) == sorted(expected), f"{call}, {direction}"


@pytest.mark.parametrize("name", NAMES)
def test_safety_counts_are_those_that_were_sent(name: str) -> None:
    """The counters: each call once, a filtered stream and a blocked prompt too, a filter that failed apart, nothing made up."""
    expected: dict[str, Counter[str]] = {"checked": Counter(), "filtered": Counter(), "not_run": Counter()}
    for call, text in zip(CAPTURES.captures[name].calls, raw(name), strict=True):
        told = [one for way in MARKS for one in carried(name, call, text, way)]
        if call == "blocked" and not told:
            told = [("prompt", "unknown", "none", "blocked")]
        for direction, category, severity, action in told:
            key = f"{direction}/{category}"
            expected["not_run" if severity == "not_run" else "checked"][key] += 1
            if action != "passed":
                expected["filtered"][f"{key}/{severity}/{action}"] += 1
    detector = Safety()
    state = detector.restore(None)
    names = {catalog.SAFETY_CHECKED: "checked", catalog.SAFETY_FILTERED: "filtered", catalog.SAFETY_NOT_RUN: "not_run"}
    counted: dict[str, Counter[str]] = {"checked": Counter(), "filtered": Counter(), "not_run": Counter()}
    for batch in CAPTURES.batches(name):
        for total in detector.totals(detector.observe(state, batch)):
            if total.metric in names:
                parts = [total.attributes.get(part) for part in ("direction", "category", "filter_severity", "action")]
                counted[names[total.metric]]["/".join(part for part in parts if part)] += int(total.value)
    assert counted == expected
    assert sum(count for key, count in counted["filtered"].items() if key.startswith("prompt") and key.endswith("blocked")) == 1


def test_some_client_carries_each_kind_of_result() -> None:
    """The captures put to the test: a filtered stream, a failed filter, an unknown category, in both directions."""
    entries: Counter[tuple[str, str]] = Counter()
    for name in NAMES:
        for call, row in zip(CAPTURES.captures[name].calls, CAPTURES.rows(name), strict=True):
            entries.update((call, one) for one in row.get("filters", "").split("|"))
    for call, entry in (
        ("cut_stream", "completion/violence/medium/blocked"),
        ("not_run", "prompt/unknown/not_run/passed"),
        ("not_run", "completion/unknown/not_run/passed"),
        ("novel", "prompt/task_adherence/none/annotated"),
        ("responses", "prompt/hate/safe/passed"),
        ("blocked", "prompt/jailbreak/none/blocked"),
    ):
        assert entries[call, entry] >= 3, (call, entry)
