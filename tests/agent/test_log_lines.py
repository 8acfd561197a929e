"""No line of the log repeats what was in a record, whoever writes it, nor does what a crash leaves."""

import logging
import subprocess
import sys

import pytest

from agent.log_lines import Lines

SECRETS = ("anna@example.org", "4111 1111 1111 1111", "GB82WEST12345698765432", "sk-3fQ8rT5tV0pXbW3nKd9Jm7Yz", "hunter22")


def line(message: str, error: BaseException | None = None) -> str:
    """Return a line of the log."""
    told = None if error is None else (type(error), error, error.__traceback__)
    return Lines("%(levelname)s %(message)s").format(logging.LogRecord("driftline", 20, "f", 1, message, (), told))


@pytest.mark.parametrize("secret", SECRETS)
def test_what_a_line_holds_is_masked(secret: str) -> None:
    """Addresses, cards, accounts, keys and what stands behind `password=`."""
    assert secret not in line(f"source files: it has password={secret}, name")


@pytest.mark.parametrize(
    "usual", ["ready: 3 endpoints; otlp 127.0.0.1:4318", "/var/lib/driftline/spool/00000001.seg: 2,000 rows", "12:30:01 on 2026-11-20"]
)
def test_usual_lines_stay(usual: str) -> None:
    """Addresses of machines, files and times are what a log is read for."""
    assert line(usual) == f"INFO {usual}"


def test_an_error_is_told_without_its_message() -> None:
    """Of it and of those it comes from there is type and place."""
    try:
        try:
            int("anna likes pears")
        except ValueError as error:
            raise KeyError("anna likes plums") from error
    except KeyError as error:
        found = line("failed", error)
    assert "anna" not in found
    assert "KeyError at test_an_error_is_told_without_its_message:" in found
    assert "; from ValueError at" in found


CRASHES = {
    "main": "raise RuntimeError('anna likes pears')",
    "thread": "import threading; one = threading.Thread(target=lambda: int('anna likes pears')); one.start(); one.join()",
    "finaliser": "type('T', (), {'__del__': lambda self: int('anna likes pears')})()",
}


@pytest.mark.parametrize(("where", "code"), CRASHES.items())
def test_a_crash_leaves_types_and_places(where: str, code: str) -> None:
    """Whether the process, a thread or a finaliser ends by an error: its message is not printed, and no core may be written."""
    program = f"""
import resource
from agent.commands.run import _logging
from agent.crashes import no_text_left
_logging("info")
with no_text_left():
    print(resource.getrlimit(resource.RLIMIT_CORE)[0])
    {code}
"""
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "anna" not in done.stdout + done.stderr
    assert "Error at " in done.stderr
    assert done.stdout == "0\n"
    assert done.returncode == (1 if where == "main" else 0)
