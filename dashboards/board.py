"""Board, row and panel in driftline's own terms; writers turn them into Grafana's and Azure's."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from alerts.query import Query

Shape: TypeAlias = Literal["line", "number", "states", "table"]
"""Over time; the value of now; a band a state over time; a row a thing, with the values of now."""

Unit: TypeAlias = Literal["score", "ratio", "seconds", "days", "bytes", "per_second", "count"]

Colour: TypeAlias = Literal["good", "warning", "bad", "unknown"]
"""What a value means; `unknown` is grey and stands for no data, which is not health."""


@dataclass(frozen=True, slots=True)
class Series:
    """One question of a panel, and what its answers are called."""

    query: Query
    name: str
    """In a line or number `{attribute}` stands for its value; in a table it is the heading of the column, and
    empty for a value that only says which rows there are."""
    unit: Unit | None = None
    """Where it is not the panel's."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From `value` on, the meaning changes to `colour`."""

    value: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class State:
    """What a value is called, where a number would say nothing."""

    value: int
    text: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. In a table the first series decides which rows there are; thresholds and states are about it."""

    title: str
    description: str
    shape: Shape
    unit: Unit
    series: tuple[Series, ...]
    thresholds: tuple[Threshold, ...] = ()
    states: tuple[State, ...] = ()
    width: int = 12
    """Columns of 24."""
    height: int = 8
    """Grid units of about 30 pixels."""
    top: int = 50
    """Where a store limits what a chart may hold: so many series, the largest first."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that answer one question."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One page."""

    name: str
    """Stable: links and identifiers are made from it."""
    title: str
    description: str
    rows: tuple[Row, ...]
