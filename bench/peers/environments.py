"""An environment for each product: made once from the package index, kept, and run as a process that prints one JSON line."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "DRIFTLINE_BENCH_ENVIRONMENTS"
"""Environment variable: where environments are kept; the temporary folder where it is not set."""
REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "nannyml": ("nannyml==0.13.1", "statsmodels", "pandas<3"),
    "whylogs": ("whylogs==1.6.4", "numpy<2", "pandas<3", "pyarrow<18", "scipy", "ipython", "pybars3"),
    "river": ("river==0.26.1",),
}
"""NannyML does not declare statsmodels, and breaks on pandas 3; whylogs does not declare what its drift needs. Evidently is in ours."""
ROOT = Path(__file__).parents[2]

_QUIET = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
    "PYTHONWARNINGS": "ignore",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
_MARK = "RESULT"


class PeerError(Exception):
    """A product cannot be measured; the text says why."""


def interpreter(name: str) -> Path:
    """Return the Python that has a product, whose environment is made the first time (network, minutes).

    Raises PeerError where it cannot be made.
    """
    if name not in REQUIREMENTS:
        return Path(sys.executable)
    folder = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / "driftline-bench") / name
    python, made = folder / "bin" / "python", folder / "made"
    if not made.exists():
        print(f"making an environment for {name} in {folder}", file=sys.stderr, flush=True)
        _told([sys.executable, "-m", "venv", "--clear", str(folder)], f"no environment for {name}")
        _told([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS[name]], f"{name} cannot be installed")
        made.touch()
    return python


def run(name: str, module: str, *arguments: str) -> dict[str, Any]:
    """Run `bench.peers.<module>` under a product's Python and return what it passed to `answer`. Raises PeerError."""
    output = _told([str(interpreter(name)), "-m", f"bench.peers.{module}", *arguments], f"{name} failed")
    return read(output)


def read(output: str) -> dict[str, Any]:
    r"""Return what a process passed to `answer`, from all it printed.

    >>> read('a warning\nRESULT{"seconds": 1}\n')
    {'seconds': 1}
    """
    found: dict[str, Any] = json.loads(next(line for line in output.splitlines() if line.startswith(_MARK)).removeprefix(_MARK))
    return found


def answer(**found: object) -> None:
    """Print the result of a run for `read`."""
    print(_MARK + json.dumps(found))


def _told(command: list[str], what: str) -> str:
    """Return what a command prints. Raises PeerError with the last line of its complaint."""
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **_QUIET}, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        lines = [line for line in (error.stderr or error.stdout or "").strip().splitlines() if line.strip()]
        raise PeerError(f"{what}: {lines[-1] if lines else 'it said nothing'}") from error
    return done.stdout
