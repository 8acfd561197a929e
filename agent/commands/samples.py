"""`driftline samples`: the redacted texts an agent keeps under `content: sampled`: counted, shown, exported, deleted."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from agent import config_option
from agent.clock import WallClock, from_nanoseconds, to_nanoseconds
from agent.config import Config, Endpoint
from agent.errors import ConfigError, InputError
from agent.terminal import say
from agent.texts.kept import KeptTexts, Sample
from agent.texts.schema import NAME


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, help="what to do")
    listed = actions.add_parser("list", help="how many texts there are, of which endpoint and deployment, how old")
    shown = actions.add_parser("show", help="the texts of one call")
    shown.add_argument("endpoint", metavar="ENDPOINT", help="the endpoint")
    shown.add_argument("id", metavar="ID", help="id of the call as export writes it, or TRACE/SPAN where labels are expected")
    exported = actions.add_parser("export", help="write texts as JSON lines that become a golden set once people add `truth` and `source`")
    exported.add_argument("endpoint", metavar="ENDPOINT", help="the endpoint")
    exported.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file to write, for its owner only; it may not be there yet"
    )
    exported.add_argument("-n", dest="number", type=int, metavar="CALLS", help="at most so many, the newest (default: all)")
    purged = actions.add_parser("purge", help="delete texts for good, from a running agent's file too")
    purged.add_argument("endpoint", metavar="ENDPOINT", help="the endpoint")
    purged.add_argument("--id", metavar="ID", help="one call alone")
    purged.add_argument("--before", type=date.fromisoformat, metavar="DATE", help="calls of earlier days alone, in the endpoint's zone")
    for one in (listed, shown, exported, purged):
        config_option.configure(one)


def run(arguments: argparse.Namespace) -> int:
    """Do one of them. Raises ConfigError, InputError, Unavailable."""
    config = config_option.loaded(arguments)
    action = {"list": _list, "show": _show, "export": _export, "purge": _purge}[arguments.action]
    for line in action(arguments, config):
        say(line, sys.stdout)
    return 0


def _list(_: argparse.Namespace, config: Config) -> Iterator[str]:
    if not (config.state / NAME).is_file():
        yield "no texts are kept here; content: sampled keeps those of an endpoint's sample"
        return
    with _opened(config) as kept:
        found = kept.counted()
    for name, deployment, traffic, texts, size, first, last in found:
        oldest, newest = (f"{from_nanoseconds(moment):%Y-%m-%d %H:%M}" for moment in (first, last))
        yield f"{name}/{deployment}/{traffic}: {texts:,} texts, {size / 1024**2:.1f} MiB, of {oldest} to {newest} UTC, {_kept_for(config, name)}"
    if not found:
        yield "no texts yet"


def _show(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    endpoint = _endpoint(config, arguments.endpoint)
    with _opened(config) as kept:
        found = _found(kept, endpoint.name, arguments.id)
    chance = "its window is open" if found.chance is None else f"kept with a chance of {found.chance:.3g}"
    yield f"{_id(found)}  {found.deployment}/{found.traffic}  {from_nanoseconds(found.time):%Y-%m-%d %H:%M:%S} UTC  {chance}"
    for name in ("question", "context", "answer"):
        # Whatever a text holds, it cannot drive the terminal.
        for line in getattr(found, name).splitlines():
            yield f"{name:>9}  " + "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def _export(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    endpoint = _endpoint(config, arguments.endpoint)
    if arguments.number is not None and arguments.number < 1:
        raise ConfigError(f"-n: {arguments.number} is no number of calls")
    with _opened(config) as kept:
        found = [one for one in kept.samples(endpoint.name) if one.chance is not None][-(arguments.number or 0) :]
    try:
        with os.fdopen(os.open(arguments.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(orjson.dumps(_line(one)) + b"\n" for one in found)
    except FileExistsError as error:
        raise InputError(f"{arguments.out}: is there already; give another file") from error
    except OSError as error:
        raise InputError(f"{arguments.out}: cannot be written: {error.strerror}") from error
    yield f"{len(found):,} texts in {arguments.out}; delete it when you are done, the agent does not know of it"
    yield "for a golden set write what people expect into truth, and who says so into source: driftline golden validate"


def _purge(arguments: argparse.Namespace, config: Config) -> Iterator[str]:
    endpoint = _endpoint(config, arguments.endpoint)
    before = None
    if arguments.before is not None:
        before = to_nanoseconds(
            datetime(arguments.before.year, arguments.before.month, arguments.before.day, tzinfo=ZoneInfo(endpoint.timezone))
        )
    with _opened(config) as kept:
        identity = None if arguments.id is None else _found(kept, endpoint.name, arguments.id).id
        gone = kept.purge(endpoint.name, identity, before)
    yield f"{gone:,} texts deleted for good; what was exported is yours to delete"


@contextmanager
def _opened(config: Config) -> Iterator[KeptTexts]:
    file = config.state / NAME
    if not file.is_file():
        raise InputError(f"{file}: no texts are kept here; content: sampled keeps those of an endpoint's sample")
    kept = KeptTexts(file, None, lambda: to_nanoseconds(WallClock().now()))
    try:
        yield kept
    finally:
        kept.close()


def _endpoint(config: Config, name: str) -> Endpoint:
    # Texts of an endpoint that is gone from the file may still be looked at, and deleted.
    return config.endpoints.get(name) or Endpoint(name)


def _kept_for(config: Config, name: str) -> str:
    endpoint = config.endpoints.get(name)
    if endpoint is None or endpoint.content != "sampled":
        return "deleted when the agent starts: the configuration does not allow them"
    return f"each kept for {endpoint.texts.max_age / timedelta(days=1):g} days"


def _found(kept: KeptTexts, endpoint: str, asked: str) -> Sample:
    for one in kept.samples(endpoint):
        if asked in {_id(one), one.call}:
            return one
    raise InputError(f"{asked}: no text of such a call of {endpoint} is kept; driftline samples list tells what there is")


def _id(one: Sample) -> str:
    return f"{one.id:016x}"


def _line(one: Sample) -> dict[str, object]:
    return {
        "id": _id(one),
        "question": one.question,
        "context": one.context,
        "answer": one.answer,
        "truth": "",
        "source": "",
        "time": from_nanoseconds(one.time).isoformat(timespec="seconds"),
        "deployment": one.deployment,
        "chance": one.chance,
    }
