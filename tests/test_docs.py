"""The documentation says what the code does: options, metrics, components and commands are in it, and its examples are read."""

import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are not among the locked packages
import pytest
import yaml

from agent.cli import COMMANDS, parser
from agent.config import Config, Endpoint
from agent.config_file import read
from agent.config_schema import schema
from agent.config_values import options
from agent.labels.opinions import EVALUATOR
from agent.registry import BUILT_IN, component, names
from agent.sources.otlp import columns
from alerts.builtin import RULES
from bench import __main__ as bench
from detectors.catalog import metrics
from detectors.quality import conversations, retrieval
from detectors.quality.clusters import SEED
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.usage import tools
from detectors.usage.thinning import WEIGHT

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ENVIRONMENT = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=x", "LABELS_TOKEN": "a-token-of-many-letters"}
EXAMPLES = [
    (page.relative_to(ROOT).as_posix(), number, text)
    for page in PAGES
    for number, text in enumerate(re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))
    # A block without any key of ours is another program's, such as Alertmanager's.
    if yaml.safe_load(text).keys() & options(Config).keys()
]


@pytest.mark.parametrize(("page", "number", "text"), EXAMPLES, ids=[f"{page}-{number}" for page, number, _ in EXAMPLES])
def test_every_yaml_block_is_a_configuration(page: str, number: int, text: str) -> None:
    """Examples can be copied: the reader takes them, and the JSON Schema agrees."""
    assert read(text, f"{page}, block {number}", Path("/nowhere"), ENVIRONMENT).version == 1
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(yaml.safe_load(text))) == []


def test_every_option_is_documented() -> None:
    """Each key of the file, of an endpoint and of every component stands in docs/config.md."""
    page = (ROOT / "docs/config.md").read_text("utf-8")
    kinds: list[Any] = [Config, Endpoint, *(component(group, name) for group in BUILT_IN for name in names(group))]
    missing = [f"{kind.__name__}.{key}" for kind in kinds for key in options(kind) if f"| `{key}` |" not in page]

    assert missing == ["Endpoint.name"]


def test_every_component_has_a_heading() -> None:
    """Each source, detector, sink and notifier has its own heading."""
    page = (ROOT / "docs/config.md").read_text("utf-8")

    assert [name for group in BUILT_IN for name in BUILT_IN[group] if f"#### `{name}`" not in page] == []


def test_every_metric_is_documented() -> None:
    """Each metric of the catalogue stands in docs/metrics.md."""
    page = (ROOT / "docs/metrics.md").read_text("utf-8")

    assert [metric.name for metric in metrics() if f"`{metric.name}`" not in page] == []


def test_every_column_is_in_the_table() -> None:
    """The reserved columns of calls, searches, tools, conversations and labels are rows of the table in docs/architecture.md."""
    table = "".join(re.findall(r"^\| `.*$", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE))
    calls = {*columns.NUMBERS, *columns.FLAGS, *columns.CATEGORIES, *columns.TEXTS, *tools.COLUMNS, columns.CALL, columns.CLIENT}
    seldom = {columns.CLOSING, columns.CONVERSATION, columns.TRACE, columns.DOCUMENT_TEXT, SEED, WEIGHT, IMPORTANCE, PROBABILITY, EVALUATOR}
    others = {retrieval.DOCUMENTS, retrieval.BEST, retrieval.MEAN, retrieval.AGE, conversations.CALLS, conversations.ENDING}

    assert sorted(name for name in calls | seldom | others if f"`{name}`" not in table) == []


def test_every_alert_is_on_its_page() -> None:
    """Each built-in rule has a row in the table of docs/alerts.md."""
    page = (ROOT / "docs/alerts.md").read_text("utf-8")

    assert [rule.name for rule in RULES if f"| `{rule.name}` |" not in page] == []


def test_every_command_is_in_the_readme() -> None:
    """The table of commands is whole, and names no command that is not there."""
    told = re.findall(r"^\| `driftline (\w+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)

    assert told == list(COMMANDS)


def test_every_bench_has_its_table() -> None:
    """docs/benchmarks.md has a heading for each bench that `make bench` runs."""
    headings = re.findall(r"^## .*", (ROOT / "docs/benchmarks.md").read_text("utf-8"), re.MULTILINE)

    assert [name for name in bench.NAMES if not any(f"`{name}`" in heading for heading in headings)] == []


def test_every_option_of_check_is_on_its_page() -> None:
    """docs/check.md names each flag of the command."""
    page = (ROOT / "docs/check.md").read_text("utf-8")
    one = next(action for action in parser("check")._actions if action.dest == "command").choices or {}
    flags = [flag for action in dict(one)["check"]._actions for flag in action.option_strings if flag not in {"-h", "--help"}]

    assert [flag for flag in flags if flag not in page] == []


def test_links_lead_somewhere() -> None:
    """Every relative link is a file."""
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")) if "://" not in link]

    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []


def test_paths_in_the_text_are_there() -> None:
    """A file of the project that a page names exists."""
    named = [
        (page.name, path)
        for page in PAGES
        for path in re.findall(r"`((?:agent|alerts|dashboards|detectors|deploy|docs|locks|tests)/[\w./-]+)`", page.read_text("utf-8"))
    ]

    assert [f"{page}: {path}" for page, path in named if not (ROOT / path).exists()] == []
