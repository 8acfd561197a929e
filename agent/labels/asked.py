"""Draws the calls that people are asked to label: names of calls and nothing they say."""

import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random

from agent.errors import InputError
from agent.store.verdicts import Rated

COLUMNS = ("id", "evaluator", "label", "deployment", "chance")
"""Columns of the file; `label` is to be filled in, the last two are for whoever looks."""


def drawn(kept: Sequence[Rated], number: int, random: Random) -> list[Rated]:
    """Return calls drawn uniformly among those that what answers now answered and the judge of now judged; live traffic alone.

    `kept` are in the order in which they came, so that the newest of a stream says what answers now.
    """
    live = [one for one in kept if one.stream.traffic == "live"]
    now = {one.stream: (one.answered, one.rater) for one in live}
    usable = [one for one in live if now[one.stream] == (one.answered, one.rater)]
    return random.sample(usable, min(number, len(usable)))


def write(path: Path, calls: Sequence[Rated]) -> None:
    """Write a CSV file to fill in and to import. Raises InputError where that cannot be done, or would overwrite one."""
    try:
        with path.open("x", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows((one.call, one.evaluator, "", one.stream.deployment, f"{one.chance:.6g}") for one in calls)
    except FileExistsError as error:
        raise InputError(f"{path}: is there already; it may hold labels, so give another file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
