"""When a share of calls is too large: by its lower bound, and never on a handful of calls."""

from dataclasses import dataclass
from datetime import timedelta

from detectors.types import Stream


@dataclass(frozen=True, slots=True)
class Share:
    """A share of calls with the bound an alert may rest on."""

    ratio: float
    lower: float
    """Lower 95 % bound."""
    samples: float
    """Calls it is a share of."""

    def breached(self, threshold: float, min_samples: int, at_least: int) -> bool | None:
        """Return whether the share is surely above the threshold; None with too few calls to say either way.

        >>> Share(ratio=1.0, lower=0.2, samples=1).breached(0.05, min_samples=5, at_least=3) is None
        True
        """
        if self.samples < min_samples:
            return None
        if self.lower <= threshold:
            return False
        return True if round(self.ratio * self.samples) >= at_least else None

    @property
    def values(self) -> dict[str, float]:
        """The numbers a receiver may chart."""
        return {"ratio": self.ratio, "lower": self.lower, "samples": self.samples}

    def said(self, what: str, stream: Stream, threshold: float) -> str:
        """Say it in a sentence.

        >>> Share(0.5, 0.4, 100).said("calls failed", Stream("chat", "gpt", "live"), 0.05)
        'chat/gpt: 50.0 % of 100 calls failed (surely above 40.0 %; limit 5.0 %)'
        """
        share = f"{self.ratio:.1%} of {self.samples:.0f} {what} (surely above {self.lower:.1%}; limit {threshold:.1%})"
        return f"{stream.endpoint}/{stream.deployment}: {share.replace('%', ' %')}"


def span(length: timedelta) -> str:
    """Say a length of time as a person would.

    >>> span(timedelta(minutes=90)), span(timedelta(seconds=45))
    ('1 h 30 min', '45 s')
    """
    seconds = int(length.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
