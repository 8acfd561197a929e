"""The samples on which other products were asked for their scores: made here from seeds, the same for them and for us."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = Floats | list[str | None]

SIZES = {"small": (800, 500), "medium": (3000, 1100), "large": (12_000, 1500)}
"""Rows of the reference and of the current side: products change their methods at 1,000 and at 10,000 reference rows."""


@dataclass(frozen=True, slots=True)
class Case:
    """One column on both sides."""

    name: str
    reference: Values
    current: Values

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return isinstance(self.reference, np.ndarray)

    @property
    def checksum(self) -> list[float]:
        """A few numbers that change when the samples do: a generator that draws otherwise is noticed."""
        return [_checksum(self.reference), _checksum(self.current)]


def _checksum(values: Values) -> float:
    if isinstance(values, list):
        return float(sum((place + 1) * sum(map(ord, value or "")) for place, value in enumerate(values)))
    return float(np.nansum(values * np.linspace(1, 2, len(values))))


def _holes(random: np.random.Generator, values: Floats) -> Floats:
    return np.where(random.uniform(size=len(values)) < 0.07, np.nan, values)


NUMERIC: Mapping[str, tuple[Callable[[np.random.Generator, int], Floats], Callable[[np.random.Generator, int], Floats]]] = {
    "normal": (lambda r, n: r.normal(0, 1, n), lambda r, n: r.normal(0, 1, n)),
    "normal shifted": (lambda r, n: r.normal(0, 1, n), lambda r, n: r.normal(0.3, 1, n)),
    "far apart": (lambda r, n: r.normal(0, 1, n), lambda r, n: r.normal(40, 1, n)),
    "lognormal scaled": (lambda r, n: r.lognormal(0, 2, n), lambda r, n: 1.5 * r.lognormal(0, 2, n)),
    "pareto scaled": (lambda r, n: 1 + r.pareto(1.2, n), lambda r, n: 1.5 * (1 + r.pareto(1.2, n))),
    "one outlier": (lambda r, n: r.normal(0, 1, n), lambda r, n: np.append(r.normal(3, 1, n - 1), 1e6)),
    "whole numbers": (lambda r, n: np.round(r.gamma(2, 10, n)), lambda r, n: np.round(r.gamma(2, 11, n))),
    "few numbers": (lambda r, n: r.integers(0, 4, n).astype(float), lambda r, n: r.choice([0.0, 1, 2, 3, 4], n)),
    "two numbers": (lambda r, n: (r.uniform(size=n) < 0.3).astype(float), lambda r, n: (r.uniform(size=n) < 0.36).astype(float)),
    "with holes": (lambda r, n: _holes(r, r.exponential(2, n)), lambda r, n: _holes(r, r.exponential(2.2, n))),
    "zero inflated": (
        lambda r, n: r.exponential(1, n) * (r.uniform(size=n) < 0.4),
        lambda r, n: r.exponential(1, n) * (r.uniform(size=n) < 0.5),
    ),
    "constant": (lambda _, n: np.full(n, 3.0), lambda _, n: np.full(n, 3.0)),
    "becomes another constant": (lambda _, n: np.full(n, 3.0), lambda _, n: np.full(n, 4.5)),
    "tiny": (lambda r, n: r.normal(0, 1e-7, n), lambda r, n: r.normal(5e-8, 1e-7, n)),
}

CATEGORICAL: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
    "same": ({"a": 5, "b": 3, "c": 2}, {"a": 5, "b": 3, "c": 2}),
    "moved": ({"a": 5, "b": 3, "c": 2}, {"a": 4, "b": 3, "c": 3}),
    "two values": ({"yes": 3, "no": 7}, {"yes": 4, "no": 6}),
    "one value": ({"only": 1}, {"only": 1}),
    "a new value": ({"a": 5, "b": 3, "c": 2}, {"a": 5, "b": 3, "d": 2}),
    "nothing in common": ({"a": 5, "b": 3}, {"x": 5, "y": 3}),
    "zipf": ({f"v{k}": 1 / k for k in range(1, 61)}, {f"v{k}": 1 / k**1.1 for k in range(1, 61)}),
    "with holes": ({"a": 5, "b": 3, "": 1}, {"a": 5, "b": 4, "": 1}),
}
"""Name to the weights of values on either side; `""` stands for missing."""


def _drawn(random: np.random.Generator, weights: Mapping[str, float], rows: int) -> list[str | None]:
    shares = np.array(list(weights.values())) / sum(weights.values())
    names = list(weights)
    return [names[code] or None for code in random.choice(len(names), rows, p=shares).tolist()]


def cases() -> list[Case]:
    """Return all samples."""
    found: list[Case] = []
    for number, (size, (before, after)) in enumerate(SIZES.items()):
        for place, (name, (then, now)) in enumerate(NUMERIC.items()):
            random = np.random.default_rng([2026, number, place])
            found.append(Case(f"{size}: {name}", then(random, before), now(random, after)))
        for place, (name, (weights, others)) in enumerate(CATEGORICAL.items()):
            random = np.random.default_rng([2027, number, place])
            found.append(Case(f"{size}: values, {name}", _drawn(random, weights, before), _drawn(random, others, after)))
    return found
