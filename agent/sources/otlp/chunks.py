"""The chunks of a stream put together: what one answer would have said."""

from collections.abc import Mapping
from typing import Any

_NAMED = ("id", "model", "system_fingerprint", "object", "usage")


def whole(document: Any) -> Any:
    """Return a list of chunks of chat or text completions as one answer; any other document as it is.

    Filter results are left out: those of every chunk count.

    >>> parts = [{"id": "a", "choices": [{"delta": {"content": "Good "}}]}, {"choices": [{"delta": {"content": "day"}, "finish_reason": "stop"}]}]
    >>> whole(parts)["choices"]
    [{'message': {'role': 'assistant', 'content': 'Good day'}, 'finish_reason': 'stop'}]
    """
    if not isinstance(document, list):
        return document
    chunks = [item for item in document if isinstance(item, dict) and isinstance(item.get("choices"), list)]
    if not chunks:
        return document
    answer: dict[str, Any] = {}
    choices: dict[Any, _Choice] = {}
    for chunk in chunks:
        answer |= {name: chunk[name] for name in _NAMED if chunk.get(name)}
        for choice in chunk["choices"]:
            if isinstance(choice, dict):
                index = choice.get("index")
                choices.setdefault(index if isinstance(index, int) else 0, _Choice()).add(choice)
    return {**answer, "choices": [choice.message() for choice in choices.values()]}


class _Choice:
    """One choice while its chunks come in."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._texts: list[str] = []
        self._calls: dict[Any, dict[str, str]] = {}
        self._reason: Any = None

    def add(self, choice: Mapping[str, Any]) -> None:
        """Take a chunk in."""
        self._reason = choice.get("finish_reason") or self._reason
        for said in (choice.get("delta"), choice.get("message"), {"content": choice.get("text")}):
            if not isinstance(said, dict):
                continue
            if isinstance(said.get("role"), str):
                self._role = said["role"]
            if isinstance(said.get("content"), str):
                self._texts.append(said["content"])
            calls = said.get("tool_calls")
            for call in calls if isinstance(calls, list) else ():
                self._call(call)

    def message(self) -> dict[str, Any]:
        """Return what came, as a choice of an answer."""
        said: dict[str, Any] = {"role": self._role, "content": "".join(self._texts)}
        if self._calls:
            said["tool_calls"] = [{"function": call} for call in self._calls.values()]
        return {"message": said, "finish_reason": self._reason}

    def _call(self, call: Any) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            return
        index = call.get("index")
        known = self._calls.setdefault(index if isinstance(index, int) else 0, {"name": "", "arguments": ""})
        for name in known:
            if isinstance(function.get(name), str):
                known[name] += function[name]
