"""Counts what nobody foresaw, and says in the log where it happened: never what was in the record."""

import logging

from agent.seldom import Seldom
from agent.series import Series
from detectors.catalog import AGENT_DROPPED

_log = logging.getLogger(__name__)


class Faults:
    """One fault must not stop anybody else's scores, so it ends here."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._seldom = Seldom()

    def tell(self, where: str, endpoint: str, rows: int, error: Exception) -> None:
        """Count `rows` as dropped by `where`: a source, a detector. The log names endpoint and place, every five minutes."""
        self._series.add(AGENT_DROPPED, rows, source=where, reason="fault")
        place = f"{type(error).__name__} at {place_of(error)}"
        if self._seldom.may(f"{where} {endpoint} {place}"):
            _log.error("endpoint %s, %s: %d records could not be used: %s", endpoint, where, rows, place)


def place_of(error: BaseException) -> str:
    """Return the function and line an error comes from. Its message may hold what a user wrote, so it is left out.

    >>> try:
    ...     int("secret")
    ... except ValueError as error:
    ...     place_of(error)
    '<module>:2'
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
