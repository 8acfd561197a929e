"""What Linux tells of a running process: CPU time, resident memory, and which packages have a library mapped."""

import os
import re
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGE = re.compile(r"site-packages/(\w+?)(?:\.libs)?/\S*\.so")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time spent so far, user and system, in seconds (to 10 ms)."""
    return _seconds(Path(f"/proc/{pid}/stat"))


def main_thread_seconds(pid: int) -> float:
    """Return what of `cpu_seconds` the main thread spent: that of the event loop, in the agent."""
    return _seconds(Path(f"/proc/{pid}/task/{pid}/stat"))


def _seconds(stat: Path) -> float:
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """Return resident memory in MB (10^6 bytes)."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(found[1]) * 1024 / 1e6


def mapped_packages(pid: int) -> set[str]:
    """Return the installed packages of which a compiled library is mapped."""
    return set(_PACKAGE.findall(Path(f"/proc/{pid}/maps").read_text()))
