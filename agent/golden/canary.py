"""What a finished run of a golden set leads to in the agent: gauges, a finding for the alert rule, changes of what answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from math import nan

from agent.clock import to_nanoseconds
from agent.golden.comparing import Comparison, changes
from agent.golden.report import Report, told
from agent.golden.run import OVERALL, Run
from alerts.change_event import change_event
from alerts.event import Event
from detectors.catalog import CANARY_EVALUATOR_PASS, CANARY_LOSS, CANARY_PASS, CANARY_PASS_LOWER, CANARY_PASS_UPPER
from detectors.quality.paired_loss import Loss
from detectors.quality.regression import GOLDEN, Terms
from detectors.types import Finding, Score, Stream
from detectors.usage.change import Change, What

TRAFFIC = "canary"
"""Golden questions are never counted as live traffic."""

_PARTS: dict[str, What] = {"model": "model", "fingerprint": "fingerprint", "version": "version"}


@dataclass(frozen=True, slots=True)
class Said:
    """What the newest run of one set says."""

    scores: tuple[Score, ...]
    finding: Finding


def stream_of(run: Run) -> Stream:
    """Return the stream its gauges belong to."""
    return Stream(run.endpoint, run.deployment, TRAFFIC)


def said(report: Report, terms: Terms) -> Said:
    """Return the gauges and the finding of a run. A run that lacks answers has no gauges, and a finding without severity."""
    name, enough = report.run.name, report.verdict != "insufficient"
    scores = list(_ratios(report)) if enough else []
    loss = report.comparison.overall if report.comparison is not None else None
    if enough and loss is not None and loss.pairs:
        scores.append(Score(CANARY_LOSS, loss.points, {"dataset": name}))
    return Said(tuple(scores), _finding(report, loss, terms, enough=enough))


def _ratios(report: Report) -> Iterator[Score]:
    for evaluator, ratio in report.ratios.items():
        dataset = {"dataset": report.run.name}
        if evaluator == OVERALL:
            yield Score(CANARY_PASS, ratio.value, dataset)
            yield Score(CANARY_PASS_LOWER, ratio.lower, dataset)
            yield Score(CANARY_PASS_UPPER, ratio.upper, dataset)
        else:
            yield Score(CANARY_EVALUATOR_PASS, ratio.value, {**dataset, "evaluator": evaluator})


def _finding(report: Report, loss: Loss | None, terms: Terms, *, enough: bool) -> Finding:
    found = report.comparison
    worst = _worst(found) or loss
    regressed = enough and found is not None and found.verdict == "regressed"
    failed = [gate.text for gate in report.gates if gate.kind == "threshold" and gate.state == "failed"] if enough else []
    points = worst.points if worst is not None and worst.pairs else nan
    explanation = "; ".join([*([told(found)] if found is not None else []), *failed]) or "the first run"
    return Finding(
        kind=GOLDEN,
        feature=report.run.name,
        reference="accepted",
        statistic=points,
        threshold=terms.smallest,
        severity=nan if not enough else max(points / terms.smallest, 1.001) if regressed and points > 0 else 2.0 if failed else 0.0,
        p_value=worst.p_value if worst is not None else nan,
        samples=report.run.asked,
        mde=nan,
        mde_unit="points",
        level="page" if regressed or failed else None,
        status=report.verdict,
        methods={},
        explanation=explanation,
    )


def _worst(found: Comparison | None) -> Loss | None:
    """Return the loss of the evaluator that got worse most surely."""
    if found is None:
        return None
    losses = [loss for loss, verdict in found.evaluators.values() if verdict == "regressed"]
    return min(losses, key=lambda one: one.p_value, default=None)


def change_events(before: Run | None, after: Run, when: datetime) -> list[Event]:
    """Return an event for each part of what answers that was never seen in the run before."""
    if before is None:
        return []
    stream, moment = stream_of(after), to_nanoseconds(when)
    events = []
    for one in changes(before, after):
        mark = sha256("|".join((*stream, after.name, one.what, one.old, one.new, after.started)).encode()).hexdigest()
        events.append(change_event(Change(mark, stream, _PARTS[one.what], one.old, one.new, moment)))
    return events
