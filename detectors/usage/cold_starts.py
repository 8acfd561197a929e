"""Which calls met a deployment that was starting up: after a silence, or of a version nobody had called before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.types import Category, Plain

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MOST_VERSIONS = 20
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Warmth:
    """What is known of one stream. Times are nanoseconds of event time."""

    heard: int
    """When the newest call ended."""
    since: int = NEVER
    """When its first call began."""
    quiet: int = NEVER
    """When the last call before the newest silence ended: what began later, and before `warm`, met a cold start."""
    warm: int = NEVER
    versions: Mapping[str, int] = field(default_factory=dict)
    """Version to when it is warm; the first there was is from the beginning."""

    def plain(self) -> Plain:
        """Return it as data; `Warmth(**plain)` takes it back."""
        return {"heard": self.heard, "since": self.since, "quiet": self.quiet, "warm": self.warm, "versions": dict(self.versions)}


def newcomer(first: int, others: Iterable[Warmth], idle: int, warm_up: int) -> Warmth:
    """Return what is known of a stream before its first call, which began at `first`.

    Where other deployments of its endpoint were called for longer than `idle`, it is a new one, and starts up.
    """
    if any(other.since < first - idle for other in others):
        return Warmth(first, first, first - 1, first + warm_up)
    return Warmth(first, first)


def mark(known: Warmth, begins: Ints, ends: Ints, version: Category | None, idle: int, warm_up: int) -> tuple[Warmth, Flags | None]:
    """Return what is known after some calls, and which of them are cold starts (None: none); spans in nanoseconds.

    A call is one when it began more than `idle` after every call that came before it had ended, or less than `warm_up`
    after such a call or after the first of its version. Calls are taken as they come, so no cut changes anything. The first version
    of a stream is none by itself: nobody knows what was before.
    """
    first, last = int(begins.min()), int(ends.max())
    cold: Flags | None = None
    if first - known.heard > idle or last - first > idle:
        known, cold = _after_silence(known, begins, ends, idle, warm_up)
    elif first < known.warm:
        cold = (begins > known.quiet) & (begins < known.warm)
    known = replace(known, heard=max(known.heard, last))
    if version is not None:
        known, fresh = _of_versions(known, begins, version, warm_up)
        cold = fresh if cold is None else cold if fresh is None else cold | fresh
    return known, cold if cold is not None and cold.any() else None


def _after_silence(known: Warmth, begins: Ints, ends: Ints, idle: int, warm_up: int) -> tuple[Warmth, Flags]:
    busy = np.maximum.accumulate(np.concatenate([[known.heard], ends[:-1]]))
    wakes = begins - busy > idle
    # The silence that ended last before each call; 0: the one known before.
    which = np.maximum.accumulate(np.where(wakes, np.arange(1, len(begins) + 1), 0))
    quiet = np.concatenate([[known.quiet], busy])[which]
    warm = np.concatenate([[known.warm], begins + warm_up])[which]
    return replace(known, quiet=int(quiet[-1]), warm=int(warm[-1])), (begins > quiet) & (begins < warm)


def _of_versions(known: Warmth, begins: Ints, version: Category, warm_up: int) -> tuple[Warmth, Flags | None]:
    codes, firsts = np.unique(version.codes[version.codes >= 0], return_index=True)
    places = np.flatnonzero(version.codes >= 0)
    versions = dict(known.versions)
    cold: Flags | None = None
    for code, first in sorted(zip(codes.tolist(), places[firsts].tolist(), strict=True), key=lambda pair: pair[1]):
        name, mine = version.values[code], version.codes == code
        # Put back last: what was heard of longest ago is the first to be forgotten.
        versions[name] = until = versions.pop(name, int(begins[first]) + warm_up if versions else NEVER)
        fresh = mine & (begins < until)
        if fresh.any():
            cold = fresh if cold is None else cold | fresh
    kept = dict(list(versions.items())[-MOST_VERSIONS:])
    return replace(known, versions=kept), cold
