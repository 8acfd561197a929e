"""What searches found, until the answer that was to rest on it comes: hashes of word triples by trace, no text."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from detectors.quality.evaluators.words import triples, words

Hashes = NDArray[np.int64]

MOST = 2_000_000
"""Triples kept: 16 MB."""
_MOST_OF_ONE = 100_000
_EACH = 50
"""What a trace takes beside its triples, in triples."""
_LEAST = 3
"""Triples an answer must have, as for grounding in the prompt."""


def hashed(text: str) -> Hashes:
    """Return the hashes of a text's word triples, one a place; they hold within this process."""
    found = triples(words(text))
    return np.fromiter(map(hash, found), np.int64, len(found))


def share_found(answer: str, documents: Hashes) -> float | None:
    """Return the share of the answer's word triples that the documents have, from 0 to 1; None with fewer than five words.

    >>> share_found("The card arrives in two days.", np.unique(hashed("A new card arrives in two days by post.")))
    0.75
    """
    found = hashed(answer)
    return float(np.isin(found, documents).mean()) if len(found) >= _LEAST else None


class FoundDocuments:
    """Put in by worker threads, asked by the event loop. Beyond `most` triples what came first goes. A search tells before the call it serves: it ends before that begins."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: OrderedDict[int, Hashes] = OrderedDict()
        self._triples = 0

    def put_all(self, told: Iterable[tuple[int, str]]) -> None:
        """Add the texts of several searches, by trace."""
        for trace, text in told:
            self.put(trace, text)

    def put(self, trace: int, text: str) -> None:
        """Add what a search of a trace found; of several searches all counts."""
        told = np.unique(hashed(text))
        with self._lock:
            before = self._kept.get(trace, np.zeros(0, np.int64))
            kept = np.union1d(before, told)[:_MOST_OF_ONE]
            self._kept[trace] = kept
            self._kept.move_to_end(trace)
            self._triples += len(kept) - len(before) + _EACH * (len(before) == 0)
            while self._triples > self._most and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._triples -= len(oldest) + _EACH

    def of(self, trace: int) -> Hashes | None:
        """Return the triples of what the searches of a trace found; None where none told."""
        return self._kept.get(trace)
