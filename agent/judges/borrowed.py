"""Questions of another product: a worker process renders them and reads the answers; the model is asked from here.

So key, budget, pauses and limits are driftline's own, and the other product reaches nothing but its pipe.
"""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

import orjson

from agent.judges.chat import Kind, Unanswered
from agent.judges.criteria import Criterion
from agent.judges.kinds import PRODUCTS
from agent.judges.questions import Question
from agent.judges.task import Item, fitted
from agent.judges.verdicts import LONGEST, REASON, Gap, Verdict, score_of
from detectors.quality.evaluators.refusal import refuses

_MEMORY = 4 * 1024**3
"""Bytes of address space a worker may take."""
_PATIENCE = (120.0, 30.0)
"""Seconds until a worker is there (imports take 10 s on a busy machine), and until it has rendered or read one."""
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SYSTEMROOT")
"""What a worker may know of the environment: no key, no connection string, no proxy."""


class BorrowedQuestions:
    """Keeps one worker while there is something to judge."""

    together = False

    def __init__(
        self,
        kind: Kind,
        environment: Mapping[str, str] = os.environ,
        command: Sequence[str] = (),
        patience: tuple[float, float] = _PATIENCE,
    ) -> None:
        """`command` and `patience` (seconds until it is there, and until it answers) are for workers of tests."""
        self._kind = kind
        self._command = command or (sys.executable, "-P", "-m", "agent.judges.lender", str(_MEMORY), kind)
        self._patience = patience
        self._environment = {name: environment[name] for name in _PASSED if name in environment} | {
            "DO_NOT_TRACK": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONWARNINGS": "ignore",
        }
        self._worker: _Worker | None = None

    def put(self, item: Item, asked: Sequence[Criterion]) -> Question:
        """Return what the product would ask about one criterion. Raises Unanswered where it asks nothing, or does not work."""
        (criterion,) = asked
        worker = self._worker
        if worker is None:
            worker = self._worker = _Worker(self._command, self._environment, self._patience)
        also = PRODUCTS[self._kind].also.get(criterion.name, ())
        texts = fitted(item, (*criterion.needs, *(name for name in also if getattr(item, name).strip())))
        try:
            found = worker.do({"do": "put", "evaluator": criterion.name, "texts": texts})
        except _Gone as error:
            self.close()
            raise Unanswered(str(error), "unreachable") from None
        if "messages" not in found:
            raise Unanswered(f"{criterion.name}: {self._kind} asks nothing about this text", "unfit")
        return Question(found["messages"], int(found["most"]), {} if found["json"] else None)

    def read(self, answer: str, asked: Sequence[Criterion]) -> list[Verdict | Gap]:
        """Return what the product makes of an answer; what it cannot read is a gap."""
        (criterion,) = asked
        if len(answer) > LONGEST:
            return [Gap(criterion.name, "too_long")]
        worker = self._worker
        try:
            found = {} if worker is None else worker.do({"do": "read", "answer": answer})
        except _Gone:
            self.close()
            return [Gap(criterion.name, "unreadable")]
        if "score" not in found:
            why = "empty" if not answer.strip() else "refused" if refuses(answer) else "not_json"
            return [Gap(criterion.name, why)]
        score = score_of(found["score"])
        if score is None:
            return [Gap(criterion.name, "missing" if found["score"] is None else "out_of_range")]
        return [Verdict(criterion.name, score, str(found.get("reason") or "")[:REASON])]

    def close(self) -> None:
        """End the worker, if there is one."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()


class _Gone(Exception):
    """The worker ended, or does not answer."""


class _Worker:
    """A process that is told and answers a line at a time."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], patience: tuple[float, float]) -> None:
        self._patience = patience
        # What the product writes may quote texts, so nobody reads it.
        self._process = subprocess.Popen(  # noqa: S603 (our own module, under our own interpreter)
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        if self._process.stdin is None or self._process.stdout is None:
            raise _Gone("no pipe")
        self._in = self._process.stdin
        threading.Thread(target=_forward, args=(self._process.stdout, self._said), name="lender", daemon=True).start()
        self._ready = False

    def do(self, what: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one request. Raises _Gone."""
        if not self._ready:
            self._next(self._patience[0])
            self._ready = True
        try:
            self._in.write(orjson.dumps(what) + b"\n")
            self._in.flush()
        except (OSError, ValueError):
            raise _Gone("the worker ended") from None
        return self._next(self._patience[1])

    def _next(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._said.get(timeout=seconds)
        except queue.Empty:
            raise _Gone(f"the worker did nothing for {seconds:g} s") from None
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise _Gone("the worker ended") from None
        if not isinstance(found, dict):
            raise _Gone("the worker said something else")
        return found

    def end(self) -> None:
        """End the process and wait until it is gone."""
        self._process.kill()
        with suppress(OSError):
            self._in.close()
        self._process.wait()


def _forward(lines: IO[bytes], said: "queue.SimpleQueue[bytes]") -> None:
    with lines:
        for line in lines:
            said.put(line)
    said.put(b"")
