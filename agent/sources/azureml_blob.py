"""A blob of collected data, as a listing shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blob:
    """Enough to know whether it grew, and whether it still is the same."""

    name: str
    size: int
    etag: str
    created: str
    """When it was made: a blob of the same name made later is another one."""


class Vanished(Exception):
    """A blob that was listed is not there any more; the argument is its name."""
