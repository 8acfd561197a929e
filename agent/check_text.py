"""The answer of `driftline check` for a person: the verdict first, then what it rests on."""

from collections.abc import Callable, Iterator, Mapping

from agent.rows.csv_text import BAD_BYTES
from agent.rows.reasons import in_words
from agent.terminal import Style, clean
from detectors.drift.check import NOTE, ColumnScore, Report
from detectors.drift.check_quality import Quality
from detectors.drift.naming import listed

Paint = Callable[[str, Style], str]

_VERDICTS: dict[str, Style] = {"drift": "red", "stable": "green", "insufficient": "yellow"}
_CHECKS = {
    "missing": "values missing",
    "type_error": "values of the wrong type",
    "out_of_range": "values beyond the reference's range",
    "new_category": "values the reference never had",
    "vanished_category": "values that are gone",
    "constant": "one value only",
    "empty": "no values at all",
    "vanished": "the column is gone",
    "appeared": "the column is new",
}


def lines(report: Report, dropped: Mapping[str, Mapping[str, int]], paint: Paint) -> Iterator[str]:
    """Yield the lines to print."""
    yield _verdict(report, paint)
    drifted = [score for score in report.scores if score.drifted]
    if drifted:
        yield ""
        yield from _table([("column", "severity", "p", "what changed"), *map(_row, drifted)], paint)
    flagged = [finding for finding in report.quality if finding.flagged]
    if flagged:
        yield ""
        yield paint("data quality", "bold")
        yield from (f"  {clean(finding.feature)}: {_quality(finding)}" for finding in flagged)
    small = [score for score in report.scores if score.explanation.startswith("real but")]
    if small:
        yield ""
        yield f"changed, but too little to matter: {_list([score.feature for score in small])}"
    short = [score for score in report.scores if score.explanation.startswith("too little data")]
    if short and report.verdict != "insufficient":
        yield f"too few rows to judge: {_list([score.feature for score in short])}"
    if report.set_aside:
        yield f"set aside: {', '.join(f'{clean(feature)} ({reason})' for feature, reason in report.set_aside)}"
    for side, reasons in dropped.items():
        lost = {reason: count for reason, count in reasons.items() if reason != BAD_BYTES}
        if lost:
            yield f"could not be read in the {side} file: {clean(', '.join(in_words(reason, count) for reason, count in lost.items()))}"
        if reasons.get(BAD_BYTES):
            yield f"not UTF-8 in the {side} file, and read with \N{REPLACEMENT CHARACTER} in the place of such bytes: {reasons[BAD_BYTES]} lines"
    yield ""
    yield paint(f"{NOTE}.", "dim")


def _verdict(report: Report, paint: Paint) -> str:
    columns = sum(not score.explanation.startswith("too little data") for score in report.scores)
    rows = f"{report.current_rows:,} rows against {report.reference_rows:,}"
    text = {
        "drift": f"{len(report.drifted)} of {columns} columns drifted",
        "stable": f"no drift in {columns} columns",
        "insufficient": "too little data to judge any column" if report.scores else "no column that could be judged",
    }[report.verdict]
    return f"{paint(report.verdict.upper(), _VERDICTS[report.verdict])}  {text} ({rows}, level {report.level:g} for all columns together)"


def _row(score: ColumnScore) -> tuple[str, str, str, str]:
    p = "<1e-300" if score.p_value < 1e-300 else f"{score.p_value:.1g}"
    return clean(score.feature), f"{score.severity:.1f}", p, clean(score.explanation)


def _quality(finding: Quality) -> str:
    what = _CHECKS.get(finding.check, finding.check)
    if finding.check == "vanished_category":
        return f"{what}: {clean(listed(finding.names, finding.more))}, {finding.reference:.2%} of rows in the reference"
    if finding.check in {"constant", "empty", "vanished", "appeared"}:
        return what
    named = f" ({clean(listed(finding.names, finding.more))})" if finding.names else ""
    return f"{what} in {finding.current:.2%} of rows, {finding.reference:.2%} in the reference{named}"


def _table(rows: list[tuple[str, ...]], paint: Paint) -> Iterator[str]:
    widths = [min(max(len(row[column]) for row in rows), 40) for column in range(len(rows[0]) - 1)]
    for number, row in enumerate(rows):
        cells = [f"{cell:{'<' if column == 0 else '>'}{width}}" for column, (cell, width) in enumerate(zip(row, widths, strict=False))]
        line = "  ".join([*cells, row[-1]])
        yield f"  {paint(line, 'bold') if number == 0 else line}"


def _list(names: list[str], most: int = 8) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(clean, names[:most])) + rest
