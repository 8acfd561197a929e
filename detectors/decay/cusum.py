"""CUSUM of errors: has the share risen to the one it was designed to see? One step a window."""

from math import log


def step(total: float, rows: int, errors: int, *, usual: float, shifted: float, dispersion: float, ceiling: float) -> float:
    """Return the sum after a window: the log likelihood ratio of `shifted` against `usual` is added, never below 0.

    Page, Biometrika 41, 1954. Rows count as rows / `dispersion` independent ones. The sum stops at `ceiling`, so that a
    model that was mended is not called bad for as long as it was.

    >>> round(step(0.0, 100, 20, usual=0.1, shifted=0.15, dispersion=1.0, ceiling=9.0), 3)
    3.537
    """
    gain = errors * log(shifted / usual) + (rows - errors) * log((1 - shifted) / (1 - usual))
    return min(max(total + gain / dispersion, 0.0), ceiling)


def threshold(run: float) -> float:
    """Return the line that is crossed on average once in at least `run` windows as long as nothing changed.

    Lorden, Annals of Mathematical Statistics 42, 1971: the run is at least the exponential of the line.

    >>> round(threshold(1000.0), 3)
    6.908
    """
    return log(run)
