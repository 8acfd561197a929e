"""What went wrong with a call, in bounded words: the text of an error never goes further than this module."""

import re
from typing import NamedTuple

_BLOCKED = re.compile(r"content_filter|content management policy|ResponsibleAI|ContentFilter\w*Exception")
_CUT = re.compile(r"content filter being triggered|ContentFilterFinishReason")
"""An answer was filtered, and the client makes an error of that: the prompt was not blocked."""
_THROTTLED = re.compile(r"(?<!\d)429(?!\d)|RateLimit|TooManyRequests")
_TIMEOUT = re.compile(r"time-?out|timed out|deadline", re.IGNORECASE)
_CLASS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_STATUS = re.compile(r"[45]\d\d", re.ASCII)
_LEADING_CLASS = re.compile(r"([A-Za-z_.]{1,128}(?:Error|Exception|Timeout)):", re.ASCII)
_CODE = re.compile(r"Error code: ([45]\d\d)\b", re.ASCII)
_MESSAGE_LIMIT = 16_384


class Failure(NamedTuple):
    """The error of a call."""

    error_type: str
    throttled: bool
    blocked_prompt: bool


def failure(kind: str | None, message: str, status: int | None) -> Failure:
    """Name an error from its type (`error.type`, an exception's class), its text and its HTTP status, where known.

    Names: `content_filter`, `429`, `timeout`, the class without its module, a status code, or `other`.

    >>> failure("openai.RateLimitError", "", None)
    Failure(error_type='429', throttled=True, blocked_prompt=False)
    >>> failure(None, "APIConnectionError: cannot reach host for user Ann", None).error_type
    'APIConnectionError'
    >>> failure("it said: my name is Ann", "", None).error_type
    'other'
    """
    kind, message = kind or "", message[:_MESSAGE_LIMIT]
    if _CUT.search(message) or _CUT.search(kind):
        return Failure("content_filter", False, False)
    if _BLOCKED.search(message) or _BLOCKED.search(kind):
        return Failure("content_filter", False, True)
    if status == 429 or _THROTTLED.search(kind) or _THROTTLED.search(message):
        return Failure("429", True, False)
    return Failure(_name(kind, message, status), False, False)


def _name(kind: str, message: str, status: int | None) -> str:
    if not kind and (leading := _LEADING_CLASS.match(message)):
        kind = leading.group(1)
    # Also of a class as Python prints it.
    last = kind.rstrip("'>").rpartition(".")[2]
    if _STATUS.fullmatch(last):
        return last
    if last and _CLASS.fullmatch(last) and last not in {"_OTHER", "other"}:
        return "timeout" if _TIMEOUT.search(last) else last
    if status and 400 <= status < 600:
        return str(status)
    if code := _CODE.search(message):
        return code.group(1)
    return "timeout" if _TIMEOUT.search(message) else "other"
