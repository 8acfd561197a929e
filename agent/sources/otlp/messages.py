"""Prompts and completions of every dialect as one list of messages: role, text, tool calls."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from agent.sources.otlp.values import parse

_ANSWERS = frozenset({"choices", "output", "generations"})
_SAYS = frozenset({"content", "parts", "tool_calls"})
_ITEMS = ("message", "function_call")
_BEGINS = frozenset('[{" \n\r\t')
"""How JSON begins that may hold messages."""
_TEXTLESS = ("tool_call", "blob", "uri", "file")


class Message(NamedTuple):
    """One message; tool calls are `{"name", "arguments"}`."""

    role: str
    text: str
    tool_calls: list[dict[str, Any]]


def conversation(value: Any, role: str = "user") -> list[Message]:
    """Read messages: a list of them, JSON of that, one message, or bare text.

    >>> conversation([{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}])
    [Message(role='user', text='Hi', tool_calls=[])]
    >>> conversation("Hi")
    [Message(role='user', text='Hi', tool_calls=[])]
    """
    if isinstance(value, str):
        parsed = parse(value) if value[:1] in _BEGINS else None
        # Of what JSON can say only these are messages.
        value = parsed if isinstance(parsed, list | dict | str) else value
    if isinstance(value, str):
        return [Message(role, value, [])] if value else []
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return []
    if value and all(isinstance(item, str) for item in value):
        return [Message(role, "\n".join(value), [])]
    return [_message(item, role) for item in value if isinstance(item, dict)]


def instructions(value: Any) -> list[Message]:
    """Read system instructions: a list of parts, or text."""
    parsed = parse(value) if isinstance(value, str) and value[:1] in _BEGINS else value
    # Plain text may begin like a list.
    text = "\n".join(_texts(parsed if isinstance(parsed, list) else value))
    return [Message("system", text, [])] if text else []


def request(document: Any) -> list[Message]:
    """Read the prompt from the body of a request (chat completions, completions, embeddings or responses)."""
    if not isinstance(document, dict):
        return conversation(document)
    found = instructions(document.get("instructions"))
    for key in ("messages", "input", "prompt"):
        if key in document:
            return found + conversation(document[key])
    return found


def response(document: Any) -> list[Message]:
    """Read the answer from the body of a response (chat completions, completions or responses)."""
    if isinstance(document, list):
        # What the Responses API calls output, or messages.
        document = {"output": document} if any(item.get("type") in _ITEMS for item in _dicts(document)) else document
    if not isinstance(document, dict):
        return conversation(document, "assistant")
    if not document.keys() & _ANSWERS:
        # The bare message, or what holds only that.
        message = document.get("message", document)
        return (
            conversation(message, "assistant") if isinstance(message, str) or (isinstance(message, dict) and message.keys() & _SAYS) else []
        )
    found = []
    for choice in _dicts(document.get("choices")):
        if isinstance(choice.get("text"), str):
            found.append(Message("assistant", choice["text"], []))
        found += conversation(choice.get("message"), "assistant")
    found += _generations(document.get("generations"))
    for item in _dicts(document.get("output")):
        if item.get("type") == "message":
            found.append(_message(item, "assistant"))
        elif item.get("type") == "function_call":
            found.append(Message("assistant", "", [_tool_call(item)]))
    return found


def _generations(listed: Any) -> Iterator[Message]:
    """Read what LangChain calls generations: for each prompt a list of alternatives."""
    for alternatives in listed if isinstance(listed, list) else ():
        for item in _dicts(alternatives):
            message = item.get("message")
            inner = message.get("kwargs", message) if isinstance(message, dict) else None
            yield _message(inner if isinstance(inner, dict) else {"content": item.get("text")}, "assistant")


def flat(attributes: Iterable[tuple[tuple[str, str], Any]], role: str) -> list[Message]:
    """Read messages from attributes such as `gen_ai.prompt.0.content` or `llm.input_messages.0.message.content`.

    >>> flat([(("0", "role"), "user"), (("0", "content"), "Hi")], "user")
    [Message(role='user', text='Hi', tool_calls=[])]
    """
    roles: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    calls: dict[str, dict[str, dict[str, Any]]] = {}
    for (index, tail), value in attributes:
        rest = tail.removeprefix("message.")
        if rest == "role":
            roles[index] = str(value)
        elif rest == "content" or rest.endswith((".text", "message_content.text")):
            texts.setdefault(index, []).extend(_texts(parse(value) if value[:2] == "[{" else value) if isinstance(value, str) else [])
        elif rest.startswith("tool_calls."):
            number, _, key = rest.removeprefix("tool_calls.").partition(".")
            key = key.rpartition(".")[2]
            if key in {"name", "arguments"}:
                calls.setdefault(index, {}).setdefault(number, {})[key] = value
    return [
        Message(roles.get(index, role), "\n".join(texts.get(index, [])), list(calls.get(index, {}).values()))
        for index in sorted(roles.keys() | texts.keys() | calls.keys(), key=int)
    ]


def reasons(value: Any) -> Iterator[Any]:
    """Yield the finish reasons that stand in output messages or in the choices of a response."""
    if isinstance(value, str):
        value = parse(value)
    if isinstance(value, dict):
        yield from reasons(value.get("choices"))
        yield from reasons(value.get("generations"))
        if value.get("object") == "response" or "output" in value:
            details = value.get("incomplete_details")
            yield details.get("reason") if isinstance(details, dict) else value.get("status")
    for item in value if isinstance(value, list) else ():
        if isinstance(item, list):
            yield from reasons(item)
        elif isinstance(item, dict):
            information = item.get("generation_info")
            reason = item.get("finish_reason") or (information.get("finish_reason") if isinstance(information, dict) else None)
            if reason:
                yield reason


def length(messages: Iterable[Message]) -> int:
    """Count the characters of text."""
    return sum(len(message.text) for message in messages)


def measure(value: Any) -> int | None:
    """Count the characters of text in messages of any form; None if there are none.

    >>> measure('[{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]')
    2
    """
    messages = conversation(value)
    return length(messages) if messages else None


def dump(messages: Iterable[Message]) -> str:
    """Write messages as the JSON of columns `input` and `output`."""
    # Arguments may hold bytes, which JSON has no word for.
    return orjson.dumps([message._asdict() for message in messages], default=str).decode()


def _message(item: dict[str, Any], role: str) -> Message:
    calls = []
    for call in _dicts(item.get("tool_calls")):
        function = call.get("function")
        calls.append(_tool_call(function if isinstance(function, dict) else call))
    parts = item.get("parts")
    calls += [_tool_call(part) for part in _dicts(parts) if part.get("type") == "tool_call"]
    found = item.get("role")
    content = item.get("content") if parts is None else parts
    return Message(found if isinstance(found, str) else role, "\n".join(_texts(content)), calls)


def _tool_call(item: dict[str, Any]) -> dict[str, Any]:
    return {"name": item.get("name"), "arguments": item.get("arguments")}


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a content: text itself, or parts that hold text; images, audio and vectors have none."""
    if isinstance(value, str):
        if value:
            yield value
        return
    for part in value if isinstance(value, list) else ():
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and part.get("type") not in _TEXTLESS:
            for key in ("content", "text", "response", "result"):
                if isinstance(part.get(key), str):
                    yield part[key]
                    break


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
