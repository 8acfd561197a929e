"""Which OTLP metrics are read, and what they say of calls: the names of all conventions as one table."""

from collections.abc import Mapping
from typing import NamedTuple


class Quantity(NamedTuple):
    """What a metric is a measure of."""

    name: str
    """`duration`, `input_tokens`, …; `TOKENS`: the attribute `gen_ai.token.type` says which."""
    rank: int = 0
    """A sender that tells the same under several names is believed under the lowest rank."""
    counter: bool = False
    """A sum instead of a histogram: how many tokens, not how many calls had how many."""


TOKENS = "tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - the name of an attribute
FINISH_REASON = ("gen_ai.response.finish_reason", "llm.response.finish_reason")
"""Singular: an attribute of a counter of choices."""
SPLITTING = frozenset({TOKEN_TYPE, "gen_ai.token.modality", *FINISH_REASON})
"""Attributes that split one call's numbers into several series."""

QUANTITIES: Mapping[str, Quantity] = {
    "gen_ai.client.inference.duration": Quantity("duration"),
    "gen_ai.client.operation.duration": Quantity("duration", 1),
    "gen_ai.client.inference.time_to_first_chunk": Quantity("time_to_first_token"),
    "gen_ai.client.operation.time_to_first_chunk": Quantity("time_to_first_token", 1),
    "gen_ai.client.inference.time_per_output_chunk": Quantity("time_per_chunk"),
    "gen_ai.client.operation.time_per_output_chunk": Quantity("time_per_chunk", 1),
    "gen_ai.client.inference.operation.input_tokens": Quantity("input_tokens"),
    "gen_ai.client.inference.operation.output_tokens": Quantity("output_tokens"),
    "gen_ai.client.token.usage": Quantity(TOKENS, 1),
    "gen_ai.client.inference.usage.input_tokens": Quantity("input_tokens", counter=True),
    "gen_ai.client.inference.usage.output_tokens": Quantity("output_tokens", counter=True),
    "gen_ai.client.inference.usage.cache_read.input_tokens": Quantity("cache_read_tokens", counter=True),
    "gen_ai.client.inference.usage.cache_write.input_tokens": Quantity("cache_write_tokens", counter=True),
    "gen_ai.client.inference.usage.reasoning.output_tokens": Quantity("reasoning_tokens", counter=True),
    "gen_ai.client.generation.choices": Quantity("choices", counter=True),
    "gen_ai.server.request.duration": Quantity("server_duration"),
    "gen_ai.server.time_to_first_token": Quantity("server_time_to_first_token"),
    "gen_ai.server.time_per_output_token": Quantity("server_time_per_token"),
}
"""Metric to what it measures. `client` is seen by who calls, `server` by who answers: the same call may be in both."""

SECONDS: Mapping[str, float] = {
    "": 1.0,
    "s": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "\N{MICRO SIGN}s": 1e-6,
    "\N{GREEK SMALL LETTER MU}s": 1e-6,
    "microseconds": 1e-6,
    "ns": 1e-9,
    "nanoseconds": 1e-9,
    "min": 60.0,
}
"""Unit of a time span to how many seconds it is."""

TOKEN_TYPES: Mapping[str, str] = {
    "input": "input_tokens",
    "prompt": "input_tokens",
    "output": "output_tokens",
    "completion": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
}
"""Value of `gen_ai.token.type` to the quantity."""

UNREAD = frozenset(
    {
        "gen_ai.invoke_agent.duration",
        "gen_ai.invoke_agent.inference_calls",
        "gen_ai.invoke_agent.tool_calls",
        "gen_ai.invoke_workflow.duration",
        "gen_ai.execute_tool.duration",
        "llm.chat_completions.streaming_time_to_generate",
        "llm.openai.chat_completions.exceptions",
        "llm.openai.embeddings.exceptions",
        "llm.openai.embeddings.vector_size",
    }
)
"""GenAI metrics we know and have no use for; others of `gen_ai.` and `llm.` are counted as unmapped."""
