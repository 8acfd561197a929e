"""Which golden set a name or file on the command line means."""

from dataclasses import dataclass, replace
from pathlib import Path

from agent.config import Config
from agent.config_values import suggest
from agent.errors import ConfigError, InputError
from agent.golden.options import GoldenOptions
from agent.golden.pair import GoldenSet
from agent.golden.reading import read
from agent.golden.validating import validated


@dataclass(frozen=True, slots=True)
class Chosen:
    """One golden set of one endpoint."""

    name: str
    endpoint: str
    options: GoldenOptions


def chosen(config: Config, wanted: str, endpoint: str | None) -> Chosen:
    """Return the set of that name; for a path, the only set there is with that file instead of its own.

    `endpoint` chooses among several. Raises ConfigError where it is not clear which is meant.
    """
    if endpoint is not None and endpoint not in config.endpoints:
        raise ConfigError(f"--endpoint: unknown '{endpoint}'{suggest(endpoint, config.endpoints)}")
    every = [
        Chosen(name, one.name, options)
        for one in config.endpoints.values()
        if endpoint in {None, one.name}
        for name, options in one.golden.items()
    ]
    if not every:
        where = f"endpoints.{endpoint}" if endpoint is not None else "endpoints.NAME"
        raise ConfigError(f"golden: no set is configured; add {where}.golden.NAME with file, target and evaluators")
    named = [one for one in every if one.name == wanted]
    path = Path(wanted)
    if not named and (path.suffix or path.exists()):
        named = [Chosen(path.stem, one.endpoint, replace(one.options, file=path)) for one in every]
    if not named:
        raise ConfigError(f"golden: unknown set '{wanted}'{suggest(wanted, {one.name for one in every})}; or name a .jsonl or .csv file")
    if len(named) > 1:
        which = ", ".join(f"{one.name} of {one.endpoint}" for one in (every if path.suffix else named))
        raise ConfigError(f"golden: '{wanted}' may be meant for {which}; choose with --endpoint, or name a set")
    return named[0]


def usable(wanted: Chosen) -> GoldenSet:
    """Return the pairs of a set. Raises InputError, a line for each of the first problems, where it cannot be used as it is."""
    path = wanted.options.file
    found = validated(read(path), wanted.options.needs)
    if found.errors:
        shown = [f"{path}: {one}" for one in found.errors[:10]]
        more = len(found.errors) - len(shown)
        raise InputError("\n".join([*shown, *([f"and {more} more; driftline golden validate tells all"] if more > 0 else [])]))
    if not found.pairs:
        raise InputError(f"{path}: holds no pair")
    return found
