"""A process of its own for heavy optional work: bounded in memory and time, and gone when it is done."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import DriftlineError, InputError, Unavailable

_FAILED = "driftline-worker: "


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may use."""

    memory_bytes: int = 4 * 1024**3
    """Address space; Linux and macOS only."""
    seconds: float = 300.0


def report(reference: Path, current: Path, out: Path, environment: Mapping[str, str], limits: Limits | None = None) -> None:
    """Have Evidently write the HTML report of two Parquet files to `out`.

    Raises InputError when the tables cannot be compared, Unavailable when the worker ran out of time or memory.
    """
    _run(["report", str(reference), str(current), str(out)], environment, limits or Limits())


def _run(job: Sequence[str], environment: Mapping[str, str], limits: Limits) -> None:
    quiet = {"DO_NOT_TRACK": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-P", "-m", "agent.worker", str(limits.memory_bytes), *job]
    try:
        done = subprocess.run(  # noqa: S603 (our own module, under our own interpreter)
            command,
            env={**environment, **quiet},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{job[0]}: not done after {limits.seconds:g} s; take fewer rows or columns") from error
    if done.returncode:
        last = next((line for line in reversed(done.stderr.decode(errors="replace").splitlines()) if line.strip()), "")
        if last.startswith(_FAILED):
            raise InputError(f"{job[0]}: {last.removeprefix(_FAILED)}")
        memory = "MemoryError" in last or "allocate" in last or done.returncode < 0
        why = f"more than {limits.memory_bytes // 1024**2} MiB of memory were needed" if memory else last
        raise Unavailable(f"{job[0]}: the worker ended with {done.returncode}: {why}")


def main(arguments: Sequence[str]) -> int:
    """Do one job in this process. The first argument bounds the address space, in bytes."""
    memory, job, *paths = arguments
    restrain(int(memory))
    if job != "report":
        raise InputError(f"unknown job {job}")
    from agent.evidently_report import write  # noqa: PLC0415 (after the limits, and nowhere but here)

    try:
        reference, current, out = map(Path, paths)
        write(reference, current, out)
    except (DriftlineError, OSError, ValueError) as error:
        sys.stderr.write(f"{_FAILED}{' '.join(str(error).split())[:300]}\n")
        return 1
    return 0


def restrain(memory: int, nice: int = 10) -> None:
    """Bound this process's address space, in bytes, and let others go first; on Windows neither."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (not on Windows)

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    os.nice(nice)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
