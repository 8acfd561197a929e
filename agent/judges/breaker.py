"""Stops asking a judge that does not answer, and tries again after a while: a circuit breaker as a pure step."""

from dataclasses import dataclass, replace

FAILURES = 5
"""Failures in a row after which it opens."""
FIRST, LONGEST = 15.0, 300.0
"""Seconds it stays open first, doubled each time the attempt after it fails, up to the longest."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Closed while calls go well; open for a while after several failed; then one call decides."""

    failures: int = 0
    opened: float | None = None
    """When it opened, in seconds; None: closed."""
    pause: float = FIRST

    def may(self, now: float) -> bool:
        """Return whether a call may be made."""
        return self.opened is None or now >= self.opened + self.pause

    def succeeded(self) -> "Breaker":
        """Return it after a call that was answered."""
        return Breaker()

    def failed(self, now: float, retry_after: float | None = None) -> "Breaker":
        """Return it after a call that was not; `retry_after` is what the other side asked for, in seconds.

        >>> breaker = Breaker()
        >>> for _ in range(FAILURES):
        ...     breaker = breaker.failed(100.0)
        >>> breaker.may(110.0), breaker.may(115.0)
        (False, True)
        """
        if self.opened is not None:
            pause = min(max(2 * self.pause, retry_after or 0.0), LONGEST)
            return replace(self, opened=now, pause=pause)
        failures = self.failures + 1
        if failures < FAILURES and retry_after is None:
            return replace(self, failures=failures)
        return Breaker(failures, now, min(max(FIRST, retry_after or 0.0), LONGEST))
