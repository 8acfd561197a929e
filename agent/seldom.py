"""Keeps the log readable: what goes on being so is said again only after a while."""

import time
from collections.abc import Callable

PAUSE = 300.0
"""Seconds until the same thing may be said again."""
_MOST = 1000


class Seldom:
    """Remembers what was said when. Not shared between threads."""

    def __init__(self, pause: float = PAUSE, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._monotonic = monotonic
        self._said: dict[str, float] = {}

    def may(self, what: str) -> bool:
        """Return whether it is time to say this, and take it as said if so.

        >>> seldom = Seldom(monotonic=iter([0.0, 1.0, 300.0]).__next__)
        >>> seldom.may("down"), seldom.may("down"), seldom.may("down")
        (True, False, True)
        """
        now = self._monotonic()
        if now - self._said.get(what, now - self._pause) < self._pause:
            return False
        if len(self._said) >= _MOST:
            self._said.clear()
        self._said[what] = now
        return True

    def over(self, what: str) -> bool:
        """Return whether this had been said, and forget it: it is no longer so."""
        return self._said.pop(what, None) is not None
