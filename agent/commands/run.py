"""`driftline run`: the daemon. SIGTERM ends it in order, SIGHUP reads the configuration anew."""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from agent.config import Config
from agent.config_file import load
from agent.errors import ConfigError, Unavailable
from agent.log_lines import Lines
from agent.stand_in import stand_in
from agent.terminal import say

_log = logging.getLogger("driftline")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-c", "--config", type=Path, default=Path("driftline.yaml"), metavar="FILE", help="configuration (driftline.yaml)")
    parser.add_argument(
        "--once", action="store_true", help="take in what the sources of endpoints hold now, judge it, and end; nothing is sent"
    )
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], help="how much to say (info; warning with --once)")


def run(arguments: argparse.Namespace) -> int:
    """Run until told to stop. Raises ConfigError (exit 2) or Unavailable (exit 4) when it cannot start."""
    with _no_reloader():
        config = load(arguments.config, os.environ)
    if sys.platform == "win32":
        raise Unavailable("run needs Linux; on this system use check and replay, or run driftline in a container")
    # Imported here: it needs what only Unix has.
    from agent.crashes import no_text_left  # noqa: PLC0415

    _logging(arguments.log_level or ("warning" if arguments.once else "info"))
    # Nothing we import may report home about us.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    # What gRPC cannot do it also raises, and we say it; its own lines come from C, around our log.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    with no_text_left():
        if arguments.once:
            return _once(config)
        _loop(config, arguments.config)
    return 0


def _no_reloader() -> AbstractContextManager[None]:
    """Let uvicorn be imported, by a component or by us, without what would load changed code anew: .7 MB that nobody uses."""
    return stand_in("watchfiles", watch=None)


def _once(config: Config) -> int:
    # Imported here, as the daemon is: a wrong configuration is told of at once.
    from agent.once import run_once  # noqa: PLC0415

    took = asyncio.run(run_once(config))
    say(f"took in {took.rows:,} rows; what goes to sinks waits in {config.state} for the next driftline run")
    if took.failures:
        raise Unavailable(f"{took.failures:,} sources could not be read; the log says why")
    return 0


class _ToStandardError(logging.Handler):
    """Writes to what standard error is at that moment: whoever called us may have exchanged and closed the one there was."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as the library's own handlers do
            self.handleError(record)


def _logging(level: str) -> None:
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler = _ToStandardError()
    handler.setFormatter(Lines(form))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Runs that are skipped are counted, and sinks that fail are told of, by ourselves.
    for louder in ("azure", "apscheduler"):
        logging.getLogger(louder).setLevel(logging.ERROR)


@dataclass(slots=True)
class _Told:
    """What signals asked for. It outlives a configuration, so that a signal between two of them is not lost."""

    path: Path
    ended: bool = False
    following: Config | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Stop for good."""
        self.ended = True
        self.stop.set()

    def reload(self) -> None:
        """Go on with the file as it is now, if it is sound."""
        try:
            self.following = load(self.path, os.environ)
        except ConfigError as error:
            for line in str(error).splitlines():
                _log.error("the new configuration is refused, the old one stays: %s", line)
            return
        _log.info("reading %s anew", self.path)
        self.stop.set()


def _loop(config: Config, path: Path) -> None:
    told = _Told(path)
    before: Config | None = None
    with asyncio.Runner() as runner:
        while not told.ended:
            try:
                runner.run(_until_told(config, told))
            except (ConfigError, Unavailable) as error:
                # What only shows when it is tried, such as a port that is taken.
                if before is None:
                    raise
                _log.error("the new configuration cannot be used, back to the old one: %s", error)
                config, before = before, None
                continue
            config, before = told.following or config, config


async def _until_told(config: Config, told: _Told) -> None:
    """Run one configuration until a signal asks for something else."""
    # Imported here so that a wrong configuration is told of at once.
    with _no_reloader():
        from agent.daemon import Daemon  # noqa: PLC0415

    told.stop, told.following = asyncio.Event(), None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.end)
    loop.add_signal_handler(signal.SIGHUP, told.reload)
    if not told.ended:
        await Daemon(config, ready=lambda: _ready(config)).run(told.stop)


def _ready(config: Config) -> None:
    """Say so, and let the collector of garbage rest: what is loaded by now stays, and decoding makes no cycles.

    Collecting at every 700 objects cost 6 to 10 % of the CPU of a call (bench whole_path, side by side).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    _log.info("ready: %s", _summary(config))


def _summary(config: Config) -> str:
    listening = [f"{name} {getattr(source, 'http', None) or getattr(source, 'listen', '')}" for name, source in config.sources.items()]
    parts = [f"{len(config.endpoints)} endpoints", *listening, f"sinks {', '.join(config.sinks) or 'none'}", f"paging {config.paging}"]
    return "; ".join(parts)
