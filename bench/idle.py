"""What an idle `driftline run` costs: seconds to ready, CPU to ready, resident memory, and what it never imported."""

import argparse
import re
import time
from dataclasses import dataclass
from statistics import median

from bench.agent_under_test import agent
from bench.process import cpu_seconds, mapped_packages, resident_mb

HEAVY = ("pandas", "pyarrow", "sklearn", "scipy", "evidently")
_IMPORT = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$")


@dataclass(frozen=True, slots=True)
class Start:
    """One start, up to the settled process."""

    wall: float
    """Seconds from exec to `ready`."""
    cpu: float
    """CPU seconds spent by then."""
    settled_cpu: float
    """CPU seconds spent when memory was read: the exporter is imported by then."""
    resident: float
    """MB."""
    mapped: frozenset[str]
    """Packages with a mapped library."""


def start(settle: float) -> Start:
    """Start an agent, wait `settle` seconds after it is ready, read what it is, and stop it."""
    with agent() as (one, breeze):
        wall = one.start()
        cpu = cpu_seconds(one.process.pid)
        time.sleep(settle)
        # Its first heartbeat has arrived, so the Azure exporter is imported and working.
        breeze.wait_for(bool)
        pid = one.process.pid
        return Start(wall, cpu, cpu_seconds(pid), resident_mb(pid), frozenset(mapped_packages(pid)))


def imported() -> set[str]:
    """Return the top packages an agent has imported until its first numbers are delivered, as the interpreter itself tells."""
    with agent(environment={"PYTHONPROFILEIMPORTTIME": "1"}) as (one, breeze):
        one.start()
        breeze.wait_for(bool)
        one.stop()
        return {found[1].partition(".")[0] for line in one.log if (found := _IMPORT.match(line))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--settle", type=float, default=10.0, help="seconds between ready and reading memory")
    arguments = parser.parse_args()
    runs = [start(arguments.settle) for _ in range(arguments.runs)]
    print(f"idle: Azure sink, OTLP over HTTP and gRPC, Prometheus; {arguments.runs} starts, memory {arguments.settle:g} s after ready")
    print(f"{'':24} {'median':>8} {'least':>8} {'most':>8} {'budget':>8}")
    for name, values, budget in (
        ("ready, wall s", [run.wall for run in runs], "1.5"),
        ("ready, CPU s", [run.cpu for run in runs], ""),
        ("exporter too, CPU s", [run.settled_cpu for run in runs], ""),
        ("resident, MB", [run.resident for run in runs], "100"),
    ):
        print(f"{name:24} {median(values):8.2f} {min(values):8.2f} {max(values):8.2f} {budget:>8}")
    modules = imported()
    print(f"libraries mapped of: {', '.join(sorted(frozenset.union(*(run.mapped for run in runs))))}")
    for name in HEAVY:
        print(f"{name:24} {'imported' if name in modules else 'not imported'}")


if __name__ == "__main__":
    main()
