"""Tests the table of clients."""

from pathlib import Path

import pytest

from agent.captures import Captures
from agent.dialect_reference import dialect_reference

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/data/otlp"


@pytest.fixture(scope="module")
def page() -> str:
    """The table as it is drawn now."""
    return dialect_reference(FOLDER)


def test_the_committed_page_is_current(page: str) -> None:
    """What the recorded clients give is what docs/dialects.md says."""
    assert (ROOT / "docs/dialects.md").read_text("utf-8") == page


def test_every_client_has_its_lines(page: str) -> None:
    """One in each table it belongs to."""
    lines = page.splitlines()
    for capture in Captures.of(FOLDER).captures.values():
        assert sum(line.startswith(f"| {capture.client} |") for line in lines) == (3 if capture.azure else 2)


def test_what_is_not_carried_is_told(page: str) -> None:
    """A client that drops the filter's results, one that keeps them, one that keeps some, and one that never says the category."""
    for line in (
        "| Langfuse | no | no | yes, as `unknown` |",
        "| OpenInference, Azure | yes | yes | yes, as `unknown` |",
        "| LangChain, OpenInference | 4 of 7: not `stream`, `cut`, `cut_stream` | 4 of 7: not `stream`, `cut`, `cut_stream` | yes, with its category |",
        "| Azure AI inference | no | no | yes, with its category |",
    ):
        assert line in page


def test_a_folder_without_captures(tmp_path: Path) -> None:
    """Is no folder to draw from."""
    with pytest.raises(OSError, match="captures"):
        dialect_reference(tmp_path)
