"""Milliseconds a token from two metrics: how long calls took, over how many tokens they wrote."""

from typing import ClassVar, NamedTuple

_MOST_APART = 0.02
_MILLISECONDS = 1e3
_NONE = (0.0, 0, 0, 0)


class Ratio(NamedTuple):
    """One row: the mean over some calls."""

    row: int
    """Row of the batch whose names it has."""
    value: float
    calls: int
    begin: int
    """When the span began, nanoseconds."""


class Pace:
    """Gathers what the same calls say in the same span: duration, time to first token, output tokens."""

    QUANTITY: ClassVar[str] = "milliseconds_per_token"

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], dict[str, tuple[float, int, int, int]]] = {}

    def note(self, call: int, time: int, quantity: str, total: float, calls: int, row: int, begin: int) -> None:
        """Take in the sum of a quantity over so many calls; 0 calls: a counter, which does not say over how many."""
        known = self._told.setdefault((call, time), {})
        before, counted, first, began = known.get(quantity, (0.0, 0, row, begin))
        known[quantity] = (before + total, counted + calls, first, min(began, begin))

    def ratios(self) -> list[Ratio]:
        """Return the ratios; of calls of which more than 2 % did not tell their tokens there is none.

        Where every call told its time to first token, that is no part of the pace.
        """
        found = []
        for known in self._told.values():
            seconds, calls, row, begin = known.get("duration", _NONE)
            tokens, answered, *_ = known.get("output_tokens", _NONE)
            first, streamed, *_ = known.get("time_to_first_token", _NONE)
            if not calls or tokens <= 0 or (answered and abs(answered - calls) > _MOST_APART * calls):
                continue
            waited = first if streamed == calls else 0.0
            found.append(Ratio(row, _MILLISECONDS * max(seconds - waited, 0.0) / tokens, min(calls, answered or calls), begin))
        return found
