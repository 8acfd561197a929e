"""Recognisers find what patterns cannot, and a text they did not look through goes nowhere."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.clock import WallClock
from agent.config_file import read
from agent.errors import ConfigError, Permanent, Transient
from agent.judges.held import HeldTexts
from agent.judges.task import Item
from agent.redaction.clearing import Clearing
from agent.redaction.recognisers.azure_language import AzureLanguage
from agent.redaction.recognisers.presidio import Opened as Presidio
from agent.redaction.recognisers.presidio import Presidio as PresidioOptions
from agent.redaction.start import recognising
from agent.secret import Secret
from agent.series import Series
from tests.fakes.language_server import PATH, answer

URL = "https://rehearsal.cognitiveservices.azure.com"


def language(reply: Callable[[httpx.Request], httpx.Response], **options: Any) -> Any:
    """Return the Azure recogniser on a transport."""
    return AzureLanguage(URL, Secret("k" * 16), **options).open(httpx.MockTransport(reply))


def well(request: httpx.Request) -> httpx.Response:
    """Answer as the service does."""
    assert (str(request.url), request.headers["Ocp-Apim-Subscription-Key"]) == (URL + PATH, "k" * 16)
    return httpx.Response(200, json=answer(json.loads(request.content)))


def test_azure_finds_persons_in_texts_of_any_length() -> None:
    """Places are in characters, in every piece of a long text, and a name between two pieces is found whole."""
    text = "\N{SNOWMAN} Ann" + "." * 4_990 + " Ann " + "\N{GRINNING FACE}" * 30_000 + " Ann"
    found = {(start, end, text[start:end], kind) for start, end, kind in language(well).spans(text)}
    assert {(said, kind) for _, _, said, kind in found} == {("Ann", "person")}
    assert {start for start, *_ in found} == {2, text.index(" Ann ") + 1, len(text) - 3}


def test_azure_is_asked_within_its_limits() -> None:
    """At most five documents of 5,120 characters a request; nothing is logged there; offsets are code points."""
    asked: list[Any] = []

    def seen(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return well(request)

    language(seen, categories=("Person",)).spans("x" * 60_000)
    assert all(len(one["analysisInput"]["documents"]) <= 5 for one in asked)
    assert all(len(document["text"]) <= 5_120 for one in asked for document in one["analysisInput"]["documents"])
    expected = {"modelVersion": "latest", "loggingOptOut": True, "stringIndexType": "UnicodeCodePoint", "piiCategories": ["Person"]}
    assert all(one["parameters"] == expected for one in asked)


def reply(**changes: Any) -> Callable[[httpx.Request], httpx.Response]:
    """Return what answers with a document that differs from a sound one."""

    def changed(request: httpx.Request) -> httpx.Response:
        sound = answer(json.loads(request.content))
        sound["results"]["documents"][0] |= changes
        return httpx.Response(200, json=sound)

    return changed


ENTITY = {"text": "Ann", "category": "Person", "offset": 0, "length": 3, "confidenceScore": 0.9}


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (lambda _: httpx.Response(429), Transient),
        (lambda _: httpx.Response(503), Transient),
        (lambda _: httpx.Response(401), Transient),
        (lambda _: httpx.Response(400), Permanent),
        (lambda _: httpx.Response(200, content=b"<html>"), Permanent),
        (lambda _: httpx.Response(200, json=[]), Permanent),
        (lambda _: httpx.Response(200, json={"results": {"documents": [], "errors": [{"id": "0"}]}}), Permanent),
        (lambda _: httpx.Response(200, content=b" " * 2_000_000), Permanent),
        (reply(id="7"), Permanent),
        (reply(entities=[ENTITY | {"offset": 900}]), Permanent),
        (reply(entities=[ENTITY | {"length": -1}]), Permanent),
        (reply(entities=[{"category": "Person"}]), Permanent),
        (reply(entities=None), Permanent),
    ],
)
def test_what_azure_did_not_look_through_is_an_error(served: Callable[[httpx.Request], httpx.Response], expected: type[Exception]) -> None:
    """Refusals, junk, a document left out, places outside the text: never an empty list."""
    with pytest.raises(expected) as error:
        language(served).spans("Ann asked")
    assert "Ann" not in str(error.value)


def test_names_of_azure_are_bounded() -> None:
    """Whatever a category is called, what stands in the text is a short word."""
    found = language(reply(entities=[ENTITY | {"category": "<b>" + "PhoneNumber" * 20}])).spans("Ann asked")
    assert found[0][2].startswith("bphone_number")
    assert len(found[0][2]) <= 32


def test_texts_are_not_sent_in_the_clear() -> None:
    """A plain address beyond this machine is refused at the start."""
    with pytest.raises(ConfigError, match="must start with https"):
        AzureLanguage("http://rehearsal.cognitiveservices.azure.com").check()


@dataclass
class Result:
    """As Presidio's own."""

    start: int
    end: int
    entity_type: str


