"""Labels of people for evaluators: which call one is about, and on which scale it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.config import Endpoint
from agent.sources.otlp.identity import identities
from detectors.quality.text_columns import REFUSAL

EVALUATOR = "evaluator"
"""Category column of a batch of labels that are for evaluators."""

_NAME = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})[-/]([0-9a-f]{16})(?:-[0-9a-f]{2})?", re.IGNORECASE)
"""`TRACE/SPAN`, `TRACE-SPAN`, or a whole `traceparent`."""
_TRUTHS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


@dataclass(frozen=True, slots=True)
class Scale:
    """What labels of an evaluator may be."""

    low: float
    high: float
    said: str
    """For people."""

    def read(self, label: str) -> float | None:
        """Return the number a label stands for, None for one that is not on the scale."""
        if self.high <= 1 and label.strip().lower() in _TRUTHS:
            return _TRUTHS[label.strip().lower()]
        try:
            found = float(label)
        except ValueError:
            return None
        whole = self.high > 1 or found in {self.low, self.high}
        return found if whole and self.low <= found <= self.high else None


RATE = Scale(0.0, 1.0, "0 or 1 (false or true)")
SCORE = Scale(1.0, 5.0, "1 to 5")


def scale_of(endpoint: Endpoint, evaluator: str) -> Scale | None:
    """Return the scale of an evaluator's labels, None where the endpoint has no such evaluator.

    >>> scale_of(Endpoint("shop", content="features"), "refusal").said, scale_of(Endpoint("shop"), "refusal")
    ('0 or 1 (false or true)', None)
    """
    return {name: SCORE if name != REFUSAL else RATE for name in evaluators_of(endpoint)}.get(evaluator)


def evaluators_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the evaluators of an endpoint that people can label."""
    judged = endpoint.judge.evaluators if endpoint.judge is not None else ()
    return (REFUSAL, *judged) if endpoint.sampled else ()


def about(names: Sequence[object], traces: Sequence[object], spans: Sequence[object]) -> NDArray[np.uint64]:
    """Return the ids of calls by their names, or by trace and span id where those stand apart; 0 for what names no call.

    >>> trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    >>> one, two, none = about([f"{trace}/{span}", None, "7"], [None, trace, None], [None, span, None]).tolist()
    >>> one == two, none
    (True, 0)
    """
    joined = bytearray()
    for name, trace, span in zip(names, traces, spans, strict=True):
        found = _NAME.fullmatch(str(name).strip() if name is not None else f"{trace}/{span}")
        joined += bytes.fromhex("".join(found.groups())) if found else bytes(24)
    return identities(bytes(joined))


def wrong(endpoint: Endpoint, evaluator: str, counts: dict[str, int]) -> str:
    """Return a sentence on labels that could not be used; `counts` by reason: `scale`, `id`, `label`, `evaluator`. No label is repeated."""
    scale = scale_of(endpoint, evaluator)
    known = ", ".join(evaluators_of(endpoint)) or "none"
    why = {
        "scale": f"are not on the scale, {scale.said if scale else ''}",
        "id": "name no call: id must be TRACE/SPAN in hexadecimal, 32 and 16 digits",
        "label": "have no label",
        "evaluator": f"are for an evaluator the endpoint does not have (it has: {known})",
    }
    return "; ".join(f"{count:,} {why[reason]}" for reason, count in counts.items() if count)
