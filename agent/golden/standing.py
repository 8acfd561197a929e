"""What is remembered of a golden set between runs: the accepted run, what is suspected, and the newest run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.errors import InputError
from agent.golden.comparing import Comparison, compare
from agent.golden.run import Run, restore
from detectors.quality.regression import Terms
from detectors.types import Plain


@dataclass(frozen=True, slots=True)
class Standing:
    """Immutable: each run leads to the next."""

    accepted: Run | None = None
    suspected: frozenset[str] = frozenset()
    newest: Run | None = None

    def after(self, run: Run, terms: Terms, most_gaps: float) -> tuple["Standing", Comparison | None]:
        """Return what holds after a run, and how it compares; None while no run is accepted."""
        if self.accepted is None:
            return replace(self, newest=run), None
        found = compare(self.accepted, run, terms, most_gaps, self.suspected)
        return Standing(self.accepted, found.suspected, run), found

    def accepting(self) -> "Standing":
        """Return it with the newest run as the new normal. Raises InputError where there is none."""
        if self.newest is None:
            raise InputError("no run can be accepted: there is none yet")
        return Standing(self.newest, frozenset(), self.newest)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "version": 1,
            "accepted": None if self.accepted is None else self.accepted.plain(),
            "suspected": sorted(self.suspected),
            "newest": None if self.newest is None else self.newest.plain(),
        }


def standing(saved: Plain | None) -> Standing:
    """Take back what `Standing.plain` returned; nothing for None. Raises InputError for anything else."""
    if saved is None:
        return Standing()
    if not isinstance(saved, Mapping) or saved.get("version") != 1 or not isinstance(saved.get("suspected"), list):
        raise InputError("holds no accepted run of a golden set that this driftline reads")
    runs = [None if saved.get(key) is None else restore(saved[key]) for key in ("accepted", "newest")]
    return Standing(runs[0], frozenset(map(str, saved["suspected"])), runs[1])
