"""Milliseconds a token from two metrics: how long calls took, over how many tokens they wrote."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

_MOST_APART = 0.02
_MILLISECONDS = 1e3
_EXPORT = 1_000_000_000
"""Nanoseconds within which points are of one export: many clients give each instrument the time at which it was read."""


class Bucket(NamedTuple):
    """Some calls of about the same value."""

    row: int
    """Row of the batch they stand in."""
    value: float
    calls: int


class Ratio(NamedTuple):
    """One row: some calls of about the same pace."""

    row: int
    """Row of the batch whose names it has."""
    value: float
    calls: int
    begin: int
    """When the span began, nanoseconds."""


@dataclass(slots=True)
class _Told:
    """The sum of a quantity over some calls, and their buckets."""

    total: float = 0.0
    calls: int = 0
    begin: int = 2**63 - 1
    buckets: list[Bucket] = field(default_factory=list)

    def add(self, other: "_Told") -> None:
        """Take in what was told of other calls."""
        self.total += other.total
        self.calls += other.calls
        self.begin = min(self.begin, other.begin)
        self.buckets += other.buckets


class Pace:
    """Gathers what the same calls say in the same span: duration, time to first token, output tokens."""

    QUANTITY: ClassVar[str] = "milliseconds_per_token"

    def __init__(self) -> None:
        self._told: dict[int, dict[int, dict[str, _Told]]] = {}
        """By call, time and quantity."""

    def note(self, call: int, time: int, quantity: str, total: float, calls: int, begin: int, buckets: Sequence[Bucket]) -> None:
        """Take in the sum of a quantity over so many calls; 0 calls: a counter, which does not say over how many."""
        known = self._told.setdefault(call, {}).setdefault(time, {}).setdefault(quantity, _Told())
        known.add(_Told(total, calls, begin, list(buckets)))

    def ratios(self) -> Iterator[Ratio]:
        """Yield the ratios; of calls of which more than 2 % did not tell their tokens there is none.

        Nobody says how many tokens the calls of a bucket wrote: each is taken to have written the mean. So the paces are
        spread as the durations are, and their mean is exact. Where every call told its time to first token, that is no
        part of it.
        """
        nothing = _Told()
        for known in self._exports():
            lasted, wrote = known.get("duration", nothing), known.get("output_tokens", nothing)
            waited = known.get("time_to_first_token", nothing)
            about = sum(one.value * one.calls for one in lasted.buckets)
            untold = wrote.calls and abs(wrote.calls - lasted.calls) > _MOST_APART * lasted.calls
            if not lasted.calls or wrote.total <= 0 or untold or about <= 0:
                continue
            seconds = max(lasted.total - (waited.total if waited.calls == lasted.calls else 0.0), 0.0)
            mean = wrote.total / (wrote.calls or lasted.calls)
            scale = _MILLISECONDS * seconds / about / mean
            for one in lasted.buckets:
                yield Ratio(one.row, one.value * scale, one.calls, lasted.begin)

    def _exports(self) -> Iterator[dict[str, _Told]]:
        """Yield what each export told of the same calls."""
        for by_time in self._told.values():
            began, export = -_EXPORT, dict[str, _Told]()
            for time, told in sorted(by_time.items()):
                if time - began < _EXPORT:
                    for quantity, one in told.items():
                        export.setdefault(quantity, _Told()).add(one)
                    continue
                if export:
                    yield export
                began, export = time, told
            yield export
