"""How quiet the burst alarm is on fourteen usual nights, and which bursts it finds: jailbreaks by the minute, windows of 15 minutes.

Usual traffic is drawn in five ways: independent arrivals; with a daily rhythm of calls (nine to one) and of attacks (three times as
many at night); with rates that differ from day to day (sd .4 of the log) and from window to window (gamma of shape 2); with both;
and in clumps (each attacker tries three times on average, within minutes). The first day teaches, and is not judged.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from detectors.catalog_attacks import SAFETY_BURST_SEVERITY
from detectors.safety.attacks import Attacks, Known
from detectors.types import Profile, Step, Window

DAYS, MINUTES = 14, 15
A_DAY = 1440 // MINUTES
KINDS = ("independent", "rhythm", "uneven", "both", "clumps")
TRAFFIC = ((30, 0.001), (300, 0.002), (3_000, 0.005))
"""Calls of a window, and the share of attacks."""
BURSTS = (5, 10, 20, 60)
"""Attacks within three minutes."""
START = datetime(2026, 3, 1, tzinfo=UTC)
Ints = NDArray[np.int64]


def usual(kind: str, calls: int, rate: float, chance: np.random.Generator) -> Iterator[tuple[Ints, Ints]]:
    """Yield calls and attacks of each minute, a window after the other."""
    level = 1.0
    for number in range(DAYS * A_DAY):
        hour = number % A_DAY * MINUTES // 60
        swings, uneven = kind in {"rhythm", "both", "clumps"}, kind in {"uneven", "both"}
        if number % A_DAY == 0 and uneven:
            level = float(np.exp(chance.normal(0, 0.4)))
        checked = chance.poisson(calls / MINUTES * (1 + 0.8 * np.sin(2 * np.pi * (hour - 8) / 24) * swings), MINUTES)
        share = rate * level * (3 if swings and hour < 6 else 1) * (chance.gamma(2, 0.5) if uneven else 1.0)
        if kind != "clumps":
            yield checked, chance.binomial(checked, min(share, 1.0))
            continue
        attacks = np.zeros(MINUTES, np.int64)
        for minute in np.repeat(np.arange(MINUTES), chance.poisson(checked * share / 3)).tolist():
            tries = minute + chance.geometric(0.6, chance.geometric(1 / 3)) - 1
            np.add.at(attacks, tries[tries < MINUTES], 1)
        yield np.maximum(checked, attacks), attacks


def step(detector: Attacks, state: Known, number: int, checked: Ints, attacks: Ints) -> Step:
    """Judge one window."""
    window = Window(START + timedelta(minutes=MINUTES * number), START + timedelta(minutes=MINUTES * (number + 1)))
    first = int(window.start.timestamp()) // 60
    counts = {"checked": checked, "attacks": attacks}
    tallies = {
        f"{what}/prompt/jailbreak": {str(first + minute): count for minute, count in enumerate(one.tolist()) if count}
        for what, one in counts.items()
    }
    return detector.step(state, window, Profile({}, tallies))


def severity(found: Step) -> float:
    """Return how unusual the densest stretch was; 0 where nothing was judged."""
    return next((one.value for one in found.scores if one.metric is SAFETY_BURST_SEVERITY), 0.0)


def nights(kind: str, calls: int, rate: float, chance: np.random.Generator) -> tuple[int, list[float]]:
    """Return the alarms of fourteen nights, and for each size the share of bursts found that were tried on their third and thirteenth day."""
    detector, state, alarms = Attacks(), Known(), 0
    found: list[list[bool]] = [[] for _ in BURSTS]
    for number, (checked, attacks) in enumerate(usual(kind, calls, rate, chance)):
        if number // A_DAY in {2, 12} and number % 8 == 0:
            for place, size in enumerate(BURSTS):
                more = np.zeros(MINUTES, np.int64)
                more[6:9] = np.bincount(chance.integers(0, 3, size), minlength=3)
                found[place].append(severity(step(detector, state, number, checked + more, attacks + more)) > 1)
        judged = step(detector, state, number, checked, attacks)
        state, alarms = judged.state, alarms + (severity(judged) > 1)
    return alarms, [float(np.mean(one)) for one in found]


def main() -> None:
    """Print a line for each kind of traffic."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--repetitions", type=int, default=10)
    repetitions = given.parse_args().repetitions
    print("| usual traffic | calls a window | attacks | windows alarmed in 14 nights | found of 5 | of 10 | of 20 | of 60 |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in KINDS:
        for calls, rate in TRAFFIC:
            runs = [nights(kind, calls, rate, np.random.default_rng((calls, number))) for number in range(repetitions)]
            shares = " | ".join(f"{np.mean([one[1][place] for one in runs]):.0%}" for place in range(len(BURSTS)))
            print(f"| {kind} | {calls:,} | {rate:.1%} | {np.mean([one[0] for one in runs]):.2f} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
