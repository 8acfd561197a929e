"""What the rule says of a live window: one verdict a feature."""

from dataclasses import dataclass
from typing import Literal

from detectors.types import Level

Status = Literal["calibrated", "provisional", "uncalibrated", "insufficient"]

NOT_A_NUMBER = float("nan")


@dataclass(frozen=True, slots=True)
class FeatureVerdict:
    """The rule's word on one feature and window. Severity, p and alarm are of its calendar day so far."""

    feature: str
    status: Status
    samples: int
    explanation: str
    """One sentence for a person."""
    test: str | None = None
    """The sub-test the severity rests on: shape, location, scale, missing, new or (sums over days only) share; None without severity."""
    statistic: float = NOT_A_NUMBER
    """Strength s of that sub-test in the day's most unusual window, or in the sum over days."""
    threshold: float = NOT_A_NUMBER
    """gamma t of its family; statistic / threshold is the severity, except where `carried`."""
    severity: float = NOT_A_NUMBER
    """U / gamma: above 1 is an alarm. NaN: none can be given."""
    p_value: float = NOT_A_NUMBER
    """Share of the reference's own days at least as unusual, over all features."""
    alarm: bool = False
    unusual: bool = False
    """The window alone stands above its family's line; not budgeted."""
    carried: bool = False
    """The severity comes from two unusual days of three, not from this day alone."""
    span: int = 0
    """Calendar days that the severity is summed over; 0: it is that of single days."""
    effect: float = NOT_A_NUMBER
    """The day's largest change over the smallest that matters; below 1 nobody is paged."""
    level: Level | None = None
    mde: float = NOT_A_NUMBER
    """Smallest shift in reference rank-sd seen with 80 % power; NaN: blind, or not numeric."""
    mde_shape: float = NOT_A_NUMBER
    """Smallest PSI."""
    mde_missing: float = NOT_A_NUMBER
    mde_new: float = NOT_A_NUMBER
    """Smallest rise in share of rows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rule's word on one live window."""

    status: Status
    """Of the reference."""
    features: tuple[FeatureVerdict, ...]

    def of(self, feature: str) -> FeatureVerdict:
        """Return the verdict on a feature; KeyError if it is not in the window nor in the reference."""
        for verdict in self.features:
            if verdict.feature == feature:
                return verdict
        raise KeyError(feature)
