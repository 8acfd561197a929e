"""Says in the log how far a stream's references can be trusted: when that changes, and once a day until they are calibrated."""

import logging

from agent.effects import ClosedWindow
from detectors.catalog import DRIFT_MDE, REFERENCE_MISSING, REFERENCE_STATUS
from detectors.decay.words import ERRORS
from detectors.types import Score, Stream

_log = logging.getLogger(__name__)


class ReferenceLog:
    """Remembers what it said last of each reference of each stream."""

    def __init__(self) -> None:
        self._said: dict[tuple[Stream, str], tuple[str, int]] = {}

    def tell(self, closed: ClosedWindow) -> list[str]:
        """Log a line about each reference of a closed window of which there is news, and return them."""
        lines = []
        for reference, scores in _by_reference(closed).items():
            status = next((score.attributes["status"] for score in scores if score.metric is REFERENCE_STATUS and score.value), None)
            word = (status or "", 0 if status == "calibrated" else closed.window.day)
            if status in {None, "insufficient"} or self._said.get((closed.stream, reference)) == word:
                continue
            self._said[closed.stream, reference] = word
            where = f"{closed.stream.endpoint}/{closed.stream.deployment}"
            # The usual error is a number, not a distribution: there is no smallest shift of features to tell.
            told = f"usual error {status}{_lacking(scores)}" if reference == ERRORS else None
            lines.append(f"{where}: {told or f'{reference} reference {status}{_lacking(scores)}{_seen(scores)}'}")
            _log.info("%s", lines[-1])
        return lines


def _by_reference(closed: ClosedWindow) -> dict[str, list[Score]]:
    found: dict[str, list[Score]] = {}
    for score in closed.scores:
        if score.metric in {REFERENCE_STATUS, REFERENCE_MISSING, DRIFT_MDE}:
            found.setdefault(score.attributes["reference"], []).append(score)
    return found


def _lacking(scores: list[Score]) -> str:
    days = next((score.value for score in scores if score.metric is REFERENCE_MISSING), 0.0)
    return f", {days:.0f} more days of traffic until calibrated" if days else ""


def _seen(scores: list[Score]) -> str:
    smallest = sorted(score.value for score in scores if score.metric is DRIFT_MDE)
    if not smallest:
        return "; no shift can be told yet"
    return f"; in such a window shifts from {smallest[0]:.2g} to {smallest[-1]:.2g} sd are seen, by feature"
