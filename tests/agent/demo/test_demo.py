"""Runs the whole demo once, as `make demo` does."""

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no types
import pytest

_LONGEST = 240.0
"""Seconds on a machine that is busy with other tests; alone it takes less than a minute."""


def test_the_demo_tells_its_story(tmp_path: Path) -> None:
    """Exit 0, every storm, timetable and attack told, both books equal, nothing beyond loopback, nobody left behind."""
    out = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agent", "demo", "--exit", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    overdue = threading.Timer(_LONGEST, process.terminate)
    overdue.start()
    lines: list[str] = []
    listening: set[str] = set()
    family: list[psutil.Process] = []
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if "driftline listens" in line:
                family = psutil.Process(process.pid).children(recursive=True)
                listening = {ip for one in family for ip in _listening(one)}
    code = process.returncode
    overdue.cancel()
    said = "\n".join(lines)

    assert code == 0, said
    for what in ("a blizzard, inside the reference", "a late snow storm", "thunderstorms", "the summer timetable", "Thanksgiving", "snow"):
        assert any(line.lstrip().startswith(what) for line in lines), said
    assert re.search(r"safety_rate fired \d+\.\d s after the first jailbreak attempt", said), said
    assert re.search(r"safety_rate resolved \d+\.\d s after the last jailbreak attempt", said), said
    assert re.search(r"model changed \d+\.\d s after another model began to answer", said), said
    assert "driftline counted the same" in said
    assert re.search(r"\d+\.\d\d s of CPU \(\d+\.\d\d s per 1,000 calls", said), said
    assert "\x1b" not in said, "no colour where there is no terminal"
    assert listening == {"127.0.0.1"}
    assert not [one for one in family if one.is_running()]
    assert "driftline_requests_total" in (out / "metrics.txt").read_text()
    assert (out / "delay-model-2013-03-08.html").stat().st_size > 100_000
    assert "safety_rate fired" in (out / "agent.log").read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_leaves_nobody_behind(tmp_path: Path, number: signal.Signals, code: int) -> None:
    """Ctrl-C and SIGTERM end every process within seconds, without a traceback."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agent", "demo", "--exit", "--out", str(tmp_path / "demo")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Act one")
        family = _family(process, at_least=2)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == code, said
    assert "Traceback" not in said
    assert not [one for one in family if one.is_running()]


def _family(process: subprocess.Popen[str], at_least: int) -> list[psutil.Process]:
    """Return the processes below one, once there are so many."""
    deadline, pause = time.monotonic() + 60, threading.Event()
    found: list[psutil.Process] = []
    while len(found) < at_least:
        found = psutil.Process(process.pid).children(recursive=True)
        assert time.monotonic() < deadline
        pause.wait(0.05)
    return found


def _listening(process: psutil.Process) -> set[str]:
    """Return the addresses a process listens on."""
    return {connection.laddr.ip for connection in process.net_connections("inet") if connection.status == psutil.CONN_LISTEN}
