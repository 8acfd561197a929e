"""`driftline baseline`: builds, lists and shows references, and takes windows out of them."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from agent import config_option
from agent.checkpoint import saved_states
from agent.clock import WallClock
from agent.config import Config, Endpoint
from agent.config_units import duration
from agent.endpoint import detectors_of
from agent.errors import ConfigError
from agent.lock import Lock
from agent.reference_view import described
from agent.references import build, build_from_file, window_start
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context
from agent.store.store import Store
from agent.terminal import say
from detectors.drift.drift import Drift
from detectors.types import Plain


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, help="what to do")
    made = actions.add_parser("build", help="build a reference from a file, or from the history of the endpoint's source")
    made.add_argument("name", help="its name, for `reference: {baseline: NAME}`")
    made.add_argument("--endpoint", required=True, metavar="NAME", help="the endpoint whose columns and windows it is built with")
    made.add_argument("--file", type=Path, metavar="PATH", help="rows to build it from; left out: the endpoint's source")
    made.add_argument("--history", type=duration, metavar="SPAN", help="how much of the source's past (56d)", default=duration("56d"))
    made.add_argument("--untimed", action="store_true", help="the file's times mean nothing: it fixes cells and distribution only")
    actions.add_parser("list", help="every baseline with its versions")
    shown = actions.add_parser("show", help="what a baseline rests on, and what it can see")
    cut = actions.add_parser("exclude", help="take days out of a baseline: an incident, a holiday")
    cut.add_argument("--from", dest="first", type=date.fromisoformat, required=True, metavar="DATE", help="first day, such as 2026-03-08")
    cut.add_argument("--to", dest="last", type=date.fromisoformat, required=True, metavar="DATE", help="last day")
    for one in (shown, cut):
        one.add_argument("name", help="its name")
    for one in (made, shown, cut, actions.choices["list"]):
        config_option.configure(one)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the four. Raises ConfigError, InputError, or Unavailable while the daemon holds the store."""
    config = config_option.loaded(arguments)
    with Lock(config.state), Store(config.state / "store.sqlite") as store:
        action = {"build": _build, "list": _list, "show": _show, "exclude": _exclude}[arguments.action]
        for line in action(arguments, config, store):
            say(line, sys.stdout)
    return 0


def _build(arguments: argparse.Namespace, config: Config, store: Store) -> Iterator[str]:
    endpoint = config.endpoints.get(arguments.endpoint)
    if endpoint is None:
        raise ConfigError(f"--endpoint: unknown '{arguments.endpoint}'; known: {', '.join(sorted(config.endpoints)) or 'none'}")
    detector = _drift(endpoint)
    if arguments.file is not None:
        timed = endpoint.columns.timestamp is not None and not arguments.untimed
        state = build_from_file(endpoint, detector, arguments.file, timed=timed)
    else:
        clock = WallClock()
        context = Context(endpoint.name, MatchRouter(config), endpoint, Series(), clock)
        state = build(endpoint, detector, context, arguments.history, window_start(clock.now(), endpoint))
    known = store.baseline(arguments.name)
    version = 1 if known is None else known[0] + 1
    _put(store, arguments.name, version, endpoint.name, state)
    yield f"baseline {arguments.name}, version {version}"
    yield from described(state, detector)


def _list(_: argparse.Namespace, __: Config, store: Store) -> Iterator[str]:
    found = store.baselines()
    for name, version in found:
        stored = store.baseline(name, version)
        built = stored[1].get("built", "") if stored else ""
        yield f"{name}  version {version}  built {built}"
    if not found:
        yield "no baselines yet; build one with `driftline baseline build NAME --endpoint NAME --file PATH`"


def _show(arguments: argparse.Namespace, config: Config, store: Store) -> Iterator[str]:
    version, value = _stored(arguments.name, store)
    endpoint = config.endpoints.get(value.get("endpoint", ""), Endpoint(""))
    yield f"baseline {arguments.name}, version {version}, built {value.get('built', 'at an unknown time')}"
    detector = _drift(endpoint)
    yield from described(value["state"], detector)
    for stream, name, state in saved_states(store, endpoint.name):
        if name.partition("/")[0] == "drift":
            yield f"{stream.deployment} ({stream.traffic}), as the daemon saved it last:"
            yield from (f"  {line}" for line in described(state, detector))


def _exclude(arguments: argparse.Namespace, config: Config, store: Store) -> Iterator[str]:
    version, value = _stored(arguments.name, store)
    endpoint = config.endpoints.get(value.get("endpoint", ""), Endpoint(""))
    detector = _drift(endpoint)
    first, after = (datetime(day.year, day.month, day.day, tzinfo=UTC).toordinal() for day in (arguments.first, arguments.last))
    state = detector.restore(value["state"])
    inside = [window for window in state.windows if first <= window.day <= after]
    if not inside:
        raise ConfigError(f"--from, --to: {arguments.name} has no window from {arguments.first} to {arguments.last}")
    cut = state.exclude(inside[0].start, inside[-1].start + 1).plain()
    _put(store, arguments.name, version + 1, value.get("endpoint", ""), cut)
    yield f"baseline {arguments.name}, version {version + 1}: {len(inside)} windows taken out; the daemon takes it up when it starts"
    yield from described(cut, detector)


def _put(store: Store, name: str, version: int, endpoint: str, state: Plain) -> None:
    built = WallClock().now().isoformat(timespec="seconds")
    with store.transaction() as transaction:
        transaction.put_baseline(name, version, {"endpoint": endpoint, "config": "", "origin": None, "built": built, "state": state})


def _stored(name: str, store: Store) -> tuple[int, Plain]:
    found = store.baseline(name)
    if found is None:
        known = ", ".join(sorted({known for known, _ in store.baselines()}))
        raise ConfigError(f"baseline: no '{name}'; known: {known or 'none yet'}")
    return found


def _drift(endpoint: Endpoint) -> Drift:
    for detector in detectors_of(endpoint, 1).values():
        if isinstance(detector, Drift):
            return detector
    raise ConfigError(f"endpoints.{endpoint.name}.detectors: has no drift, so it needs no baseline")
