"""Compares two tables of rows as another product would, column by column."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from detectors.drift.parity import azureml, evidently, nannyml
from detectors.drift.parity.product import Product
from detectors.drift.parity.reading import Reading
from detectors.drift.parity.samples import CategorySamples, Samples, pair
from detectors.types import Column

NAMES: Mapping[Product, str] = {"azureml": "Azure ML", "evidently": "Evidently", "nannyml": "NannyML"}
NO_PROMISE = "no promise about false alarms"
"""What every surface says beside these scores."""

Limits = Mapping[str, Mapping[str, float]]
"""Feature to method to NannyML's upper threshold."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a product says of one feature."""

    product: Product
    feature: str
    decides: Reading
    """By the method the product chooses itself."""
    readings: Mapping[str, Reading]
    """By every method, the deciding one among them."""
    rows: int
    """Current rows it rests on."""

    @property
    def methods(self) -> dict[str, float]:
        """The values as they are exported: `evidently.psi`."""
        return {f"{self.product}.{name}": reading.value for name, reading in self.readings.items()}

    @property
    def explanation(self) -> str:
        """Say what the product would say, and that it promises nothing."""
        one = self.decides
        would = "would report drift" if one.alert else "would not report drift"
        return f"{NAMES[self.product]} {would}: its {one.method} is {one.value:.3g}, its threshold {one.threshold:.3g}; {NO_PROMISE}"


def compare(
    product: Product,
    reference: Mapping[str, Column],
    current: Mapping[str, Column],
    limits: Limits | None = None,
    *,
    thorough: bool = True,
) -> list[Told]:
    """Return what a product says of each column that both sides have values in, in the order of the reference.

    Left out is a column that the product itself cannot cut into bins.
    `limits` are those of `fit`, None: they are worked out here. Without `thorough` a test is left out that costs more than all
    the rest and that nobody chose: Azure ML's Kolmogorov-Smirnov.
    """
    samples = _samples(reference, current)
    if product == "azureml":
        samples = azureml.complete(samples)
    found = []
    for name, one in samples.items():
        try:
            with np.errstate(all="ignore"):
                readings, chosen = _readings(product, one, (limits or {}).get(name), thorough=thorough)
        except ValueError:
            # NumPy cuts no bins of equal width through numbers as far apart, or as close, as these; there the product ends as well.
            continue
        found.append(Told(product, name, readings[chosen], readings, len(one.present[1])))
    return found


def _readings(product: Product, one: Samples, upper: Mapping[str, float] | None, *, thorough: bool) -> tuple[dict[str, Reading], str]:
    if product == "evidently":
        return evidently.readings(one), evidently.default(one)
    if product == "nannyml":
        return nannyml.readings(one, upper or nannyml.limits(one)), nannyml.DEFAULT
    return azureml.readings(one, thorough=thorough), azureml.CATEGORICAL if isinstance(one, CategorySamples) else azureml.NUMERIC


def fit(product: Product, reference: Mapping[str, Column]) -> Limits:
    """Return the thresholds that a product takes from its reference; only NannyML does."""
    if product != "nannyml":
        return {}
    found = {}
    for name, one in _samples(reference, reference).items():
        with suppress(ValueError), np.errstate(all="ignore"):  # as in `compare`
            found[name] = nannyml.limits(one)
    return found


def _samples(reference: Mapping[str, Column], current: Mapping[str, Column]) -> dict[str, Samples]:
    paired = {name: pair(column, current[name]) for name, column in reference.items() if name in current}
    return {name: one for name, one in paired.items() if one is not None}
