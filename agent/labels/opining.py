"""Takes labels of people for evaluators in: each is checked against its scale, and of several on one call the last given stays."""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from agent.config import Endpoint
from agent.labels.joining import CORRECTED, MATCHED, OUTDATED, REPEATED, UNKNOWN, UNUSABLE
from agent.labels.opinions import scale_of
from agent.store.verdicts import Opinion, VerdictTables
from detectors.types import Batch, Category


class Read(NamedTuple):
    """Labels by evaluator, and how many could not be used: by evaluator (`` for one the endpoint does not have), then by reason."""

    told: dict[str, list[Opinion]]
    bad: dict[str, dict[str, int]]

    @property
    def unusable(self) -> int:
        """How many could not be used."""
        return sum(sum(counts.values()) for counts in self.bad.values())


def read(endpoint: Endpoint, batch: Batch, received: int) -> Read:
    """Return the labels of a batch that came in at `received`, nanoseconds."""
    found = Read({}, {})
    ids, evaluators, labels, times, tellers = (batch.columns.get(name) for name in ("id", "evaluator", "label", "time", "source"))
    if not isinstance(ids, np.ndarray) or not isinstance(evaluators, Category):
        found.bad[""] = {"evaluator": batch.rows}
        return found
    truths = labels.decode() if isinstance(labels, Category) else [None] * batch.rows
    said = times.tolist() if isinstance(times, np.ndarray) else [0] * batch.rows
    names = tellers.decode() if isinstance(tellers, Category) else [None] * batch.rows
    signed = ids.astype(np.uint64, copy=False).view(np.int64).tolist()
    for id_, evaluator, label, time, teller in zip(signed, evaluators.decode(), truths, said, names, strict=True):
        scale = scale_of(endpoint, evaluator or "")
        if evaluator is None or scale is None:
            _count(found, "", "evaluator")
        elif not id_:
            _count(found, evaluator, "id")
        elif label is None:
            _count(found, evaluator, "label")
        elif (value := scale.read(label)) is None:
            _count(found, evaluator, "scale")
        else:
            found.told.setdefault(evaluator, []).append(Opinion(evaluator, id_, value, time if time > 0 else received, received, teller))
    return found


def opine(tables: VerdictTables, endpoint: str, found: Read) -> Counter[str]:
    """Keep labels; return what became of them. Those of calls that are not known wait."""
    outcomes: Counter[str] = Counter()
    for evaluator, opinions in found.told.items():
        outcomes += _decided(tables, endpoint, evaluator, opinions)
    if found.unusable:
        outcomes[UNUSABLE] += found.unusable
    return outcomes


def _decided(tables: VerdictTables, endpoint: str, evaluator: str, opinions: Collection[Opinion]) -> Counter[str]:
    """Of two on one call the one given later stays, of two given at once the greater."""
    outcomes: Counter[str] = Counter()
    known = tables.known(endpoint, evaluator, sorted({one.id for one in opinions}))
    kept: dict[int, Opinion] = {}
    for one in opinions:
        there = kept.get(one.id) or known.get(one.id)
        if there is None:
            outcomes[MATCHED if one.id in known else UNKNOWN] += 1
        elif there.label == one.label:
            outcomes[REPEATED] += 1
            if one.said <= there.said:
                continue
        elif (one.said, one.label) < (there.said, there.label):
            outcomes[OUTDATED] += 1
            continue
        else:
            outcomes[CORRECTED] += 1
        kept[one.id] = one
    tables.opine(endpoint, kept.values())
    return outcomes


def _count(found: Read, evaluator: str, reason: str) -> None:
    counts = found.bad.setdefault(evaluator, {})
    counts[reason] = counts.get(reason, 0) + 1
