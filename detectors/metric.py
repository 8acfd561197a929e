"""What a metric is: the kind of value that everything here emits, alerts on and draws."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Everything that emits, alerts on or draws it takes this object, never its name."""

    name: str
    kind: Kind
    unit: str
    """UCUM: `1` only for fractions, whose names end in `.ratio`; else `s`, `By` or an `{annotation}`."""
    description: str
    attributes: tuple[str, ...] = ()
    boundaries: tuple[float, ...] = ()
    """Upper bounds of histogram buckets, inclusive."""


STREAM = ("endpoint", "deployment", "traffic")
