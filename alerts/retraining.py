"""When a model is to be trained anew: so many bad windows of one kind are told once, then it is quiet for a while."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args

from detectors.types import Plain, Window

Signal: TypeAlias = Literal["drift", "decay"]
"""What a window can be bad by; each is counted for itself, as labels come long after their rows."""

SIGNALS: tuple[Signal, ...] = get_args(Signal)


@dataclass(frozen=True, slots=True)
class Terms:
    """How many bad windows lead to a request, and how long nothing is counted after one."""

    windows: int = 3
    within: int = 3
    """Bad windows are looked for among the last so many that could be judged; as many as `windows`: in a row."""
    days: int = 1
    """Calendar days the bad windows must lie on, at least."""
    cool_down: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one signal says of one window."""

    signal: Signal
    window: Window
    bad: bool | None
    """None: it cannot be told (no data, too few rows, a day off); such a window neither counts nor resets."""
    evidence: Plain = field(default_factory=dict)
    """What the verdict rests on, bounded; kept only of a bad window."""
    performance: tuple[Plain, ...] = ()
    """How good the answers of the window were, where anything is known of it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A window that counts."""

    start: datetime
    end: datetime
    bad: bool
    evidence: Plain


@dataclass(frozen=True, slots=True)
class State:
    """What has been counted of one stream."""

    judged: Mapping[Signal, tuple[Judged, ...]] = field(default_factory=dict)
    """By start, the last `within` of each signal."""
    newest: datetime | None = None
    """The latest end of any window seen: the clock of the cool-down, so that a replay says the same."""
    requested: datetime | None = None
    """`newest` at the last request."""
    measured: Plain | None = None
    """The newest known performance, with start and end of its window."""

    def plain(self) -> Plain:
        """Return the state as data."""
        return {
            "judged": {
                signal: [[one.start.isoformat(), one.end.isoformat(), one.bad, one.evidence] for one in kept]
                for signal, kept in self.judged.items()
            },
            "newest": self.newest and self.newest.isoformat(),
            "requested": self.requested and self.requested.isoformat(),
            "measured": self.measured,
        }

    @classmethod
    def restore(cls, saved: Plain) -> "State":
        """Take back what `plain` returned.

        >>> State.restore(State().plain()) == State()
        True
        """
        judged = {
            signal: tuple(Judged(_time(start), _time(end), bad, evidence) for start, end, bad, evidence in kept)
            for signal, kept in saved["judged"].items()
        }
        newest, requested = (saved[name] and _time(saved[name]) for name in ("newest", "requested"))
        return cls(judged, newest, requested, saved["measured"])


@dataclass(frozen=True, slots=True)
class Request:
    """Enough windows were bad."""

    signal: Signal
    windows: tuple[Judged, ...]
    """The bad ones, by start."""
    time: datetime
    """Of the data: the latest end of a window seen so far."""
    quiet_until: datetime
    """Windows that begin before this are not counted again."""
    measured: Plain | None


def step(state: State, verdict: Verdict, terms: Terms) -> tuple[State, Request | None]:
    """Take in a verdict. One on a window known already takes the place of the earlier one.

    A request forgets everything counted, of all signals, and no window that began before the end of the cool-down is counted.

    >>> day = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
    >>> bad = Verdict("drift", Window(day, day + timedelta(days=1)), bad=True)
    >>> step(State(), bad, Terms(windows=1, within=1))[1].quiet_until.isoformat()
    '2026-03-09T00:00:00+00:00'
    """
    window = verdict.window
    newest = max(state.newest or window.end, window.end)
    quiet = state.requested and state.requested + terms.cool_down
    kept = {one.start: one for one in state.judged.get(verdict.signal, ()) if quiet is None or one.start >= quiet}
    counts = verdict.bad is not None and (quiet is None or window.start >= quiet)
    if counts:
        kept[window.start] = Judged(window.start, window.end, verdict.bad is True, verdict.evidence if verdict.bad else {})
    last = tuple(kept[start] for start in sorted(kept))[-terms.within :]
    state = replace(state, judged={**state.judged, verdict.signal: last}, newest=newest, measured=_measured(state.measured, verdict))
    bad = tuple(one for one in last if one.bad)
    if not (counts and verdict.bad) or len(bad) < terms.windows or len({one.start.date() for one in bad}) < terms.days:
        return state, None
    request = Request(verdict.signal, bad, newest, newest + terms.cool_down, state.measured)
    return replace(state, judged={}, requested=newest), request


def _measured(before: Plain | None, verdict: Verdict) -> Plain | None:
    """Return the newer of two performances."""
    start = verdict.window.start
    if not verdict.performance or (before is not None and _time(before["start"]) > start):
        return before
    return {"start": start.isoformat(), "end": verdict.window.end.isoformat(), "metrics": list(verdict.performance)}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
