"""Whoever tells a command to end gets that end, not an error of what was under way."""

import signal

import pytest

from agent.interruption import ending_by


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
)
@pytest.mark.parametrize("swallowed", [False, True])
def test_a_signal_ends_the_block(number: signal.Signals, expected: type[BaseException], *, swallowed: bool) -> None:
    """An import that turns the signal's exception into its own (as extension modules do) hides nothing."""
    before = signal.getsignal(number)
    with pytest.raises(expected), ending_by(number):
        _be_told(number, swallowed=swallowed)
    assert signal.getsignal(number) == before


def _be_told(number: signal.Signals, *, swallowed: bool) -> None:
    try:
        signal.raise_signal(number)
    except BaseException as error:
        if swallowed:
            raise ImportError("half imported") from error
        raise


def test_an_error_without_a_signal_stays_what_it_is() -> None:
    """Nobody asked to end, so the error is told."""
    with pytest.raises(ImportError, match="missing"), ending_by(signal.SIGINT):
        raise ImportError("missing")
