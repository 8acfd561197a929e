"""Groups days of alarm into episodes by what carries them, so that a storm is told apart from a new timetable."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from detectors.types import Finding, Window

GAP = timedelta(days=2)
"""Days of alarm at most that far apart are one episode, as the alarm budget counts them."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Consecutive days of alarm in features of one family."""

    family: str
    first: date
    last: date
    days: int
    """Days of alarm in it."""
    told: datetime
    """When driftline says so: the end of the first window."""
    features: tuple[str, ...]
    """Which features carry it, the most severe first."""
    worst: Finding
    """The most severe finding, with its explanation."""
    worst_day: date

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in it."""
        return self.first <= day <= self.last


def episodes(closed: Iterable[tuple[Window, Sequence[Finding]]], families: Mapping[str, Sequence[str]]) -> list[Episode]:
    """Return the episodes of findings that page, by day. `closed` are windows in time order; a feature of no family is its own."""
    family_of = {feature: family for family, features in families.items() for feature in features}
    days: dict[str, list[tuple[Window, list[Finding]]]] = {}
    for window, findings in closed:
        paged: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.level == "page":
                paged.setdefault(family_of.get(finding.feature, finding.feature), []).append(finding)
        for family, found in paged.items():
            days.setdefault(family, []).append((window, found))
    stretches = [_episode(family, stretch) for family, alarms in days.items() for stretch in _stretches(alarms)]
    return sorted(stretches, key=lambda one: (one.first, one.family))


def _stretches(alarms: Sequence[tuple[Window, list[Finding]]]) -> list[list[tuple[Window, list[Finding]]]]:
    found: list[list[tuple[Window, list[Finding]]]] = []
    for alarm in alarms:
        if found and alarm[0].start.date() - found[-1][-1][0].start.date() <= GAP:
            found[-1].append(alarm)
        else:
            found.append([alarm])
    return found


def _episode(family: str, stretch: Sequence[tuple[Window, list[Finding]]]) -> Episode:
    ranked = sorted(((finding, window) for window, found in stretch for finding in found), key=lambda pair: -pair[0].severity)
    worst, at = ranked[0]
    first, last = stretch[0][0], stretch[-1][0]
    days = len({window.start.date() for window, _ in stretch})
    features = tuple(dict.fromkeys(finding.feature for finding, _ in ranked))
    return Episode(family, first.start.date(), last.start.date(), days, first.end, features, worst, at.start.date())
