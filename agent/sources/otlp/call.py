"""From the fields of a span or an event to the columns of one model call."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agent.sources.otlp import azure, filters, messages
from agent.sources.otlp.dialects import CALLS, FILTERS, OPERATIONS, PROVIDERS
from agent.sources.otlp.lengths import both, instructed, length
from agent.sources.otlp.messages import Message
from agent.sources.otlp.rules import DOCUMENTS, look_inside
from agent.sources.otlp.tool_calls import checked, offered
from agent.sources.otlp.values import items, parse
from detectors.safety.results import Entry

_FINISH = {
    "tool_calls": "tool_call",
    "tool_use": "tool_call",
    "function_call": "tool_call",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "completed": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "safety": "content_filter",
}
_KNOWN_FINISH = frozenset({"stop", "length", "content_filter", "tool_call", "compaction", "error"})
_NO_FINISH = frozenset({"", "unknown", "null", "none", "incomplete", "failed", "in_progress"})
_CONTENT_EVENTS = {"gen_ai.content.prompt": ("input", "user"), "gen_ai.content.completion": ("output", "assistant")}
"""The events of conventions up to 1.27: all messages of a side at once."""
EVENTS = "events"
"""Field: the messages that events brought."""
SELDOM = "seldom"
"""Set on a call that has columns most calls have not."""
UNSETTLES = DOCUMENTS | {"prompt_filters", "call_filters", "named_filters", "flat_output", "first_token"}
"""`complete` has to look into calls with any of these."""
_TRAFFIC = frozenset({"live", "mirror", "canary", "batch"})


@dataclass(slots=True)
class Conversation:
    """Messages and finish reasons that events brought."""

    prompt: list[Message] = field(default_factory=list)
    answer: list[Message] = field(default_factory=list)
    reasons: list[Any] = field(default_factory=list)

    def add(self, name: str, body: Any) -> bool:
        """Read one event; say whether it was a message."""
        read = event(name, body)
        if read is None:
            return False
        side, said, why = read
        (self.answer if side == "output" else self.prompt).extend(said)
        self.reasons += why
        return True


def operation(found: dict[str, Any], ranks: dict[str, int]) -> str | None:
    """Return the operation of a model call, or None when the span only wraps or serves calls."""
    named = found.get("operation")
    if named is None:
        # Some clients name no operation: a requested model and a provider, or a client known for that, are the mark of a call then.
        if "request_model" not in found or "http_method" in found or found.keys().isdisjoint(("provider", "closing")):
            return None
        return "embeddings" if "embed" in found["request_model"].lower() else "chat"
    if "http_method" in found and ranks.get("operation", 0):
        return None
    named = named.lower()
    named = OPERATIONS.get(named, named)
    return named if named in CALLS else None


def finish_reason(reasons: Iterable[Any]) -> str | None:
    """Join the normalised reasons of all choices; what no dialect documents becomes `other`.

    >>> finish_reason(["tool_calls", "STOP"])
    'stop,tool_call'
    """
    listed = list(reasons)
    if not listed:
        return None
    if len(listed) == 1 and isinstance(listed[0], str) and listed[0] in _KNOWN_FINISH:
        return listed[0]
    found: set[str] = set()
    for reason in listed:
        word = reason.lower().rpartition(".")[2] if isinstance(reason, str) else ""
        if word not in _NO_FINISH:
            word = _FINISH.get(word, word)
            found.add(word if word in _KNOWN_FINISH else "other")
    return ",".join(sorted(found)) or None


def filter_entries(found: dict[str, Any]) -> list[Entry]:
    """Gather the filter results of a call from every place a dialect keeps them in."""
    entries: list[Entry] = []
    if "prompt_filters" in found:
        entries += filters.prompt(found["prompt_filters"])
    if "call_filters" in found:
        entries += filters.anywhere(found["call_filters"])
    if "named_filters" in found:
        entries += filters.named(found["named_filters"])
    entries += beside_answer(found)
    response = found.get("response")
    if response is not None and not (isinstance(response, str) and "_filter" not in response):
        found["response"] = parse(response)
        entries += filters.anywhere(found["response"])
    return entries


def beside_answer(found: dict[str, Any]) -> list[Entry]:
    """Return the filter results that stand with the messages of the answer."""
    said = found.get("output_messages")
    return list(filters.anywhere(said)) if not isinstance(said, str) or FILTERS[0] in said else []


def inputs(found: dict[str, Any]) -> list[Message]:
    """Return the prompt, from the best place there is."""
    if "input_messages" in found or "system_instructions" in found:
        return messages.instructions(found.get("system_instructions")) + messages.conversation(found.get("input_messages"))
    if "flat_input" in found:
        return messages.flat(found["flat_input"], "user")
    return messages.request(found["request"]) if "request" in found else []


def outputs(found: dict[str, Any]) -> list[Message]:
    """Return the completion, from the best place there is."""
    if "output_messages" in found:
        return messages.conversation(found["output_messages"], "assistant")
    if "flat_output" in found:
        return messages.flat(found["flat_output"], "assistant")
    return messages.response(found["response"]) if "response" in found else []


def reasons(found: dict[str, Any]) -> list[Any]:
    """Return the finish reasons as the dialect writes them."""
    if "finish" in found:
        return list(found["finish"])
    listed = [value for path, value in found.get("flat_output", ()) if path[1].removeprefix("message.") == "finish_reason"]
    for place in ("output_messages", "response"):
        if not listed and place in found:
            value = parse(found[place])
            # Bare text is an answer too.
            found[place] = found[place] if value is None else value
            listed = list(messages.reasons(value))
    return listed


def settles(found: dict[str, Any], fields: set[str]) -> bool:
    """Whether `complete` needs no more than the names found, `fields` being all there are: the finish reason is told, or no answer is there to tell it."""
    if "provider" not in found or not UNSETTLES.isdisjoint(fields):
        return False
    return finish_reason(found["finish"]) != "content_filter" if "finish" in found else "output_messages" not in fields


def unanswered(found: dict[str, Any]) -> bool:
    """Whether of a filtered answer there is nothing, neither id nor tokens nor text: then it was the prompt that was blocked."""
    if not found.keys().isdisjoint(("response_id", "input_tokens", "output_tokens")):
        return False
    said = outputs(found)
    return bool(said) and not any(message.text or message.tool_calls for message in said)


def complete(found: dict[str, Any], ranks: dict[str, int], called: str, host: str, *, filtered: bool) -> None:
    """Turn what was found into columns, in place: model names, provider, deployment, finish reason.

    `filtered`: the answer carried filter results.
    """
    if called == "embeddings":
        # The answer holds vectors only; parsing them would cost more than everything else.
        found.pop("response", None)
    if not DOCUMENTS.isdisjoint(found):
        look_inside(found, ranks)
    found["operation"] = called
    claimed = found["provider"].lower() if "provider" in found else None
    found["provider"] = azure.provider(PROVIDERS.get(claimed, claimed) if claimed else None, found, host, filtered=filtered)
    found["deployment"] = azure.deployment(found)
    found["finish_reason"] = finish_reason(reasons(found))
    if found.get("traffic") not in _TRAFFIC:
        found.pop("traffic", None)


def keep_text(found: dict[str, Any], events: Conversation) -> None:
    """Set the lengths and what is wrong with tool calls. `events` stand in for a side that has none, and go with the call."""
    if "tools" in found or "flat_tools" in found or "tool_call" in (found["finish_reason"] or ""):
        found |= checked(outputs(found) or events.answer, offered(found))
        found[SELDOM] = True
    if events.prompt or events.answer:
        found[EVENTS] = events
        for side in ("input", "output"):
            if listed := said(found, side):
                found[f"{side}_length"] = messages.length(listed)
        return
    if "input_messages" in found or "system_instructions" in found:
        found["input_length"] = both(instructed(found.get("system_instructions")), length(found.get("input_messages")))
    elif prompt := inputs(found):
        found["input_length"] = messages.length(prompt)
    if "output_messages" in found:
        found["output_length"] = length(found["output_messages"])
    elif answer := outputs(found):
        found["output_length"] = messages.length(answer)


def said(found: dict[str, Any], side: str) -> list[Message]:
    """Return the messages of a call that `keep_text` saw: `input` or `output`."""
    events: Conversation | None = found.get(EVENTS)
    if side == "input":
        return inputs(found) or (events.prompt if events else [])
    return outputs(found) or (events.answer if events else [])


def event(name: str, body: Any) -> tuple[str, list[Message], list[Any]] | None:
    """Read a message event (`gen_ai.user.message`, `gen_ai.choice`): which side it belongs to, messages, finish reasons."""
    if name == "gen_ai.choice":
        choice = body if isinstance(body, dict) else {}
        message = choice.get("message")
        if isinstance(message, dict) and "tool_calls" not in message and "tool_calls" in choice:
            message = {**message, "tool_calls": choice["tool_calls"]}
        return "output", messages.conversation(message, "assistant"), items(choice.get("finish_reason")) or []
    if name in _CONTENT_EVENTS:
        side, role = _CONTENT_EVENTS[name]
        return side, messages.conversation(body, role), list(messages.reasons(body)) if side == "output" else []
    if name.startswith("gen_ai.") and name.endswith(".message"):
        role = name.removeprefix("gen_ai.").removesuffix(".message")
        return "input", messages.conversation(body, role) if body else [], []
    return None
