"""What is kept of a window whose labels come late: counts of answers and labels, what was estimated of it, and when its last answer came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent.stream import plain_profile, profile_from
from detectors.decay.trust import Bounded
from detectors.types import Plain, Profile


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """Grows by addition, so that the order in which answers, labels and estimates come does not matter."""

    profile: Profile = field(default_factory=Profile)
    estimated: Mapping[str, Bounded] = field(default_factory=dict)
    """Metric to its estimate, once the window closed; empty where nothing estimates it."""
    received: int = 0
    """When its newest answer came in, nanoseconds: labels are waited for from then on."""

    def add(self, other: "CountedWindow") -> "CountedWindow":
        """Return both as one; estimates of `other` win."""
        merged = _clean(self.profile.merge(other.profile))
        return CountedWindow(merged, {**self.estimated, **other.estimated}, max(self.received, other.received))

    def plain(self) -> Plain:
        """Return it as data; `counted_from` takes it back."""
        estimated = {metric: [one.value, one.lower, one.upper] for metric, one in self.estimated.items()}
        return {**plain_profile(self.profile), "estimated": estimated, "received": self.received}


def counted_from(saved: Plain) -> CountedWindow:
    """Take back what `CountedWindow.plain` gave.

    >>> one = CountedWindow(Profile({}, {"all/actual": {"1": 2}}), {"auc": Bounded(0.8, 0.7, 0.9)}, 5)
    >>> counted_from(one.plain()) == one
    True
    """
    # What an earlier version kept has neither.
    estimated = {metric: Bounded(*row) for metric, row in saved.get("estimated", {}).items()}
    return CountedWindow(profile_from(saved), estimated, saved.get("received", 0))


def _clean(profile: Profile) -> Profile:
    """Return a profile without zeros, as it would be if what was taken away had never come."""
    tallies: Iterator[tuple[str, dict[str, int]]] = (
        (name, {value: count for value, count in tally.items() if count}) for name, tally in profile.tallies.items()
    )
    return Profile(profile.counts, {name: tally for name, tally in tallies if tally})
