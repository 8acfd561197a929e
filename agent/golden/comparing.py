"""Holds a run against the last accepted one, and names what got worse: evaluators, tags, pairs by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.golden.run import OVERALL, PairResult, Run
from detectors.quality.paired_loss import Loss, paired_loss
from detectors.quality.regression import Terms, Verdict, judged, shared_out

FILTERED = "unfiltered"
"""The evaluator that passes where an answer was not filtered."""
_SHOWN = 10
"""Pairs and tags that are named."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Something else answers than in the accepted run."""

    what: str
    """model, fingerprint or version."""
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class PairLoss:
    """How much less often one pair passes."""

    id: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a run means beside the accepted one."""

    verdict: Verdict
    accepted: str
    """When that run was."""
    overall: Loss | None
    """None: an evaluator was added, removed or changed, so that what passes is another thing now."""
    evaluators: Mapping[str, tuple[Loss, Verdict]]
    suspected: frozenset[str]
    """What the next run is held against more strictly."""
    tags: tuple[tuple[str, Loss], ...]
    """Tags that lost, the surest first."""
    pairs: tuple[PairLoss, ...]
    """Pairs that lost most."""
    changes: tuple[Changed, ...]
    left_out: int
    """Pairs that are new, gone, or have other texts."""

    @property
    def worse(self) -> tuple[str, ...]:
        """Evaluators that got worse, or may have; where only all together tell, the one that lost most surely."""
        found = tuple(name for name, (_, verdict) in self.evaluators.items() if verdict in {"regressed", "suspected"})
        lost = {name: loss for name, (loss, _) in self.evaluators.items() if loss.points > 0}
        if found or not lost or self.verdict not in {"regressed", "suspected"}:
            return found
        return (min(lost, key=lambda name: (lost[name].p_value, -lost[name].points)),)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "verdict": self.verdict,
            "accepted": self.accepted,
            "overall": None if self.overall is None else loss_plain(self.overall),
            "evaluators": {name: {**loss_plain(loss), "verdict": verdict} for name, (loss, verdict) in self.evaluators.items()},
            "tags": [{"tag": tag, **loss_plain(loss)} for tag, loss in self.tags],
            "pairs": [{"id": one.id, "before": one.before, "after": one.after} for one in self.pairs],
            "changes": [{"what": one.what, "old": one.old, "new": one.new} for one in self.changes],
            "left_out": self.left_out,
        }


def loss_plain(loss: Loss) -> dict[str, Any]:
    """Return a loss as JSON data; what there is none of is null."""
    seen = loss.pairs > 0
    return {
        "before": loss.before if seen else None,
        "after": loss.after if seen else None,
        "points": loss.points if seen else None,
        "p_value": loss.p_value,
        "pairs": loss.pairs,
        "worse": loss.worse,
        "better": loss.better,
    }


def compare(before: Run, after: Run, terms: Terms, most_gaps: float, suspected: frozenset[str]) -> Comparison:
    """Return what `after` means beside the accepted run `before`; `suspected` is what the comparison before this one said."""
    earlier = {one.id: one for one in before.pairs}
    shared = [(earlier[one.id], one) for one in after.pairs if one.id in earlier and earlier[one.id].digest == one.digest]
    then, now = [one for one, _ in shared], [one for _, one in shared]
    common = [name for name, mark in after.evaluators.items() if before.evaluators.get(name) == mark]
    # A model that answers less often does not answer worse: what it refuses by its filter is told apart.
    losses = {name: _loss(before, after, then, now, name) for name in common}
    losses[FILTERED] = _unfiltered(then, now)
    overall = _loss(before, after, then, now, OVERALL) if dict(before.evaluators) == dict(after.evaluators) else None
    each = shared_out({name: loss for name, loss in losses.items() if loss.pairs}, terms, suspected)
    whole: Verdict = "insufficient" if overall is None else judged(overall, terms, suspected=OVERALL in suspected)
    verdicts = {*each.values(), *([whole] if overall is not None else [])}
    verdict: Verdict = next((one for one in ("regressed", "suspected", "stable") if one in verdicts), "insufficient")
    if after.missing > most_gaps or before.missing > max(most_gaps, 0.5):
        verdict = "insufficient"
    doubtful = {name for name, one in each.items() if one in {"regressed", "suspected"}} | (
        {OVERALL} if whole in {"regressed", "suspected"} else set()
    )
    # A run that says nothing neither confirms nor clears a suspicion.
    return Comparison(
        verdict,
        before.started,
        overall,
        {name: (losses[name], one) for name, one in each.items()},
        suspected if verdict == "insufficient" else frozenset(doubtful),
        _tags(before, after, then, now),
        _pairs(then, now),
        changes(before, after),
        len(after.pairs) + len(before.pairs) - 2 * len(shared),
    )


def _loss(before: Run, after: Run, then: Sequence[PairResult], now: Sequence[PairResult], name: str) -> Loss:
    return paired_loss(*before.counted(name, then), *after.counted(name, now))


def _unfiltered(then: Sequence[PairResult], now: Sequence[PairResult]) -> Loss:
    def counts(pairs: Sequence[PairResult]) -> tuple[Any, Any]:
        answered = np.array([one.answered for one in pairs], np.int64)
        return answered, answered + np.array([one.filtered for one in pairs], np.int64)

    return paired_loss(*counts(then), *counts(now))


def _tags(before: Run, after: Run, then: Sequence[PairResult], now: Sequence[PairResult]) -> tuple[tuple[str, Loss], ...]:
    found = []
    for tag in sorted({tag for one in now for tag in one.tags}):
        chosen = [place for place, one in enumerate(now) if tag in one.tags]
        loss = _loss(before, after, [then[place] for place in chosen], [now[place] for place in chosen], OVERALL)
        if loss.pairs and loss.points > 0:
            found.append((tag, loss))
    return tuple(sorted(found, key=lambda one: (one[1].p_value, -one[1].points))[:_SHOWN])


def _pairs(then: Sequence[PairResult], now: Sequence[PairResult]) -> tuple[PairLoss, ...]:
    found = []
    for one, other in zip(then, now, strict=True):
        (passed, of), (again, trials) = one.passes.get(OVERALL, (0, 0)), other.passes.get(OVERALL, (0, 0))
        if of and trials and passed / of > again / trials:
            found.append(PairLoss(one.id, passed / of, again / trials))
    return tuple(sorted(found, key=lambda one: one.after - one.before)[:_SHOWN])


def changes(before: Run, after: Run) -> tuple[Changed, ...]:
    """Return what answered the later run and never the earlier one."""
    found = []
    for what, old, new in (
        ("model", before.models, after.models),
        ("fingerprint", before.fingerprints, after.fingerprints),
        ("version", before.versions, after.versions),
    ):
        # Services answer from several machines at once: only what was never seen is news.
        if old and new and set(new) - set(old):
            found.append(Changed(what, ", ".join(sorted(old)), ", ".join(sorted(new))))
    return tuple(found)
