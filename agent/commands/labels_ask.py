"""`driftline labels ask`: writes which sampled calls people may label, for evaluators to be calibrated."""

import argparse
from random import Random

from agent.config import Config
from agent.errors import ConfigError, InputError, TooLittleData
from agent.labels.asked import drawn, write
from agent.labels.opinions import evaluators_of, scale_of
from agent.store.store import Store
from agent.terminal import say


def ask(arguments: argparse.Namespace, config: Config, name: str, random: Random) -> int:
    """Write the file, `random` draws; a running agent is not disturbed. Raises TooLittleData (exit 3) where no call is kept."""
    endpoint = config.endpoints[name]
    scale = scale_of(endpoint, arguments.evaluator)
    if scale is None:
        known = ", ".join(evaluators_of(endpoint)) or "none; set content: features"
        raise ConfigError(f"endpoints.{name}: has no evaluator '{arguments.evaluator}' that people can label; it has: {known}")
    if arguments.out is None:
        raise ConfigError("labels ask: give --out FILE, a CSV file to write")
    if arguments.number < 1:
        raise ConfigError(f"labels ask: -n {arguments.number}: ask for one call at least")
    file = config.state / "store.sqlite"
    if not file.is_file():
        raise InputError(f"{config.state}: holds no store yet; `driftline run` makes it")
    with Store(file) as store:
        calls = drawn(store.verdicts.unlabelled(name, arguments.evaluator), arguments.number, random)
    if not calls:
        raise TooLittleData(f"{name}: no call waits for a label of {arguments.evaluator}; calls are kept as their window closes")
    write(arguments.out, calls)
    say(f"wrote {arguments.out}: {len(calls):,} calls by trace and span id, to look up where your traces are")
    say(f"fill in the column label ({scale.said}), then: driftline labels import {arguments.out} --endpoint {name}")
    return 0
