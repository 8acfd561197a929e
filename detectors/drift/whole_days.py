"""What live scoring remembers of the last week's whole days: how far each lay from the reference, and the day being collected."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.types import Plain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Label = tuple[str, str]
"""Feature, and what of it: location, scale, missing, new, `share 3`."""

LONGEST_SPAN = 7
"""Days that are remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """One day of all features."""

    labels: tuple[Label, ...]
    deviations: Floats
    """[labels] bounded, in standard deviations of the reference's days; NaN for features that were not there."""
    changes: Floats
    """[labels] in the label's own unit."""

    def named(self, labels: tuple[Label, ...]) -> "Weighed":
        """Return the same day under the labels of another reference; those it lacks are as if they had not been there."""
        if labels is self.labels:
            return self
        if labels == self.labels:
            return Weighed(labels, self.deviations, self.changes)
        places = {label: place for place, label in enumerate(self.labels)}
        kept = np.array([places.get(label, -1) for label in labels], np.intp)
        return Weighed(labels, *(np.append(values, np.nan)[kept] for values in (self.deviations, self.changes)))


@dataclass(frozen=True, slots=True)
class Lasting:
    """The most surprising sum over days of one feature."""

    value: float
    """Strength over its line: the severity."""
    label: str
    span: int
    """Calendar days it is summed over."""
    change: float
    """Mean of its days, in the label's own unit."""
    effect: float
    """The change over the smallest that matters."""


@dataclass(frozen=True, slots=True)
class WholeDays:
    """State of one stream."""

    day: int = 0
    """The calendar day being collected."""
    windows: int = 0
    counts: Mapping[str, Ints] = field(default_factory=dict)
    """[K] by feature."""
    weighed: Mapping[int, Weighed] = field(default_factory=dict)
    """By day."""
    lasting: Mapping[str, Lasting] = field(default_factory=dict)
    """By feature, as of now."""

    def plain(self) -> Plain:
        """Return the state as data; `whole_days_from` takes it back."""
        return {
            "day": self.day,
            "windows": self.windows,
            "counts": dict(self.counts),
            "weighed": [[day, [list(label) for label in one.labels], one.deviations, one.changes] for day, one in self.weighed.items()],
            "lasting": {name: [one.value, one.label, one.span, one.change, one.effect] for name, one in self.lasting.items()},
        }


def whole_days_from(saved: Plain) -> WholeDays:
    """Take back what `plain` gave."""
    weighed = {
        int(day): Weighed(
            tuple((str(name), str(label)) for name, label in labels), np.asarray(deviations, np.float64), np.asarray(changes, np.float64)
        )
        for day, labels, deviations, changes in saved["weighed"]
    }
    lasting = {str(name): Lasting(*one) for name, one in saved["lasting"].items()}
    counts = {str(name): np.asarray(vector, np.int64) for name, vector in saved["counts"].items()}
    return WholeDays(int(saved["day"]), int(saved["windows"]), counts, weighed, lasting)
