"""`make bench`: every measurement behind docs/benchmarks.md, one after another, each in a process of its own.

    python -m bench [NAME ...]

Without a name all of them run, in some twenty minutes of CPU; the environments of other products, made the first time, take some more.
Run them on a machine that does nothing else.
"""

import argparse
import ast
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from agent.processor import prefer_fast_sort

NAMES = (
    "profile_and_score",
    "window_close",
    "methods",
    "wide",
    "many_values",
    "whole_path",
    "content_modes",
    "otlp_receive",
    "idle",
    "load",
    "spool",
    "rows",
    "false_alarms",
    "power",
    "peer_alarms",
    "peer_streams",
    "true_order",
    "text_drift",
    "latency_steps",
    "estimated_performance",
    "unsafe_rates",
    "attack_bursts",
)


def title(name: str) -> str:
    """Return the first line of a bench.

    >>> title("idle").startswith("What an idle")
    True
    """
    source = Path(__file__).with_name(f"{name}.py").read_text("utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def machine() -> str:
    """Say what this runs on."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def main() -> int:
    """Run and print; return 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    chosen = parser.parse_args().names or NAMES
    if unknown := sorted(set(chosen) - set(NAMES)):
        parser.error(f"unknown '{unknown[0]}'; known: {', '.join(NAMES)}")
    environment = dict(os.environ)
    prefer_fast_sort(environment)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}", flush=True)
    failed = []
    for name in chosen:
        print(f"\n== {name}: {title(name)}\n   load {os.getloadavg()[0]:.1f}", flush=True)
        started = time.monotonic()
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], env=environment, check=False).returncode:
            failed.append(name)
        print(f"   {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
