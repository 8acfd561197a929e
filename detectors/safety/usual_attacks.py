"""What attacks an endpoint usually sees: their rate by hour of the day, and how unevenly they come, over the last four weeks."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.safety.bursts import lengths
from detectors.types import Plain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS = 28
"""Calendar days that say what is usual."""
ENOUGH_DAYS = 7
"""From here on an hour is judged in which nothing ever came."""
SPARED = 7
"""One day in so many, and one at least, may have bursts that do not count as usual scatter; if more have, they are what is usual."""
_KNOWN = 5.0
"""Attacks an hour of the day must have seen to be trusted as much as all hours together."""
_SCATTER = 1.0
"""Scatter that is assumed as long as little is known: counts of a usual day differ by a factor of two or three. What days differ by is
learnt from days, so the n-th still adds an n-th of it."""
_LEAST_SCATTER = 0.05
"""A fifth more or less is never unusual."""
_TIMES = 20
"""A window says how counts scatter once so many times its calls were seen: before, the rate itself is a guess."""


def _none(width: int) -> Floats:
    return np.zeros((0, width))


@dataclass(frozen=True, slots=True)
class UsualAttacks:
    """Sums a day; arrays have a row a day, oldest first."""

    days: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Calendar days, as ordinals."""
    checked: Floats = field(default_factory=lambda: _none(24))
    """[days, 24] calls that were checked, by hour of the local clock."""
    attacks: Floats = field(default_factory=lambda: _none(24))
    excess: Floats = field(default_factory=lambda: _none(0))
    """[days, lengths] sums of (count - usual)² - usual over stretches: what they scatter beyond independent arrivals."""
    squares: Floats = field(default_factory=lambda: _none(0))
    """[days, lengths] sums of usual²: excess over these is the scatter v."""
    expected: Floats = field(default_factory=lambda: _none(1))
    """[days, 1] sums of usual counts: excess over these is the clumps c."""
    bursts: Floats = field(default_factory=lambda: _none(0))
    """[days, lengths] the excess of windows that had a burst."""

    def ready(self, day: int, hour: int) -> bool:
        """Return whether a window of that hour can be judged: the hour was there on an earlier day, or a week was."""
        earlier = self.days < day
        return bool(self.checked[earlier, hour].any()) or int(earlier.sum()) >= ENOUGH_DAYS

    def rate(self, hour: int) -> tuple[float, float]:
        """Return the usual share of checked calls at that hour that are attacks, and its squared relative error.

        >>> rate, error = UsualAttacks().add(1, 5, np.array([1000.0]), np.array([9.0]), loud=False).rate(5)
        >>> round(rate, 4), round(error, 2)
        (0.0092, 0.11)
        """
        all_attacks = float(self.attacks.sum()) + 0.5
        overall = all_attacks / (float(self.checked.sum()) + 1)
        seen = float(self.attacks[:, hour].sum()) + _KNOWN
        return seen / (float(self.checked[:, hour].sum()) + _KNOWN / overall), 1 / min(all_attacks, seen)

    def scatter(self, hour: int, minutes: int) -> tuple[Floats, Floats]:
        """Return the scatter v, with the doubt about the rate, and the clumps c of each length of stretch of windows of so many minutes."""
        if self.excess.shape[1] != len(lengths(minutes)):
            return np.full(len(lengths(minutes)), _SCATTER + self.rate(hour)[1]), np.zeros(len(lengths(minutes)))
        loud = int((self.bursts > 0).any(axis=1).sum())
        excess = self.excess.sum(axis=0)
        if loud > max(len(self.days) / SPARED, 1):
            excess = excess + self.bursts.sum(axis=0)
        excess = np.maximum(excess, 0)
        level = np.maximum((excess + _SCATTER) / (self.squares.sum(axis=0) + 1), _LEAST_SCATTER)
        return level + _SCATTER / len(self.days) + self.rate(hour)[1], excess / (float(self.expected.sum()) + 1)

    def add(self, day: int, hour: int, checked: Floats, attacks: Floats, *, loud: bool) -> "UsualAttacks":
        """Return it with a window more: calls and attacks of each minute; `loud` where it had a burst.

        A window of an earlier day than the last one counts to the last; another length of windows begins the scatter anew.
        """
        known = self._on(max(day, int(self.days[-1])) if len(self.days) else day, len(lengths(len(checked))))
        calls, hits, excess, squares, expected, bursts = (getattr(known, name).copy() for name in _TABLES)
        usual = checked * self.rate(hour)[0]
        told = float(self.checked.sum()) >= _TIMES * float(checked.sum())
        for place, length in enumerate(lengths(len(checked)) if told else ()):
            edges = np.arange(0, len(checked), length)
            means, counts = np.add.reduceat(usual, edges), np.add.reduceat(attacks, edges)
            beyond = float((np.square(counts - means) - means).sum())
            (bursts if loud else excess)[-1, place] += beyond
            squares[-1, place] += float(np.square(means).sum())
        expected[-1] += usual.sum() if told else 0.0
        calls[-1, hour] += checked.sum()
        hits[-1, hour] += attacks.sum()
        return UsualAttacks(known.days, calls, hits, excess, squares, expected, bursts)

    def _on(self, day: int, sizes: int) -> "UsualAttacks":
        """Return it with a row for a day, without days that are too old."""
        found = self
        if self.excess.shape[1] != sizes:
            fresh = np.zeros((len(self.days), sizes))
            found = replace(self, excess=fresh, squares=fresh, bursts=fresh)
        if len(found.days) and found.days[-1] == day:
            return found
        kept = found.days > day - DAYS
        grown = [np.vstack((old[kept], np.zeros((1, old.shape[1])))) for old in (getattr(found, name) for name in _TABLES)]
        return UsualAttacks(np.append(found.days[kept], day), *grown)

    def plain(self) -> Plain:
        """Return it as data; `usual_attacks_from` takes it back."""
        return {name: getattr(self, name) for name in ("days", *_TABLES)} | {"lengths": self.excess.shape[1]}


_TABLES = ("checked", "attacks", "excess", "squares", "expected", "bursts")
_WIDTHS = {"checked": 24, "attacks": 24, "expected": 1}


def usual_attacks_from(saved: Plain) -> UsualAttacks:
    """Return what `UsualAttacks.plain` described."""
    days = np.asarray(saved["days"], np.int64)
    sizes = int(saved["lengths"])
    return UsualAttacks(days, *(np.asarray(saved[name], np.float64).reshape(len(days), _WIDTHS.get(name, sizes)) for name in _TABLES))
