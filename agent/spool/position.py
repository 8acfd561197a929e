"""A place in the spool: which segment, and how far into it."""

from typing import NamedTuple


class Position(NamedTuple):
    """Ordered, and plain enough to be stored: `Position(*saved)` takes it back.

    >>> Position(1, 4096) < Position(2, 0)
    True
    """

    segment: int
    offset: int


START = Position(0, 0)
"""Before everything."""
