"""Refuses to start when another package shadows one of driftline's four, which carry common names."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from agent.errors import ConfigError

PACKAGES = ("agent", "detectors", "alerts", "dashboards")


def _origin(package: str) -> str | None:
    spec = find_spec(package)
    return None if spec is None else spec.origin


def check(origin: Callable[[str], str | None] = _origin) -> None:
    """Return if all four packages stand side by side. Raises ConfigError naming the one that does not.

    >>> check({"agent": "/a/agent/x.py", "alerts": "/b/alerts/x.py", "detectors": "/a/detectors/x.py"}.get)
    Traceback (most recent call last):
    agent.errors.ConfigError: alerts: /b/alerts/x.py is not driftline's (/a/alerts); install driftline in an environment of its own, and unset PYTHONPATH
    """
    found: Mapping[str, str | None] = {package: origin(package) for package in PACKAGES}
    home = Path(found["agent"] or __file__).parent.parent
    for package in PACKAGES:
        path = found[package]
        if path is None or Path(path).parent.parent != home:
            raise ConfigError(
                f"{package}: {path or 'a folder without __init__.py'} is not driftline's ({home / package}); "
                f"install driftline in an environment of its own, and unset PYTHONPATH"
            )
