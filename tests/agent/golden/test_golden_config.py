"""`golden` in the configuration: what is read, what is refused and in which words."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among the locked packages
import pytest
import yaml

from agent.config_file import read
from agent.config_hash import config_hash
from agent.config_reference import reference
from agent.config_schema import schema
from agent.config_values import options
from agent.errors import ConfigError
from agent.golden.evaluators.form import Pattern
from agent.golden.options import GoldenOptions
from agent.golden.targets.chat import AzureOpenai
from agent.registry import names

KEYS: dict[str, Any] = {
    "file": "pairs.jsonl",
    "target": {"azure_openai": {"url": "https://a.openai.azure.com", "deployment": "gpt", "key": "${env:KEY}"}},
    "evaluators": {"exact": {}},
}


def text(**changed: Any) -> str:
    """Return a file with a set whose keys are changed; None leaves one out."""
    keys = {name: value for name, value in {**KEYS, **changed}.items() if value is not None}
    return yaml.safe_dump({"endpoints": {"chat": {"golden": {"nightly.de": keys}}}})


def wanted(**changed: Any) -> GoldenOptions:
    found = read(text(**changed), "driftline.yaml", Path("/nowhere"), {"KEY": "hunter2"})
    one = found.endpoints["chat"].golden["nightly.de"]
    assert isinstance(one, GoldenOptions)
    return one


def test_what_is_read() -> None:
    """A set is read whole, relative to its file, and the JSON Schema agrees; a configuration may hold nothing else."""
    written = {"evaluators": {"exact": {"least_ratio": 0.9}, "pattern/ref": {"regex": r"\d"}}, "every": "24h", "at": "02:30", "repeats": 5}
    found = wanted(**written)

    assert found.file == Path("/nowhere/pairs.jsonl")
    assert isinstance(found.target, AzureOpenai)
    assert found.evaluators["pattern/ref"] == Pattern(r"\d")
    assert (found.every, found.at, found.repeats, found.shown_under) == (timedelta(days=1), "02:30", 5, "gpt")
    assert "hunter2" not in repr(found)
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(text(**written)))) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"file": None}, "endpoints.chat.golden.nightly.de.file: is required"),
        ({"target": None}, "endpoints.chat.golden.nightly.de.target: is required"),
        ({"target": {}}, "endpoints.chat.golden.nightly.de: target: names no endpoint to ask"),
        (
            {"target": {"azureml": {"url": "https://a/score"}, "openai": {"url": "https://a/v1", "model": "m"}}},
            "target: must name one target",
        ),
        (
            {"target": {"opnai": {}}},
            "target.opnai: unknown component 'opnai'; known: azure_openai, azureml, databricks, openai; did you mean openai?",
        ),
        ({"target": {"openai": {"url": "http://a.example/v1", "model": "m", "key": "k"}}}, "target.openai.url: must start with https://"),
        ({"evaluators": {}}, "evaluators: none is named, so every answer would pass"),
        ({"evaluators": {"exat": {}}}, "evaluators.exat: unknown component 'exat'"),
        ({"evaluators": {"pattern": {"regex": "("}}}, "evaluators.pattern.regex: '(' is no regular expression"),
        ({"evaluators": {"exact": {"least_ratio": 90}}}, "evaluators.exact.least_ratio: 90 should be less than or equal to 1"),
        ({"evaluators": {"similarity": {}}}, "judge: is needed by similarity; name the model that scores"),
        ({"evaluators": {"similarity": {"at_least": 6}}}, "evaluators.similarity.at_least: 6 should be less than or equal to 5"),
        (
            {"evaluators": {"similarity": {}}, "judge": {"url": "http://127.0.0.1:1/v1", "model": "m", "kind": "evidently"}},
            "judge.kind: evidently has no similarity; leave kind out, or those",
        ),
        ({"judge": {"url": "http://a.example/v1", "model": "m", "key": "k"}}, "judge.url: must start with https://"),
        ({"repeats": 0}, "repeats: 0 should be greater than or equal to 1"),
        ({"every": "10s"}, "every: 10s should be greater than or equal to 1 minute"),
        ({"at": "2:30", "every": "24h"}, 'at: 2:30 is no time of day; write "02:30", in quotes'),
        ({"at": "02:30"}, "at: is for runs once a day or less often; write every: 24h"),
        ({"budget": {"money": 5}}, "budget.money: bounds nothing without prices"),
        ({"fiel": "a"}, "golden.nightly.de.fiel: unknown key"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    """Each fault names the key, the value and the way out, and never a secret."""
    with pytest.raises(ConfigError) as caught:
        wanted(**changed)

    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_golden_set_changes_no_score() -> None:
    """Adding one leaves the fingerprint of an endpoint's scores as it was."""
    with_set = read(text(), "a", Path("/nowhere"), {"KEY": "k"}).endpoints["chat"]
    without = read("sources: {otlp: {}}\nendpoints: {chat: {}}", "a", Path("/nowhere"), {}).endpoints["chat"]

    assert config_hash(with_set) == config_hash(without)


def test_every_option_is_in_the_reference() -> None:
    """Keys of a set, targets and evaluators stand in what docs/config.md is written from."""
    page = reference()

    assert [key for key in options(GoldenOptions) if f"| `{key}` |" not in page] == []
    assert [name for name in (*names("targets"), *names("evaluators")) if f"#### `{name}`" not in page] == []
