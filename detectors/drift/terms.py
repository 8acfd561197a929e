"""What a reference is calibrated for: its alarm budget, the smallest effect that matters, the slots of its seasons."""

from dataclasses import dataclass, field

from detectors.drift.calendar import Slots
from detectors.drift.effect import MinEffect


@dataclass(frozen=True, slots=True)
class Terms:
    """Other terms need another calibration of the same windows."""

    budget: float = 1.0
    """Alarm episodes allowed in 30 days."""
    min_effect: MinEffect = field(default_factory=MinEffect)
    slots: Slots = "none"
