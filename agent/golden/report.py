"""What a run comes to: pass ratios, gates that hold or fail, and one word for all of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.golden.comparing import FILTERED, Comparison
from agent.golden.options import GoldenOptions
from agent.golden.pair import SMALLEST_SET
from agent.golden.run import OVERALL, Run
from detectors.quality.pass_ratio import PassRatio, pass_ratio

FAIL_ON = ("regression", "threshold", "suspicion", "change")
"""What a run may be asked to fail on."""
_DOWN = frozenset({"auth", "not_found", "unreachable", "timeout", "server", "throttled"})
"""Gaps of a server that is not there, or lets nobody in."""

_DOUBTFUL = 0.05
"""p-value up to which a tag is named; all others are in the JSON."""

Kind = Literal["answers", "regression", "threshold", "change"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing a run is held to."""

    kind: Kind
    name: str
    """`overall`, an evaluator, or what changed."""
    state: Literal["passed", "failed", "suspected", "unknown"]
    text: str

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"kind": self.kind, "name": self.name, "state": self.state, "message": self.text}


@dataclass(frozen=True, slots=True)
class Report:
    """A run, what it was held against, and what that came to."""

    run: Run
    comparison: Comparison | None
    ratios: Mapping[str, PassRatio]
    """Evaluator to pass ratio, the one over all among them."""
    gates: tuple[Gate, ...]
    most_gaps: float

    @property
    def verdict(self) -> str:
        """`regressed`, `suspected`, `stable`, `insufficient`, or `first`: there is no accepted run."""
        if self.run.missing > self.most_gaps or OVERALL not in self.ratios:
            return "insufficient"
        return "first" if self.comparison is None else self.comparison.verdict

    def exit_code(self, fail_on: Collection[str]) -> int:
        """Return 0 fine, 1 a finding that `fail_on` lists, 3 too few answers, 4 a target that is not there."""
        if self.run.missing > self.most_gaps or OVERALL not in self.ratios:
            gaps = {why for why, count in self.run.outcomes.items() if count and why not in {"answered", "filtered"}}
            return 4 if not self.run.outcomes.get("answered") and gaps & _DOWN else 3
        wanted = {"regression": ("failed",), "suspicion": ("failed", "suspected"), "threshold": ("failed",), "change": ("failed",)}
        kinds: dict[str, Kind] = {"regression": "regression", "suspicion": "regression", "threshold": "threshold", "change": "change"}
        return int(any(gate.kind == kinds[name] and gate.state in wanted[name] for name in fail_on for gate in self.gates))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the answer weaker."""
        found = []
        if len(self.run.pairs) < SMALLEST_SET:
            found.append(f"{len(self.run.pairs)} pairs are fewer than {SMALLEST_SET}: a loss of ten points may go unseen")
        if self.run.repeats == 1:
            found.append("one repeat: a loss of ten points is found within two runs in 6 of 10 cases only; 3 repeats find it in 95 of 100")
        if self.comparison is not None and self.comparison.left_out:
            found.append(f"{self.comparison.left_out} pairs are new, gone or have other texts, and are not compared")
        if self.comparison is not None and self.comparison.overall is None:
            found.append("evaluators are others than in the accepted run: what passes over all is not compared; accept a run anew")
        return tuple(found)

    def plain(self) -> dict[str, Any]:
        """Return it as the JSON of `golden run --json` (docs/golden.md)."""
        run = self.run
        return {
            "version": 1,
            "verdict": self.verdict,
            "name": run.name,
            "endpoint": run.endpoint,
            "deployment": run.deployment,
            "started": run.started,
            "seconds": run.seconds,
            "pairs": len(run.pairs),
            "repeats": run.repeats,
            "pass_ratio": _ratio_plain(self.ratios.get(OVERALL)),
            "evaluators": {name: _ratio_plain(self.ratios.get(name)) for name in run.evaluators},
            "outcomes": dict(run.outcomes),
            "judge_gaps": dict(run.judge_gaps),
            "models": dict(run.models),
            "fingerprints": dict(run.fingerprints),
            "versions": dict(run.versions),
            "tokens": run.tokens,
            "money": run.money,
            "comparison": None if self.comparison is None else self.comparison.plain(),
            "gates": [gate.plain() for gate in self.gates],
            "warnings": list(self.warnings),
        }


def report(run: Run, comparison: Comparison | None, options: GoldenOptions) -> Report:
    """Return what a run comes to."""
    ratios = {name: ratio for name in (OVERALL, *run.evaluators) if (ratio := pass_ratio(*run.counted(name))) is not None}
    gates = [_answers(run, options.most_gaps, said=OVERALL in ratios)]
    leasts = {OVERALL: options.least_ratio, **{name: one.least_ratio for name, one in options.evaluators.items()}}
    gates += [_threshold(name, least, ratios.get(name)) for name, least in leasts.items() if least is not None]
    if comparison is not None:
        gates += _regressions(comparison)
        gates += [Gate("change", one.what, "failed", f"{one.what} changed from {one.old} to {one.new}") for one in comparison.changes]
    return Report(run, comparison, ratios, tuple(gates), options.most_gaps)


def _answers(run: Run, most_gaps: float, *, said: bool) -> Gate:
    if run.missing <= most_gaps and not said:
        return Gate("answers", OVERALL, "failed", f"all {run.asked} answers were filtered, or nothing could be said of them")
    if run.missing <= most_gaps:
        return Gate("answers", OVERALL, "passed", f"{run.missing:.1%} of {run.asked} answers are missing")
    gaps = {**{why: count for why, count in run.outcomes.items() if why not in {"answered", "filtered"}}, **run.judge_gaps}
    told = ", ".join(f"{count} {why}" for why, count in sorted(gaps.items(), key=lambda one: -one[1]))
    return Gate(
        "answers", OVERALL, "failed", f"{run.missing:.1%} of {run.asked} answers are missing, at most {most_gaps:.1%} may be: {told}"
    )


def _threshold(name: str, least: float, ratio: PassRatio | None) -> Gate:
    if ratio is None:
        return Gate("threshold", name, "unknown", f"{name}: nothing could be said, at least {least:.1%} must pass")
    text = f"{name}: {ratio.value:.1%} pass ({ratio.lower:.1%} to {ratio.upper:.1%}), at least {least:.1%} must"
    # On the bound: a ratio that chance may have pushed below is doubted, not refused.
    return Gate("threshold", name, "failed" if ratio.upper < least else "suspected" if ratio.value < least else "passed", text)


def _regressions(found: Comparison) -> list[Gate]:
    gates = []
    whole: Literal["passed", "failed", "suspected", "unknown"]
    if found.overall is not None:
        whole = {"regressed": "failed", "suspected": "suspected", "stable": "passed"}.get(found.verdict, "unknown")  # type: ignore[assignment] # the literals above
        gates.append(Gate("regression", OVERALL, whole, f"{told(found)}"))
    for name, (loss, verdict) in found.evaluators.items():
        if name == FILTERED and verdict == "stable":
            continue
        state = (
            "failed"
            if verdict == "regressed"
            else "suspected"
            if verdict == "suspected"
            else "passed"
            if verdict == "stable"
            else "unknown"
        )
        text = (
            f"{name}: {loss.before:.1%} before, {loss.after:.1%} now (p {loss.p_value:.2g}, {loss.worse} pairs worse, {loss.better} better)"
        )
        gates.append(Gate("regression", name, state, text))  # type: ignore[arg-type] # the literals above
    return gates


def told(found: Comparison) -> str:
    """Return a comparison in a sentence: what passes, and what got worse. Ids and names only."""
    loss = found.overall
    if loss is None or not loss.pairs:
        return "is not compared over all"
    text = f"{loss.before:.1%} passed before, {loss.after:.1%} now (p {loss.p_value:.2g}, {loss.worse} pairs worse, {loss.better} better)"
    if found.verdict not in {"regressed", "suspected"}:
        return text
    worse = [name for name in found.worse if name != FILTERED]
    parts = [text]
    if worse:
        parts.append(f"worse: {', '.join(worse)}")
    if FILTERED in found.worse:
        parts.append("more answers are filtered")
    tags = [(tag, one) for tag, one in found.tags if one.p_value <= _DOUBTFUL]
    if tags:
        parts.append("tags: " + ", ".join(f"{tag} ({-one.points:+.0%})" for tag, one in tags[:3]))
    if found.pairs:
        parts.append("pairs: " + ", ".join(one.id for one in found.pairs[:5]))
    parts += [f"{one.what} changed from {one.old} to {one.new}" for one in found.changes]
    return "; ".join(parts)


def _ratio_plain(ratio: PassRatio | None) -> dict[str, Any] | None:
    if ratio is None:
        return None
    return {"value": ratio.value, "lower": ratio.lower, "upper": ratio.upper, "pairs": ratio.pairs, "answers": ratio.answers}
