"""`driftline golden`: checks a golden set, and runs one against an endpoint, with an exit code for pipelines."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from agent import config_option
from agent.admin.client import ask
from agent.errors import ConfigError
from agent.golden.accepted_file import load, save, write
from agent.golden.canaries import accept_stored
from agent.golden.choosing import chosen, usable
from agent.golden.junit import junit
from agent.golden.pair import SMALLEST_SET, GoldenSet
from agent.golden.reading import read
from agent.golden.report import FAIL_ON, Report, report
from agent.golden.running import Around
from agent.golden.running import run as run_set
from agent.golden.telling import run_lines, set_lines
from agent.golden.validating import validated
from agent.lock import Lock
from agent.store.store import Store
from agent.terminal import progress, say

_NEEDS = ("truth", "context", "class")
_USUAL = ("regression", "threshold")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, help="what to do")
    check = actions.add_parser("validate", help="what is wrong with the pairs of a file")
    check.add_argument("set", metavar="FILE", help="a JSONL or CSV file of pairs; with -c the name of a configured set")
    check.add_argument("-c", "--config", type=Path, metavar="FILE", help="configuration whose evaluators say what each pair needs")
    check.add_argument("--endpoint", metavar="NAME", help="the endpoint whose set is meant, where several have one of that name")
    check.add_argument(
        "--needs", type=_needs, metavar="WHAT", help="what each pair must have: truth,context,class (truth; with -c what evaluators need)"
    )
    check.add_argument("--strict", action="store_true", help="end with 3 on fewer than 100 pairs, with 1 on other warnings")
    check.add_argument("--json", action="store_true", help="print the answer as JSON (docs/golden.md)")
    runner = actions.add_parser("run", help="put the questions to an endpoint, and compare with the last accepted run")
    runner.add_argument("set", metavar="NAME", help="a configured set; or a file, with the settings of the only set")
    config_option.configure(runner)
    runner.add_argument("--endpoint", metavar="NAME", help="the endpoint whose set is meant, where several have one of that name")
    runner.add_argument("--repeats", type=_repeats, metavar="N", help="times each question is asked (as configured)")
    runner.add_argument("--baseline", type=Path, metavar="FILE", help="file of the accepted run: compared with, and kept up to date")
    runner.add_argument("--accept", action="store_true", help="make this run the accepted one in --baseline, whatever it says")
    runner.add_argument(
        "--fail-on", type=_findings, default=_USUAL, metavar="WHAT", help=f"end with 1 on: {','.join(FAIL_ON)}, none (regression,threshold)"
    )
    runner.add_argument("--junit", type=Path, metavar="FILE", help="write the result as JUnit XML")
    runner.add_argument("--json", action="store_true", help="print the answer as JSON (docs/golden.md)")
    taken = actions.add_parser("accept", help="make the newest run of the agent the one that later ones are compared with")
    taken.add_argument("set", metavar="NAME", help="a set that the agent runs")
    config_option.configure(taken)
    taken.add_argument("--endpoint", metavar="NAME", help="the endpoint whose set is meant, where several have one of that name")


def run(arguments: argparse.Namespace) -> int:
    """Do one of them. Raises ConfigError, InputError, or Unavailable for a file that cannot be written."""
    return {"validate": _validate, "run": _run, "accept": _accept}[arguments.action](arguments)


def _accept(arguments: argparse.Namespace) -> int:
    config = config_option.loaded(arguments)
    wanted = chosen(config, arguments.set, arguments.endpoint)
    answer = ask(config.state, "golden.accept", {"endpoint": wanted.endpoint, "name": wanted.name})
    if answer is not None:
        lines = [str(line) for line in answer.get("lines", ())]
    else:
        with Lock(config.state), Store(config.state / "store.sqlite") as store:
            lines = accept_stored(store, wanted.endpoint, wanted.name)
    for line in lines:
        say(line)
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    path, needs = Path(arguments.set), dict[str, Sequence[str]]()
    if arguments.config is not None:
        options = chosen(config_option.loaded(arguments), arguments.set, arguments.endpoint).options
        path, needs = options.file, dict(options.needs)
    wanted = arguments.needs if arguments.needs is not None else () if arguments.config is not None else ("truth",)
    found = validated(read(path), needs | {key: ["--needs"] if arguments.needs is not None else ["most evaluators"] for key in wanted})
    if arguments.json:
        _print(set_plain(path, found))
    else:
        for line in set_lines(found):
            say(line)
    if found.errors:
        return 2
    if arguments.strict and found.is_small:
        return 3
    return int(arguments.strict and bool(found.warnings))


def set_plain(path: Path, found: GoldenSet) -> dict[str, Any]:
    """Return the JSON of `golden validate --json`."""
    return {
        "version": 1,
        "verdict": "invalid" if found.errors else "valid",
        "file": str(path),
        "pairs": found.lines,
        "usable": len(found.pairs),
        "enough": len(found.pairs) >= SMALLEST_SET,
        "errors": [one.plain() for one in found.errors],
        "warnings": [one.plain() for one in found.warnings],
    }


def _run(arguments: argparse.Namespace) -> int:
    if arguments.accept and arguments.baseline is None:
        raise ConfigError("--accept: says that this run is the new normal, but not where to keep it; give --baseline FILE")
    wanted = chosen(config_option.loaded(arguments), arguments.set, arguments.endpoint)
    options = wanted.options if arguments.repeats is None else replace(wanted.options, repeats=arguments.repeats)
    found = usable(wanted)
    remembered = None if arguments.baseline is None else load(arguments.baseline)
    with progress("asking", sys.stderr) as advance:
        ran, _ = run_set(wanted.name, wanted.endpoint, options, found.pairs, Around(), advance=advance)
    compared = None
    if remembered is not None:
        remembered, compared = remembered.after(ran, options.terms, options.most_gaps)
    said = report(ran, compared, options)
    # A run that lacks answers is no normal to compare with.
    accepted = arguments.accept and said.verdict != "insufficient"
    if arguments.baseline is not None and remembered is not None:
        save(arguments.baseline, remembered.accepting() if accepted else remembered)
    _tell(arguments, said, accepted=accepted)
    return said.exit_code(arguments.fail_on)


def _tell(arguments: argparse.Namespace, said: Report, *, accepted: bool) -> None:
    if arguments.junit is not None:
        write(arguments.junit, junit(said, arguments.fail_on))
    if arguments.json:
        _print(said.plain())
        return
    for line in run_lines(said):
        say(line)
    if arguments.accept and not accepted:
        say("  not accepted: too many answers are missing")
    elif accepted:
        say(f"accepted: later runs are compared with this one, kept in {arguments.baseline}")
    elif said.verdict == "first":
        say("  nothing to compare with: accept a run with --baseline FILE --accept")


def _print(plain: Mapping[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n")


def _list(text: str, known: Iterable[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"unknown '{name}'; known: {', '.join(known)}")
    return names


def _needs(text: str) -> tuple[str, ...]:
    return _list(text, _NEEDS)


def _findings(text: str) -> tuple[str, ...]:
    return () if text == "none" else _list(text, FAIL_ON)


def _repeats(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10):
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to 10")
    return int(text)
