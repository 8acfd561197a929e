"""`driftline labels`: labels of a file are joined at once, or sent to the agent that runs; and calls to label are drawn."""

import argparse
import sys
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import chain
from pathlib import Path
from random import Random
from urllib.parse import quote

import numpy as np

from agent import config_option
from agent.clock import WallClock
from agent.commands.labels_ask import ask
from agent.config import Config
from agent.errors import ConfigError, Unavailable
from agent.labels.offline import join_offline
from agent.labels.reading import Names, from_file, to_json
from agent.listen import address
from agent.lock import Lock
from agent.redaction.masking import masked
from agent.sources.labels import LabelIntake
from agent.store.store import Store
from agent.terminal import say
from detectors.types import Batch

_AT_ONCE = 20_000
"""Labels sent in one request."""
_SECONDS = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    config_option.configure(parser)
    parser.add_argument("action", choices=["import", "ask"], help="import: read labels of a file; ask: write which calls may be labelled")
    parser.add_argument(
        "file", metavar="FILE", help="import: CSV, Parquet or JSON lines of id, label, timestamp, source; ask: the endpoint"
    )
    parser.add_argument("--endpoint", metavar="NAME", help="whose answers they are about (default: the only endpoint that expects labels)")
    for name in ("id", "label", "timestamp", "source"):
        parser.add_argument(f"--{name}", default=name, metavar="COLUMN", help=f"column of the {name} (default: {name})")
    parser.add_argument("--evaluator", default="refusal", metavar="NAME", help="ask: whose verdicts people check (default: refusal)")
    parser.add_argument("-n", dest="number", type=int, default=100, metavar="CALLS", help="ask: how many calls (default: %(default)d)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="ask: CSV file to write")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for. Raises InputError for an unreadable file, Unavailable where a running agent takes no labels."""
    config = config_option.loaded(arguments)
    if arguments.action == "ask":
        return ask(arguments, config, _endpoint(config, arguments.file), Random())  # noqa: S311 - a draw, no secret
    endpoint = _endpoint(config, arguments.endpoint)
    dropped: dict[str, int] = {}

    def drop(reason: str, rows: int) -> None:
        dropped[reason] = dropped.get(reason, 0) + rows

    names = Names(arguments.id, arguments.label, arguments.timestamp, arguments.source)
    batches = masked(config.endpoints[endpoint], from_file(Path(arguments.file), endpoint, drop, names), arguments.file)
    try:
        with Lock(config.state):
            _import(config, batches)
    except Unavailable as error:
        intake = next((source for source in config.sources.values() if isinstance(source, LabelIntake)), None)
        if intake is None:
            raise Unavailable(f"{error}; a running agent takes labels once sources.labels is configured") from error
        say(f"sent {_send(intake, endpoint, batches):,} labels to the agent that runs; /metrics tells what became of them")
    for reason, rows in dropped.items():
        say(f"{rows:,} rows could not be read: {reason}", sys.stderr)
    return 0


def _endpoint(config: Config, wanted: str | None) -> str:
    expecting = sorted(name for name, endpoint in config.endpoints.items() if endpoint.labels is not None)
    if wanted is None and len(expecting) == 1:
        return expecting[0]
    if wanted in expecting:
        return wanted
    known = ", ".join(expecting) or "none; set endpoints.NAME.labels: {}"
    raise ConfigError(f"labels: {'give --endpoint' if wanted is None else f'{wanted} expects no labels'}; endpoints that do: {known}")


def _import(config: Config, batches: Iterator[Batch]) -> None:
    # Read before the store is opened: a file that cannot be read leaves it as it is.
    first = next(batches, None)
    with Store(config.state / "store.sqlite") as store:
        joined = join_offline(config, store, WallClock(), (() if first is None else chain([first], batches)))
    say(f"{joined.outcomes.total():,} labels: {', '.join(f'{count:,} {outcome}' for outcome, count in joined.outcomes.most_common())}")
    for event in joined.alerts:
        say(f"{event.name} {event.state} ({event.severity}): {event.summary}")
    say(f"{joined.windows:,} windows say something new; driftline report draws them")


def _send(intake: LabelIntake, endpoint: str, batches: Iterator[Batch]) -> int:
    sent = 0
    for batch in batches:
        for start in range(0, batch.rows, _AT_ONCE):
            part = batch.take(np.arange(start, min(start + _AT_ONCE, batch.rows)))
            _post(intake, endpoint, to_json(part))
            sent += part.rows
    return sent


def _post(intake: LabelIntake, endpoint: str, body: bytes) -> None:
    # Not through a proxy that the environment may name: the token is for this machine.
    host, port = address(intake.http, "http", allow_insecure=intake.allow_insecure)
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    headers = {"authorization": f"Bearer {intake.token}", "content-type": "application/json"}
    try:
        connection.request("POST", f"/labels/{quote(endpoint, safe='')}", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise Unavailable(f"http://{intake.http}: the agent that runs does not take labels there: {error}") from error
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        raise Unavailable(f"http://{intake.http}: answered {answer.status}: {text}")
