"""Reads a share that is told of several things at once, tools or reasons, for the rules about the worst of them."""

from dataclasses import dataclass
from typing import NamedTuple

from alerts.rule import Observation, Reading
from alerts.rules.options import Loud
from alerts.share import Share
from detectors.catalog import Metric


@dataclass(frozen=True, slots=True)
class WorstShare:
    """Three gauges that have one attribute beside the stream's."""

    alert: str
    attribute: str
    """Which tells the things apart."""
    samples: Metric
    ratio: Metric
    lower: Metric
    said: str
    """What is a share of what, `{}` for the thing: `runs of {} failed`."""

    def read(self, observation: Observation, threshold: float, min_samples: int, at_least: int, severity: Loud) -> Reading | None:
        """Judge the share that is furthest above the threshold; None where nothing was told."""
        found = [
            self._of(observation, score.attributes[self.attribute], score.value, threshold, min_samples, at_least)
            for score in observation.scores
            if score.metric is self.samples
        ]
        if not found:
            return None
        worst = max(found)
        names = [one.name for one in sorted(found, reverse=True) if one.breached]
        return Reading(
            self.alert,
            observation.stream,
            worst.breached,
            severity,
            self.lower,
            worst.share.lower,
            threshold,
            observation.window,
            worst.share.values,
            {self.attribute: worst.name, **({"top_categories": ", ".join(names)} if names else {})},
            worst.share.said(self.said.format(worst.name), observation.stream, threshold),
        )

    def _of(self, observation: Observation, name: str, samples: float, threshold: float, min_samples: int, at_least: int) -> "_One":
        ratio, lower = (observation.value(metric, **{self.attribute: name}) or 0.0 for metric in (self.ratio, self.lower))
        share = Share(ratio, lower, samples)
        breached, above = share.breached(threshold, min_samples, at_least), lower - threshold
        # What is clear does not speak for one that is high on too few; what is merely too rare to judge holds up nothing.
        rank = 3 if breached else 2 if breached is None and above > 0 else 1 if breached is False else 0
        return _One(rank, above, name, breached, share)


class _One(NamedTuple):
    """One thing's share; the greatest is what the rule says."""

    rank: int
    above: float
    name: str
    breached: bool | None
    share: Share
