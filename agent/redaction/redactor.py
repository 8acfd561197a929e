"""Takes what is personal or secret out of texts, in one go over the table of kinds; what fails takes the whole text with it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.redaction.kinds import KINDS, NAMES, Kind

LONGEST = 262_144
"""Characters of a text that are looked at; what comes behind is cut off, so that nothing unseen goes on."""


class Recogniser(Protocol):
    """Finds what patterns cannot: names, addresses."""

    def spans(self, text: str) -> Sequence[tuple[int, int, str]]:
        """Return start, end and kind of each thing found. Any error makes the text be dropped."""
        ...


@dataclass(slots=True)
class Redactor:
    """What is looked for in the texts of one endpoint. Used from one thread at a time."""

    kinds: Sequence[Kind] = KINDS
    recognisers: Sequence[Recogniser] = ()
    found: Counter[str] = field(default_factory=Counter)
    """How often each kind was taken out, `cut` and `failed` apart, since `take`."""

    def redact(self, text: str) -> str | None:
        """Return the text with `<kind>` in the place of what was found, or None where that cannot be done safely.

        >>> Redactor().redact("mail anna@example.org or call +44 20 7946 0958")
        'mail <email> or call <phone>'
        """
        try:
            return self._redact(text)
        except Exception:  # noqa: BLE001 - whatever it is: a text that was not looked through goes nowhere
            self.found["failed"] += 1
            return None

    def take(self) -> Mapping[str, int]:
        """Return what was found since the last call."""
        found, self.found = self.found, Counter()
        return found

    def _redact(self, text: str) -> str:
        if len(text) > LONGEST:
            text = text[:LONGEST]
            self.found["cut"] += 1
        spans: list[tuple[int, int, str]] = []
        for recogniser in self.recognisers:
            spans += [(start, end, name) for start, end, name in recogniser.spans(text) if end > start]
        if not spans and not self.found["cut"] and len(text) < 3:
            return text
        return self._by_patterns(_replaced(text, spans, self.found) if spans else text)

    def _by_patterns(self, text: str) -> str:
        digits = any(sign in text for sign in "0123456789")
        for kind in self.kinds:
            if kind.hint and not (digits if kind.hint == "#" else kind.hint in text):
                continue
            spans = list(_matches(kind, text))
            if spans:
                text = _replaced(text, spans, self.found)
        return text


def _matches(kind: Kind, text: str) -> Iterator[tuple[int, int, str]]:
    at = 0
    while match := kind.pattern.search(text, at):
        group = match.lastindex if kind.name == "secret" and match.lastindex else 0
        start, end = match.span(group)
        if kind.check is None or kind.check(match[group]):
            yield start, end, kind.name
            at = max(end, match.start() + 1)
        else:
            at = match.start() + 1


def _replaced(text: str, spans: Sequence[tuple[int, int, str]], found: Counter[str]) -> str:
    """Put kinds in the place of spans; of spans that overlap, the longest at the leftmost start stays."""
    pieces, at = [], 0
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if end <= at:
            continue
        pieces += [text[at : max(start, at)], f"<{name}>"]
        at = end
        found[name] += 1
    return "".join((*pieces, text[at:]))


def kinds_of(without: Sequence[str] = (), own: Mapping[str, str] | None = None) -> tuple[Kind, ...]:
    """Return the kinds to look for: all but those named in `without`, and a user's `own` patterns, by name, first.

    Raises ValueError for a name that is not known, or a pattern that is none or matches nothing at all.
    """
    unknown = sorted(set(without) - set(NAMES))
    if unknown:
        raise ValueError(f"unknown kind {', '.join(unknown)}; known: {', '.join(NAMES)}")
    mine = []
    for name, pattern in (own or {}).items():
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{name}: {pattern!r} is no regular expression: {error}") from error
        if compiled.match(""):
            raise ValueError(f"{name}: {pattern!r} matches nothing at all, and would match everywhere")
        mine.append(Kind(name, compiled))
    return (*mine, *(kind for kind in KINDS if kind.name not in without))
