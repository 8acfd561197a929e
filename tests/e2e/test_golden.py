"""`driftline golden` as a pipeline meets it: processes, exit codes, JSON and JUnit; and the agent that runs a set by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.golden_endpoint import KEY, GoldenEndpoint, pairs_file

LOST = frozenset(f"What is the capital of {number}?" for number in range(0, 80, 4))


@pytest.fixture
def endpoint() -> Iterator[GoldenEndpoint]:
    with GoldenEndpoint(flake=0.03).serve() as served:
        yield served


def written(folder: Path, endpoint: GoldenEndpoint, count: int = 120, more: str = "", evaluators: str = "exact: {}, length: {}") -> Path:
    """Write a configuration with one set, and its pairs."""
    pairs_file(folder / "pairs.jsonl", count)
    (folder / "driftline.yaml").write_text(
        f"""
state: {folder / "state"}
interval: 1s
endpoints:
  chat:
    golden:
      nightly:
        file: pairs.jsonl
        target: {{azure_openai: {{url: "{endpoint.url}", deployment: gpt, key: "${{env:GOLDEN_KEY}}", timeout: 2}}}}
        evaluators: {{{evaluators}}}
        judge: {{url: "{endpoint.url}/v1", model: judge, key: "${{env:GOLDEN_KEY}}"}}
        {more}
"""
    )
    return folder / "driftline.yaml"


def golden(*arguments: str | Path, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "agent", "golden", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOLDEN_KEY": key},
    )


def test_a_pipeline_from_the_first_run_to_a_regression(endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """Accept, stay the same, get worse: exit codes 0, 0 and 1, with JUnit and JSON that name what got worse, and no text in any file."""
    path, accepted, results = written(tmp_path, endpoint), tmp_path / "accepted.json", tmp_path / "golden.xml"
    run: list[str | Path] = ["run", "nightly", "-c", path, "--baseline", accepted, "--junit", results]

    first = golden(*run, "--accept")
    assert (first.returncode, first.stderr) == (0, "")
    assert "accepted: later runs are compared with this one" in first.stdout
    assert parse(results).getroot().get("failures") == "0"  # noqa: S314 - our own

    same = golden(*run)
    assert (same.returncode, ": stable" in same.stdout) == (0, True)

    endpoint.lost, endpoint.fingerprint = LOST, "fp_b"
    worse = golden(*run, "--json")
    said = json.loads(worse.stdout)
    assert (worse.returncode, said["version"], said["verdict"]) == (1, 1, "regressed")
    assert said["comparison"]["evaluators"]["exact"]["verdict"] == "regressed"
    assert said["comparison"]["tags"][0]["tag"] == "topic-0"
    assert said["comparison"]["changes"] == [{"what": "fingerprint", "old": "fp_a", "new": "fp_b"}]
    assert {one["id"] for one in said["comparison"]["pairs"]} <= {f"p-{number}" for number in range(120)}
    suites = parse(results).getroot()  # noqa: S314 - our own
    failed = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase") if case.find("failure") is not None]
    assert failed == [("golden.nightly.regression", "overall"), ("golden.nightly.regression", "exact")]
    assert len([case for case in suites.iter("testcase") if case.get("classname") == "golden.nightly.pairs"]) == 120
    for text in (worse.stdout, results.read_text(), accepted.read_text()):
        assert "capital" not in text
        assert KEY not in text
    assert endpoint.seen["/openai/deployments/gpt/chat/completions"] == 3 * 360


def test_a_judge_scores_what_words_cannot(endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """Answers that pass by the judge's score pass; a judge that turns strict is seen as the evaluator that got worse."""
    endpoint.flake = 0.0
    path, accepted = written(tmp_path, endpoint, evaluators="similarity: {at_least: 4}"), tmp_path / "accepted.json"
    run: list[str | Path] = ["run", "nightly", "-c", path, "--baseline", accepted, "--repeats", "1", "--json"]

    good = golden(*run, "--accept")
    said = json.loads(good.stdout)
    assert (good.returncode, said["evaluators"]["similarity"]["value"]) == (0, 1.0)
    assert (said["warnings"][0][:10], said["tokens"] > 120 * 25) == ("one repeat", True)
    endpoint.verdict = 3
    bad = golden(*run)
    assert (bad.returncode, json.loads(bad.stdout)["verdict"]) == (1, "regressed")


