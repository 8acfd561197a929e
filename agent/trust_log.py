"""Says in the log when labels begin, or cease, to bear the estimates of a metric out."""

import logging
from collections.abc import Sequence

from detectors.catalog import MODEL_ESTIMATE_LEAN, MODEL_ESTIMATE_TRUST
from detectors.types import Score, Stream

_log = logging.getLogger(__name__)
_WORDS = {"trusted": "are borne out by labels", "not_trustworthy": "are not trustworthy: labels say otherwise"}


class TrustLog:
    """Remembers what it said last of each metric of each stream."""

    def __init__(self) -> None:
        self._said: dict[tuple[Stream, str], str] = {}

    def tell(self, stream: Stream, scores: Sequence[Score]) -> list[str]:
        """Log a line about each metric whose estimates are now another thing, and return them."""
        lean = {score.attributes["metric"]: score.value for score in scores if score.metric is MODEL_ESTIMATE_LEAN}
        lines = []
        for score in scores:
            if score.metric is not MODEL_ESTIMATE_TRUST or not score.value:
                continue
            metric, status = score.attributes["metric"], score.attributes["status"]
            if status not in _WORDS or self._said.get((stream, metric)) == status:
                continue
            self._said[stream, metric] = status
            off = f" (realised less estimated: {lean[metric]:+.3g} on average)" if metric in lean else ""
            lines.append(f"{stream.endpoint}/{stream.deployment}: estimates of {metric} {_WORDS[status]}{off}")
            _log.log(logging.WARNING if status == "not_trustworthy" else logging.INFO, "%s", lines[-1])
        return lines
