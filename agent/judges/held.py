"""Texts that wait for a judge: redacted, in memory alone, bounded, and gone once they are judged or too old."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from agent.judges.task import Item

MOST_BYTES = 64 * 1024 * 1024


class _Held(NamedTuple):
    item: Item
    bytes: int
    time: int


class _Key(NamedTuple):
    endpoint: str
    identity: int
    taker: str


class HeldTexts:
    """Shared by the event loop, which puts texts in, and the judges' threads, which take them out."""

    def __init__(self, most: int = MOST_BYTES, clear: Callable[[str, Item], Item | None] | None = None) -> None:
        """`most`: bytes of text; beyond it the oldest go. `clear` takes out of an endpoint's texts what patterns cannot find, as they are taken."""
        self._most = most
        self._clear = clear
        self._lock = threading.Lock()
        self._texts: OrderedDict[_Key, _Held] = OrderedDict()
        self._bytes = 0
        self._lost: Counter[str] = Counter()

    def put(self, endpoint: str, identity: int, item: Item, time: int, taker: str = "judge") -> None:
        """Keep the texts of a call (its id as in the batch) of an event time in nanoseconds; more of the same call is put together.

        `taker` is who may take them: each has its own.
        """
        key = _Key(endpoint, identity, taker)
        with self._lock:
            before = self._texts.pop(key, None)
            if before is not None:
                self._bytes -= before.bytes
                item = Item(*(new or old for new, old in zip(_texts(item), _texts(before.item), strict=True)))
            # Characters take up to four bytes.
            size = 4 * sum(map(len, _texts(item))) + 200
            self._texts[key] = _Held(item, size, time)
            self._bytes += size
            while self._bytes > self._most and self._texts:
                _, oldest = self._texts.popitem(last=False)
                self._bytes -= oldest.bytes
                self._lost["memory"] += 1

    def take(self, endpoint: str, identity: int, taker: str = "judge") -> Item | None:
        """Return the texts of a call, and forget them; None where they are lost, or cannot be cleared."""
        with self._lock:
            found = self._texts.pop(_Key(endpoint, identity, taker), None)
            if found is None:
                self._lost["gone"] += 1
                return None
            self._bytes -= found.bytes
        return found.item if self._clear is None else self._clear(endpoint, found.item)

    def forget(self, endpoint: str, until: int, keep: Iterable[int] = (), taker: str = "judge") -> None:
        """Let go of an endpoint's texts of event times before `until` (nanoseconds): their windows closed without them."""
        kept = set(keep)

        def is_over(key: _Key, held: _Held) -> bool:
            return (key.endpoint, key.taker) == (endpoint, taker) and held.time < until and key.identity not in kept

        with self._lock:
            for key in [key for key, held in self._texts.items() if is_over(key, held)]:
                self._bytes -= self._texts.pop(key).bytes

    def take_lost(self) -> Counter[str]:
        """Return how many texts were lost since the last call, by reason."""
        with self._lock:
            found, self._lost = self._lost, Counter()
            return found

    def __len__(self) -> int:
        return len(self._texts)


def _texts(item: Item) -> tuple[str, str, str, str]:
    return item.question, item.answer, item.context, item.truth
