"""The worker that lends another product's evaluators: told and answering a line of JSON at a time, and cut off from every network."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import orjson

from agent.worker import restrain

_NICE = 5
"""Behind the application beside it, but not so far that verdicts wait for a busy machine to become idle."""


class Abandoned(Exception):
    """Nobody will answer this question."""


class Lent:
    """One evaluator at work on one answer, in a thread: it asks, waits for the model's answer, and says what it makes of it."""

    def __init__(self, evaluate: "Evaluate", name: str, texts: Mapping[str, str]) -> None:
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._asked = False
        threading.Thread(target=self._run, args=(evaluate, name, texts), daemon=True).start()

    def ask(self, messages: Sequence[Mapping[str, str]], most: int, *, json: bool) -> str:
        """Return what the model said. Raises Abandoned; the second question about one answer is never put."""
        if self._asked:
            raise Abandoned
        self._asked = True
        plain = [{"role": str(one["role"]), "content": str(one["content"])} for one in messages]
        self._said.put({"messages": plain, "most": most, "json": json})
        answer = self._answers.get()
        if answer is None:
            raise Abandoned
        return answer

    def next(self) -> dict[str, Any]:
        """Return the question, or what came out."""
        return self._said.get()

    def answer(self, text: str | None) -> None:
        """Go on with what the model said, or not at all."""
        self._answers.put(text)

    def _run(self, evaluate: "Evaluate", name: str, texts: Mapping[str, str]) -> None:
        try:
            score, reason = evaluate(name, texts, self.ask)
        except Exception as error:  # noqa: BLE001 - whatever the product raises, there is no score
            self._said.put({"failed": type(error).__name__})
        else:
            # No number goes as null.
            self._said.put({"score": score, "reason": reason})


Ask = Callable[..., str]
"""`Lent.ask`."""
Evaluate = Callable[[str, Mapping[str, str], Ask], tuple[float | None, str]]
"""Runs an evaluator, by name, on texts (question, answer, context, truth); returns score and reason."""


def serve(evaluate: Evaluate, lines: IO[bytes], out: IO[bytes]) -> None:
    """Answer requests until there are no more."""
    lent: Lent | None = None
    _say(out, {"ready": True})
    for line in lines:
        request = orjson.loads(line)
        if request["do"] == "put":
            if lent is not None:
                lent.answer(None)
            lent = Lent(evaluate, request["evaluator"], request["texts"])
            _say(out, lent.next())
        elif lent is not None:
            lent.answer(request["answer"])
            _say(out, lent.next())
            lent = None
        else:
            _say(out, {"failed": "nothing was asked"})


def _say(out: IO[bytes], what: Mapping[str, Any]) -> None:
    out.write(orjson.dumps(what) + b"\n")
    out.flush()


def cut_off(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every connection that leaves this machine; an audit hook, so no library gets round it in Python."""
    if event == "socket.connect":
        address = arguments[1]
        if not (isinstance(address, tuple) and str(address[0]).startswith("127.")):
            raise PermissionError("no network here")
    elif event == "socket.getaddrinfo" and arguments[0] not in {"127.0.0.1", b"127.0.0.1", None}:
        raise PermissionError("no network here")
    elif event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}:
        raise PermissionError("no other process from here")


def main(arguments: Sequence[str]) -> int:
    """Lend the evaluators of one product; the first argument bounds the address space, in bytes."""
    memory, kind = arguments
    restrain(int(memory), _NICE)
    # What a product prints goes nowhere; the pipe is for answers alone.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.addaudithook(cut_off)
    if kind == "azure_ai_evaluation":
        from agent.judges.lent_azure import evaluator  # noqa: PLC0415 (after the limits, and nowhere but here)
    else:
        from agent.judges.lent_evidently import evaluator  # noqa: PLC0415 (the same)
    serve(evaluator(), sys.stdin.buffer, out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
