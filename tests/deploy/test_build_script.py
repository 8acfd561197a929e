"""`.ci/run`, the script of the build."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci/run"


def test_the_script_is_sound() -> None:
    """It can be started, stops at the first failure, and parses."""
    text = SCRIPT.read_text("utf-8")

    assert os.access(SCRIPT, os.X_OK)
    assert "set -euo pipefail" in text
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


def test_it_runs_what_contributors_run() -> None:
    """Its commands are targets of the Makefile, and a missing server fails it."""
    text = SCRIPT.read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    used = set(re.findall(r"^(?:timeout \d+ )?make ([a-z]+)", text, re.MULTILINE))

    assert used == {"lint", "test", "generate", "demo"}
    assert used <= targets
    assert "DRIFTLINE_REQUIRE_SERVERS=1" in text
