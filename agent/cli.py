"""The command line: picks the command, imports only its module, and turns errors into one line and an exit code."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from io import TextIOWrapper
from typing import Any, NoReturn

from agent import guard
from agent.errors import DriftlineError, Unavailable
from agent.interruption import ending_by
from agent.processor import prefer_fast_sort
from agent.terminal import say

COMMANDS = {
    "demo": "the whole thing on real data on this machine, no account",
    "init": "ask five questions, write a configuration, say what to change in the application",
    "run": "the daemon: watch the endpoints of a configuration (Linux)",
    "check": "compare two files: which columns drifted, with a verdict and an exit code for pipelines",
    "replay": "history through the same pipeline: every window, score and alert that would have been",
    "baseline": "references: build, list, show, accept the new normal, exclude an incident",
    "labels": "late labels of a file: import",
    "golden": "golden question-answer sets: validate a file, run one against an endpoint, accept a run",
    "samples": "redacted texts kept by content: sampled: list, show, export, purge",
    "doctor": "what is misconfigured, and the command that mends it",
    "report": "an HTML report of a window, drawn by Evidently",
    "generate": "alert rules, boards, schema and reference pages as code",
}
"""Name to what it does, in the order a newcomer meets them."""

EXIT_CODES = """\
exit codes:
  0  fine
  1  a finding or difference you asked to fail on
  2  wrong usage or configuration, or input that cannot be read
  3  too little data to answer
  4  a server or optional dependency that is not there"""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What writing to a file or device that takes no more ends with."""
INTERRUPTED = 130
BROKEN_PIPE = 141


class _Parser(argparse.ArgumentParser):
    """Wrong usage is answered with one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        say(f"driftline {version('driftline')}")
        parser.exit(0)


def parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only the module of the chosen command is imported to declare its options."""
    form = argparse.RawDescriptionHelpFormatter
    whole = _Parser(
        prog="driftline",
        description="Watches AI endpoints: data drift, decay, quality, safety and usage, with alarms people can trust.",
        epilog=f"{EXIT_CODES}\n\ndriftline COMMAND --help tells the options of a command.",
        formatter_class=form,
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version and leave")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands", parser_class=_Parser)
    for name, purpose in COMMANDS.items():
        one = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".", formatter_class=form)
        if name == chosen:
            import_module(f"agent.commands.{name}").configure(one)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows fewer letters than we use shows a question mark instead of stopping us.
            stream.reconfigure(errors="replace")
    chosen = next((word for word in given if not word.startswith("-")), None)
    prefer_fast_sort(os.environ)
    try:
        guard.check()
        with ending_by(signal.SIGINT):
            parsed = parser(chosen).parse_args(given)
            code: int = import_module(f"agent.commands.{parsed.command}").run(parsed)
            sys.stdout.flush()
    except DriftlineError as error:
        for line in (str(error) or type(error).__name__).splitlines():
            say(f"driftline: {line}", sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone.
        _forget_output()
        return BROKEN_PIPE
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        _forget_output()
        say(f"driftline: the output cannot be written: {error.strerror}", sys.stderr)
        return Unavailable.exit_code
    return code


def _forget_output() -> None:
    """Leave nothing that the interpreter would try to write at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
