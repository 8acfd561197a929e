"""Reads a share of calls, failed or throttled, for the rules about them."""

from dataclasses import dataclass

from alerts.rule import Observation, Reading
from alerts.rules.options import Loud
from alerts.share import Share
from detectors.catalog import REQUEST_SAMPLES, Metric


@dataclass(frozen=True, slots=True)
class CallShare:
    """A share of calls as the usage detector gives it: three gauges."""

    alert: str
    share: str
    """Which share, as the count of samples names it."""
    ratio: Metric
    lower: Metric
    said: str
    """What the calls did, in the past tense."""

    def read(self, observation: Observation, threshold: float, min_samples: int, at_least: int, severity: Loud) -> Reading | None:
        """Judge the share of a window; None where there were no calls. Only throttled calls are a share of nothing: too little data."""
        samples = observation.value(REQUEST_SAMPLES, share=self.share)
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
            share.said(f"calls {self.said}", observation.stream, threshold),
        )
