"""How often the drift rule alarms where nothing changed, and how soon where something did, on a year of shuffled flights."""

import argparse
import time
from collections.abc import Sequence
from typing import get_args

import numpy as np

from bench.flights import Flights, load, order_of
from bench.shuffled_days import Alarms, Change, Trial, lost, moved, recoded
from detectors.drift.calendar import Slots

SCENARIOS = ("N0", "N1", "N1w")
SEED = 20130101


def trial(flights: Flights, scenario: str, number: int, reference: int, budget: float, season: Slots = "none") -> Trial:
    """Return permutation `number` of a scenario, always the same one."""
    random = np.random.default_rng([SEED, SCENARIOS.index(scenario), number])
    rows = flights.shuffled(random) if scenario == "N0" else flights
    return Trial.fit(rows, order_of(scenario, random), reference, budget, season)


def cases(flights: Flights) -> list[tuple[str, str, Change]]:
    """Return the changes whose power is measured: what it is called, the feature, the change."""
    columns = flights.columns
    shifts = (("distance", 0.25), ("sched_dur", 0.25), ("sched_dur", 0.5), ("air_time", 0.5), ("dep_delay", 1.0))
    return [
        *((f"{feature} +{by} sd", feature, moved(columns[feature], by)) for feature, by in shifts),
        ("distance 2 % missing", "distance", lost(0.02)),
        ("carrier 1 % new", "carrier", recoded(0.01, "new airline")),
        ("carrier 5 % recoded", "carrier", recoded(0.05, "UA")),
        ("control: one row missing", "distance", lost(0)),
        ("control: one row new", "carrier", recoded(0, "new airline")),
    ]


def measured(values: Sequence[float]) -> str:
    """Return a mean with its standard error.

    >>> measured([1.0, 2.0])
    '1.50 (.50)'
    """
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.2f} ({error:.2f})".replace("(0.", "(.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permutations", type=int, default=12, help="per scenario; 60 for a published figure")
    parser.add_argument("--days", type=int, default=56, help="days of the reference")
    parser.add_argument("--budget", type=float, default=1.0, help="alarm episodes allowed in 30 days")
    parser.add_argument("--hours", type=int, default=24, choices=(1, 2, 3, 4, 6, 8, 12, 24), help="length of a window")
    parser.add_argument("--slots", choices=get_args(Slots), default="none", help="compare windows within their season")
    parser.add_argument("--scenario", choices=(*SCENARIOS, "power", "all"), default="all")
    options = parser.parse_args(arguments)
    flights = load(options.hours)
    chosen = SCENARIOS if options.scenario == "all" else tuple(name for name in SCENARIOS if name == options.scenario)
    started = time.process_time()
    if chosen:
        print(
            f"windows of {options.hours} h, slots {options.slots}, {options.days} reference days; "
            f"per 30 days, mean (standard error) of {options.permutations} permutations, budget {options.budget:g}"
        )
        print(f"{'':8}{'alarm-days':>14}{'episodes':>14}{'days that matter':>18}{'episodes':>14}{'over budget':>14}{'upper 90 %':>12}")
    for scenario in chosen:
        found = [
            trial(flights, scenario, number, options.days, options.budget, options.slots).alarms() for number in range(options.permutations)
        ]
        print(_row(scenario, found, options.budget))
    if options.scenario in {"power", "all"}:
        _power(flights, options.permutations, options.days, options.budget, options.slots)
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


def _power(flights: Flights, permutations: int, reference: int, budget: float, season: Slots) -> None:
    trials = [trial(flights, "N1", number, reference, budget, season) for number in range(permutations)]
    print(f"{'':28}{'days flagged':>14}{'that matter':>14}{'median delay, days':>20}")
    for name, feature, change in cases(flights):
        found = [each.found(feature, change, np.random.default_rng([SEED, 9, number])) for number, each in enumerate(trials)]
        shares = [measured([getattr(one, part) for one in found]) for part in ("share", "gated_share")]
        print(f"{name:28}{shares[0]:>14}{shares[1]:>14}{np.median([one.delay for one in found]):>20.1f}")


if __name__ == "__main__":
    main()
