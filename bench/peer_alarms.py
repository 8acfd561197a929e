"""What other products' default rules do on the streams our rule is measured on: alarms where nothing changed, and changes found.

    python -m bench.peer_alarms [--permutations 12] [--packages 3]

Flights of 2013, 20 features, windows of a day, 56 days of reference, as in `false_alarms` and `power`. Evidently: its preset's choice a
column (Wasserstein or Jensen-Shannon of .1), any column or half of them. NannyML: Jensen-Shannon above mean and three standard deviations
of the reference's chunks, a chunk a day. Both are computed by our parity definitions, which equal the products to 1e-9. whylogs (p < .05 of
its sketches) and river (ADWIN, KSWIN) are the packages themselves, in environments of their own.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.false_alarms import SCENARIOS, SEED, measured, trial
from bench.flights import DAYS, Column, Flights, cut, episodes, load
from bench.peer_rules import SHARE, distances
from bench.peers import environments, exchange
from bench.peers.days import Change, save_days
from bench.power import cases
from bench.shuffled_days import FIRST_CHANGED, LAST_CHANGED, Trial
from bench.true_order import alarms as true_alarms
from detectors.drift.counting import count
from detectors.drift.drift import Drift
from detectors.types import Category

REFERENCE = 56
SHUFFLED = 4
"""Permutations of N0 for the packages at most: whylogs must profile every day of each anew."""
CHANGED = slice(FIRST_CHANGED, LAST_CHANGED + 1)
OURS, FIXED = "driftline", "driftline, fixed reference"
EVIDENTLY, DATASET, NANNYML, WHYLOGS = "Evidently, any column", "Evidently, half the columns", "NannyML, any column", "whylogs, any column"
RIVER = ("ADWIN, every value", "ADWIN, daily means", "KSWIN, daily means")

Ints = NDArray[np.int64]
Alarms = NDArray[np.bool_]
"""[live days, features]."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one rule did on one permutation."""

    alarms: Alarms
    changes: Mapping[str, Alarms]
    """By change: [changed days] whether the changed feature alarms."""

    @property
    def rates(self) -> tuple[float, float]:
        """Alarm-days and episodes in 30 days, over all features."""
        return rates(np.any(self.alarms, axis=1, keepdims=True)[:, 0])


def rates(days: Alarms) -> tuple[float, float]:
    """Return alarm-days and episodes in 30 days from whether each live day has an alarm [days]."""
    month = 30 / len(days)
    return float(days.sum()) * month, episodes(days) * month


def changed(one: Trial, number: int) -> Iterator[tuple[str, str, list[Column]]]:
    """Yield each change that is no control: its name, its feature, and the feature's values on the changed days."""
    for name, feature, change in cases(one.flights):
        if not name.startswith("control"):
            random = np.random.default_rng([SEED, 9, number])
            column, places = one.flights.columns[feature], range(REFERENCE + FIRST_CHANGED, REFERENCE + LAST_CHANGED + 1)
            yield name, feature, [change(cut(column, one.flights.rows(int(one.order[place]), 0)), random) for place in places]


def own(one: Trial, number: int, *, changes: bool) -> Found:
    """Return what our rule does."""
    names = list(one.flights.columns)
    told: dict[str, Alarms] = {}
    for name, feature, values in changed(one, number) if changes else ():
        counts = one.counts[feature].copy()
        grid = one.grids[feature]
        counts[CHANGED] = [count(grid, part) for part in values]
        told[name] = (one.severities({**one.counts, feature: counts})[0] > 1)[CHANGED, names.index(feature)]
    return Found(one.severities()[0] > 1, told)


def products(one: Trial, number: int, *, changes: bool) -> dict[str, Found]:
    """Return what Evidently and NannyML do."""
    parts = {name: [cut(column, one.flights.rows(int(day), 0)) for day in one.order] for name, column in one.flights.columns.items()}
    found = [distances(part[:REFERENCE], part[REFERENCE:]) for part in parts.values()]
    drifted, chunks = (np.array([getattr(each, which) for each in found]).T for which in ("evidently_alarms", "nannyml_alarms"))
    told: dict[str, dict[str, Alarms]] = {EVIDENTLY: {}, NANNYML: {}}
    for name, feature, values in changed(one, number) if changes else ():
        seen = distances(parts[feature][:REFERENCE], values)
        told[EVIDENTLY][name], told[NANNYML][name] = seen.evidently_alarms, seen.nannyml_alarms
    half = np.mean(drifted, axis=1, keepdims=True) >= SHARE
    return {EVIDENTLY: Found(drifted, told[EVIDENTLY]), DATASET: Found(half, {}), NANNYML: Found(chunks, told[NANNYML])}


def packages(flights: Flights, scenario: str, trials: Sequence[Trial]) -> dict[str, list[Found]]:
    """Return what whylogs and river do, by rule and permutation."""
    changes = [
        Change(number, name, feature, REFERENCE + FIRST_CHANGED, tuple(_plain(part) for part in values))
        for number, one in enumerate(trials if scenario == "N1" else ())
        for name, feature, values in changed(one, number)
    ]
    rows = None
    if scenario == "N0":
        total = int(flights.starts[-1, -1])
        rows = np.array([_random(scenario, number).permutation(total) for number in range(len(trials))])
    starts = np.append(flights.starts[:, 0], flights.starts[-1, -1])
    return run_packages(flights.columns, starts, np.array([one.order for one in trials]), rows, REFERENCE, changes)


