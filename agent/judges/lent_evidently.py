"""Evidently's descriptors that ask a model, run as they are, with a provider of our own. Heavy: only the worker imports this."""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from itertools import count
from typing import Any

from agent.judges.lender import Ask, Evaluate

_DESCRIPTORS = {
    "toxicity": ("ToxicityLLMEval", "answer", {}, "OK", "TOXICITY"),
    "negativity": ("NegativityLLMEval", "answer", {}, "POSITIVE", "NEGATIVE"),
    "bias": ("BiasLLMEval", "answer", {}, "OK", "BIAS"),
    "pii": ("PIILLMEval", "answer", {}, "OK", "PII"),
    "decline": ("DeclineLLMEval", "answer", {}, "OK", "DECLINE"),
    "context_quality": ("ContextQualityLLMEval", "context", {"question": "question"}, "VALID", "INVALID"),
    "faithfulness": ("FaithfulnessLLMEval", "answer", {"context": "context"}, "FAITHFUL", "UNFAITHFUL"),
    "completeness": ("CompletenessLLMEval", "answer", {"context": "context"}, "COMPLETE", "INCOMPLETE"),
    "correctness": ("CorrectnessLLMEval", "answer", {"target_output": "truth"}, "CORRECT", "INCORRECT"),
}
"""Evaluator to descriptor, column, further columns, the class that scores 5 and the one that scores 1."""
_PROVIDER = "driftline"
_MOST = 400
"""Tokens of a class and the reasons for it; Evidently sets no limit."""


def evaluator() -> Evaluate:
    """Import Evidently and return what runs a descriptor."""
    pandas: Any = import_module("pandas")
    evidently: Any = import_module("evidently")
    descriptors: Any = import_module("evidently.descriptors")
    wrapping: Any = import_module("evidently.llm.utils.wrapper")
    open_for: dict[str, Ask] = {}
    numbers = count()

    class Asking(wrapping.LLMWrapper):  # type: ignore[misc]  # what it inherits from is known when Evidently is there
        """Asks whoever asked for the descriptor; the name of the model says who that is."""

        def __init__(self, model: str, options: object) -> None:  # noqa: ARG002 - what Evidently passes
            self._ask = open_for[model]

        async def complete(self, messages: Any, seed: int | None = None) -> Any:  # noqa: ARG002 - Evidently's own signature
            """Return what the model said. Tokens are counted where it was asked."""
            said = [{"role": one.role, "content": one.content} for one in messages]
            return wrapping.LLMResult(await asyncio.to_thread(self._ask, said, _MOST, json=True), 0, 0)

    wrapping.llm_provider(_PROVIDER, None)(Asking)

    def evaluate(name: str, texts: Mapping[str, str], ask: Ask) -> tuple[float | None, str]:
        kind, column, others, good, bad = _DESCRIPTORS[name]
        # A name of its own for each: what is late reaches nobody else.
        model = str(next(numbers))
        open_for[model] = ask
        descriptor = getattr(descriptors, kind)(column, **others, provider=_PROVIDER, model=model, alias="found")
        definition = evidently.DataDefinition(text_columns=list(texts))
        frame = pandas.DataFrame({text: [value] for text, value in texts.items()})
        try:
            row = evidently.Dataset.from_pandas(frame, data_definition=definition, descriptors=[descriptor]).as_dataframe().iloc[0]
        finally:
            del open_for[model]
        found = str(row["found"]).strip().upper()
        # UNKNOWN is one of the answers it asks for, and no score.
        return {good: 5.0, bad: 1.0}.get(found, None if found == "UNKNOWN" else 0.0), str(row.get("found reasoning") or "")

    return evaluate
