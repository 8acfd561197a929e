"""Every error driftline raises on purpose.

DriftlineError                a sentence for a person; the command line prints it without a traceback
├── ConfigError               exit 2: a key, its value, and the way out
├── InputError                exit 2: a file or payload that cannot be read
├── TooLittleData             exit 3
├── Unavailable               exit 4: a dependency or server that is not there
├── Transient                 a sink or source may succeed when tried again
│   └── SpoolFull             the spool takes nothing more for now: answer 503, poll later
└── Permanent                 the same input will always fail: drop it and count it
"""

from typing import ClassVar


class DriftlineError(Exception):
    """A failure with a sentence for the person who has to mend it."""

    exit_code: ClassVar[int] = 1


class ConfigError(DriftlineError):
    """A configuration that cannot be used: names the key, the value and the way out."""

    exit_code = 2


class InputError(DriftlineError):
    """A file or payload that cannot be read; names it and says what was expected."""

    exit_code = 2


class TooLittleData(DriftlineError):
    """The question cannot be answered with the rows there are."""

    exit_code = 3


class Unavailable(DriftlineError):
    """A server, file system or optional package that is not there."""

    exit_code = 4


class Transient(DriftlineError):
    """May succeed when tried again; `retry_after` is in seconds where the other side said so."""

    exit_code = 4

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SpoolFull(Transient):
    """The spool takes nothing more for now."""


class Permanent(DriftlineError):
    """The same input will always fail: drop it, count it with its reason."""
