"""What is shipped: a wheel of the four packages, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_the_four_packages(tmp_path: Path) -> None:
    """Top level is the four packages and the metadata; tests stay at home, `py.typed` and the licence come along."""
    build = "import os, sys; from hatchling.build import build_wheel; os.chdir(sys.argv[1]); print(build_wheel(sys.argv[2]))"

    done = subprocess.run([sys.executable, "-c", build, str(ROOT), str(tmp_path)], capture_output=True, text=True, check=True)

    with zipfile.ZipFile(tmp_path / done.stdout.splitlines()[-1]) as wheel:
        names = set(wheel.namelist())
    assert {name.partition("/")[0] for name in names} == {"agent", "alerts", "dashboards", "detectors", "driftline-0.1.0.dist-info"}
    assert {f"{package}/py.typed" for package in ("agent", "alerts", "dashboards", "detectors")} <= names
    assert "driftline-0.1.0.dist-info/licenses/LICENSE" in names