@dataclass
class Engine:
    """As Presidio's AnalyzerEngine is called."""

    asked: list[Any] = field(default_factory=list)

    def analyze(self, *, text: str, language: str, entities: list[str] | None, score_threshold: float) -> list[Result]:
        """Find the first word."""
        self.asked.append((language, entities, score_threshold))
        return [Result(0, text.index(" "), "PERSON")]


def test_presidio_is_asked_as_its_reference_says() -> None:
    """Language, entities and threshold go in; start, end and type come out."""
    engine = Engine()
    assert Presidio(PresidioOptions(entities=("PERSON",)), engine).spans("Ann asked") == [(0, 3, "person")]
    assert engine.asked == [("en", ["PERSON"], 0.4)]


@dataclass
class Stand:
    """A recogniser, and its options, that do as they are told."""

    finds: Callable[[str], Sequence[tuple[int, int, str]]]
    timeout: float = 5.0
    opened: int = 0

    def open(self) -> "Stand":
        """Count that it was loaded."""
        self.opened += 1
        return self

    def spans(self, text: str) -> Sequence[tuple[int, int, str]]:
        """Do as told."""
        return self.finds(text)


def dropped(series: Series) -> float:
    """Return how many texts were dropped unseen."""
    found = [one.value for one in series.totals(WallClock().now()) if dict(one.attributes).get("reason") == "unrecognised"]
    return sum(value for value in found if isinstance(value, float | int))


def test_what_is_found_is_taken_out_as_a_text_leaves_the_memory() -> None:
    """Of every text of a call, once it is taken; other endpoints are left alone; the model is loaded once, and only then."""
    stand, series = Stand(lambda text: [(0, 3, "person")] if text.startswith("Ann") else []), Series()
    held = HeldTexts(clear=Clearing({"shop": {"stand": stand}}, series))
    for identity, endpoint in ((1, "shop"), (2, "shop"), (3, "other")):
        held.put(endpoint, identity, Item("Ann asked", "Ann has it", "Ann"), identity)
    assert stand.opened == 0
    assert held.take("shop", 1) == Item("<person> asked", "<person> has it", "<person>")
    assert held.take("shop", 2) == Item("<person> asked", "<person> has it", "<person>")
    held.put("content_safety/shop", 1, Item("Ann asked"), 1)
    assert held.take("content_safety/shop", 1) == Item("<person> asked")
    assert held.take("other", 3) == Item("Ann asked", "Ann has it", "Ann")
    assert (stand.opened, dropped(series)) == (1, 0)


def test_what_fails_takes_the_text_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """It is counted, told once and without the text; after five failures nobody is asked for a while."""
    asked: list[str] = []

    def fails(text: str) -> Sequence[tuple[int, int, str]]:
        asked.append(text)
        raise ValueError(text)

    series, now = Series(), [0.0]
    clear = Clearing({"shop": {"stand": Stand(fails)}}, series, lambda: now[0])
    assert [clear("shop", Item("Ann asked", "Yes")) for _ in range(20)] == [None] * 20
    assert (len(asked), dropped(series), len(caplog.records)) == (5, 20, 1)
    assert "texts it did not look through are dropped" in caplog.text
    assert "Ann" not in caplog.text
    now[0] = 20.0
    clear("shop", Item("Ann asked", "Yes"))
    assert len(asked) == 6


def test_what_hangs_is_not_waited_for() -> None:
    """A recogniser that never answers costs its time-out, and the texts behind it are dropped as well."""
    free = threading.Event()

    def hangs(_: str) -> Sequence[tuple[int, int, str]]:
        free.wait(30)
        return []

    series = Series()
    # A second of grace is added to it.
    clear = Clearing({"shop": {"stand": Stand(hangs, timeout=-0.9)}}, series)
    try:
        assert [clear("shop", Item("Ann asked", "Yes")) for _ in range(2)] == [None, None]
        assert dropped(series) == 2
    finally:
        free.set()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("content: features, redact: {recognisers: {azure_language: {url: 'https://a.example'}}}", "write content: transient"),
        ("content: transient, redact: {recognisers: {azure_language: {}}}", "recognisers.azure_language.url: is required"),
        ("content: transient, redact: {recognisers: {azure: {}}}", "unknown component 'azure'"),
        ("content: transient, redact: {recognisers: {presidio: {model: no_such_model}}}", "not installed"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(options: str, words: str, tmp_path: Path) -> None:
    """A recogniser nobody would ask, or that is not there, is no silent gap."""
    with pytest.raises(ConfigError, match=words):
        read(f"sources: {{otlp: {{}}}}\nendpoints: {{shop: {{{options}}}}}", "driftline.yaml", tmp_path, {})


def test_a_configuration_without_any_asks_nobody(tmp_path: Path) -> None:
    """Nothing is wrapped around the texts then."""
    assert recognising(read("sources: {otlp: {}}", "driftline.yaml", tmp_path, {}), Series()) is None
