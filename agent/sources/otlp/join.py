"""Brings the parts of a call together: the log records of a span, and spans that describe the same call twice."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from agent.sources.otlp.merge import Row, answers, batches_of, mark, merge_end, merge_part, merge_parts, merge_twin, rows_of
from detectors.types import Batch, Category, Plain, Text

PATIENCE = 10.0
"""Seconds a call waits for its log records, and they for it."""

_NEAR = 256
"""Waiting calls among which the one is looked for that a record without its id closes."""

_REMEMBERED = 4096
"""Calls remembered at least; twice as many at most, so that most additions forget nothing."""


class Joiner:
    """Joins calls and call parts by id; other batches pass.

    A call that lacks its finish reason, did not fail and should have one waits up to `patience` seconds for the log
    records of its span; log records that come first wait for their span. A span whose parent or child is a model call
    too (a framework around a client, a second span for the end of a stream) describes the same call again, unless
    their response ids differ: it counts once, and what one lacks is taken from the other where both are at hand. A record
    that closes a stream without naming its span goes to the oldest call like it that waits.

    Everything is in the spool before it comes here, so nothing is lost by waiting: `plain` is part of the checkpoint.
    `lost` is told a reason and a number: `unjoined` parts whose call never came, `late_part` those whose call had gone
    on, `nested` calls told twice, `duplicate` spans sent twice while the first still waits.
    """

    def __init__(
        self, lost: Callable[[str, int], None], *, patience: float = PATIENCE, limit: int = 50_000, saved: Plain | None = None
    ) -> None:
        """`limit` bounds the calls, and the parts, that wait: beyond it the oldest are let go. `saved` comes from `plain`."""
        self._lost = lost
        self._patience = patience
        self._limit = limit
        self._calls: OrderedDict[int, tuple[str, Row, float]] = OrderedDict()
        self._parts: OrderedDict[int, tuple[Row, float]] = OrderedDict()
        self._seen: dict[int, int] = {}
        """Calls that went on lately, with the mark of their answer."""
        self._parents: dict[int, int] = {}
        """Parents of calls that came lately, with the mark of the call's answer."""
        if saved:
            self._calls.update((identity, (endpoint, row, until)) for identity, endpoint, row, until in saved["calls"])
            self._parts.update((identity, (row, until)) for identity, row, until in saved["parts"])
            self._seen.update(saved["seen"])
            self._parents.update(saved["parents"])

    def push(self, batch: Batch, now: float) -> Sequence[Batch]:
        """Take a batch in; return what is complete. `now` in seconds."""
        ids = batch.columns.get("id")
        if not isinstance(ids, np.ndarray):
            return (batch,)
        if batch.kind == "calls":
            return self._push_calls(batch, ids.tolist(), now)
        return self._push_parts(batch, ids.tolist(), now) if batch.kind == "call_parts" else (batch,)

    def due(self, now: float) -> Sequence[Batch]:
        """Return the calls that waited long enough; parts whose call never came are let go."""
        late = []
        while self._calls and self._calls[first := next(iter(self._calls))][2] <= now:
            late.append(self._release(first))
        while self._parts and next(iter(self._parts.values()))[1] <= now:
            self._parts.popitem(last=False)
            self._lost("unjoined", 1)
        return batches_of(late)

    def plain(self) -> Plain:
        """Return what waits and what is remembered, as data; the constructor takes it back."""
        return {
            "calls": [[identity, endpoint, row, until] for identity, (endpoint, row, until) in self._calls.items()],
            "parts": [[identity, row, until] for identity, (row, until) in self._parts.items()],
            "seen": list(self._seen.items()),
            "parents": list(self._parents.items()),
        }

    def _push_calls(self, batch: Batch, ids: list[int], now: float) -> list[Batch]:
        parents = _integers(batch, "parent")
        slow = _incomplete(batch)
        slow[self._related(batch, ids, parents)] = True
        if isinstance(closing := batch.columns.get("closing"), np.ndarray):
            slow |= closing.astype(np.bool_)
        slow &= np.array(ids, np.uint64) != 0
        if not slow.any():
            self._remember(ids, parents, _marks(batch))
            return [batch]
        quick = batch.take(np.flatnonzero(~slow))
        done: list[tuple[str, Row]] = []
        ends = []
        for row in self._fold(rows_of(batch, np.flatnonzero(slow))):
            if row.get("closing"):
                ends.append(row)
            else:
                done += self._take(batch.endpoint, row, now)
        for row in ends:
            done += self._close(batch.endpoint, row)
        self._remember(_integers(quick, "id"), _integers(quick, "parent"), _marks(quick))
        return ([quick] if quick.rows else []) + batches_of(done)

    def _related(self, batch: Batch, ids: list[int], parents: list[int]) -> list[int]:
        """Return the rows that have something to do with another one: in this batch, waiting, or remembered."""
        own, above = set(ids), set(parents) - {0}
        here = own & above
        meets = [self._parts.keys() & own, self._calls.keys() & own, self._parents.keys() & own]
        meets += [self._seen.keys() & above, self._calls.keys() & above]
        if not (here or any(meets)):
            return []
        operations = batch.columns.get("operation")
        answering = [False] * batch.rows
        if isinstance(operations, Category):
            can = [*map(answers, operations.values), False]
            answering = [can[code] for code in operations.codes.tolist()]
        found = []
        for row, (identity, parent) in enumerate(zip(ids, parents, strict=True)):
            if (
                identity in self._parts
                or identity in self._calls
                or (
                    answering[row]
                    and (identity in here or parent in here or identity in self._parents or parent in self._seen or parent in self._calls)
                )
            ):
                found.append(row)
        return found

    def _fold(self, rows: list[Row]) -> list[Row]:
        """Make one of calls that came together and tell the same: the inner one stays."""
        by_id = {row["id"]: row for row in rows if answers(row.get("operation")) and not row.get("closing")}
        inner: dict[int, list[Row]] = {}
        for row in by_id.values():
            outer = by_id.get(row.get("parent", 0))
            if outer is not None and _same(_mark(row), _mark(outer)):
                inner.setdefault(outer["id"], []).append(row)
        folded = []
        for row in rows:
            if row["id"] in inner and by_id[row["id"]] is row:
                self._lost("nested", 1)
                continue
            outer = by_id.get(row.get("parent", 0))
            # Of several attempts below one span none can be told to be the one whose numbers it repeats.
            whole = outer is not None and len(inner.get(outer["id"], ())) == 1
            folded.append(merge_twin(row, outer) if outer is not None and whole else row)
        return folded

    def _take(self, endpoint: str, row: Row, now: float) -> list[tuple[str, Row]]:
        """Take one call: return it if it can go on, keep it if it has to wait, forget it if it was told before."""
        identity, parent = row["id"], row.get("parent", 0)
        if identity in self._calls:
            self._lost("duplicate", 1)
            return []
        if answers(row.get("operation")):
            if parent in self._calls and _same(_mark(row), _mark(self._calls[parent][1])):
                self._lost("nested", 1)
                row = merge_twin(row, self._calls.pop(parent)[1])
            elif self._told(identity, parent, row):
                self._lost("nested", 1)
                return []
        part = self._parts.pop(identity, None)
        if part is not None:
            row = merge_part(row, part[0])
        if _waits(row):
            self._calls[identity] = (endpoint, row, now + self._patience)
            _put(self._parents, [(parent, identity)])
            return [self._release(next(iter(self._calls)))] if len(self._calls) > self._limit else []
        self._remember([identity], [parent], [_mark(row)])
        return [(endpoint, row)]

    def _close(self, endpoint: str, end: Row) -> list[tuple[str, Row]]:
        """Give the end of a stream to its call; it is no call of its own even where that one is not found."""
        parent = end.get("parent", 0)
        near = [(parent, *self._calls[parent])] if parent in self._calls else []
        near += [(identity, *held) for identity, held in islice(self._calls.items(), max(len(self._calls) - _NEAR, 0), None)]
        for identity, where, call, until in near:
            if where == endpoint and (identity == parent or _alike(call, end)):
                self._calls[identity] = (endpoint, merge_end(call, end), until)
                return [self._release(identity)]
        self._lost("unjoined", 1)
        return []

    def _told(self, identity: int, parent: int, row: Row) -> bool:
        """Whether a call that went on, or waits, is the same as this one; what this one adds goes to one that waits."""
        if parent in self._seen and _same(_mark(row), self._seen[parent]):
            return True
        child = self._parents.get(identity)
        if child is None:
            return False
        if child in self._calls:
            endpoint, inner, until = self._calls[child]
            if _same(_mark(row), _mark(inner)):
                self._calls[child] = (endpoint, merge_twin(inner, row), until)
                return True
            return False
        return _same(_mark(row), self._seen.get(child, 0))

    def _push_parts(self, batch: Batch, ids: list[int], now: float) -> list[Batch]:
        done: list[tuple[str, Row]] = []
        for identity, part in zip(ids, rows_of(batch, np.arange(batch.rows)), strict=True):
            if identity in self._calls:
                endpoint, call, until = self._calls[identity]
                self._calls[identity] = (endpoint, merge_part(call, part), until)
                if not _waits(self._calls[identity][1]):
                    done.append(self._release(identity))
            elif identity in self._seen:
                self._lost("late_part", 1)
            else:
                known = self._parts.get(identity)
                self._parts[identity] = (merge_parts(known[0], part), known[1]) if known else (part, now + self._patience)
                if len(self._parts) > self._limit:
                    self._parts.popitem(last=False)
                    self._lost("unjoined", 1)
        return batches_of(done)

    def _release(self, identity: int) -> tuple[str, Row]:
        endpoint, row, _ = self._calls.pop(identity)
        self._remember([identity], [row.get("parent", 0)], [_mark(row)])
        return endpoint, row

    def _remember(self, ids: list[int], parents: list[int], marks: list[int]) -> None:
        _put(self._seen, zip(ids, marks, strict=True))
        _put(self._parents, zip(parents, ids, strict=True))


