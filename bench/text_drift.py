"""Text and embedding drift without a model: which share of other texts is seen, and how often nothing is called something.

Reads ../shared/data (Banking77, GSM8K, HaluEval); one window a day, 56 days of reference, 30 live days at each share,
budget 1. All features of an enricher share the budget. An alarm-day has a severity above 1; `all that matters` are those
whose change is also as large as `min_effect` (0.1 sd, PSI 0.02).
"""

import csv
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.enrichers.embedding import Embedding
from agent.enrichers.text import Text
from agent.enrichers.yardsticks import Own, Yardsticks
from bench.flights import Column, take_rows
from bench.judged_days import judged
from detectors.drift.calibration import FeatureHistory, calibrate
from detectors.drift.counting import count
from detectors.drift.grid import fit_categories, fit_numeric
from detectors.features.grams import CELLS
from detectors.features.grams import count as grams_of
from detectors.types import Category

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Columns = Mapping[str, Column]

DATA = Path(__file__).parents[1] / "../shared/data"
REFERENCE, LIVE = 56, 30
SHARES = {500: (0.0, 0.05, 0.1, 0.25), 1500: (0.0, 0.02, 0.05, 0.1)}
"""Rows a window to the shares of other texts."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Texts that are usual, and others that come among them."""

    name: str
    usual: Sequence[str]
    others: Sequence[str]


def scenarios(seed: int = 3) -> list[Scenario]:
    """Return another domain, new topics of the same domain, and three of its topics that become more frequent."""
    random = np.random.default_rng(seed)
    rows = [row for part in ("train", "test") for row in csv.DictReader(StringIO((DATA / f"banking77_{part}.csv").read_text("utf-8")))]
    topics = random.permutation(sorted({row["category"] for row in rows}))
    known, surging = set(topics[:60].tolist()), set(topics[:3].tolist())
    usual = [row["text"] for row in rows if row["category"] in known]
    questions = [json.loads(line)["user_query"] for line in (DATA / "halueval_general.json").read_text("utf-8").splitlines()]
    sums = [json.loads(line)["question"] for line in (DATA / "gsm8k_train.jsonl").read_text("utf-8").splitlines()[:2000]]
    return [
        Scenario("school maths among general questions", questions, sums),
        Scenario("17 new topics among 60 of a bank", usual, [row["text"] for row in rows if row["category"] not in known]),
        Scenario("3 of a bank's 60 topics more often", usual, [row["text"] for row in rows if row["category"] in surging]),
    ]


def drawn(enricher: Any, learnt: Sequence[Any], *parts: Sequence[Any]) -> list[Columns]:
    """Return the features of each part, by a yardstick learnt from `learnt`."""
    own = Own(Yardsticks(), "bench")
    enricher.draw("c", learnt, own)
    return [enricher.draw("c", part, own).features for part in parts]


def embedded(*parts: Sequence[str]) -> list[list[Floats]]:
    """Return each text as 128 numbers by latent semantic analysis of all of them: it stands for an application's embeddings."""
    from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]  # noqa: PLC0415  # an extra; no types
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]  # noqa: PLC0415  # the same

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2).fit([text for part in parts for text in part])
    axes = TruncatedSVD(128, random_state=0).fit(words.transform([text for part in parts for text in part]))
    return [list(axes.transform(words.transform(part))) for part in parts]


def windows(usual: Columns, others: Columns, rows: int, share: float, random: np.random.Generator) -> Iterator[Columns]:
    """Yield windows in which that share of rows is of the others."""
    while True:
        foreign = int(random.binomial(rows, share))
        here = random.choice(_rows(usual), rows - foreign, replace=False)
        there = random.choice(_rows(others), foreign, replace=False)
        yield {name: _both(take_rows(usual[name], here), take_rows(others[name], there)) for name in usual}


