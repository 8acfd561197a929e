"""What a judged sample says of a rare unsafe rate: a priority sample beside a uniform one, and the mean nobody weighted.

50,000 calls of three deployments (90, 9 and 1 %), .45 % of them unsafe, 1,000 judged; once with a drawn signal (recall .6,
false-positive rate .02), once with the share of explicit words in real texts (OpenAI's moderation set beside the project,
labelled and others drawn to the same rate). Relative errors over the repetitions; the interval is the published one.
"""

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.quality.evaluators.explicit import explicit_share
from detectors.quality.importance import FLAGGED, of_deployment, of_share
from detectors.quality.priority_sample import uniform
from detectors.quality.weighted_rate import weighted_rate

TEXTS = Path(__file__).parents[1] / "../shared/data/openai_moderation_1680.jsonl.gz"
CALLS, JUDGED = 50_000, 1_000
SHARES = (0.9, 0.09, 0.01)
RATES = (0.0039, 0.0075, 0.0309)
Floats = NDArray[np.float64]


class Texts:
    """Share of explicit words of labelled texts, drawn to any rate."""

    def __init__(self) -> None:
        with gzip.open(TEXTS, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        unsafe = np.array([any(value == 1 for name, value in row.items() if name != "prompt") for row in rows])
        shares = np.array([explicit_share(row["prompt"]) or 0.0 for row in rows])
        self.unsafe, self.others = shares[unsafe], shares[~unsafe]

    def draw(self, unsafe: NDArray[np.bool_], chance: np.random.Generator) -> Floats:
        """Return a share for each call."""
        return np.where(unsafe, chance.choice(self.unsafe, len(unsafe)), chance.choice(self.others, len(unsafe)))


def repetition(texts: Texts | None, chance: np.random.Generator) -> Floats:
    """Return [4 populations (all, then each deployment), truth, priority, uniform, naive, covered] of one population and sample."""
    deployment = np.repeat(np.arange(3), [round(CALLS * share) for share in SHARES])
    unsafe = np.zeros(CALLS, np.bool_)
    for place, chosen in enumerate(RATES):
        members = np.flatnonzero(deployment == place)
        unsafe[chance.choice(members, round(len(members) * chosen), replace=False)] = True
    if texts is None:
        flagged = chance.random(CALLS) < np.where(unsafe, 0.6, 0.02)
        signal, worth = flagged.astype(np.int64), np.where(flagged, FLAGGED, 1.0)
    else:
        share = texts.draw(unsafe, chance)
        worth, signal = of_share(share), np.searchsorted([1e-9, 0.02, 0.05], share)
    importance = worth * np.array([of_deployment(share) for share in SHARES])[deployment]
    numbers = uniform(chance.integers(0, 2**63, CALLS).astype(np.uint64))
    priority = importance / numbers
    first = np.argsort(-priority)[: JUDGED + 1]
    kept, probability = first[:-1], np.minimum(1.0, importance[first[:-1]] / priority[first[-1]])
    plain = np.argsort(numbers)[:JUDGED]
    found = []
    for which in (None, 0, 1, 2):
        mine = np.ones(JUDGED, np.bool_) if which is None else deployment[kept] == which
        theirs = plain if which is None else plain[deployment[plain] == which]
        everyone = np.ones(CALLS, np.bool_) if which is None else deployment == which
        sizes = np.bincount(signal[everyone], minlength=4).astype(np.float64)
        truth = float(unsafe[everyone].mean())
        found_rate = weighted_rate(unsafe[kept][mine], probability[mine], signal[kept][mine], sizes)
        alone = float(unsafe[theirs].mean()) if len(theirs) else 0.0
        found.append(
            [truth, found_rate.value, alone, float(unsafe[kept][mine].mean()), float(found_rate.lower <= truth <= found_rate.upper)]
        )
    return np.array(found)


def show(title: str, results: Floats, repetitions: int) -> None:
    """Print the table of one signal. `results`: [repetitions, 4, 5] as `repetition` gives them."""
    print(f"\n{title}, {repetitions:,} repetitions; relative to the true rate")
    print(f"{'':12}{'bias':>8}{'error':>8}{'RMSE':>8}{'uniform':>9}{'ratio':>7}{'naive mean':>12}{'covered':>9}")
    for row, name in enumerate(("all calls", "90 %", "9 %", "1 %")):
        truth, value, alone, naive, covered = results[:, row].T
        errors, others = value / truth - 1, alone / truth - 1
        spread, usual = np.sqrt(np.mean(errors**2)), np.sqrt(np.mean(others**2))
        print(
            f"{name:12}{errors.mean():8.3f}{errors.std() / np.sqrt(repetitions):8.3f}{spread:8.3f}{usual:9.3f}{spread / usual:7.2f}"
            f"{naive.mean() / truth.mean() - 1:+12.0%}{covered.mean():9.3f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2000)
    repetitions = parser.parse_args().repetitions
    chance = np.random.default_rng(20_260_101)
    show("a drawn signal", np.array([repetition(None, chance) for _ in range(repetitions)]), repetitions)
    if TEXTS.exists():
        texts = Texts()
        show("share of explicit words", np.array([repetition(texts, chance) for _ in range(repetitions)]), repetitions)
    else:
        print("\n../shared/data is not there: no real texts")


if __name__ == "__main__":
    main()