def _put(memory: dict[int, int], pairs: Iterable[tuple[int, int]]) -> None:
    memory.update(pairs)
    memory.pop(0, None)
    if len(memory) > 2 * _REMEMBERED:
        for key in list(islice(memory, len(memory) - _REMEMBERED)):
            del memory[key]


def _integers(batch: Batch, name: str) -> list[int]:
    column = batch.columns.get(name)
    return column.tolist() if isinstance(column, np.ndarray) else [0] * batch.rows


def _marks(batch: Batch) -> list[int]:
    column = batch.columns.get("response_id")
    return list(map(mark, column.values)) if isinstance(column, Text) else [0] * batch.rows


def _incomplete(batch: Batch) -> NDArray[np.bool_]:
    """Return which calls should have a finish reason and have none."""
    operations = batch.columns.get("operation")
    if not isinstance(operations, Category):
        return np.zeros(batch.rows, np.bool_)
    can = np.array([*map(answers, operations.values), False], np.bool_)
    found: NDArray[np.bool_] = can[operations.codes]
    for name in ("finish_reason", "error_type"):
        column = batch.columns.get(name)
        if isinstance(column, Category):
            found &= column.codes < 0
    return found


def _waits(row: Row) -> bool:
    return answers(row.get("operation")) and "finish_reason" not in row and "error_type" not in row


def _alike(call: Row, end: Row) -> bool:
    """Whether a record may be the end of a call: of the same parent, asked the same of the same deployment, not earlier."""
    same = all(call.get(name) == end.get(name) for name in ("parent", "operation", "deployment", "input_length"))
    return same and call["time"] <= end["time"]


def _mark(row: Row) -> int:
    return mark(row.get("response_id"))


def _same(one: int, other: int) -> bool:
    """Whether two marks may be of one answer: equal, or one of them not known."""
    return one == other or not one or not other
