"""Says in the log which columns are not watched for drift, and why: each once an endpoint."""

import logging
from collections.abc import Mapping
from typing import Any

from agent.terminal import clean
from detectors.drift.state import DriftState

_log = logging.getLogger(__name__)
MOST = 1000
"""Columns told of an endpoint; no source has more."""


class AsideLog:
    """Remembers what it said of which endpoint."""

    def __init__(self) -> None:
        self._said: dict[str, set[str]] = {}

    def tell(self, endpoint: str, states: Mapping[str, Any]) -> list[str]:
        """Log a line about each column that the drift detector's states set aside since the last call, and return them."""
        lines = []
        said = self._said.setdefault(endpoint, set())
        for state in states.values():
            if not isinstance(state, DriftState):
                continue
            for column, reason in state.aside.items():
                if column not in said and len(said) < MOST:
                    said.add(column)
                    lines.append(f"endpoint {endpoint}: {clean(column)} is not watched for drift: {reason}")
                    _log.warning("%s", lines[-1])
        return lines
