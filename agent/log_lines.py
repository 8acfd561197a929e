"""Lines of the agent's log: errors by their type and place, never by their message, and no address, card or key whoever wrote the line."""

import logging
import re
import traceback
from types import TracebackType

from agent.redaction.values import NAMES

_FRAMES = 12
_WORTH_LOOKING = re.compile(
    r"@|-----BEGIN|\beyJ|bearer|\b[spr]k[-_]|\w{20}|\d(?:[ -]?\d){11}|\b[A-Za-z]{2}\d{2} ?\w{4}"
    r"|(?:passw|passphrase|pwd|secret|[-_ ]key|sig|token)\w*[\"']?\s{0,3}[=:]",
    re.IGNORECASE,
)
_UNSEEN = "a line that could not be looked through for secrets"


class Lines(logging.Formatter):
    """Of an exception the message may hold what a user wrote, in our own code and in a library's."""

    def formatException(  # noqa: N802 - the name it has in the library
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """Return types and places, the newest call first.

        >>> import sys
        >>> try:
        ...     int("anna@example.org")
        ... except ValueError:
        ...     Lines().formatException(sys.exc_info())
        'ValueError at <module>:2'
        """
        error = ei[1]
        told: list[str] = []
        while error is not None and len(told) < _FRAMES:
            frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
            told.append(f"{type(error).__name__} at {' < '.join(f'{one.name}:{one.lineno}' for one in reversed(frames)) or '?'}")
            error = error.__cause__ or error.__context__
        return "; from ".join(told)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without what is looked for in names: addresses, accounts, cards, keys."""
        line = super().format(record)
        return _clean(line) if _WORTH_LOOKING.search(line) else line


def _clean(line: str) -> str:
    from agent.redaction.kinds import KINDS  # noqa: PLC0415 - most lines never need it
    from agent.redaction.redactor import Redactor  # noqa: PLC0415
    from agent.redaction.tokens import is_token  # noqa: PLC0415

    found = Redactor(tuple(kind for kind in KINDS if kind.name in NAMES and kind.check is not is_token)).redact(line)
    return _UNSEEN if found is None else found
