"""Which set is run, and what a run counts: rounds, tokens, money, and the judge beside the endpoint."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from agent.config import Config, Endpoint
from agent.errors import ConfigError
from agent.golden.choosing import chosen
from agent.golden.evaluators.judged import Fluency, Similarity
from agent.golden.evaluators.matching import Exact
from agent.golden.options import Budget, GoldenOptions
from agent.golden.reading import read
from agent.golden.run import OVERALL, Run
from agent.golden.running import Around, run
from agent.golden.targets.chat import Openai
from agent.judges.chat import Chat
from agent.judges.spend import Spent
from agent.secret import Secret
from tests.fakes.golden_endpoint import KEY, GoldenEndpoint, pairs_file

NIGHT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
CHAT = Chat("http://127.0.0.1:1/v1", "judge", Secret(KEY))


def options(**changed: Any) -> GoldenOptions:
    target = Openai("http://127.0.0.1:1/v1", "gpt", Secret(KEY))
    return GoldenOptions(**{"file": Path("pairs.jsonl"), "target": target, "evaluators": {"exact": Exact()}, "concurrency": 1, **changed})


def put(folder: Path, endpoint: GoldenEndpoint, wanted: GoldenOptions, spent: Spent | None = None, step: float = 0.0) -> tuple[Run, Spent]:
    """Run a set of ten pairs; each request takes `step` seconds of the clock."""
    clock = [NIGHT]

    def answer(request: httpx.Request) -> httpx.Response:
        clock[0] += timedelta(seconds=step)
        body = json.loads(request.content)
        endpoint.bodies.append(body)
        status, said = endpoint._said(request.url.path, {"Authorization": f"Bearer {KEY}"}, body)
        return httpx.Response(status, json=said)

    transport = httpx.MockTransport(answer)

    def elapsed() -> float:
        return (clock[0] - NIGHT).total_seconds()

    around = Around(lambda: clock[0], elapsed, lambda _: False, Random(1), transport, transport)
    pairs = read(pairs_file(folder / "pairs.jsonl", 10)).pairs
    return run("nightly", "chat", wanted, pairs, around, spent)


def test_questions_go_in_rounds(tmp_path: Path) -> None:
    """Repeats of one question lie a whole round apart."""
    endpoint = GoldenEndpoint()
    found, _ = put(tmp_path, endpoint, options(repeats=2))

    asked = [body["messages"][-1]["content"] for body in endpoint.bodies]
    assert asked == [f"What is the capital of {number}?" for number in range(10)] * 2
    assert [one.passes[OVERALL] for one in found.pairs] == [(2, 2)] * 10


@pytest.mark.parametrize("step", [0.0, 4.0])
def test_tokens_and_money_are_counted(step: float, tmp_path: Path) -> None:
    """The endpoint's and the judge's, at their prices; a run that goes past midnight counts what it spent on both days, never less than nothing."""
    budget = Budget(input_price=10.0, output_price=20.0, money=100.0)
    wanted = options(repeats=1, judge=CHAT, evaluators={"similarity": Similarity(), "fluency": Fluency()}, budget=budget)
    before = Spent(NIGHT.date(), tokens=1000, money=1.0)
    found, spent = put(tmp_path, GoldenEndpoint(), wanted, before, step)

    # Twenty calls (ten answers, ten verdicts of both criteria) of 20 tokens read and 5 written.
    assert found.tokens == 500
    assert found.money == pytest.approx(20 * (20 * 10 + 5 * 20) / 1e6)
    assert spent.day == (NIGHT + timedelta(seconds=20 * step)).date()
    assert spent.tokens == 1500 if not step else spent.tokens <= 250
    assert found.models == {"gpt-4o-2024-08-06": 10}


def test_azures_similarity_judges_a_set(tmp_path: Path) -> None:
    """The same pairs, the SDK's question for each answer; tokens are those of both models."""
    try:
        version("azure-ai-evaluation")
    except PackageNotFoundError:
        pytest.skip("azure-ai-evaluation is not installed: pip install 'driftline[azure-evaluation]'")

    class Judged(GoldenEndpoint):
        """Scores 4 where it is shown what the SDK asks."""

        def _said(self, path: str, headers: Mapping[str, str], body: Any) -> tuple[int, Any]:
            status, said = super()._said(path, headers, body)
            if body["model"] == "judge":
                assert "Equivalence" in str(body["messages"])
                said["choices"][0]["message"]["content"] = '{"reason": "r", "score": 4}'
            return status, said

    wanted = options(repeats=1, judge=replace(CHAT, kind="azure_ai_evaluation"), evaluators={"similarity": Similarity()})
    found, _ = put(tmp_path, Judged(), wanted)
    assert [one.passes["similarity"] for one in found.pairs] == [(1, 1)] * 10
    assert found.tokens == 500


