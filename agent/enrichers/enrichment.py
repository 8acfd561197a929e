"""Puts the features that enrichers draw in the place of the columns they drew from."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol, TypeVar

from agent.enrichers import Enricher
from agent.enrichers.yardsticks import Own, Yardsticks
from agent.faults import place_of
from agent.seldom import Seldom
from detectors.types import Column

_log = logging.getLogger(__name__)
_seldom, _lock = Seldom(), Lock()


class Values(Protocol):
    """A column as its format brings it."""

    def objects(self) -> Sequence[Any]:
        """Return one value a row; None is missing."""
        ...


V = TypeVar("V", bound=Values)


@dataclass(frozen=True, slots=True)
class Enrichment:
    """The enrichers of one endpoint."""

    endpoint: str
    enrichers: Mapping[str, Enricher]
    """Component id to enricher."""
    yardsticks: Yardsticks

    @property
    def columns(self) -> frozenset[str]:
        """Columns something is drawn from."""
        return frozenset(column for enricher in self.enrichers.values() for column in enricher.columns)

    def draw(self, table: Mapping[str, V], rows: int, dropped: Counter[str]) -> tuple[Mapping[str, V], dict[str, Column]]:
        """Return the columns nothing is drawn from, and the features `type.column.name` drawn from the others.

        What cannot be used is added to `dropped` and missing. An enricher that fails costs its own features only.
        """
        features: dict[str, Column] = {}
        for name, enricher in self.enrichers.items():
            kind = name.partition("/")[0]
            for column in enricher.columns:
                if column in table:
                    drawn = self._drawn(name, enricher, column, table[column], rows, dropped)
                    features |= {f"{kind}.{column}.{feature}": value for feature, value in drawn.items()}
        taken = self.columns
        return {column: raw for column, raw in table.items() if column not in taken}, features

    def _drawn(self, name: str, enricher: Enricher, column: str, raw: Values, rows: int, dropped: Counter[str]) -> Mapping[str, Column]:
        try:
            drawn = enricher.draw(column, raw.objects(), Own(self.yardsticks, f"{self.endpoint}/{name}"))
            if any(len(value) != rows for value in drawn.features.values()):
                raise ValueError("a feature does not have a value a row")  # noqa: TRY301 (told and counted like any other fault)
        except Exception as error:  # noqa: BLE001 (an enricher may be a stranger's; the rows and their other columns go on)
            dropped["enricher_fault"] += rows
            with _lock:
                if _seldom.may(f"{self.endpoint} {name} {column}"):
                    _log.error("endpoint %s, enricher %s: %s at %s", self.endpoint, name, type(error).__name__, place_of(error))
            return {}
        dropped.update(drawn.refused)
        return drawn.features
