"""What is remembered of a model's errors between windows: the baseline or what it is learnt from, and the sums of the tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from detectors.decay.adwin import Adwin, Bucket
from detectors.decay.error_baseline import ErrorBaseline, Learnt
from detectors.types import Plain


@dataclass(frozen=True, slots=True)
class DecayState:
    """Fresh: nothing is known yet."""

    learnt: tuple[Learnt, ...] = ()
    """Windows the baseline will be made of; empty once it is fixed."""
    adwin: Adwin = field(default_factory=Adwin)
    line: int | None = None
    """Line of a regression's errors until the baseline brings its own."""
    spread: float = 0.0
    """Dispersion ADWIN counts with; 0 until there are enough windows to know."""
    baseline: ErrorBaseline | None = None
    cusum: float = 0.0
    evidence: tuple[float, ...] = ()
    """Logarithms of the e-detector's sums, one a shift."""
    settled: bool = True
    """Whether how much windows vary is known; not so at first where the baseline is that of a file."""

    def plain(self) -> Plain:
        """Return the state as data; `state_from` takes it back."""
        return {
            "learnt": [[one.day, one.rows, one.errors, dict(one.sizes)] for one in self.learnt],
            "adwin": {"sizes": [[list(bucket) for bucket in size] for size in self.adwin.sizes], "rise": self.adwin.rise},
            "line": self.line,
            "spread": self.spread,
            "baseline": None if self.baseline is None else self.baseline.plain(),
            "cusum": self.cusum,
            "evidence": list(self.evidence),
            "settled": self.settled,
        }

    def fix(self, baseline: ErrorBaseline, shifts: Sequence[float]) -> "DecayState":
        """Return the state that begins to hold windows against a baseline."""
        return replace(DecayState(), baseline=baseline, evidence=tuple(float("-inf") for _ in shifts))


def state_from(saved: Plain) -> DecayState:
    """Take back what `DecayState.plain` gave.

    >>> state_from(DecayState(cusum=1.5).plain()) == DecayState(cusum=1.5)
    True
    """
    sizes = tuple(tuple(Bucket(*bucket) for bucket in size) for size in saved["adwin"]["sizes"])
    return DecayState(
        tuple(Learnt(*one) for one in saved["learnt"]),
        Adwin(sizes, saved["adwin"]["rise"]),
        saved["line"],
        saved["spread"],
        None if saved["baseline"] is None else ErrorBaseline(**saved["baseline"]),
        saved["cusum"],
        tuple(saved["evidence"]),
        saved["settled"],
    )
