"""Known texts that prompts are held against, read from a file; and the stage that uses them."""

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from agent.config import Config, Endpoint
from agent.content.stage import ContentStage
from agent.errors import ConfigError
from agent.judges.held import HeldTexts
from agent.series import Series
from detectors.quality.evaluators.similarity import Bank, bank

if TYPE_CHECKING:
    from agent.texts.keeping import Keeping

_MOST = 2_000
"""Texts in a bank: each costs 32 KB and a share of the time a prompt takes."""


def content_stage(config: Config, series: Series, held: HeldTexts | None = None, keeping: "Keeping | None" = None) -> ContentStage:
    """Return the stage of a configuration. Raises ConfigError for a file of templates that cannot be used."""
    banks = {name: templates(name, endpoint.templates) for name, endpoint in config.endpoints.items() if endpoint.templates is not None}
    return ContentStage(lambda name: config.endpoints.get(name) or Endpoint(name), series, banks, held, keeping)


def templates(endpoint: str, file: Path) -> Bank:
    """Return the texts of a file: one a line, or a JSON string a line where they have several lines. Empty lines do not count.

    Raises ConfigError where the file is missing, is no text, has no line, has one that is no string, or more than 2,000.
    """
    key = f"endpoints.{endpoint}.templates"
    try:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(f"{key}: {file}: {reason}; give a file with one text a line") from None
    if not 0 < len(lines) <= _MOST:
        raise ConfigError(f"{key}: {file} has {len(lines)} texts; give 1 to {_MOST:,}")
    return bank([_text(key, file, number, line) for number, line in enumerate(lines, 1)])


def _text(key: str, file: Path, number: int, line: str) -> str:
    if not line.startswith('"'):
        return line
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ConfigError(f"{key}: {file}: line {number} begins with a quote and is no JSON string; close it, or begin otherwise") from None
    return str(found)
