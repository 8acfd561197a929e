"""Other products' default rules on streams of independent rows, of which five features of thirty shift, and on heavy tails.

    python -m bench.peer_streams [--streams 12] [--packages 2]

A quiet window is one before the shift; a rule that alarms in most of them finds everything. Ours is in `power`. Evidently and NannyML by
parity definitions, which equal the products to 1e-9; whylogs and river as packages.
"""

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.flights import Column
from bench.independent_streams import QUIET, REFERENCE, Feature, pareto, scaled, table, thirty, wide_lognormal
from bench.peer_alarms import EVIDENTLY, NANNYML, run_packages
from bench.peer_rules import distances
from bench.power import INDEPENDENT, LOOKED_AT
from detectors.types import Category

Alarms = NDArray[np.bool_]
"""[windows, features]: quiet ones, then those of a shift."""


def products(windows: dict[str, list[Column]], last: int, shifts: int) -> dict[str, list[Alarms]]:
    """Return what Evidently and NannyML do, by shift."""
    found = [distances(part[:REFERENCE], part[REFERENCE:]) for part in windows.values()]
    both = {
        rule: np.array([getattr(one, name) for one in found]).T
        for rule, name in ((EVIDENTLY, "evidently_alarms"), (NANNYML, "nannyml_alarms"))
    }
    quiet = np.arange(QUIET)
    return {
        rule: [each[np.append(quiet, QUIET + last * place + np.arange(last))] for place in range(shifts)] for rule, each in both.items()
    }


def packages(windows: dict[str, list[Column]], last: int, shifts: int) -> dict[str, list[Alarms]]:
    """Return what whylogs and river do, by shift."""
    sizes = [len(part) for part in next(iter(windows.values()))]
    before = np.arange(REFERENCE + QUIET)
    orders = np.array([np.append(before, REFERENCE + QUIET + last * place + np.arange(last)) for place in range(shifts)])
    columns = {name: joined(part) for name, part in windows.items()}
    found = run_packages(columns, np.cumsum([0, *sizes]), orders, None, REFERENCE, ())
    return {rule: [one.alarms for one in each] for rule, each in found.items()}


def joined(parts: Sequence[Column]) -> Column:
    """Return the windows of one column as one; categories share their values."""
    if all(isinstance(one, Category) for one in parts):
        categories = [one for one in parts if isinstance(one, Category)]
        return Category(np.concatenate([one.codes for one in categories]), categories[0].values)
    return np.concatenate([one for one in parts if not isinstance(one, Category)])


def stream_table(streams: int, with_packages: int) -> None:
    """Print, by rule, the share of quiet windows with an alarm, and the median delay of the first and of each shifted feature."""
    features = thirty()
    moving = [place for place, feature in enumerate(features) if feature.shifts]
    print(f"independent rows, 30 features, 5 shifted, {REFERENCE} reference windows; {streams} streams, packages {with_packages}")
    print(f"{'':24}{'':24}{'quiet that alarm':>18}{'first of five':>16}{'each':>8}")
    for rows, shifts in INDEPENDENT:
        found: dict[str, list[list[Alarms]]] = {}
        for seed in range(streams):
            windows = table(features, rows, shifts, LOOKED_AT, np.random.default_rng([seed, rows]))
            told = products(windows, LOOKED_AT, len(shifts))
            told |= packages(windows, LOOKED_AT, len(shifts)) if seed < with_packages else {}
            for rule, each in told.items():
                found.setdefault(rule, []).append(each)
        for place, shift in enumerate(shifts):
            for rule, runs in found.items():
                quiet = np.mean([one[place][:QUIET].any(axis=1).mean() for one in runs])
                waits = np.array([_delay(one[place][QUIET:, moving]) for one in runs])
                told_first, told_each = _words(float(np.median(waits.min(axis=1)))), _words(float(np.median(waits)))
                print(f"{f'n = {rows}, {shift} sd':24}{rule:24}{quiet:>18.2f}{told_first:>16}{told_each:>8}", flush=True)


def _delay(alarms: Alarms) -> NDArray[np.float64]:
    return np.where(alarms.any(axis=0), np.argmax(alarms, axis=0) + 1.0, np.inf)


def _words(windows: float) -> str:
    return f"{windows:.1f}" if np.isfinite(windows) else "never"


def tail_table(streams: int) -> None:
    """Print the share of streams in which Evidently and NannyML see a heavy tail that is multiplied by 1.5, and of quiet windows."""
    print(
        f"heavy tails x 1.5, windows of 10,000 rows, {REFERENCE} of reference; share of {streams} streams that alarm in the first window, in brackets quiet windows"
    )
    for name, draw in (("Pareto 1.2", pareto), ("lognormal, sigma 2", wide_lognormal)):
        feature = [Feature(name, scaled(draw, 1.5), shifts=True)]
        found: dict[str, list[Alarms]] = {}
        for seed in range(streams):
            windows = table(feature, 10_000, (1.0,), 1, np.random.default_rng([seed, 10_000]))
            for rule, each in products(windows, 1, 1).items():
                found.setdefault(rule, []).append(each[0])
        told = "".join(
            f"{f'{np.mean([one[QUIET, 0] for one in runs]):.2f} ({np.mean([one[:QUIET].mean() for one in runs]):.2f})':>24}"
            for runs in found.values()
        )
        print(f"{name:24}{told}    {', '.join(found)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--packages", type=int, default=2, help="streams of those for whylogs and river; 0 leaves them out")
    options = parser.parse_args(arguments)
    stream_table(options.streams, options.packages)
    tail_table(options.streams)


if __name__ == "__main__":
    main()
