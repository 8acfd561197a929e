"""How surprising a raw statistic is against the variation the reference itself shows (statistics rule 5.4)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import f_isf, log_f_sf, log_t_sf

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ENOUGH_WINDOWS = 20
"""From here on an F tail; below it (and from 8) a t tail of the logarithm."""

_LEAST_MEAN = 0.5
_LEAST_VARIANCE = 1e-6
_LOG_OFFSET = 0.05
_FREEDOM = (0.3, 200.0)
_LINEAR = 12.0  # strengths above this grow with the logarithm only: one burst must not hide every other column
_STRONGEST = 300.0
_LOG_TEN = float(np.log(10))
_AT_ONCE = 512
"""Sub-tests whose p are worked out together."""


class Moments(NamedTuple):
    """Number, mean and sum of squared deviations of some windows' values, [blocks, tests] or [tests]."""

    number: Floats
    mean: Floats
    squares: Floats

    @property
    def variance(self) -> Floats:
        """The sample variance; 0 for fewer than two values."""
        return np.where(self.number >= 2, self.squares / np.maximum(self.number - 1, 1), 0.0)

    def merge(self, other: "Moments") -> "Moments":
        """Join two sets of values without cancellation (Chan, Golub and LeVeque 1979)."""
        number = self.number + other.number
        weight = other.number / np.maximum(number, 1)
        gap = other.mean - self.mean
        return Moments(number, self.mean + gap * weight, self.squares + other.squares + gap * gap * self.number * weight)


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of each sub-test: [tests] for live windows, [blocks, tests] with one block left out."""

    windows: Floats
    """Windows it rests on."""
    mean: Floats
    """Of the scaled statistic, for the effect and the smallest detectable effect."""
    center: Floats
    """Mean of the scaled statistic, or of its logarithm where there are few windows."""
    variance: Floats
    logarithmic: Mask

    @property
    def floored_mean(self) -> Floats:
        """The mean, never below a half."""
        return np.maximum(self.mean, _LEAST_MEAN)

    @property
    def freedom(self) -> Floats:
        """Degrees of freedom nu of the F tail."""
        return np.clip(2 * self.floored_mean**2 / np.maximum(self.variance, _LEAST_VARIANCE), *_FREEDOM)

    def of(self, blocks: NDArray[np.intp], tests: slice) -> "Scale":
        """Return the scale of some sub-tests for windows of these blocks: [windows, tests]."""
        windows, mean, center, variance = (part[blocks, tests] for part in (self.windows, self.mean, self.center, self.variance))
        return Scale(windows, mean, center, variance, self.logarithmic[tests])

    def log_p(self, scaled: Floats) -> Floats:
        """Return log p of scaled statistics S; 0 where fewer than two windows were there to learn from."""
        shape = np.broadcast_shapes(scaled.shape, self.mean.shape)
        parts = (scaled, self.windows, self.center, self.variance, self.floored_mean, self.freedom)
        s, windows, center, variance, mean, freedom = (np.broadcast_to(part, shape) for part in parts)
        logarithmic = np.broadcast_to(self.logarithmic, shape)
        result = np.zeros(shape)
        at = (windows >= 2) & ~logarithmic & (s > 0)
        result[at] = log_f_sf(s[at] / mean[at], freedom[at], freedom[at] * (windows[at] - 1))
        if self.logarithmic.any():
            at = (windows >= 2) & logarithmic
            spread = np.sqrt(np.maximum(variance[at], _LEAST_VARIANCE) * (1 + 1 / windows[at]))
            result[at] = log_t_sf((np.log(s[at] + _LOG_OFFSET) - center[at]) / spread, windows[at] - 1)
        return result

    def critical(self, strength: Floats) -> Floats:
        """Return the S [tests] whose p is 10^-strength; NaN where there is no scale."""
        result = np.full(strength.shape, np.nan)
        at = (self.windows >= 2) & ~self.logarithmic & np.isfinite(strength)
        target = -strength * _LOG_TEN
        result[at] = self.floored_mean[at] * f_isf(target[at], self.freedom[at], self.freedom[at] * (self.windows[at] - 1))
        at = (self.windows >= 2) & self.logarithmic & np.isfinite(strength)
        # t^2 is F with 1 and df degrees of freedom; its upper half holds twice the tail.
        quantile = np.sqrt(f_isf(np.minimum(target[at] + np.log(2), -1e-12), 1.0, self.windows[at] - 1))
        spread = np.sqrt(np.maximum(self.variance[at], _LEAST_VARIANCE) * (1 + 1 / self.windows[at]))
        result[at] = np.maximum(np.exp(self.center[at] + quantile * spread) - _LOG_OFFSET, 0.0)
        return result


@dataclass(frozen=True, slots=True)
class Scaling:
    """Overdispersion and scale of all sub-tests of a reference."""

    tau2: Floats
    """[tests] extra variance a row adds."""
    own: Scale
    """[blocks, tests], that block left out."""
    live: Scale
    """[tests]."""
    scaled: Floats
    """[windows, tests] S of the reference windows; 0 where not scored."""
    blocks: NDArray[np.intp]
    """[windows]."""

    def log_p(self) -> Floats:
        """Return log p of the reference windows [windows, tests], each held against the other blocks.

        A few hundred sub-tests at a time: all those of a wide table would take more memory than everything that stays.
        """
        result = np.empty_like(self.scaled)
        for start in range(0, self.scaled.shape[1], _AT_ONCE):
            at = slice(start, start + _AT_ONCE)
            result[:, at] = self.own.of(self.blocks, at).log_p(self.scaled[:, at])
        return result


def scale_reference(raw: Floats, rows: Floats, scored: Mask, blocks: NDArray[np.intp]) -> Scaling:
    """Learn tau2 and the scale of each sub-test from T and n [windows, tests], where `scored`; `blocks` [windows] from 0."""
    count = scored.sum(axis=0)
    some = np.maximum(count, 1)
    mean_raw = np.where(scored, raw, 0.0).sum(axis=0) / some
    mean_rows = np.where(scored, rows, 0.0).sum(axis=0) / some
    tau2 = np.maximum((mean_raw - 1) / np.maximum(mean_rows, 1), 0.0)
    scaled = np.where(scored, raw, 0.0) / (1 + rows * tau2)
    logarithmic = count < ENOUGH_WINDOWS
    values = np.where(logarithmic, np.log(scaled + _LOG_OFFSET), scaled)
    everything, others = _leave_out(values, scored, blocks)
    if logarithmic.any():
        plain_everything, plain_others = _leave_out(scaled, scored, blocks)
    else:
        plain_everything, plain_others = everything, others
    own = Scale(others.number, plain_others.mean, others.mean, others.variance, logarithmic)
    live = Scale(everything.number, plain_everything.mean, everything.mean, everything.variance, logarithmic)
    return Scaling(tau2, own, live, scaled, blocks)


def strength(log_p: Floats) -> Floats:
    """Return s of log p: -log10 p up to 12, its logarithm above, the same for everything below 1e-300.

    >>> strength(np.log([1e-3, 1e-13])).round(6).tolist()
    [3.0, 12.034762]
    """
    length = np.minimum(-log_p / _LOG_TEN, _STRONGEST) + 0.0
    return np.where(length <= _LINEAR, length, _LINEAR + np.log10(np.maximum(length, _LINEAR) / _LINEAR))


def _leave_out(values: Floats, scored: Mask, blocks: NDArray[np.intp]) -> tuple[Moments, Moments]:
    """Return the moments of all windows [tests], and of all outside each block [blocks, tests]."""
    number, tests = int(blocks.max(initial=-1)) + 1, values.shape[1]
    zero = Moments(np.zeros(tests), np.zeros(tests), np.zeros(tests))
    parts = [_moments(values[rows], scored[rows]) for rows in _members(blocks, number)]
    before, after = [zero], [zero]
    for part, mirrored in zip(parts, reversed(parts), strict=True):
        before.append(before[-1].merge(part))
        after.append(mirrored.merge(after[-1]))
    others = [before[index].merge(after[number - 1 - index]) for index in range(number)] or [zero]
    return before[-1], Moments(*(np.array(column) for column in zip(*others, strict=True)))


def _members(blocks: NDArray[np.intp], number: int) -> list[NDArray[np.intp]]:
    order = np.argsort(blocks, kind="stable")
    return np.split(order, np.searchsorted(blocks[order], np.arange(1, number)))[:number]


def _moments(values: Floats, scored: Mask) -> Moments:
    count = scored.sum(axis=0).astype(np.float64)
    mean = np.where(scored, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    return Moments(count, mean, np.where(scored, (values - mean) ** 2, 0.0).sum(axis=0))
