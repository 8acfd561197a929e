"""Says in the log how far a stream's reference can be trusted: when that changes, and once a day until it is calibrated."""

import logging

from agent.effects import ClosedWindow
from detectors.catalog import DRIFT_MDE, REFERENCE_MISSING, REFERENCE_STATUS
from detectors.types import Stream

_log = logging.getLogger(__name__)


class ReferenceLog:
    """Remembers what it said last of each stream."""

    def __init__(self) -> None:
        self._said: dict[Stream, tuple[str, int]] = {}

    def tell(self, closed: ClosedWindow) -> str | None:
        """Log a line about a closed window where there is news, and return it."""
        status = _status(closed)
        if status is None or status == "insufficient":
            return None
        word = (status, 0 if status == "calibrated" else closed.window.day)
        if self._said.get(closed.stream) == word:
            return None
        self._said[closed.stream] = word
        line = f"{closed.stream.endpoint}/{closed.stream.deployment}: reference {status}{_lacking(closed)}{_seen(closed)}"
        _log.info("%s", line)
        return line


def _status(closed: ClosedWindow) -> str | None:
    return next((score.attributes["status"] for score in closed.scores if score.metric is REFERENCE_STATUS and score.value), None)


def _lacking(closed: ClosedWindow) -> str:
    days = next((score.value for score in closed.scores if score.metric is REFERENCE_MISSING), 0.0)
    return f", {days:.0f} more days of traffic until calibrated" if days else ""


def _seen(closed: ClosedWindow) -> str:
    smallest = sorted(score.value for score in closed.scores if score.metric is DRIFT_MDE)
    if not smallest:
        return "; no shift can be told yet"
    return f"; in such a window shifts from {smallest[0]:.2g} to {smallest[-1]:.2g} sd are seen, by feature"
