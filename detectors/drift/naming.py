"""Names categories that came or went: the most frequent of them, and how many more there are."""

from collections.abc import Collection, Mapping
from heapq import nsmallest

MOST = 10
"""Names that are listed at most."""


def foremost(counts: Mapping[str, int], most: int = MOST) -> tuple[str, ...]:
    """Return the most frequent values; ties go by code point order.

    >>> foremost({"b": 1, "a": 1, "c": 7}, 2)
    ('c', 'a')
    """
    return tuple(nsmallest(most, counts, key=lambda value: (-counts[value], value)))


def listed(names: Collection[str], more: int = 0) -> str:
    """Return names in quotes, and how many more there are.

    >>> listed(["AA", "B6"], 3), listed([], 2)
    ("'AA', 'B6' and 3 more", '2 values')
    """
    if not names:
        return f"{more} {'value' if more == 1 else 'values'}"
    return ", ".join(map(repr, names)) + (f" and {more} more" if more else "")
