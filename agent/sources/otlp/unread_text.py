"""Prompts or answers of a request's calls that nobody has read yet: most are of calls that are not looked at, and cost nothing."""

from collections.abc import Sequence
from typing import Any

from agent.sources.otlp.call import said
from agent.sources.otlp.messages import dump
from detectors.types import Text


class UnreadText(Text):
    """A column of text that is made where it is asked for, from what the spans carried."""

    __slots__ = ("_records", "_side")

    def __init__(self, records: Sequence[dict[str, Any]], side: str) -> None:
        """Stand for one side, `input` or `output`, of the calls whose fields are `records`."""
        # The class it stands in for is frozen.
        object.__setattr__(self, "_records", records)
        object.__setattr__(self, "_side", side)

    def __len__(self) -> int:
        return len(self._records)  # type: ignore[attr-defined]  # set above

    def at(self, row: int) -> str | None:
        """Return the messages of one call as JSON; None where it has none."""
        listed = said(self._records[row], self._side)  # type: ignore[attr-defined]  # set above
        return dump(listed) if listed else None

    @property
    def values(self) -> tuple[str | None, ...]:
        """All texts, read now."""
        return tuple(map(self.at, range(len(self))))
