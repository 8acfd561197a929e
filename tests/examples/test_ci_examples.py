"""The pipelines of examples/ci: they are read, the commands in them exist, and the set they run is a sound one."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.cli import parser
from agent.config_file import load
from agent.golden.reading import read
from agent.golden.validating import validated

FOLDER = Path(__file__).parents[2] / "examples" / "ci"
PIPELINES = ("azure-pipelines.yml", "github-actions.yml")
ENVIRONMENT = {"AZURE_OPENAI_ENDPOINT": "https://models.openai.azure.com", "AZURE_OPENAI_KEY": "k"}


def document(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def scripts(found: Any) -> Iterator[str]:
    """Yield every script of a pipeline, wherever it stands."""
    if isinstance(found, dict):
        for name, item in found.items():
            if name in {"script", "run"} and isinstance(item, str):
                yield item
            else:
                yield from scripts(item)
    elif isinstance(found, list):
        for item in found:
            yield from scripts(item)


def commands(name: str) -> list[list[str]]:
    """Return the words of every call of driftline."""
    lines = [line.strip() for script in scripts(document(name)) for line in script.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("driftline ")]


@pytest.mark.parametrize("name", PIPELINES)
def test_the_commands_exist(name: str) -> None:
    """Each call parses with the options of this version, with and without what the script may add."""
    found = commands(name)
    assert [words[:2] for words in found] == [["golden", "validate"], ["golden", "run"]]
    for words in found:
        for added in ([], ["--accept"]):
            given = [word for word in words if word != "$accept"] + (added if "$accept" in words else [])
            parsed = parser("golden").parse_args(given)
            assert (Path(FOLDER.parents[1]) / parsed.config).is_file()
            assert parsed.set in load(FOLDER / "driftline.yaml", ENVIRONMENT).endpoints["support-chat"].golden


@pytest.mark.parametrize("name", PIPELINES)
def test_what_is_written_is_what_is_kept_and_shown(name: str) -> None:
    """The accepted run lies in the folder that is cached, the results are what is published, and keys are secrets."""
    text = (FOLDER / name).read_text("utf-8")
    run = next(words for words in commands(name) if words[1] == "run")
    baseline, results = run[run.index("--baseline") + 1], run[run.index("--junit") + 1]

    assert text.count(f"path: {baseline.rpartition('/')[0]}") >= 1
    assert text.count(results) >= 2
    assert "AZURE_OPENAI_KEY: $(AZURE_OPENAI_KEY)" in text or "AZURE_OPENAI_KEY: ${{ secrets.AZURE_OPENAI_KEY }}" in text


def test_the_set_is_sound() -> None:
    """Each pair of the example has what its evaluators need, and only its number is told."""
    options = load(FOLDER / "driftline.yaml", ENVIRONMENT).endpoints["support-chat"].golden["support"]
    found = validated(read(options.file), options.needs)

    assert found.errors == []
    assert [one.line for one in found.warnings] == [0]
    assert all(options.evaluators["pattern/reference"].passes(_given(pair)) for pair in found.pairs)


def _given(pair: Any) -> Any:
    from agent.golden.evaluators import Given  # noqa: PLC0415 - one line needs it

    return Given(pair, pair.truth)


@pytest.mark.parametrize("name", [*PIPELINES, "driftline.yaml", "golden/support.jsonl"])
def test_the_readme_names_every_file(name: str) -> None:
    """Nothing in the folder is left unsaid."""
    assert f"`{name}`" in (FOLDER / "README.md").read_text("utf-8")