def alarm_days(usual: Columns, others: Columns, rows: int, seed: int) -> dict[str, dict[float, float]]:
    """Return for each feature, and for all of them, the share of live days that alarm at each share of others."""
    random = np.random.default_rng(seed)
    reference = list(itertools.islice(windows(usual, others, rows, 0.0, random), REFERENCE))
    grids = {name: _grid([window[name] for window in reference]) for name in usual}
    history = [
        FeatureHistory(
            name,
            "categorical" if isinstance(usual[name], Category) else "numeric",
            np.array([count(grid, window[name]) for window in reference]),
            np.zeros(REFERENCE, np.int64),
        )
        for name, grid in grids.items()
    ]
    calibration = calibrate(history, np.arange(REFERENCE), 1.0, evidence=True)
    names = [model.name for model in calibration.replay.models]
    found: dict[str, dict[float, float]] = {name: {} for name in [*names, "all", "all that matters"]}
    for share in SHARES[rows]:
        live = list(itertools.islice(windows(usual, others, rows, share, random), LIVE))
        counts = {name: np.array([count(grid, window[name]) for window in live]) for name, grid in grids.items()}
        days = np.arange(REFERENCE, REFERENCE + LIVE)
        _, severity, matters = judged(calibration, counts, days, np.zeros(LIVE, np.int64))
        for place, name in enumerate(names):
            found[name][share] = float((severity[:, place] > 1).mean())
        found["all"][share] = float((severity > 1).any(axis=1).mean())
        found["all that matters"][share] = float(matters.any(axis=1).mean())
    return found


def divergence(usual: Sequence[str], others: Sequence[str], rows: int, seed: int) -> dict[float, float]:
    """Return the same for the Jensen-Shannon divergence of a window's trigrams, its line the largest of the reference's windows."""
    random = np.random.default_rng(seed)
    dense = [_dense(usual), _dense(others)]
    whole = dense[0].sum(axis=0)

    def one(share: float) -> float:
        foreign = int(random.binomial(rows, share))
        window = dense[0][random.choice(len(dense[0]), rows - foreign, replace=False)].sum(axis=0)
        window = window + dense[1][random.choice(len(dense[1]), foreign, replace=False)].sum(axis=0)
        return _jensen_shannon(whole / whole.sum(), window / window.sum())

    line = max(one(0.0) for _ in range(REFERENCE))
    return {share: float(np.mean([one(share) > line for _ in range(LIVE)])) for share in SHARES[rows]}


def _jensen_shannon(left: Floats, right: Floats) -> float:
    middle = (left + right) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(sum(np.where(one > 0, one * np.log2(one / middle), 0.0).sum() for one in (left, right)) / 2)


def _dense(texts: Sequence[str]) -> Floats:
    counted = grams_of(texts)
    dense = np.zeros((len(texts), CELLS))
    dense[np.repeat(np.arange(len(texts)), np.diff(counted.starts)), counted.cells] = counted.numbers
    return dense


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _both(one: Column, other: Column) -> Column:
    if isinstance(one, Category) and isinstance(other, Category):
        return Category.of(one.decode() + other.decode())
    return np.concatenate([np.asarray(one), np.asarray(other)])


def _grid(columns: Sequence[Column]) -> Any:
    if isinstance(columns[0], Category):
        return fit_categories(Category.of([value for column in columns if isinstance(column, Category) for value in column.decode()]))
    return fit_numeric(np.concatenate([np.asarray(column) for column in columns]))


def main(seeds: int = 6) -> None:
    """Print the tables of docs/text-drift.md."""
    if not DATA.is_dir():
        print(f"{DATA} is not there: nothing measured")
        return
    for scenario in scenarios():
        order = np.random.default_rng(1).permutation(len(scenario.usual))
        learnt, usual = [[scenario.usual[row] for row in part] for part in (order[:1000], order[1000:])]
        texts = drawn(Text(("c",)), learnt, usual, scenario.others)
        vectors = drawn(Embedding(("c",)), *embedded(learnt, usual, scenario.others))
        for rows, shares in SHARES.items():
            print(
                f"\n{scenario.name}, {rows} rows a window: share of days with an alarm at {', '.join(f'{share:.0%}' for share in shares)} others"
            )
            for kind, (within, beside) in (("text", texts), ("embedding", vectors)):
                runs = [alarm_days(within, beside, rows, seed) for seed in range(seeds)]
                for name in runs[0]:
                    _line(f"{kind}.{name}", shares, [run[name] for run in runs])
            _line("trigrams, Jensen-Shannon", shares, [divergence(usual, scenario.others, rows, seed) for seed in range(seeds)])


def _line(name: str, shares: Sequence[float], runs: Sequence[Mapping[float, float]]) -> None:
    print(f"  {name:28}" + "".join(f"{np.mean([run[share] for run in runs]):7.2f}" for share in shares))


if __name__ == "__main__":
    main()