def run_packages(
    columns: Mapping[str, Column], starts: Ints, orders: Ints, rows: Ints | None, reference: int, changes: Sequence[Change]
) -> dict[str, list[Found]]:
    """Return what whylogs and river do with windows in some orders, by rule; those that cannot run are left out, with the reason."""
    found: dict[str, list[Found]] = {}
    with tempfile.TemporaryDirectory() as folder:
        numbers = {name: column for name, column in columns.items() if not isinstance(column, Category)}
        named = {name: (column.codes, column.values) for name, column in columns.items() if isinstance(column, Category)}
        exchange.save(Path(folder) / "columns.npz", numbers, named)
        save_days(Path(folder), starts, orders, rows, reference, changes)
        places = [list(columns).index(name) for name in (*numbers, *named)]
        for product, module in (("whylogs", "whylogs_days"), ("river", "river_days")):
            try:
                answer = environments.run(product, module, folder)
            except environments.PeerError as error:
                print(f"{product}: left out, {error}")
                continue
            for rule, told in ({WHYLOGS: answer} if product == "whylogs" else answer).items():
                found[rule] = [_read(told, number, orders.shape[1] - reference, reference, places) for number in range(len(orders))]
    return found


def _read(told: Mapping[str, Any], number: int, live: int, reference: int, places: Sequence[int]) -> Found:
    """Return one order's alarms; `places` are where the file's columns stand among ours."""
    alarms = np.zeros((live, len(places)), np.bool_)
    for place, column in told["alarms"][number]:
        alarms[place - reference, places[column]] = True
    span = np.arange(reference + FIRST_CHANGED, reference + LAST_CHANGED + 1)
    return Found(alarms, {label: np.isin(span, flagged) for order, label, flagged in told["changes"] if order == number})


def true_order(flights: Flights, *, with_packages: bool) -> dict[str, list[Found]]:
    """Return what all do on the year as it was: ours with its rolling reference, which is what pages, and with the fixed one."""
    one = Trial.fit(flights, np.arange(DAYS), REFERENCE, 1.0)
    rolling = np.zeros((DAYS - REFERENCE, 1), np.bool_)
    for alarm in true_alarms(flights, Drift(), REFERENCE)[0]:
        rolling[alarm.day - REFERENCE] = True
    found = {OURS: Found(rolling, {}), FIXED: own(one, 0, changes=False), **products(one, 0, changes=False)}
    return {rule: [each] for rule, each in found.items()} | (packages(flights, "N2", [one]) if with_packages else {})


def _plain(values: Column) -> NDArray[Any]:
    return np.array(values.decode(), dtype=object) if isinstance(values, Category) else values


def _random(scenario: str, number: int) -> np.random.Generator:
    return np.random.default_rng([SEED, SCENARIOS.index(scenario), number])


def false_alarms(found: Mapping[str, Mapping[str, Sequence[Found]]]) -> None:
    """Print alarm-days and episodes by rule and scenario."""
    print(f"alarm-days / episodes in 30 days, {REFERENCE} days of reference, windows of a day; standard errors of episodes in brackets")
    print(f"{'':30}" + "".join(f"{scenario:>22}" for scenario in found))
    for rule in dict.fromkeys(rule for by_rule in found.values() for rule in by_rule):
        row = f"{rule:30}"
        for by_rule in found.values():
            each = [one.rates for one in by_rule.get(rule, ())]
            told = f"{np.mean([days for days, _ in each]):.2f} / {_error([number for _, number in each])}" if each else "-"
            row += f"{told:>22}"
        print(row, flush=True)


def _error(values: Sequence[float]) -> str:
    return measured(values) if len(values) > 1 else f"{values[0]:.2f}"


def power(found: Mapping[str, Sequence[Found]], flights: Flights) -> None:
    """Print by change and rule the share of changed days flagged, and of the same days as they are."""
    rules = [rule for rule, each in found.items() if each[0].changes]
    names = list(flights.columns)
    print("N1: share of 30 changed days on which the feature alarms, and in brackets of the same days unchanged")
    print(f"{'':24}" + "".join(f"{rule.partition(', any')[0]:>24}" for rule in rules))
    for name, feature, _ in cases(flights):
        if name.startswith("control"):
            continue
        row = f"{name:24}"
        for rule in rules:
            each = [one for one in found[rule] if name in one.changes]
            if not each:
                row += f"{'takes none':>24}"
                continue
            quiet = np.mean([one.alarms[CHANGED, names.index(feature)].mean() for one in each])
            row += f"{f'{np.mean([one.changes[name].mean() for one in each]):.2f} ({quiet:.2f})':>24}"
        print(row, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--permutations", type=int, default=12)
    parser.add_argument("--packages", type=int, default=3, help="permutations of those for whylogs and river; 0 leaves them out")
    options = parser.parse_args(arguments)
    flights = load()
    found: dict[str, dict[str, list[Found]]] = {}
    for scenario in SCENARIOS:
        by_rule: dict[str, list[Found]] = {}
        trials = []
        for number in range(options.permutations):
            one = trial(flights, scenario, number, REFERENCE, 1.0)
            told = {OURS: own(one, number, changes=scenario == "N1"), **products(one, number, changes=scenario == "N1")}
            for rule, each in told.items():
                by_rule.setdefault(rule, []).append(each)
            if number < (min(options.packages, SHUFFLED) if scenario == "N0" else options.packages):
                trials.append(one)
        found[scenario] = by_rule | (packages(flights, scenario, trials) if trials else {})
    found["N2"] = true_order(load(elapsed=True), with_packages=bool(options.packages))
    false_alarms(found)
    power(found["N1"], flights)


if __name__ == "__main__":
    main()
