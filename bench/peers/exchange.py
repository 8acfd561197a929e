"""How a table reaches the process of a product, and how its work is timed there. numpy only: every environment has it."""

import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Plain: TypeAlias = dict[str, NDArray[Any]]
"""Columns as a data frame takes them: float64, or objects (str, None) of a categorical one."""


def save(
    path: Path, numbers: Mapping[str, NDArray[np.float64]], categories: Mapping[str, tuple[NDArray[np.int32], tuple[str, ...]]]
) -> None:
    """Write numeric columns and dictionary-coded ones (codes, -1 missing; values) into one file."""
    arrays: dict[str, Any] = {f"n/{name}": column for name, column in numbers.items()}
    for name, (codes, values) in categories.items():
        arrays |= {f"c/{name}": codes, f"v/{name}": np.array(values, dtype=np.str_)}
    np.savez(path, **arrays)


def load(path: str | Path) -> Plain:
    """Return the columns of `save`, in its order, categories as objects: each value one str however often it occurs."""
    columns: Plain = {}
    with np.load(path, allow_pickle=False) as file:
        for key in file.files:
            kind, _, name = key.partition("/")
            if kind == "n":
                columns[name] = file[key]
            elif kind == "c":
                values = np.array([*file[f"v/{name}"].tolist(), None], dtype=object)
                columns[name] = values[file[key]]
    return columns


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call, user and system, all threads."""
    before = time.process_time()
    work()
    return time.process_time() - before


def peak_mb() -> float:
    """Return the most memory this process has had, in MB (10^6 bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def timed(work: Callable[[], object], rounds: int) -> dict[str, Any]:
    """Return CPU seconds of each of `rounds` calls, and the peak of memory before and after them, in MB."""
    before = peak_mb()
    seconds = [cpu(work) for _ in range(rounds)]
    return {"seconds": seconds, "before_mb": before, "peak_mb": peak_mb()}
