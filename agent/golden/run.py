"""One run of a golden set as numbers: what passed, pair by pair. No text of question or answer is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError
from detectors.types import Plain

VERSION = 1
"""Of the form in which runs are kept."""
OVERALL = "overall"
"""The evaluator that passes where all others do."""

Counts = Mapping[str, int]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairResult:
    """What became of one pair's answers."""

    id: str
    digest: str
    """Of its texts: where they changed, runs are not compared."""
    line: int
    tags: tuple[str, ...]
    answered: int
    filtered: int
    gaps: int
    passes: Mapping[str, tuple[int, int]]
    """Evaluator to answers that passed, and answers it could say something of."""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "id": self.id,
            "digest": self.digest,
            "line": self.line,
            "tags": list(self.tags),
            "answered": self.answered,
            "filtered": self.filtered,
            "gaps": self.gaps,
            "passes": {name: list(counts) for name, counts in self.passes.items()},
        }


@dataclass(frozen=True, slots=True)
class Run:
    """One run."""

    name: str
    endpoint: str
    deployment: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    repeats: int
    evaluators: Mapping[str, str]
    """Name to a fingerprint of its options: an evaluator that was changed is not compared."""
    pairs: tuple[PairResult, ...]
    outcomes: Counts
    """Answers by what became of them: `answered`, `filtered`, or the reason of a gap."""
    judge_gaps: Counts = field(default_factory=dict)
    """Scores the judge did not give, by reason."""
    models: Counts = field(default_factory=dict)
    """Answers by the model that gave them, as far as it says."""
    fingerprints: Counts = field(default_factory=dict)
    versions: Counts = field(default_factory=dict)
    tokens: int = 0
    money: float = 0.0

    @property
    def asked(self) -> int:
        """Questions put, repeats counted."""
        return sum(self.outcomes.values())

    @property
    def missing(self) -> float:
        """Share of questions whose answer is a gap, or could not be judged: nobody knows whether it would have passed."""
        judged = sum(one.passes.get(OVERALL, (0, 0))[1] for one in self.pairs)
        known = judged + self.outcomes.get("filtered", 0)
        return 1 - known / self.asked if self.asked else 1.0

    def counted(self, evaluator: str, pairs: Sequence[PairResult] | None = None) -> tuple[Ints, Ints]:
        """Return passes and answers of an evaluator, one count a pair."""
        found = [one.passes.get(evaluator, (0, 0)) for one in (self.pairs if pairs is None else pairs)]
        table = np.array(found, np.int64).reshape(len(found), 2)
        return table[:, 0], table[:, 1]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "version": VERSION,
            "name": self.name,
            "endpoint": self.endpoint,
            "deployment": self.deployment,
            "started": self.started,
            "seconds": self.seconds,
            "repeats": self.repeats,
            "evaluators": dict(self.evaluators),
            "outcomes": dict(self.outcomes),
            "judge_gaps": dict(self.judge_gaps),
            "models": dict(self.models),
            "fingerprints": dict(self.fingerprints),
            "versions": dict(self.versions),
            "tokens": self.tokens,
            "money": self.money,
            "pairs": [one.plain() for one in self.pairs],
        }


def restore(saved: Plain) -> Run:
    """Take back what `Run.plain` returned. Raises InputError for anything else."""
    if not isinstance(saved, Mapping) or saved.get("version") != VERSION:
        version = saved.get("version") if isinstance(saved, Mapping) else None
        raise InputError(f"is no run of a golden set that this driftline reads (version {version}, not {VERSION})")
    try:
        pairs = tuple(
            PairResult(
                str(one["id"]),
                str(one["digest"]),
                int(one["line"]),
                tuple(map(str, one["tags"])),
                int(one["answered"]),
                int(one["filtered"]),
                int(one["gaps"]),
                {str(name): (int(passed), int(of)) for name, (passed, of) in one["passes"].items()},
            )
            for one in saved["pairs"]
        )
        if any(not 0 <= passed <= of <= 1000 for one in pairs for passed, of in one.passes.values()):
            raise InputError("is no run of a golden set: more answers pass than there are")
        counts = {
            key: {str(name): int(count) for name, count in saved[key].items()}
            for key in ("outcomes", "judge_gaps", "models", "fingerprints", "versions")
        }
        return Run(
            str(saved["name"]),
            str(saved["endpoint"]),
            str(saved["deployment"]),
            str(saved["started"]),
            float(saved["seconds"]),
            int(saved["repeats"]),
            {str(name): str(mark) for name, mark in saved["evaluators"].items()},
            pairs,
            **counts,
            tokens=int(saved["tokens"]),
            money=float(saved["money"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"is no run of a golden set: {type(error).__name__} at {error}") from error
