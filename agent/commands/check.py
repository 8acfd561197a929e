"""`driftline check`: two files, a verdict for each column, and an exit code for pipelines."""

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import TypeVar

import orjson

from agent.check_parity import parity_lines, parity_plain
from agent.check_text import lines
from agent.config import Columns
from agent.enrichers.enrichment import Enrichment
from agent.enrichers.yardsticks import Yardsticks
from agent.errors import InputError
from agent.redaction.column_names import listed
from agent.registry import component
from agent.terminal import clean, painter, progress, say
from agent.whole_table import whole_table
from detectors.drift.check import Report, check
from detectors.drift.effect import MinEffect
from detectors.drift.parity.compare import NAMES, Told, compare

_Any = TypeVar("_Any")
SMALLEST = MinEffect()
ENRICHERS = ("text", "image", "embedding")
"""Options that name columns features are drawn from."""
FAIL_ON = ("drift", "quality", "insufficient")


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer, and what of the files could not be read."""

    report: Report
    dropped: Mapping[str, Mapping[str, int]]
    """`reference` and `current`, each reason to count."""
    told: Sequence[Told] = ()
    """What another product would say, where `--thresholds` names one."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="CSV, Parquet or JSONL file of what is normal")
    parser.add_argument("current", type=Path, metavar="CURRENT", help="file to compare with it")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON (docs/check.md)")
    parser.add_argument(
        "--fail-on", type=_findings, default=(), metavar="WHAT", help="end with 1 on: drift,quality; with 3 on: insufficient"
    )
    parser.add_argument(
        "--level", type=_level, default=0.001, help="chance of any drifted column where nothing changed (default: %(default)s)"
    )
    parser.add_argument("--columns", type=_some_names, metavar="A,B", help="compare these columns only")
    parser.add_argument("--ignore", type=_names, default=(), metavar="A,B", help="leave these columns out")
    parser.add_argument("--categorical", type=_names, default=(), metavar="A,B", help="categories that look like numbers")
    parser.add_argument("--numeric", type=_names, default=(), metavar="A,B", help="numbers that look like text")
    parser.add_argument("--prediction", metavar="A", help="the column that is the model's answer")
    parser.add_argument("--probability", type=_names, default=(), metavar="A,B", help="columns that are the model's probabilities")
    parser.add_argument(
        "--text", type=_names, default=(), metavar="A,B", help="columns of free text: compare their length, language, trigrams"
    )
    parser.add_argument("--image", type=_names, default=(), metavar="A,B", help="columns of pictures: compare light, sharpness, size")
    parser.add_argument("--embedding", type=_names, default=(), metavar="A,B", help="columns of vectors: compare novelty and groups")
    parser.add_argument(
        "--min-psi", type=_amount, default=SMALLEST.psi, help="smallest change of shape that matters (default: %(default)s)"
    )
    parser.add_argument("--min-sd", type=_amount, default=SMALLEST.sd, help="smallest shift that matters, in sd (default: %(default)s)")
    parser.add_argument(
        "--min-points", type=_amount, default=SMALLEST.points, help="smallest rise of a share that matters (default: %(default)s)"
    )
    parser.add_argument(
        "--thresholds",
        choices=sorted(NAMES),
        help="also say what this product would, by its own bins and thresholds; the verdict stays ours",
    )
    parser.epilog = (
        "Rows are taken to be independent of each other; on rows of one hour or one customer p-values are too small.\n"
        "Ends with 0 whatever was found, unless --fail-on names it; with 3 where there is too little data to answer."
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare and print."""
    checked = _checked(arguments)
    if arguments.json:
        plain = {**checked.report.plain(), "unreadable": checked.dropped}
        if arguments.thresholds is not None:
            plain["thresholds"] = parity_plain(arguments.thresholds, checked.told)
        sys.stdout.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode() + "\n")
    else:
        paint = painter(sys.stdout, os.environ)
        for line in lines(checked.report, checked.dropped, paint):
            say(line)
        if arguments.thresholds is not None:
            for line in parity_lines(arguments.thresholds, checked.told, paint):
                say(line)
    return exit_code(checked.report, arguments.fail_on)


def exit_code(report: Report, fail_on: Collection[str]) -> int:
    """Return 1 for a finding that `fail_on` lists, else 3 for too little data, else 0."""
    found = {"drift": bool(report.drifted), "quality": any(finding.flagged for finding in report.quality)}
    if any(found.get(name) for name in fail_on):
        return 1
    short = "insufficient" in fail_on and any(isnan(score.statistic) for score in report.scores)
    return 3 if report.verdict == "insufficient" or short else 0


def _checked(arguments: argparse.Namespace) -> Checked:
    numeric = (*arguments.numeric, *arguments.probability)
    roles = Columns(prediction=arguments.prediction, categorical=arguments.categorical, numeric=numeric, ignore=arguments.ignore)
    enrichment = _enrichment({kind: getattr(arguments, kind) for kind in ENRICHERS})
    with progress("reading", sys.stderr) as advance:
        reference = whole_table(arguments.reference, roles, lambda share: advance(0.5 * share), enrichment)
        current = whole_table(arguments.current, roles, lambda share: advance(0.5 + 0.5 * share), enrichment, expected=reference.kinds)
    _meant(arguments, {*reference.names, *current.names})
    _drawn(enrichment, reference.columns, arguments.reference)
    effect = MinEffect(arguments.min_psi, arguments.min_sd, arguments.min_points)
    chosen = arguments.columns
    for name in chosen or ():
        if name not in reference.names:
            raise InputError(f"{arguments.reference}: has no column '{clean(name)}' (--columns); it has {_listed(reference.names)}")
    then, now = _chosen(reference.columns, chosen), _chosen(current.columns, chosen)
    said = (*arguments.probability, *(() if arguments.prediction is None else (arguments.prediction,)))
    unread = (_chosen(reference.others, chosen), _chosen(current.others, chosen))
    report = check(then, now, arguments.level, effect, said, (reference.wrong, current.wrong), unread)
    report = replace(report, reference_rows=reference.rows, current_rows=current.rows)
    told: Sequence[Told] = ()
    if arguments.thresholds is not None:
        # Ids and free text are no business of theirs either.
        aside = {name for name, _ in report.set_aside}
        told = compare(arguments.thresholds, {name: column for name, column in then.items() if name not in aside}, now)
    return Checked(report, {"reference": reference.dropped, "current": current.dropped}, told)


def _enrichment(asked: Mapping[str, tuple[str, ...]]) -> Enrichment | None:
    """Return what draws features from the columns asked for. Raises ConfigError where a package is lacking."""
    found = {kind: component("enrichers", kind)(columns=columns) for kind, columns in asked.items() if columns}
    for enricher in found.values():
        if hasattr(enricher, "check"):
            enricher.check()
    return Enrichment("check", found, Yardsticks()) if found else None


def _drawn(enrichment: Enrichment | None, columns: Collection[str], path: Path) -> None:
    for kind, enricher in enrichment.enrichers.items() if enrichment is not None else ():
        for column in enricher.columns:
            if not any(name.startswith(f"{kind}.{column}.") for name in columns):
                raise InputError(f"{path}: has no column '{column}' (--{kind})")


def _meant(arguments: argparse.Namespace, known: Collection[str]) -> None:
    """Refuse options that name a column neither file has: a slip of the pen would go unnoticed."""
    drawn = {column for kind in ENRICHERS for column in getattr(arguments, kind)}
    prediction = () if arguments.prediction is None else (arguments.prediction,)
    named = {name: getattr(arguments, name) for name in ("probability", "categorical", "numeric")} | {"prediction": prediction}
    for option, columns in named.items():
        for column in columns:
            if column not in known and column not in drawn:
                raise InputError(f"{arguments.reference}: has no column '{clean(column)}' (--{option}); it has {_listed(known)}")


def _listed(names: Collection[str]) -> str:
    return clean(listed(sorted(names)))


def _chosen(columns: Mapping[str, _Any], chosen: Collection[str] | None) -> Mapping[str, _Any]:
    return columns if chosen is None else {name: column for name, column in columns.items() if name in chosen}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _some_names(text: str) -> tuple[str, ...]:
    names = _names(text)
    if not names:
        raise argparse.ArgumentTypeError("names no column")
    return names


def _findings(text: str) -> tuple[str, ...]:
    names = _names(text)
    for name in names:
        if name not in FAIL_ON:
            raise argparse.ArgumentTypeError(f"unknown '{name}'; known: {', '.join(FAIL_ON)}")
    return names


def _level(text: str) -> float:
    value = _amount(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} must lie between 0 and 1")
    return value


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no number") from error
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be 0 or more, and a finite number")
    return value
