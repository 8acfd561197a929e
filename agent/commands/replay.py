"""`driftline replay`: history through the same pipeline in virtual time; never opens live state."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from agent.config_file import load
from agent.performance_records import Summary
from agent.replay import Replay
from agent.terminal import progress


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-c", "--config", type=Path, default=Path("driftline.yaml"), metavar="FILE", help="configuration (driftline.yaml)")
    parser.add_argument("--endpoint", action="append", metavar="NAME", help="only this endpoint; may be given again")
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="labels of one endpoint, as labels import takes them: CSV, Parquet or JSON lines"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line: window, score, performance, decay, trust, change, event, summary"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what would have been. Raises ConfigError, InputError."""
    with progress("replaying", sys.stderr) as advance:
        replay = Replay(load(arguments.config, os.environ), arguments.endpoint or [], advance, arguments.labels)
        if arguments.json:
            for record in replay.records():
                sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
        else:
            for line in _lines(replay):
                sys.stdout.write(line + "\n")
    return 0


def _lines(replay: Replay) -> Iterator[str]:
    """Yield a line an event, with what it rests on, and a last one that counts."""
    windows = alerts = 0
    summary = Summary()
    for _, effects in replay.effects():
        windows += len(effects.windows)
        for closed in effects.windows:
            rows = ((score.metric.name, score.value, score.attributes) for score in closed.scores)
            summary.add("/".join(closed.stream[:2]), closed.window.start.isoformat(), rows)
        for event in effects.events:
            alerts += event.kind == "alert"
            where = "/".join(event.attributes[name] for name in ("endpoint", "deployment"))
            yield f"{event.time:%Y-%m-%d %H:%M}  {where}  {event.name} {event.state} ({event.severity}): {event.summary}"
    for one in replay.realised:
        summary.add("/".join(one.stream[:2]), one.window.start.isoformat(), one.rows)
    yield from summary.lines()
    yield f"{windows} windows, {alerts} alert transitions"
    if replay.late:
        yield f"{replay.late} rows came after their window had closed and are in none: sort them by time, or allow more lateness"
