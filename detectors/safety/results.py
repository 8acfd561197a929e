"""One call's content-filter results as one string, and back: what the `filters` column holds."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

CATEGORIES = (
    "hate",
    "sexual",
    "violence",
    "self_harm",
    "jailbreak",
    "indirect_attack",
    "profanity",
    "protected_material_text",
    "protected_material_code",
    "ungrounded_material",
    "custom_blocklists",
    "unknown",
)
"""The filter categories as Azure names them; any other name is kept as it came, tidied."""

UNKNOWN = "unknown"
"""The category of a filter that failed, and of a block whose category was not told."""

_DETECTED = frozenset(
    {
        "jailbreak",
        "indirect_attack",
        "profanity",
        "protected_material_text",
        "protected_material_code",
        "ungrounded_material",
        "custom_blocklists",
    }
)
"""Categories that are detected or not: these have no severity, though some clients make one up."""

NOT_RUN = "not_run"
"""The severity that marks a filter that answered with an error."""

DIRECTIONS = ("prompt", "completion")
_SEVERITIES = ("none", "safe", "low", "medium", "high")
_ACTIONS = ("passed", "annotated", "blocked")
ANY = "any"
"""All categories together, each call once: no filter may be called so."""

_NAMES = {"custom_blocklist": "custom_blocklists", "selfharm": "self_harm", "indirectattack": "indirect_attack", ANY: UNKNOWN}
_LONGEST = 40


class Entry(NamedTuple):
    """What one category of the filter said of one direction of a call."""

    direction: str
    """prompt or completion."""
    category: str
    severity: str
    """none safe low medium high, or not_run; none where the category only detects."""
    action: str
    """blocked annotated passed."""


def entry(direction: str, category: str, *, severity: str | None = None, filtered: bool = False, detected: bool = False) -> Entry:
    """Return the entry of one category as an Azure answer states it.

    Blocked if filtered, else annotated from severity low on or if detected, else passed. A severity that is not Azure's counts as none.

    >>> entry("prompt", "self-harm", severity="Medium")
    Entry(direction='prompt', category='self_harm', severity='medium', action='annotated')
    >>> entry("prompt", "jailbreak").action
    'passed'
    """
    level = (severity or "none").lower()
    level = level if level in _SEVERITIES else "none"
    unsafe = detected or level in ("low", "medium", "high")
    name = category_name(category)
    level = "none" if name in _DETECTED else level
    return Entry(direction, name, level, "blocked" if filtered else "annotated" if unsafe else "passed")


def failed(direction: str) -> Entry:
    """Return the entry of a filter that answered with an error: nothing was checked."""
    return Entry(direction, UNKNOWN, NOT_RUN, "passed")


def category_name(name: str) -> str:
    """Tidy a category: lower case, underscores, at most 40 characters, Azure's spelling where it has several.

    >>> category_name("self-harm"), category_name("custom_blocklist"), category_name("Task Adherence"), category_name("|/")
    ('self_harm', 'custom_blocklists', 'task_adherence', 'unknown')
    """
    tidy = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST].strip("_")
    return _NAMES.get(tidy, tidy) or UNKNOWN


def encode(entries: Iterable[Entry]) -> str:
    """Return the entries as one string, sorted; "" for none (no filter ran: leave the column missing).

    Several entries of a category and direction (choices, chunks of a stream) become one, with the worst severity and action.
    Raises ValueError for an entry that `parse` would not give back.

    >>> encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "hate", severity="safe")])
    'prompt/hate/safe/passed|prompt/jailbreak/none/annotated'
    """
    found = tuple(entries)
    for one in found:
        if not _valid(one):
            raise ValueError(f"filter result {'/'.join(one)!r}: expected direction/category/severity/action")
    return "|".join("/".join(one) for one in _worst(found))


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Entry, ...]:
    """Return the entries of such a string; a part that is none is left out.

    >>> parse("completion/hate/low/blocked|what")
    (Entry(direction='completion', category='hate', severity='low', action='blocked'),)
    """
    parts = (part.split("/") for part in text.split("|"))
    found = (Entry(*fields) for fields in parts if len(fields) == len(Entry._fields))
    return _worst(one for one in found if _valid(one))


def _worst(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return one entry a direction and category, sorted; a filter that failed stays beside one that ran."""
    worst: dict[tuple[str, str, bool], Entry] = {}
    for one in entries:
        key = (one.direction, one.category, one.severity == NOT_RUN)
        other = worst.get(key, one)
        worst[key] = Entry(
            one.direction,
            one.category,
            NOT_RUN if key[2] else max(one.severity, other.severity, key=_SEVERITIES.index),
            max(one.action, other.action, key=_ACTIONS.index),
        )
    return tuple(sorted(worst.values()))


def _valid(one: Entry) -> bool:
    if one.severity == NOT_RUN:
        return one.direction in DIRECTIONS and one.category == UNKNOWN and one.action == "passed"
    tidy = one.category == category_name(one.category)
    return one.direction in DIRECTIONS and tidy and one.severity in _SEVERITIES and one.action in _ACTIONS
