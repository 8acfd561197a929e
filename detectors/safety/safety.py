"""What the content filter said: calls checked, filtered and not checked, and the unsafe share with its interval."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors import catalog
from detectors.catalog import Metric
from detectors.safety.names import Names, categories, fold
from detectors.safety.results import ANY, NOT_RUN, UNKNOWN, Entry, parse
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Total, Window
from detectors.usage.thinning import UNIT, Weighed, weights_of

_BLOCKED = Entry("prompt", UNKNOWN, "none", "blocked")
_UNTOLD = f"prompt/{UNKNOWN}"
_MORE, _SQUARES = "upstream.more.", "upstream.squares."
"""How names begin under which stands what weights add to the numbers of calls, and what their squares do, in parts of a call."""
_Kind = tuple[str, bool, bool]
"""Filters, blocked prompt, throttled."""


@dataclass(frozen=True, slots=True)
class Safety:
    """Counts the content-filter results of every call."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.SAFETY_CHECKED,
        catalog.SAFETY_FILTERED,
        catalog.SAFETY_NOT_RUN,
        catalog.SAFETY_SAMPLES,
        catalog.SAFETY_UNSAFE,
        catalog.SAFETY_UNSAFE_LOWER,
        catalog.SAFETY_UNSAFE_UPPER,
    )

    def restore(self, saved: Plain | None) -> Names:
        """Return the categories met so far."""
        return Names(tuple(saved["names"]), saved["blocks"]) if saved else Names()

    def observe(self, state: Names, batch: Batch) -> Profile:
        """Count the calls of a batch; batches of rows or of parts of calls give an empty profile.

        Tallies are keyed `direction/category`, `filtered` with `/severity/action` after it. A blocked prompt none of whose
        entries says so is checked and blocked with category unknown. `calls` holds [calls that reached the filter as far as
        one can tell: all but throttled ones, calls checked, calls unsafe].
        """
        if batch.kind != "calls" or not batch.rows:
            return Profile()
        kinds, calls, more, squares = _kinds(batch)
        profile = _counted(state, kinds, calls)
        for prefix, added in ((_MORE, more), (_SQUARES, squares)):
            if added:
                weighed = _counted(state, kinds, added)
                tallies = {f"{prefix}{name}": tally for name, tally in weighed.tallies.items()}
                profile = profile.merge(Profile({f"{prefix}calls": weighed.counts["calls"]}, tallies))
        return profile

    def totals(self, profile: Profile) -> Sequence[Total]:
        """Return the increases of checked, filtered and not run."""
        return tuple(_totals(profile.tallies))

    def step(self, state: Names, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the protocol of a detector
        """Give the unsafe share of each category and direction, and of category `any`, where each call counts once.

        The share of `unknown` is one of all calls that were not throttled: where only a block is told, its absence is
        the filter's consent, from the first such block on. `any` does the same then. Nothing checked: no score.
        """
        checked = profile.tallies.get("checked", {})
        state = state.learn(categories(checked), blocks=_UNTOLD in checked)
        return Step(state, tuple(_scores(profile, blocks=state.blocks)))


def _counted(state: Names, kinds: Sequence[_Kind], numbers: Sequence[int]) -> Profile:
    """Count so many calls of each kind."""
    tallies: dict[str, Counter[str]] = {"checked": Counter(), "filtered": Counter(), "not_run": Counter()}
    reached = checked = unsafe = 0
    for (text, blocked, throttled), count in zip(kinds, numbers, strict=True):
        entries = parse(text)
        if blocked and not any(one.direction == "prompt" and one.action == "blocked" for one in entries):
            entries = (*entries, _BLOCKED)
        ran = [one for one in entries if one.severity != NOT_RUN]
        for one in entries:
            key = f"{one.direction}/{state.name(one.category)}"
            tallies["not_run" if one.severity == NOT_RUN else "checked"][key] += count
            if one.action != "passed":
                tallies["filtered"][f"{key}/{one.severity}/{one.action}"] += count
        reached += 0 if throttled and not ran else count
        checked += count if ran else 0
        unsafe += count if any(one.action != "passed" for one in ran) else 0
    return Profile({"calls": np.array([reached, checked, unsafe], np.int64)}, {name: dict(tally) for name, tally in tallies.items()})


def _kinds(batch: Batch) -> tuple[Sequence[_Kind], Sequence[int], Sequence[int], Sequence[int]]:
    """Return each distinct (filters, blocked prompt, throttled) of a batch, its number of calls, and what weights add, if there are any."""
    filters = batch.columns.get("filters")
    texts = ("", *filters.values) if isinstance(filters, Category) else ("",)
    kind = 4 * (filters.codes.astype(np.int64) + 1) if isinstance(filters, Category) else np.zeros(batch.rows, np.int64)
    for name, weight in (("blocked_prompt", 2), ("throttled", 1)):
        column = batch.columns.get(name)
        if isinstance(column, np.ndarray):
            kind = kind + weight * column.astype(np.bool_)
    counts = np.bincount(kind)
    there = np.flatnonzero(counts)
    kinds = [(texts[index // 4], bool(index & 2), bool(index & 1)) for index in there.tolist()]
    weights = weights_of(batch)
    if weights is None:
        return kinds, counts[there].tolist(), (), ()
    # Each is whole, so that sums are exact whatever the order.
    more, squares = (
        np.bincount(kind, np.rint(added)).astype(np.int64)[there].tolist() for added in ((weights - 1) * UNIT, (weights**2 - 1) * UNIT)
    )
    return kinds, counts[there].tolist(), more, squares


def _totals(tallies: Mapping[str, Mapping[str, int]]) -> Iterator[Total]:
    for name, metric in (("checked", catalog.SAFETY_CHECKED), ("filtered", catalog.SAFETY_FILTERED), ("not_run", catalog.SAFETY_NOT_RUN)):
        for key, count in _folded(tallies.get(name, {})).items():
            attributes = dict(zip(("direction", "category", "filter_severity", "action"), key.split("/"), strict=False))
            yield Total(metric, attributes, count)


def _scores(profile: Profile, *, blocks: bool) -> Iterator[Score]:
    if "calls" not in profile.counts:
        return
    names = sorted({*_trials(profile, ""), *([_UNTOLD] if blocks else [])})
    numbers = [_numbers(profile, prefix, names, blocks=blocks) for prefix in ("", _MORE, _SQUARES)]
    shares = [(Weighed(*hits), Weighed(*trials)) for hits, trials in ((zip(*pair, strict=True)) for pair in zip(*numbers, strict=True))]
    for key, (hits, trials) in zip((*names, f"{ANY}/{ANY}"), shares, strict=True):
        direction, category = key.split("/")
        yield from _share(direction, category, hits, trials)


def _trials(profile: Profile, prefix: str) -> dict[str, int]:
    return _folded(profile.tallies.get(f"{prefix}checked", {}))


def _numbers(profile: Profile, prefix: str, names: Sequence[str], *, blocks: bool) -> list[tuple[int, int]]:
    """Return filtered and checked calls by `direction/category`, and of all calls at the end."""
    reached, checked, unsafe = profile.counts[f"{prefix}calls"].tolist() if f"{prefix}calls" in profile.counts else (0, 0, 0)
    trials, hits = _trials(profile, prefix), Counter[str]()
    for key, count in _folded(profile.tallies.get(f"{prefix}filtered", {})).items():
        hits["/".join(key.split("/")[:2])] += count
    if blocks:
        trials[_UNTOLD] = reached
    return [*((hits[name], trials.get(name, 0)) for name in names), (unsafe, reached if blocks else checked)]


def _share(direction: str, category: str, hits: Weighed, trials: Weighed) -> Iterator[Score]:
    if trials.calls:
        attributes = {"category": category, "direction": direction}
        value, lower, upper = trials.share(hits)
        yield Score(catalog.SAFETY_SAMPLES, trials.calls, attributes)
        yield Score(catalog.SAFETY_UNSAFE, value, attributes)
        yield Score(catalog.SAFETY_UNSAFE_LOWER, lower, attributes)
        yield Score(catalog.SAFETY_UNSAFE_UPPER, upper, attributes)


def _folded(tally: Mapping[str, int]) -> dict[str, int]:
    """Return the tally with the categories beyond the bound under one name, in a fixed order."""
    names, folded = fold(categories(tally)), Counter[str]()
    for key, count in tally.items():
        direction, category, *rest = key.split("/")
        folded["/".join((direction, names[category], *rest))] += count
    return dict(sorted(folded.items()))
