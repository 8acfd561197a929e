"""Reads one share of a stream, such as that of failed calls or empty searches, for the rule about it."""

from dataclasses import dataclass

from alerts.rule import Observation, Reading
from alerts.rules.options import Loud
from alerts.share import Share
from detectors.metric import Metric


@dataclass(frozen=True, slots=True)
class OneShare:
    """Three gauges that say one share of a stream."""

    alert: str
    samples: Metric
    ratio: Metric
    lower: Metric
    said: str
    """What is a share of what, in the past tense: `calls failed`."""
    share: str | None = None
    """Which share, where the count of samples names several."""

    def read(self, observation: Observation, threshold: float, min_samples: int, at_least: int, severity: Loud) -> Reading | None:
        """Judge the share of a window; None where there was nothing. Only throttled calls are a failed share of nothing: too little data."""
        named = {} if self.share is None else {"share": self.share}
        samples = observation.value(self.samples, **named)
        if samples is None:
            return None
        share = Share(observation.value(self.ratio) or 0.0, observation.value(self.lower) or 0.0, samples)
        return Reading(
            self.alert,
            observation.stream,
            share.breached(threshold, min_samples, at_least),
            severity,
            self.lower,
            share.lower,
            threshold,
            observation.window,
            share.values,
            {},
            share.said(self.said, observation.stream, threshold),
        )
