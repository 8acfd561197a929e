"""The columns of a model call: their types, and how lists of values become a batch."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from agent.names import harmless
from detectors.quality.clusters import SEED
from detectors.quality.text_columns import IMPORTANCE, LANGUAGES, SHARES
from detectors.types import Batch, Category, Column, Text
from detectors.usage.thinning import WEIGHT
from detectors.usage.tools import COLUMNS as TOOL_COLUMNS

NUMBERS = (
    "duration",
    "time_to_first_token",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "input_length",
    "output_length",
)
FLAGS = ("throttled", "blocked_prompt", "stream")
CLOSING = "closing"
"""Flag of what is no call but the end of one, whose span it does not name."""
CATEGORIES = (
    "deployment",
    "traffic",
    "operation",
    "provider",
    "request_model",
    "model",
    "fingerprint",
    "version",
    "finish_reason",
    "error_type",
    "filters",
)
TEXTS = ("response_id", "input", "output")
LATEST = 2**63 - 1
"""The last nanosecond a time column can hold; beyond it a record gets the time of arrival."""

CALL = "call"
"""Text column: trace and span id in hexadecimal, with a slash between."""
CONTENT = ("input", "output")
"""Prompt and completion: these leave the decoder only where the content mode keeps text."""

TRACE = "trace"
"""uint64: hash of the trace id, where texts are looked at; it stays in memory."""
DOCUMENT_TEXT = "document_text"
"""Text: what the documents of a search say; it leaves the decoder only where the content mode keeps text, and stays in memory."""
CONVERSATION = "conversation"
"""uint64: hash of the conversation's id; 0 = none."""
CLIENT = "client"
"""Category: the service whose call it is and which of its processes, as `client_of` names them."""

# What texts were described by, of calls that waited for another part.
_NUMBERS = frozenset((*NUMBERS, *SHARES, IMPORTANCE, WEIGHT, *TOOL_COLUMNS))
_CATEGORIES = frozenset((*CATEGORIES, *LANGUAGES, CLIENT))

Values = Mapping[str, Sequence[Any]]


def assemble(endpoint: str, kind: Literal["calls", "call_parts"], values: Values) -> Batch:
    """Build a batch from lists of equal length.

    None is missing, and so is a number that is negative or infinite; a column without any value is left out.
    `time`, `id` and `parent` may be lists of int or numpy arrays.

    >>> assemble("chat", "calls", {"time": [1], "model": ["gpt"], "duration": [None], "stream": [None]}).columns
    {'time': array([1]), 'model': Category(codes=array([0], dtype=int32), values=('gpt',))}
    """
    columns: dict[str, Column] = {"time": np.asarray(values["time"], np.int64)}
    numbers = _numbers({name: listed for name, listed in values.items() if name in _NUMBERS})
    for name, listed in values.items():
        column = numbers.get(name) if name in _NUMBERS else _column(name, listed)
        if column is not None:
            columns[name] = column
    return Batch(endpoint, kind, len(values["time"]), columns)


def _numbers(values: Values) -> dict[str, NDArray[np.float64]]:
    """Return the columns that hold any number; all at once, because requests are small."""
    if not values:
        return {}
    block = np.array(list(values.values()), np.float64)
    block[~((block >= 0) & (block < np.inf))] = np.nan
    known = np.flatnonzero(~np.isnan(block).all(axis=1)).tolist()
    names = tuple(values)
    return {names[row]: block[row] for row in known}


def _column(name: str, listed: Sequence[Any]) -> Column | None:
    if name in _CATEGORIES:
        return _category(name, listed)
    if name in TEXTS or name == CALL:
        return None if all(value is None for value in listed) else Text(tuple(listed))
    if name in FLAGS or name == CLOSING:
        flags = np.array([value is True for value in listed], np.bool_)
        return flags if flags.any() else None
    if name in {CONVERSATION, SEED}:
        found = np.array([value or 0 for value in listed], np.uint64)
        return found if found.any() else None
    return np.asarray(listed, np.uint64) if name in {"id", "parent"} else None


def _category(name: str, listed: Sequence[Any]) -> Category | None:
    distinct = set(listed)
    if distinct <= {None}:
        return None
    # Most categories have one value in a whole request.
    coded = Category.constant(listed[0], len(listed)) if len(distinct) == 1 else Category.of(listed)
    return coded if name == "filters" else Category(coded.codes, tuple(map(harmless, coded.values)))
