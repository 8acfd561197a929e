"""A validated set and a finished run in lines for a person."""

from collections.abc import Iterator

from agent.golden.pair import GoldenSet
from agent.golden.report import Report
from agent.golden.run import OVERALL
from agent.terminal import clean

_SHOWN = 20


def set_lines(found: GoldenSet) -> Iterator[str]:
    """Yield what is wrong with a set, and what it comes to."""
    for remarks, word in ((found.errors, "error"), (found.warnings, "warning")):
        for one in remarks[:_SHOWN]:
            yield f"{word}: {clean(str(one))}"
        if len(remarks) > _SHOWN:
            yield f"and {len(remarks) - _SHOWN} more {word}s; --json has all"
    answer = "can be used as it is" if not found.errors else "cannot be used until the errors are mended"
    yield f"{found.lines} pairs, {len(found.pairs)} usable: {answer}"


def run_lines(report: Report) -> Iterator[str]:
    """Yield what a run came to."""
    run = report.run
    yield clean(
        f"{run.name} at {run.endpoint}/{run.deployment}: {len(run.pairs)} pairs, {run.repeats} repeats, {run.seconds:.0f} s: {report.verdict}"
    )
    for name, ratio in report.ratios.items():
        shown = "passes over all" if name == OVERALL else clean(name)
        yield f"  {shown:<24} {ratio.value:7.1%}  ({ratio.lower:.1%} to {ratio.upper:.1%}, {ratio.answers} answers)"
    others = {why: count for why, count in run.outcomes.items() if why != "answered"}
    if others or run.judge_gaps:
        told = [f"{count} {why}" for why, count in others.items()] + [f"{count} scores {why}" for why, count in run.judge_gaps.items()]
        yield f"  no answer or score: {', '.join(told)}"
    answering = [", ".join(said) for said in (run.models, run.fingerprints, run.versions) if said]
    if answering:
        yield clean(f"  answered by: {'; '.join(answering)}")
    for gate in report.gates:
        if gate.state != "passed" or gate.name == OVERALL:
            yield clean(f"  {gate.kind}: {gate.text}" if gate.kind == "change" else f"  {gate.kind} {gate.state}: {gate.text}")
    for warning in report.warnings:
        yield f"  warning: {warning}"
