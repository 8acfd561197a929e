"""`driftline baseline`: builds, lists, shows, accepts references, and takes days out of them."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from agent import config_option
from agent.admin.client import ask
from agent.admin.place import NAME
from agent.baselines.asked import Accept, Chosen, Exclude, day, to_json
from agent.baselines.changing import Changing, endpoint_of
from agent.baselines.excluding import exclude
from agent.baselines.importing import FromFile, FromHistory, FromWindows, Importer
from agent.baselines.keeping import keep
from agent.baselines.showing import listed, shown
from agent.baselines.stored import fit_name
from agent.baselines.streams import Saved
from agent.baselines.wording import accepted_lines, cut_lines
from agent.clock import WallClock
from agent.config import Config
from agent.config_units import duration
from agent.errors import ConfigError, InputError, Unavailable
from agent.lock import Lock
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context
from agent.store.store import Store
from agent.terminal import say

_WIDE = 100
"""Columns where nobody looks at a terminal."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, help="what to do")
    made = actions.add_parser("build", help="build a reference from a file, the history of the endpoint's source, or lived windows")
    made.add_argument("name", help="its name, for `reference: {baseline: NAME}`")
    made.add_argument("--endpoint", required=True, metavar="NAME", help="the endpoint whose columns and windows it is built with")
    ways = made.add_mutually_exclusive_group()
    ways.add_argument("--file", type=Path, metavar="PATH", help="rows to build it from; left out: the endpoint's source")
    ways.add_argument("--history", type=duration, metavar="SPAN", help="how much of the source's past (56d)", default=duration("56d"))
    ways.add_argument("--from-windows", action="store_true", help="windows the agent keeps of the last two months")
    made.add_argument("--untimed", action="store_true", help="the file's times mean nothing: it fixes cells and distribution only")
    taken = actions.add_parser("accept", help="the new normal: another fixed reference, of lived windows or an earlier version, at once")
    taken.add_argument("endpoint", metavar="ENDPOINT", help="whose streams take it up")
    taken.add_argument("--name", metavar="NAME", help="the baseline that keeps it (ENDPOINT@DEPLOYMENT)")
    taken.add_argument("--version", type=int, metavar="N", help="a stored version instead of windows: undoes an acceptance")
    for one in (made, taken):
        _choose(one)
    every = actions.add_parser("list", help="every baseline with its versions")
    shower = actions.add_parser("show", help="what a baseline, or an endpoint's references, rest on and can see")
    shower.add_argument("name", help="a baseline, or an endpoint")
    shower.add_argument("--version", type=int, metavar="N", help="of the baseline (the newest)")
    shower.add_argument("--html", type=Path, metavar="FILE", help="write a page with pictures instead")
    cut = actions.add_parser("exclude", help="take days out of a baseline, or out of an endpoint's references: an incident, a holiday")
    cut.add_argument("name", help="a baseline, or an endpoint")
    _days(cut, required=True)
    cut.add_argument("--undo", action="store_true", help="take days of an endpoint back in")
    for one in (made, taken, every, shower, cut):
        config_option.configure(one)


def run(arguments: argparse.Namespace) -> int:
    """Do one of them. Raises ConfigError, InputError, TooLittleData, or Unavailable where an agent runs that does not answer."""
    config = config_option.loaded(arguments)
    action = {"build": _build, "list": _list, "show": _show, "accept": _accept, "exclude": _exclude}[arguments.action]
    for line in action(arguments, config):
        say(line, sys.stdout)
    return 0


def _choose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deployment", metavar="NAME", help="whose windows (every deployment)")
    parser.add_argument("--traffic", default="live", metavar="KIND", help="live, mirror, canary or batch (%(default)s)")
    parser.add_argument(
        "--detector", metavar="NAME", help="drift (of records), metrics/drift (of OTLP metrics) …; left out: whichever has windows"
    )
    parser.add_argument("--days", type=int, metavar="N", help="windows of the last N days, today among them")
    _days(parser, required=False)


