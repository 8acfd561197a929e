"""`driftline run`: the daemon. SIGTERM ends it in order, SIGHUP reads the configuration anew."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from agent.config import Config
from agent.config_file import load
from agent.errors import ConfigError, Unavailable

_log = logging.getLogger("driftline")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-c", "--config", type=Path, default=Path("driftline.yaml"), metavar="FILE", help="configuration (driftline.yaml)")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="info", help="how much to say (info)")


def run(arguments: argparse.Namespace) -> int:
    """Run until told to stop. Raises ConfigError (exit 2) or Unavailable (exit 4) when it cannot start."""
    config = load(arguments.config, os.environ)
    if sys.platform == "win32":
        raise Unavailable("run needs Linux; on this system use check and replay, or run driftline in a container")
    _logging(arguments.log_level)
    # Nothing we import may report home about us.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    _loop(config, arguments.config)
    return 0


def _logging(level: str) -> None:
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr, force=True)
    for noisy in ("azure", "httpx", "httpcore", "apscheduler", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _loop(config: Config, path: Path) -> None:
    with asyncio.Runner() as runner:
        while True:
            again = runner.run(_until_told(config, path))
            if again is None:
                return
            config = again


async def _until_told(config: Config, path: Path) -> Config | None:
    """Run one configuration; return the next one after SIGHUP, None after SIGTERM."""
    # Imported here so that a wrong configuration is told of at once.
    from agent.daemon import Daemon  # noqa: PLC0415

    stop = asyncio.Event()
    following: list[Config] = []

    def reload() -> None:
        try:
            following.append(load(path, os.environ))
        except ConfigError as error:
            _log.error("the new configuration is refused, the old one stays: %s", error)
            return
        _log.info("reading %s anew", path)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    daemon = Daemon(config, ready=lambda: _log.info("ready: %s", _summary(config)))
    await daemon.run(stop)
    return following[-1] if following else None


def _summary(config: Config) -> str:
    listening = [f"{name} {getattr(source, 'http', None) or getattr(source, 'listen', '')}" for name, source in config.sources.items()]
    parts = [f"{len(config.endpoints)} endpoints", *listening, f"sinks {', '.join(config.sinks) or 'none'}", f"paging {config.paging}"]
    return "; ".join(parts)
