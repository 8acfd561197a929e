"""Begins to keep texts where a configuration asks for it, and deletes what was kept where none does any more."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from agent.clock import to_nanoseconds
from agent.config import Config
from agent.series import Series
from agent.sources import Clock

if TYPE_CHECKING:
    from agent.texts.keeping import Keeping


_log = logging.getLogger(__name__)
_NAME = "texts.sqlite"
EVERY = timedelta(minutes=5)
"""Between looks for texts that are too old or too many."""


def texts_of(config: Config, series: Series, clock: Clock) -> "Keeping | None":
    """Return the texts on disk; None where no endpoint keeps any, and then there is no file either. Raises as `KeptTexts` does."""
    limits = {name: endpoint.texts for name, endpoint in config.endpoints.items() if endpoint.content == "sampled"}
    if not limits:
        for file in (config.state / f"{_NAME}{ending}" for ending in ("", "-wal", "-shm")):
            if file.is_file():
                file.unlink()
                _log.info("%s is deleted: no endpoint has content: sampled", file)
        return None
    from agent.texts.keeping import Keeping  # noqa: PLC0415 - only where texts are kept
    from agent.texts.kept import KeptTexts  # noqa: PLC0415 - as above

    return Keeping(KeptTexts(config.state / _NAME, limits, lambda: to_nanoseconds(clock.now())), series)
