"""Begins the recognisers of a configuration, where it has any: an agent without one does not carry them in its memory."""

from typing import TYPE_CHECKING

from agent.config import Config
from agent.series import Series

if TYPE_CHECKING:
    from agent.redaction.clearing import Clearing


def recognising(config: Config, series: Series) -> "Clearing | None":
    """Return what asks the recognisers of a configuration; None where no endpoint has one, and nothing of them is imported."""
    given = {name: one.redact.recognisers for name, one in config.endpoints.items() if one.redact.recognisers}
    if not given:
        return None
    from agent.redaction.clearing import Clearing  # noqa: PLC0415 - the point of this function

    return Clearing(given, series)
