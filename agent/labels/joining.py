"""Joins labels with logged answers: whatever the order in which labels come, each answer ends with the same one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from agent.rows.labels import label
from agent.store.labels import Early, LabelTables, Logged
from detectors.decay.decay import SEGMENT, Decay
from detectors.decay.pairs import Task, class_name, number_of
from detectors.types import Batch, Category, Column, Profile, Stream

MATCHED, REPEATED, CORRECTED, OUTDATED, UNKNOWN, UNUSABLE = "matched", "repeated", "corrected", "outdated", "unknown", "unusable"
"""What becomes of a label: the first of its answer, the same again, another one given later, another one given earlier,
for an id that is not known (yet), or of no use: no id, no value, or no number where the answer is one."""

Changes: TypeAlias = dict[tuple[Stream, int], Profile]
"""What is to be added to the counts of a window, by stream and start."""


class Came(NamedTuple):
    """When labels or answers came in, nanoseconds."""

    received: int
    since: int
    """Answers that came in earlier get no label any more."""


def logged(stream: Stream, batch: Batch, starts: NDArray[np.int64]) -> list[Logged]:
    """Return the rows of a batch that labels can find: those with an id and an answer."""
    ids, predicted = batch.columns.get("id"), batch.columns.get("prediction")
    if not isinstance(ids, np.ndarray) or not isinstance(predicted, Category | np.ndarray):
        return []
    rows = np.flatnonzero((ids != 0) & (predicted.codes >= 0 if isinstance(predicted, Category) else np.isfinite(predicted)))
    values = _values(predicted, rows)
    chances = _values(batch.columns.get("probability"), rows)
    named = {name.removeprefix(SEGMENT): _values(column, rows) for name, column in batch.columns.items() if name.startswith(SEGMENT)}
    segments: Sequence[str | None] = [None] * len(rows)
    if named:
        segments = [orjson.dumps(dict(zip(named, row, strict=True))).decode() for row in zip(*named.values(), strict=True)]
    signed = ids.astype(np.uint64, copy=False).view(np.int64)[rows].tolist()
    columns = zip(signed, starts[rows].tolist(), values, chances, segments, strict=True)
    found = [Logged(stream, id_, start, value, _number(chance), segment) for id_, start, value, chance, segment in columns]
    truths, times = batch.columns.get("label"), batch.columns.get("time")
    if truths is None or not isinstance(times, np.ndarray):
        return found
    # A row that brings its label is labelled at once; a later label may still correct it.
    return [
        one if truth is None else replace(one, label=label(truth), said=time)
        for one, truth, time in zip(found, _values(truths, rows), times[rows].tolist(), strict=True)
    ]


def join(tables: LabelTables, decay: Decay, batch: Batch, came: Came, outcomes: Counter[str]) -> Changes:
    """Give the labels of a batch to the answers they are about; labels of unknown ids wait. Returns what that changes."""
    return _give(tables, decay, batch.endpoint, list(_told(batch, came.received, outcomes)), came, outcomes)


def join_waiting(tables: LabelTables, decay: Decay, endpoint: str, answers: Sequence[Logged], came: Came) -> Changes:
    """Give labels that came before their answers to these, which were just logged."""
    ids = sorted({one.id for one in answers})
    labels = tables.waiting(endpoint, ids)
    if not labels:
        return {}
    tables.welcome(endpoint, [one.id for one in labels])
    # They were counted when they came.
    return _give(tables, decay, endpoint, labels, came, Counter())


def profile_of(decay: Decay, answers: Sequence[Logged]) -> Profile:
    """Return the counts that labelled answers stand for, without the number of answers."""
    found = decay.observe(decay.restore(None), _batch(answers))
    return Profile({name: vector for name, vector in found.counts.items() if name != "answers"}, found.tallies)


def _give(tables: LabelTables, decay: Decay, endpoint: str, labels: Sequence[Early], came: Came, outcomes: Counter[str]) -> Changes:
    ids = sorted({told.id for told in labels})
    answers: dict[int, list[Logged]] = {}
    for one in tables.answers(endpoint, ids, came.since):
        answers.setdefault(one.id, []).append(one)
    before = {id(one): replace(one) for ones in answers.values() for one in ones}
    unknown = []
    for told in labels:
        ones = answers.get(told.id)
        if ones is None:
            unknown.append(told)
            outcomes[UNKNOWN] += 1
        else:
            # One that several deployments answered counts once.
            outcomes[min(_decide(one, told, decay.task) for one in ones)[1]] += 1
    tables.wait(endpoint, unknown, came.received)
    changed = [one for ones in answers.values() for one in ones if (one.label, one.said) != (before[id(one)].label, before[id(one)].said)]
    tables.relabel(changed)
    return _difference(decay, [(before[id(one)], one) for one in changed if one.label != before[id(one)].label])


_ORDER = {outcome: place for place, outcome in enumerate((MATCHED, CORRECTED, OUTDATED, REPEATED, UNUSABLE))}


def _decide(answer: Logged, told: Early, task: Task) -> tuple[int, str]:
    """Give an answer a label if it is the one to have: the one given latest, of two given at once the greater."""
    outcome = _outcome(answer, told, task)
    if outcome in {MATCHED, CORRECTED}:
        answer.label, answer.said, answer.teller = told.label, told.said, told.teller
    elif outcome == REPEATED and told.said > (answer.said or 0):
        answer.said, answer.teller = told.said, told.teller
    return _ORDER[outcome], outcome


def _outcome(answer: Logged, told: Early, task: Task) -> str:
    if isinstance(answer.value, float) and np.isnan(number_of(told.label, classes=task == "classification")):
        return UNUSABLE
    if answer.label is None:
        return MATCHED
    if _same(answer.label, told.label, numbers=isinstance(answer.value, float)):
        return REPEATED
    return CORRECTED if (told.said, told.label) > (answer.said or 0, answer.label) else OUTDATED


def _same(one: str, other: str, *, numbers: bool) -> bool:
    """Whether two labels say the same: a file writes 7.0 where a request has 7."""
    return one == other or class_name(one) == class_name(other) or (numbers and number_of(one) == number_of(other))


def _difference(decay: Decay, pairs: Iterable[tuple[Logged, Logged]]) -> Changes:
    gone: dict[tuple[Stream, int], list[Logged]] = {}
    come: dict[tuple[Stream, int], list[Logged]] = {}
    for old, new in pairs:
        come.setdefault((new.stream, new.start), []).append(new)
        if old.label is not None:
            gone.setdefault((old.stream, old.start), []).append(old)
    found = {window: profile_of(decay, answers) for window, answers in come.items()}
    for window, answers in gone.items():
        found[window] = found[window].merge(negative(profile_of(decay, answers)))
    return found


def negative(profile: Profile) -> Profile:
    """Return what takes a profile away again: counts are integers, so nothing of it stays."""
    return Profile(
        {name: -vector for name, vector in profile.counts.items()},
        {name: {value: -count for value, count in tally.items()} for name, tally in profile.tallies.items()},
    )


def _told(batch: Batch, received: int, outcomes: Counter[str]) -> Iterator[Early]:
    ids, labels, times, tellers = (batch.columns.get(name) for name in ("id", "label", "time", "source"))
    if not isinstance(ids, np.ndarray) or not isinstance(labels, Category):
        outcomes[UNUSABLE] += batch.rows
        return
    said = times.tolist() if isinstance(times, np.ndarray) else [0] * batch.rows
    names = tellers.decode() if isinstance(tellers, Category) else [None] * batch.rows
    signed = ids.astype(np.uint64, copy=False).view(np.int64).tolist()
    for id_, truth, time, teller in zip(signed, labels.decode(), said, names, strict=True):
        if id_ == 0 or truth is None:
            outcomes[UNUSABLE] += 1
        else:
            yield Early(id_, truth, time if time > 0 else received, teller)


def _batch(answers: Sequence[Logged]) -> Batch:
    """Return labelled answers as rows again."""
    values = [one.value for one in answers]
    columns: dict[str, Column] = {"label": Category.of([one.label for one in answers])}
    if all(isinstance(value, float) for value in values):
        columns["prediction"] = np.array(values, np.float64)
    else:
        columns["prediction"] = Category.of([None if value is None else str(value) for value in values])
    chances = [np.nan if one.probability is None else one.probability for one in answers]
    if not np.isnan(chances).all():
        columns["probability"] = np.array(chances)
    segments: list[Mapping[str, str | None]] = [orjson.loads(one.segments) if one.segments else {} for one in answers]
    for name in dict.fromkeys(name for segment in segments for name in segment):
        columns[f"{SEGMENT}{name}"] = Category.of([segment.get(name) for segment in segments])
    return Batch(answers[0].stream.endpoint, "rows", len(answers), columns)


def _values(column: Column | None, rows: NDArray[np.intp]) -> list[float | str | None]:
    if isinstance(column, Category):
        known = [*column.values, None]
        return [known[code] for code in column.codes[rows].tolist()]
    if isinstance(column, np.ndarray):
        return [None if np.isnan(value) else value for value in column[rows].astype(np.float64).tolist()]
    return [None] * len(rows)


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, float) else None
