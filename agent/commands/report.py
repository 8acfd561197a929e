"""`driftline report`: performance over time where there are labels, and Evidently's HTML report of one window where rows are kept."""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from agent import config_option
from agent.clock import from_nanoseconds
from agent.config import Config, Endpoint
from agent.decay_report import decay_page
from agent.errors import ConfigError, InputError, TooLittleData
from agent.redaction.masking import Masks
from agent.report_rows import sides, write_parquet
from agent.store.store import Store
from agent.terminal import progress, say
from agent.whole_table import whole_table
from agent.worker import Limits, report
from detectors.types import Column


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    config_option.configure(parser)
    parser.add_argument("endpoint", metavar="ENDPOINT", help="name of the endpoint in the configuration")
    parser.add_argument(
        "--decay",
        action="store_true",
        help="only performance over time, from labels (no Evidently); what an endpoint that keeps no rows has anyway",
    )
    parser.add_argument("--window", metavar="TIME", help="the window that holds this time, such as 2026-11-20T14:00 (default: the newest)")
    parser.add_argument("--deployment", metavar="NAME", help="only windows of this deployment")
    parser.add_argument(
        "--reference", type=Path, metavar="FILE", help="rows to compare with (default: reference.file, else earlier windows)"
    )
    parser.add_argument("--current", type=Path, metavar="FILE", help="rows to report on, instead of a window's sample")
    parser.add_argument("--out", type=Path, metavar="FILE", help="HTML file to write (default: ENDPOINT-report.html)")
    parser.add_argument(
        "--timeout", type=float, default=300.0, metavar="SECONDS", help="longest time the worker may take (default: %(default)g)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Draw the reports there are. Raises TooLittleData (exit 3) where no window has kept rows or labels."""
    config = config_option.loaded(arguments)
    endpoint = config.endpoints.get(arguments.endpoint)
    if endpoint is None:
        raise ConfigError(f"{arguments.config}: endpoints: unknown '{arguments.endpoint}'; known: {', '.join(sorted(config.endpoints))}")
    expected = endpoint.labels is not None or endpoint.columns.label is not None
    wanted = arguments.current is None and arguments.window is None
    alone = arguments.decay or (expected and wanted and not endpoint.keep_rows)
    out: Path = arguments.out or Path(f"{arguments.endpoint}-{'decay' if alone else 'report'}.html".replace("/", "-"))
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out}: its folder is not there")
    if alone:
        _decay(config, endpoint, arguments.deployment, out)
        return 0
    if expected and wanted:
        try:
            _decay(config, endpoint, arguments.deployment, out.with_name(f"{arguments.endpoint}-decay.html".replace("/", "-")))
        except TooLittleData as error:
            say(f"no page of performance: {error}", sys.stderr)
    with progress("Evidently draws the report", sys.stderr) as advance, tempfile.TemporaryDirectory() as folder:
        reference, current, compared = _rows(arguments, config, endpoint)
        advance(0.1)
        paths = Path(folder) / "reference.parquet", Path(folder) / "current.parquet"
        rows = write_parquet(reference, paths[0]), write_parquet(current, paths[1])
        advance(0.2)
        report(*paths, out.absolute(), os.environ, Limits(seconds=arguments.timeout))
    say(f"wrote {out}: {compared} ({rows[1]:,} rows against {rows[0]:,})")
    say("Evidently's own tests and thresholds; driftline's verdict is the severity in /metrics and on the boards.")
    return 0


def _decay(config: Config, endpoint: Endpoint, deployment: str | None, out: Path) -> None:
    with _store(config) as store:
        text, windows = decay_page(store, endpoint, deployment)
    out.write_text(text, "utf-8")
    say(f"wrote {out}: realised performance of {windows:,} windows")


def _rows(arguments: argparse.Namespace, config: Config, endpoint: Endpoint) -> tuple[Mapping[str, Column], Mapping[str, Column], str]:
    path = arguments.reference or endpoint.reference.file
    reference = None if path is None else _file(path, endpoint)
    if arguments.current is not None:
        if reference is None:
            raise ConfigError("report: --current needs --reference FILE, or reference.file in the configuration")
        return reference, _file(arguments.current, endpoint), f"{arguments.current} against {path}"
    with _store(config) as store:
        found = sides(store, endpoint.name, arguments.deployment, _moment(arguments.window, endpoint), reference)
    start = from_nanoseconds(found.window.start).astimezone(ZoneInfo(endpoint.timezone))
    return found.reference, found.current, f"window of {start.isoformat()} ({found.window.stream.deployment}) against {found.against}"


def _store(config: Config) -> Store:
    store_file = config.state / "store.sqlite"
    if not store_file.is_file():
        raise InputError(f"{config.state}: holds no store yet; `driftline run` makes it, or give --current FILE")
    return Store(store_file)


def _file(path: Path, endpoint: Endpoint) -> Mapping[str, Column]:
    columns = endpoint.columns
    found = dict(whole_table(path, columns, lambda _: None, endpoint.enrichers, masks=Masks(lambda _: endpoint)).columns)
    if columns.prediction in found and columns.prediction is not None:
        found["prediction"] = found.pop(columns.prediction)
    return found


def _moment(text: str | None, endpoint: Endpoint) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--window: {text} is no time; write 2026-11-20T14:00 (in {endpoint.timezone}) or with an offset") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(endpoint.timezone))
