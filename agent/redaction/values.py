"""Decides what of a single category may stay: a plan name does, an e-mail address or a sentence does not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.redaction.redactor import Redactor

FREE_TEXT: Final = "<text>"
"""Stands for a value that is a sentence."""
LONGEST: Final = 64
"""Characters a source keeps of a category: one that is as long was cut, and what stood at its end cannot be recognised any more."""
_USUALLY_WITHIN: Final = 24

# No built-in pattern fits what is this short, has fewer than six digits, no sign of an address, a label or a number of four parts.
_HARMLESS = re.compile(r"(?=[^@:=\n]{0,14}\Z)(?!(?:[^\d\n]*\d){6})(?!(?:[^.\n]*\.){3})(?!.*[Ww][Ww][Ww]\.)")
# In a table a bare number of ten digits is a code far more often than a telephone.
# Ids of orders and rows: with a letter first, nine digits are no telephone and no person's number; a UUID may look like a card by chance.
_CODE = re.compile(r"[A-Za-z]{1,8}[-_ ]?[1-9]\d{0,8}\Z|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,9})(?:\.\d*)?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)
_AT_THE_CUT = re.compile(r"\S*[\d@=:].*|\S*\Z", re.DOTALL)

NAMES: Final = ("private_key", "email", "iban", "card", "secret")
"""What is looked for in names that people give to models and deployments; versions look like addresses, fingerprints like keys."""


@dataclass(slots=True)
class Values:
    """Judges the categories of one endpoint. Used under a lock."""

    words: int
    """A value of more words is free text, where it is not declared a category."""
    keep: Sequence[str] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    only: Sequence[str] = ()
    """Kinds to look for; none: all."""
    longest: int = LONGEST
    """Characters from which on a value is taken to be cut."""
    remembered: int = 20_000
    """Values whose verdict is kept at hand; 250 bytes each."""
    _redactor: "Redactor | None" = None
    _known: dict[tuple[str, bool], str | None] = field(default_factory=dict)

    def masked(self, value: str, *, declared: bool = False) -> str | None:
        """Return the value if it may stay, what stands for it, or None where it cannot be looked through.

        `declared`: somebody said that it is a category, so that many words do not make it free text. A value in which anything is
        found goes as a whole: what stands around an address is about its owner. A date alone stays.

        >>> values = Values(10)
        >>> [values.masked(one) for one in ("gold plan", "N14228", "2026-03-01", "Anna <anna@example.org>", "4155550134")]
        ['gold plan', 'N14228', '2026-03-01', '<email>', '4155550134']
        >>> values.masked("She asked twice for her money and was told to wait until May")
        '<text>'
        """
        key = (value, declared)
        if key in self._known:
            return self._known[key]
        if len(self._known) >= self.remembered:
            self._known.clear()
        found = self._known[key] = self._looked(value, declared=declared)
        return found

    def _looked(self, value: str, *, declared: bool) -> str | None:
        if not self.patterns and (_HARMLESS.match(value) or _NUMBER.match(value) or _CODE.match(value)):
            return value
        redactor = self._redactor = self._redactor or self._built()
        clean = redactor.redact(value)
        kinds = redactor.take().keys() - {"cut", "failed"}
        if clean is None:
            return None
        if kinds - {"date"}:
            return f"<{'+'.join(sorted(kinds))}>"
        if not declared and (len(value) >= self.longest or len(value.split()) > self.words):
            return FREE_TEXT
        return _uncut(value) if len(value) >= self.longest else value

    def _built(self) -> "Redactor":
        # Imported here: most agents never see a value that has to be looked at.
        from agent.redaction.redactor import Redactor, kinds_of  # noqa: PLC0415
        from agent.redaction.tokens import is_token  # noqa: PLC0415

        kinds = kinds_of(self.keep, self.patterns)
        if self.only:
            # Fingerprints and builds look drawn at random too.
            kinds = tuple(kind for kind in kinds if kind.name in self.only and kind.check is not is_token)
        return Redactor(kinds)


def _uncut(value: str) -> str:
    """Return a declared category that was cut, without what may be the beginning of something at its end."""
    return value[:_USUALLY_WITHIN] + _AT_THE_CUT.sub("", value[_USUALLY_WITHIN:LONGEST], count=1).rstrip()
