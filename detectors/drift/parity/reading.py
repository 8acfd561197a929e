"""What a product would say of one feature by one of its methods."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """A value as the product computes it, and whether the product would call it drift."""

    method: str
    """As the product names it."""
    value: float
    threshold: float
    """The product's own; NaN: it has none for this method."""
    alert: bool


def above(method: str, value: float, threshold: float, *, inclusive: bool = False) -> Reading:
    """Return a reading that alerts above its threshold (at it too, where `inclusive`).

    >>> above("psi", 0.1, 0.1).alert, above("psi", 0.1, 0.1, inclusive=True).alert
    (False, True)
    """
    return Reading(method, float(value), float(threshold), bool(value >= threshold if inclusive else value > threshold))


def below(method: str, p: float, threshold: float, *, inclusive: bool = False) -> Reading:
    """Return a reading of a p-value, which alerts below its threshold.

    >>> below("ks", 0.04, 0.05).alert, below("ks", float("nan"), 0.05).alert
    (True, False)
    """
    return Reading(method, float(p), float(threshold), bool(p <= threshold if inclusive else p < threshold))
