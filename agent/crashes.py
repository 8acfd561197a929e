"""What a crash leaves behind: a line of the log with types and places, and no image of the memory, which may hold prompts."""

import logging
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.errors import DriftlineError

_log = logging.getLogger("driftline")


@contextmanager
def no_text_left() -> Iterator[None]:
    """Put errors nobody caught into the log, whose lines hold no messages; let the system write no core file from now on.

    The interpreter would print what an error says. Raises SystemExit in the place of an error that nobody foresaw.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = _of_thread, _unraisable
    try:
        yield
    except DriftlineError:
        raise
    except Exception:  # noqa: BLE001 - the last one who can keep its message to himself
        _log.critical("ends by an error", exc_info=True)
        raise SystemExit(1) from None
    finally:
        threading.excepthook, sys.unraisablehook = before


def _of_thread(told: Any) -> None:
    if told.exc_type is not SystemExit and told.exc_value is not None:
        name = "?" if told.thread is None else told.thread.name
        _log.error("thread %s ended by an error", name, exc_info=(told.exc_type, told.exc_value, told.exc_traceback))


def _unraisable(told: Any) -> None:
    if told.exc_value is not None:
        _log.error("an error nobody could be told of", exc_info=(told.exc_type, told.exc_value, told.exc_traceback))
