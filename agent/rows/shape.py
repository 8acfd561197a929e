"""Decides once what each column of a source is, and turns tables of raw columns into batches of that shape."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.config import Columns
from agent.enrichers.enrichment import Enrichment
from agent.errors import InputError
from agent.redaction.column_names import is_private, listed
from detectors.types import Batch, Category, Column

Kind = Literal["number", "category", "other"]
"""What a column holds; `other` (lists, mappings, dates) is no feature."""

Kinds: TypeAlias = Mapping[str, Kind]
"""What the columns seen so far were decided to be."""


@dataclass(slots=True)
class Memory:
    """What a source has learnt of its columns, by part (`""` for tables without parts); files read in turn share it."""

    kinds: Mapping[str, Kinds] = field(default_factory=dict)


Flags: TypeAlias = NDArray[np.bool_] | None
"""One flag a row, or None where no row has it."""

MOST = 1000
"""Columns kept of one source; what comes beyond them is dropped and counted."""

LONGEST = 128
"""Characters a column's name may have."""

_SHARE = 0.95
"""A column is numeric if at least this share of its first values are numbers: a few broken cells do not change its type."""


class Raw(Protocol):
    """A column as its format brings it."""

    def kind(self) -> Kind | None:
        """Return what the column seems to hold; None while it is all missing."""
        ...

    def numbers(self) -> tuple[NDArray[np.float64], Flags]:
        """Return float64 numbers (NaN: missing or wrong) and which rows are of the wrong type."""
        ...

    def categories(self) -> tuple[Category, Flags]:
        """Return categories and which rows are of the wrong type."""
        ...

    def times(self, zone: tzinfo) -> NDArray[np.int64]:
        """Return nanoseconds since 1970, UTC; 0: none. A time without an offset was read off a clock in `zone`."""
        ...

    def ids(self) -> NDArray[np.uint64]:
        """Return a stable hash of each value; 0: none."""
        ...

    def objects(self) -> Sequence[Any]:
        """Return the values as they are, None where missing: what enrichers draw from."""
        ...


def majority(numbers: int, texts: int, present: int) -> Kind | None:
    """Return the kind of a column of which so many present values are numbers or texts."""
    if not present:
        return None
    if numbers >= _SHARE * present:
        return "number"
    return "category" if numbers + texts > present / 2 else "other"


@dataclass(frozen=True, slots=True)
class Shape:
    """How tables of one endpoint become batches."""

    endpoint: str
    columns: Columns
    zone: tzinfo
    enrichment: Enrichment | None = None
    """Draws features from some of the columns, which are then left out."""
    expected: Kinds = field(default_factory=dict)
    """What a column is where its values do not say: they are all missing, or neither numbers nor categories (then of the wrong type)."""
    most: int = MOST
    """Columns kept."""

    def batch(
        self, table: Mapping[str, Raw], rows: int, kinds: Kinds, given: Mapping[str, Column], name: str
    ) -> tuple[Batch, dict[str, Kind], Counter[str]]:
        """Return the batch, the kinds with what was decided now, and how much was dropped for which reason.

        `given` are reserved columns known from elsewhere; a column the configuration names wins over them. A feature
        of `kinds` the table lacks is all missing. `name` is what errors call the table. Raises InputError when the
        configured timestamp is neither in the table nor given.
        """
        dropped: Counter[str] = Counter()
        roles = self._roles()
        found: dict[str, Kind] = dict(kinds)
        features: dict[str, Column] = {}
        if self.enrichment is not None:
            table, features = self.enrichment.draw(table, rows, dropped)
            found = {column: kind for column, kind in found.items() if column not in self.enrichment.columns}
        columns: dict[str, Column] = dict(given) | self._named(table)
        for column, raw in table.items():
            role = roles.get(column)
            if role != "" and self._decide(column, raw, found, dropped):
                value, wrong = raw.numbers() if found.get(column, "number") == "number" else raw.categories()
                if role is None:
                    features[column] = value
                else:
                    columns[role] = value
                if wrong is not None:
                    columns[f"type_error.{role or column}"] = wrong
        for column, kind in found.items():
            if column not in table and column not in roles and kind != "other":
                features[column] = np.full(rows, np.nan) if kind == "number" else Category(np.full(rows, -1, np.int32), ())
        batch = Batch(self.endpoint, "rows", rows, columns, features)
        return self._timed(batch, table, dropped, name), found, dropped

    def _roles(self) -> dict[str, str]:
        """Return column to reserved column; "" for what is read elsewhere or ignored."""
        named = self.columns
        roles = dict.fromkeys((*named.segments, *named.ignore), "")
        roles |= {column: "" for column in (named.timestamp, named.id, named.deployment) if column is not None}
        roles |= {column: f"probability.{column}" for column in named.probabilities}
        meant = ((named.prediction, "prediction"), (named.probability, "probability"), (named.label, "label"))
        return roles | {column: role for column, role in meant if column is not None}

    def _named(self, table: Mapping[str, Raw]) -> dict[str, Column]:
        named = self.columns
        found: dict[str, Column] = {}
        if named.timestamp is not None and named.timestamp in table:
            found["time"] = table[named.timestamp].times(self.zone)
        if named.id is not None and named.id in table:
            found["id"] = table[named.id].ids()
        if named.deployment is not None and named.deployment in table:
            found["deployment"] = table[named.deployment].categories()[0]
        return found | {f"segment.{name}": table[name].categories()[0] for name in named.segments if name in table}

    def _decide(self, column: str, raw: Raw, kinds: dict[str, Kind], dropped: Counter[str]) -> bool:
        """Decide a column's kind if that is still open; return whether its values are kept."""
        if column not in kinds:
            if len(kinds) >= self.most or len(column) > LONGEST or is_private(column):
                dropped[
                    "too_many_columns" if len(kinds) >= self.most else "long_column_name" if len(column) > LONGEST else "private_name"
                ] += 1
                return False
            kind: Kind | None = "category" if column in self.columns.categorical else raw.kind()
            if column in (*self.columns.numeric, *self.columns.probabilities, self.columns.probability):
                kind = "number"
            if kind in {None, "other"}:
                kind = self.expected.get(column, kind)
            if kind is not None:
                kinds[column] = kind
        return kinds.get(column) != "other"

    def _timed(self, batch: Batch, table: Mapping[str, Raw], dropped: Counter[str], name: str) -> Batch:
        """Drop the rows whose time cannot be read: counted at the time of arrival they would blur another window."""
        wanted = self.columns.timestamp
        if wanted is None:
            return batch
        times = batch.columns.get("time")
        if not isinstance(times, np.ndarray):
            raise InputError(f"{name}: has no column '{wanted}' (columns.timestamp); it has {listed(list(table))}")
        missing = int((times == 0).sum())
        if not missing:
            return batch
        dropped["no_time"] += missing
        kept = batch.take(np.flatnonzero(times != 0))
        return replace(kept, columns={column: value for column, value in kept.columns.items() if _said(column, value)})


def _said(column: str, value: Column) -> bool:
    return not column.startswith("type_error.") or (isinstance(value, np.ndarray) and bool(value.any()))
