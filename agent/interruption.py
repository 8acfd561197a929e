"""Being told to end, remembered: an extension module that is just imported turns the exception of a signal into its own."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def ending_by(number: signal.Signals) -> Iterator[None]:
    """Turn a signal into the end of the block: KeyboardInterrupt for Ctrl-C, SystemExit with 128 + number for others.

    Whatever error comes out of the block after the signal, it is that one. Outside the main thread signals stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = False

    def handle(_number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal told
        told = True
        _leave(number)

    before = signal.signal(number, handle)
    try:
        yield
    except Exception:
        if told:
            _leave(number)
        raise
    finally:
        signal.signal(number, before)


def _leave(number: signal.Signals) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
