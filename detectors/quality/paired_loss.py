"""Whether less passes than before, pair by pair: a sign-flip test that repeats within a run cannot fool."""

from dataclasses import dataclass
from math import erfc, lcm, sqrt

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_MOST_CHANGED = 1000
_LONGEST = 200_000
"""Beyond so many changed pairs, or so fine a grid, the sum is as good as normal."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How the pass ratio changed over the pairs that two runs share."""

    before: float
    """Mean over pairs of the share of answers that pass."""
    after: float
    p_value: float
    """Chance of such a loss where nothing changed; 1 where nothing was lost."""
    pairs: int
    """Pairs that both runs have answers to."""
    worse: int
    """Pairs that pass less often than before."""
    better: int

    @property
    def points(self) -> float:
        """What was lost, as a share: 0.1 is ten points."""
        return self.before - self.after


def paired_loss(passes_before: Ints, answers_before: Ints, passes_after: Ints, answers_after: Ints) -> Loss:
    """Return what was lost between two runs; each array has one count a pair. Pairs without answers in a run are left out.

    A pair's change is its share of passes before less that after. Where nothing changed, a change is as likely as its
    opposite, pair by pair and whatever repeats of one run share: so the p-value is the share of all assignments of signs to
    the changes with at least this sum. It is exact (one repeat: McNemar's test) up to 1,000 changed pairs, normal beyond;
    between runs of unequal repeats it is close. R. A. Fisher, The Design of Experiments, 1935, section 21.

    >>> ones = np.ones(10, np.int64)
    >>> loss = paired_loss(ones, ones, ones * 0, ones)
    >>> loss.p_value == 2.0**-10, loss.points
    (True, 1.0)
    """
    shared = (answers_before > 0) & (answers_after > 0)
    if not shared.any():
        return Loss(float("nan"), float("nan"), 1.0, 0, 0, 0)
    before, trials = passes_before[shared], answers_before[shared]
    after, again = passes_after[shared], answers_after[shared]
    grid = lcm(*np.unique(np.concatenate([trials, again])).tolist())
    changes = before * (grid // trials) - after * (grid // again)
    return Loss(
        float((before / trials).mean()),
        float((after / again).mean()),
        _chance(changes),
        int(shared.sum()),
        int((changes > 0).sum()),
        int((changes < 0).sum()),
    )


def _chance(changes: Ints) -> float:
    """Return the share of sign assignments whose sum is at least that of `changes`."""
    total = int(changes.sum())
    if total <= 0:
        return 1.0
    sizes = np.abs(changes[changes != 0])
    sizes //= np.gcd.reduce(sizes)
    total = int(changes.sum()) // int(np.gcd.reduce(np.abs(changes[changes != 0])))
    most = int(sizes.sum())
    if len(sizes) > _MOST_CHANGED or most > _LONGEST:
        return 0.5 * erfc(total / sqrt(2.0 * float(np.square(sizes.astype(np.float64)).sum())))
    chances = np.zeros(most + 1)
    chances[0] = 1.0
    for size in sizes.tolist():
        halved = 0.5 * chances
        halved[size:] += 0.5 * chances[: len(chances) - size]
        chances = halved
    # Of the sizes those with a plus make C; the sum is 2 C - most.
    return min(float(chances[(most + total + 1) // 2 :].sum()), 1.0)