def _days(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--from", dest="first", type=_day, required=required, metavar="DATE", help="first day, such as 2026-03-08")
    parser.add_argument("--to", dest="last", type=_day, required=required, metavar="DATE", help="last day")


def _day(text: str) -> date:
    try:
        return day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _chosen(arguments: argparse.Namespace) -> Chosen:
    first, last, days = arguments.first, arguments.last, arguments.days
    if days is not None and (first is not None or last is not None):
        raise ConfigError("--days: says which days already; leave --from and --to out")
    if days is not None and days < 1:
        raise ConfigError(f"--days: {days} is no number of days")
    return Chosen(arguments.endpoint, arguments.deployment, arguments.traffic, first, last, days, arguments.detector)


def _build(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    name, endpoint = fit_name(arguments.name), endpoint_of(config, arguments.endpoint)
    chosen = _chosen(arguments)
    if arguments.from_windows:
        options = {**to_json(chosen), "name": name}
        yield from _changed(
            config, "baseline.build", options, lambda to: keep(to.store, name, FromWindows(to, chosen).baseline(endpoint), endpoint)
        )
        return
    if chosen != Chosen(endpoint.name):
        raise ConfigError("--from, --to, --days, --deployment, --traffic, --detector: choose windows; give --from-windows with them")
    clock = WallClock()
    way: Importer = FromHistory(Context(endpoint.name, MatchRouter(config), endpoint, Series(), clock), arguments.history)
    if arguments.file is not None:
        way = FromFile(arguments.file, not arguments.untimed, clock.now().isoformat(timespec="seconds"))
    made = way.baseline(endpoint)
    # Beside a running agent: it keeps its own tables, and SQLite lets one of both write at a time.
    with Store(config.state / "store.sqlite") as store:
        yield from keep(store, name, made, endpoint)


def _accept(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    chosen = _chosen(arguments)
    if arguments.version is not None and (chosen.first or chosen.last or chosen.days):
        raise ConfigError("--version: is a stored reference; leave --from, --to and --days out")
    if arguments.version is not None and arguments.version < 1:
        raise ConfigError(f"--version: {arguments.version} is no version; they count from 1")
    asked = Accept(chosen, arguments.name, arguments.version)
    yield from _changed(
        config, "baseline.accept", to_json(asked), lambda to: (line for one in to.accept(asked) for line in accepted_lines(one))
    )


def _exclude(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    asked = Exclude(arguments.name, arguments.first, arguments.last, arguments.undo)
    yield from _changed(config, "baseline.exclude", to_json(asked), lambda to: cut_lines(exclude(to, asked)))


def _changed(config: Config, command: str, options: dict[str, object], alone: Callable[[Changing], Iterable[str]]) -> Iterator[str]:
    """Let the agent that runs do it; where none does, do the same to its store."""
    answer = ask(config.state, command, options)
    if answer is not None:
        yield from (str(line) for line in answer.get("lines", ()))
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(Lock(config.state))
        except Unavailable as error:
            raise Unavailable(f"{error}; it does not listen on {config.state / NAME}: it starts, ends, or is another version") from error
        store = stack.enter_context(Store(config.state / "store.sqlite"))
        yield from alone(Changing(config, store, Saved(config, store), WallClock()))
    yield "no agent runs here: it takes this up when it starts"


def _list(_: argparse.Namespace, config: Config) -> Iterator[str]:
    file = config.state / "store.sqlite"
    found = []
    if file.is_file():
        with Store(file) as store:
            found = list(listed(store))
    yield from found or ["no baselines yet; build one with `driftline baseline build NAME --endpoint NAME --file PATH`"]


def _show(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    file = config.state / "store.sqlite"
    if not file.is_file():
        raise InputError(f"{config.state}: holds no store yet; `driftline run` makes it, and `driftline baseline build`")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    with Store(file) as store:
        yield from shown(config, store, arguments.name, arguments.version, arguments.html, sys.stdout, width)
