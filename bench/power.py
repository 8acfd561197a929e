"""How soon the drift rule finds changes: on a year of shuffled flights, on independent streams, and on heavy tails.

Each table shows the whole rule and, beside it, the published rule of single days, without sums over days.
"""

import argparse
import time
from collections.abc import Sequence
from typing import get_args

import numpy as np

from bench.false_alarms import SEED, measured, trial
from bench.flights import Flights, load
from bench.independent_streams import Feature, delays, pareto, scaled, thirty, wide_lognormal
from bench.published_power import Measured, verdict
from bench.shuffled_days import Change, lost, moved, recoded
from detectors.drift.calendar import Slots

INDEPENDENT = ((1000, (0.25, 0.1)), (200, (0.5, 0.25)))
"""Rows of a window, shifts in sd."""
LOOKED_AT = 20
"""Windows after the shift."""


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
        ("control: distance as it is", "distance", lambda values, _: values),
        ("control: one row new", "carrier", recoded(0, "new airline")),
        ("control: carrier as it is", "carrier", lambda values, _: values),
    ]


def flight_table(flights: Flights, permutations: int, reference: int, budget: float, season: Slots) -> list[Measured]:
    """Print the share of 30 changed days with an alarm, and the first such day; return the shares of the whole rule."""
    print(
        f"N1, windows of {24 // flights.windows_a_day} h, slots {season}, {reference} reference days, budget {budget:g}: share of the "
        f"changed days with an alarm, mean (standard error) of {permutations} permutations; median delay in days"
    )
    print(f"{'':28}{'days flagged':>14}{'that matter':>14}{'delay':>8}{'single days':>16}{'that matter':>14}{'delay':>8}")
    trials = [trial(flights, "N1", number, reference, budget, season) for number in range(permutations)]
    table = []
    for name, feature, change in cases(flights):
        row, shares = f"{name:28}", []
        for each in (trials, [one.of_single_days for one in trials]):
            found = [one.found(feature, change, np.random.default_rng([SEED, 9, number])) for number, one in enumerate(each)]
            shares += [[one.share for one in found], [one.gated_share for one in found]]
            row += f"{measured(shares[-2]):>14}{measured(shares[-1]):>14}{np.median([one.delay for one in found]):>8.1f}{'':2}"
        table.append(Measured(reference, name, *shares[:3]))
        print(row, flush=True)
    return table


def stream_table(streams: int) -> None:
    """Print the median delay of shifts on independent streams, by the first and by the median of the five shifted features."""
    print(f"independent rows, 30 features, 5 shifted, 60 reference windows; median of {streams} streams in windows")
    print(f"{'':28}{'first of five':>14}{'each':>8}{'quiet':>8}{'single days':>16}{'each':>8}{'quiet':>8}")
    for rows, shifts in INDEPENDENT:
        both = [[delays(thirty(), rows, shifts, LOOKED_AT, seed, evidence=sums) for seed in range(streams)] for sums in (True, False)]
        for place, shift in enumerate(shifts):
            row = f"n = {rows}, {shift} sd".ljust(28)
            for found in both:
                waits = np.array([delay[place] for delay, _ in found])
                loud = np.mean([alarms for _, alarms in found]) / 10
                row += f"{np.median(waits.min(axis=1)):>14.1f}{np.median(waits):>8.1f}{loud:>8.3f}{'':2}"
            print(row, flush=True)
    print("quiet: share of windows before the shift with an alarm of any feature; a budget of 1 in 30 days is .033")


def tail_table(streams: int) -> None:
    """Print the median delay where a heavy tail is multiplied by 1.5."""
    print(f"heavy tails x 1.5, windows of 10,000 rows, 60 of reference; median and most of {streams} streams in windows")
    for name, draw in (("Pareto 1.2", pareto), ("lognormal, sigma 2", wide_lognormal)):
        feature = [Feature(name, scaled(draw, 1.5), shifts=True)]
        found = [float(delays(feature, 10_000, (1.0,), 5, seed, evidence=True)[0][0, 0]) for seed in range(streams)]
        print(f"{name:28}{np.median(found):>14.1f}{max(found):>8.1f}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--permutations", type=int, default=24, help="of the flights; 60 for a published figure")
    parser.add_argument("--days", type=int, nargs="+", default=[56, 112], help="days of the reference")
    parser.add_argument("--budget", type=float, default=1.0, help="alarm episodes allowed in 30 days")
    parser.add_argument("--hours", type=int, default=24, choices=(1, 2, 3, 4, 6, 8, 12, 24), help="length of a window")
    parser.add_argument("--slots", choices=get_args(Slots), default="none", help="compare windows within their season")
    parser.add_argument("--streams", type=int, default=100, help="independent streams")
    options = parser.parse_args(arguments)
    started = time.process_time()
    if options.permutations:
        flights = load(options.hours)
        measured_shares = [
            one for days in options.days for one in flight_table(flights, options.permutations, days, options.budget, options.slots)
        ]
        if (options.hours, options.slots, options.budget) == (24, "none", 1.0):
            print("against the published table:", *verdict(measured_shares), sep="\n  ")
    if options.streams:
        stream_table(options.streams)
        tail_table(options.streams)
    print(f"{time.process_time() - started:.0f} s of CPU")


if __name__ == "__main__":
    main()
