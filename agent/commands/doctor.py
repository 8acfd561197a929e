"""`driftline doctor`: what is misconfigured, the command that mends it, and when the last record came."""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from agent import config_option
from agent.config import Config
from agent.config_file import inline_secrets
from agent.doctor.addresses import addresses
from agent.doctor.labelled import labelled
from agent.doctor.remark import Remark, Weight
from agent.doctor.sampling import sampling
from agent.doctor.settings import settings
from agent.doctor.state import State, last_words, look, state
from agent.doctor.switches import switches
from agent.errors import DriftlineError, Unavailable
from agent.terminal import Style, painter, say

_STYLES: dict[Weight, Style] = {"error": "red", "warning": "yellow", "note": "dim", "fine": "green"}
_LATE = 900
"""Seconds after which a heartbeat in Azure is late: a minute's interval, and what ingestion takes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    config_option.configure(parser)
    parser.add_argument("--azure", metavar="ID", help="ask Azure Monitor for the newest heartbeat: a workspace's GUID or a resource id")
    parser.add_argument(
        "--leaks", action="store_true", help="run a copy of the configuration, send it secrets in every text, and look for them everywhere"
    )
    parser.epilog = "Ends with 1 if something does not work, with 0 otherwise; warnings do not count."


def run(arguments: argparse.Namespace) -> int:
    """Look, and say what mends it."""
    config = config_option.loaded(arguments)
    seen = look(config.state)
    inline = [
        Remark(
            "warning", f"{key} stands in the file, where backups and reviews see it", f'{key}: "${{env:NAME}}", and set NAME for the agent'
        )
        for key in inline_secrets(arguments.config, os.environ)
    ]
    remarks = [
        *inline,
        *settings(config),
        *addresses(config, running=seen.running),
        *state(config, seen),
        *labelled(config),
        *sampling(config),
        *switches(os.environ),
    ]
    now = datetime.now(UTC)
    if arguments.leaks:
        remarks += _leaks(config)
    if arguments.azure:
        remarks += _azure(arguments.azure, seen, now)
    order: tuple[Weight, ...] = ("error", "warning", "note", "fine")
    paint = painter(sys.stdout, os.environ)
    for remark in sorted(remarks, key=lambda one: order.index(one.weight)):
        say(f"{paint(f'{remark.weight:8}', _STYLES[remark.weight])} {remark.what}")
        if remark.mend:
            say(f"         mend: {remark.mend}")
    count = {weight: sum(remark.weight == weight for remark in remarks) for weight in order}
    say(f"{count['error']} errors, {count['warning']} warnings; {last_words(seen, now)}")
    return 1 if count["error"] else 0


def _leaks(config: Config) -> Iterator[Remark]:
    from agent.doctor.leaks import leaks  # noqa: PLC0415 (only asked for)

    return leaks(config, os.environ)


def _azure(target: str, seen: State, now: datetime) -> Iterator[Remark]:
    from agent.sinks.azure_readback import client, last_heartbeat  # noqa: PLC0415 (only asked for)

    try:
        newest = last_heartbeat(client(), target)
    except Unavailable:
        raise
    except DriftlineError as error:
        yield Remark("error", str(error))
        return
    if newest is None:
        yield Remark(
            "error", "Azure Monitor has no heartbeat of the last 7 days", "check the sink azure_monitor, then wait 5 minutes for ingestion"
        )
        return
    age = (now - newest).total_seconds()
    late = age > _LATE
    text = f"the newest heartbeat in Azure Monitor is {age:.0f} s old"
    yield Remark("warning" if late and seen.running else "note" if late else "fine", text, "driftline run -c FILE" if late else "")