def test_80_pairs_are_warned_about(endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """Fewer than 100 pairs: a warning from both commands, no failure; with --strict the code for too little data."""
    path = written(tmp_path, endpoint, 80)

    checked = golden("validate", tmp_path / "pairs.jsonl")
    assert (checked.returncode, "warning: has 80 usable pairs, fewer than 100" in checked.stdout) == (0, True)
    assert golden("validate", tmp_path / "pairs.jsonl", "--strict").returncode == 3
    ran = golden("run", "nightly", "-c", path, "--repeats", "1")
    assert (ran.returncode, "warning: 80 pairs are fewer than 100" in ran.stdout) == (0, True)


def test_a_broken_file_is_told_line_by_line(endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """Errors end with 2, before anything is asked; --json has every one of them."""
    path = written(tmp_path, endpoint)
    with (tmp_path / "pairs.jsonl").open("a") as file:
        file.write('{"question": "Why?", "truth": "So.", "source": "gpt-4o"}\nnonsense\n')

    found = golden("validate", "nightly", "-c", path, "--json")
    said = json.loads(found.stdout)
    assert (found.returncode, said["verdict"], said["usable"], [one["line"] for one in said["errors"]]) == (2, "invalid", 120, [121, 122])
    ran = golden("run", "nightly", "-c", path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "pairs.jsonl: line 121: source: says that a model wrote it (gpt-4o)" in ran.stderr
    assert not endpoint.seen


@pytest.mark.parametrize(
    ("mode", "key", "code", "words"),
    [
        ("well", "another", 4, "auth"),
        ("down", KEY, 4, "server"),
        ("junk", KEY, 3, "unreadable"),
        ("hang", KEY, 4, "timeout"),
        ("filtered", KEY, 3, "filtered"),
    ],
)
def test_what_cannot_be_asked_is_no_verdict(mode: str, key: str, code: int, words: str, endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """Nobody there is 4, nothing to judge is 3: never a pass, never a regression; such a run is not accepted."""
    endpoint.mode = mode  # type: ignore[assignment] # from a table
    path, accepted = written(tmp_path, endpoint, 8), tmp_path / "accepted.json"
    ran = golden("run", "nightly", "-c", path, "--repeats", "1", "--baseline", accepted, "--accept", key=key)

    assert (ran.returncode, ran.stderr) == (code, "")
    assert words in ran.stdout
    assert "not accepted" in ran.stdout
    assert json.loads(accepted.read_text())["accepted"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "weekly"], "golden: unknown set 'weekly'; known: nightly; or name a .jsonl or .csv file"),
        (["run", "nightly", "--accept"], "--accept: says that this run is the new normal, but not where to keep it; give --baseline FILE"),
        (["run", "nightly", "--endpoint", "chta"], "--endpoint: unknown 'chta'; known: chat; did you mean chat?"),
        (["run", "nightly", "--fail-on", "x"], "unknown 'x'; known: regression, threshold, suspicion, change"),
        (["run", "nightly", "--repeats", "0"], "0 is no number from 1 to 10"),
        (["accept", "nightly"], "golden: no run of 'nightly' of endpoint 'chat' is stored"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], words: str, endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """Exit code 2, one line on standard error, nothing asked."""
    ran = golden(*arguments, "-c", written(tmp_path, endpoint))

    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert words in ran.stderr
    assert not endpoint.seen


def test_the_agent_runs_a_set_beside_its_traffic(endpoint: GoldenEndpoint, tmp_path: Path) -> None:
    """A configuration with nothing but a golden set is run by the agent; what it finds is on /metrics, as canary traffic; accept reaches it."""
    port = free_port()
    path = written(tmp_path, endpoint, more="every: 1h")
    text = path.read_text() + f"sinks:\n  prometheus: {{listen: 127.0.0.1:{port}}}\n"
    agent = AgentProcess(tmp_path, text, port, {"GOLDEN_KEY": KEY})
    try:
        agent.start()
        agent.wait_for_line("accepted as the first run")
        agent.until(lambda: agent.total("driftline_canary_answers_total", outcome="answered", dataset="nightly", traffic="canary") == 360)
        assert 0.9 < agent.total("driftline_canary_pass_ratio", endpoint="chat", deployment="gpt", traffic="canary") <= 1
        assert agent.total("driftline_requests_total") == 0
        accepted = golden("accept", "nightly", "-c", tmp_path / "driftline.yaml")
        assert (accepted.returncode, "is the accepted one now" in accepted.stdout) == (0, True)
    finally:
        assert agent.stop() == 0
    assert not any("capital" in line or KEY in line for line in agent.log)