@pytest.mark.parametrize("outage", [300.0, 3600.0])
def test_a_judge_that_stalls_is_waited_for(outage: float, tmp_path: Path) -> None:
    """Five minutes of 429 cost no score and double nothing; after an hour of it the missing scores are gaps, and no failures."""
    endpoint, clock, judged = GoldenEndpoint(), [NIGHT], 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal judged
        body = json.loads(request.content)
        if body["model"] == "judge" and clock[0] < NIGHT + timedelta(seconds=outage):
            return httpx.Response(429, headers={"Retry-After": "10"}, json={})
        judged += body["model"] == "judge"
        status, said = endpoint._said(request.url.path, {"Authorization": f"Bearer {KEY}"}, body)
        return httpx.Response(status, json=said)

    def wait(seconds: float) -> bool:
        clock[0] += timedelta(seconds=seconds)
        return False

    transport = httpx.MockTransport(answer)
    around = Around(lambda: clock[0], lambda: 0.0, wait, Random(1), transport, transport)
    wanted = options(repeats=1, judge=CHAT, evaluators={"similarity": Similarity()})
    found, _ = run("nightly", "chat", wanted, read(pairs_file(tmp_path / "pairs.jsonl", 10)).pairs, around)

    passed = [one.passes["similarity"] for one in found.pairs]
    if outage < 900:
        assert (passed, judged, dict(found.judge_gaps), found.missing) == ([(1, 1)] * 10, 10, {}, 0.0)
    else:
        assert (passed, judged, found.missing) == ([(0, 0)] * 10, 0, 1.0)
        assert sum(found.judge_gaps.values()) == 10


def test_a_judge_nobody_is_let_in_to_is_not_waited_for(tmp_path: Path) -> None:
    """A wrong key of the judge leaves gaps at once."""
    waits = list[float]()

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if body["model"] == "judge":
            return httpx.Response(401, json={})
        return httpx.Response(200, json=GoldenEndpoint()._said("/v1", {"Authorization": f"Bearer {KEY}"}, body)[1])

    transport = httpx.MockTransport(answer)
    around = Around(lambda: NIGHT, lambda: 0.0, lambda seconds: bool(waits.append(seconds)), Random(1), transport, transport)  # type: ignore[func-returns-value] # None is no stop
    wanted = options(repeats=1, judge=CHAT, evaluators={"similarity": Similarity()})
    found, _ = run("nightly", "chat", wanted, read(pairs_file(tmp_path / "pairs.jsonl", 10)).pairs, around)

    assert (found.missing, sum(waits)) == (1.0, 0.0)
    assert set(found.judge_gaps) <= {"auth", "breaker_open"}


def test_an_exhausted_budget_asks_nothing(tmp_path: Path) -> None:
    """What the day has spent already counts."""
    endpoint = GoldenEndpoint()
    found, spent = put(tmp_path, endpoint, options(budget=Budget(tokens=1000)), Spent(NIGHT.date(), tokens=1000))

    assert (dict(found.outcomes), found.tokens, spent.tokens, endpoint.bodies) == ({"budget": 30}, 0, 1000, [])
    assert found.missing == 1.0


def several(**sets: dict[str, GoldenOptions]) -> Config:
    return Config(endpoints={name: Endpoint(name, golden=golden) for name, golden in sets.items()})


def test_a_name_or_a_file_is_chosen(tmp_path: Path) -> None:
    """A name means its set, a file the settings of the only one; --endpoint tells sets of one name apart."""
    one, two = several(chat={"nightly": options()}), several(chat={"nightly": options()}, mail={"nightly": options(repeats=5)})

    assert chosen(one, "nightly", None).endpoint == "chat"
    file = chosen(one, str(tmp_path / "other.jsonl"), None)
    assert (file.name, file.options.file) == ("other", tmp_path / "other.jsonl")
    assert chosen(two, "nightly", "mail").options.repeats == 5


@pytest.mark.parametrize(
    ("config", "wanted", "endpoint", "words"),
    [
        (several(), "nightly", None, "golden: no set is configured; add endpoints.NAME.golden.NAME with file, target and evaluators"),
        (several(chat={}), "nightly", "chat", "golden: no set is configured; add endpoints.chat.golden.NAME"),
        (several(chat={"a": options()}), "b", None, "golden: unknown set 'b'; known: a; or name a .jsonl or .csv file"),
        (several(chat={"a": options()}, mail={"a": options()}), "a", None, "may be meant for a of chat, a of mail; choose with --endpoint"),
        (several(chat={"a": options()}, mail={"b": options()}), "x.jsonl", None, "may be meant for a of chat, b of mail; choose with"),
        (several(chat={"a": options()}), "a", "chta", "--endpoint: unknown 'chta'; known: chat; did you mean chat?"),
    ],
)
def test_what_is_not_clear_is_asked_back(config: Config, wanted: str, endpoint: str | None, words: str) -> None:
    """One sentence that names what there is."""
    with pytest.raises(ConfigError) as caught:
        chosen(config, wanted, endpoint)

    assert words in str(caught.value)
