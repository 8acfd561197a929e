"""How often the drift rule alarms where nothing changed, on a year of shuffled flights; `alone` is without sums over days."""

import argparse
import time
from collections.abc import Sequence
from typing import get_args

import numpy as np

from bench.flights import Flights, load, order_of
from bench.shuffled_days import Alarms, Trial
from detectors.drift.calendar import Slots

SCENARIOS = ("N0", "N1", "N1w")
PROTOCOL: tuple[tuple[int, Slots], ...] = ((24, "none"), (24, "weekday"), (3, "none"), (3, "weekday"), (3, "hour_of_week"))
"""Hours of a window and seasons that the whole protocol goes through, for 56 and 112 days of reference."""
SEED = 20130101


def trial(flights: Flights, scenario: str, number: int, reference: int, budget: float, season: Slots = "none") -> Trial:
    """Return permutation `number` of a scenario, always the same one."""
    random = np.random.default_rng([SEED, SCENARIOS.index(scenario), number])
    rows = flights.shuffled(random) if scenario == "N0" else flights
    return Trial.fit(rows, order_of(scenario, random), reference, budget, season)


def measured(values: Sequence[float]) -> str:
    """Return a mean with its standard error.

    >>> measured([1.0, 2.0])
    '1.50 (.50)'
    """
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.2f} ({error:.2f})".replace("(0.", "(.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permutations", type=int, default=12, help="per scenario; 60 for a published figure")
    parser.add_argument("--days", type=int, default=56, help="days of the reference")
    parser.add_argument("--budget", type=float, default=1.0, help="alarm episodes allowed in 30 days")
    parser.add_argument("--hours", type=int, default=24, choices=(1, 2, 3, 4, 6, 8, 12, 24), help="length of a window")
    parser.add_argument("--slots", choices=get_args(Slots), default="none", help="compare windows within their season")
    parser.add_argument("--scenario", choices=(*SCENARIOS, "all"), default="all")
    parser.add_argument("--protocol", action="store_true", help="all of 1-day and 3-hour windows, seasons, 56 and 112 days: an hour of CPU")
    options = parser.parse_args(arguments)
    cells = [(hours, slots, days) for days in (56, 112) for hours, slots in PROTOCOL] if options.protocol else []
    for hours, slots, days in cells or [(options.hours, options.slots, options.days)]:
        options.hours, options.slots, options.days = hours, slots, days
        _cell(load(hours), options)


def _cell(flights: Flights, options: argparse.Namespace) -> None:
    chosen = SCENARIOS if options.scenario == "all" else tuple(name for name in SCENARIOS if name == options.scenario)
    started = time.process_time()
    print(
        f"windows of {options.hours} h, slots {options.slots}, {options.days} reference days; "
        f"per 30 days, mean (standard error) of {options.permutations} permutations, budget {options.budget:g}"
    )
    print(f"{'':8}{'alarm-days':>14}{'episodes':>14}{'days that matter':>18}{'episodes':>14}{'over budget':>14}{'upper 90 %':>12}")
    for scenario in chosen:
        found, alone = [], []
        for number in range(options.permutations):
            one = trial(flights, scenario, number, options.days, options.budget, options.slots)
            found.append(one.alarms())
            alone.append(one.of_single_days.alarms())
        print(_row(scenario, found, options.budget))
        print(_row("  alone", alone, options.budget), flush=True)
    print(f"{time.process_time() - started:.0f} s of CPU")


def _row(scenario: str, found: Sequence[Alarms], budget: float) -> str:
    over = np.mean([alarms.episodes > budget for alarms in found])
    cells = [measured([getattr(alarms, name) for alarms in found]) for name in ("days", "episodes", "gated_days", "gated_episodes")]
    return f"{scenario:8}{cells[0]:>14}{cells[1]:>14}{cells[2]:>18}{cells[3]:>14}{over:>14.0%}{upper([alarms.episodes for alarms in found]):>12.2f}"


def upper(values: Sequence[float]) -> float:
    """Return the one-sided upper 90 % bound of a mean, its error taken as normal; NaN for a single value.

    >>> round(upper([1.0, 2.0]), 2)
    2.14
    """
    return float(np.mean(values) + 1.2816 * np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


if __name__ == "__main__":
    main()
