"""One cause, one alert: all findings of a stream's window become one group with its worst feature."""

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.types import Finding, Level

NAMED = 5
_LOUD: dict[Level | None, int] = {None: 0, "information": 1, "warning": 2, "page": 3}


@dataclass(frozen=True, slots=True)
class Group:
    """The findings that count as a breach, loudest first."""

    worst: Finding
    features: tuple[str, ...]
    """Distinct names, worst first."""

    @property
    def level(self) -> Level:
        """The loudest level of the group."""
        return self.worst.level or "information"

    @property
    def named(self) -> str:
        """The five worst names, and how many more there are.

        >>> Group(None, tuple("abcdefg")).named
        'a, b, c, d, e and 2 more'
        """
        more = len(self.features) - NAMED
        return ", ".join(self.features[:NAMED]) + (f" and {more} more" if more > 0 else "")


def group(findings: Sequence[Finding]) -> Group | None:
    """Group the findings at level warning or page; None if there is none.

    The same feature against two references, or with two kinds of finding, counts once.
    """
    loud = sorted((finding for finding in findings if _LOUD[finding.level] >= _LOUD["warning"]), key=_rank)
    return Group(loud[0], tuple(dict.fromkeys(finding.feature for finding in loud))) if loud else None


def _rank(finding: Finding) -> tuple[int, float, str, str, str]:
    # A finding without a severity (NaN) is the least of its level.
    severity = finding.severity if finding.severity == finding.severity else 0.0
    return (-_LOUD[finding.level], -severity, finding.feature, finding.kind, finding.reference)
