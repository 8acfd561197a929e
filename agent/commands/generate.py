"""`driftline generate`: alert rules, boards, schema and reference pages, from the catalogue and the options."""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from agent.captures import INDEX
from agent.config_file import load
from agent.config_reference import filled
from agent.config_schema import schema
from agent.dialect_reference import dialect_reference
from agent.errors import ConfigError, InputError
from agent.metric_reference import metric_reference
from agent.terminal import say
from alerts import azure, prometheus
from alerts.paging import Paging
from dashboards import boards, grafana
from dashboards.workbook import workbook
from detectors.catalog import metrics

FOLDERS: Final = Path("alerts/generated"), Path("dashboards/generated")
"""Everything in these is generated; a file that is not, is in the way."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("targets", nargs="*", default=["all"], metavar="TARGET", help=f"{', '.join(TARGETS)}, or all (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 and list what differs")
    parser.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="folder to write below (default: this one)")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="take paging from this configuration")
    parser.add_argument("--paging", choices=get_args(Paging), help="who pages, whatever the configuration says (default: azure)")


def run(arguments: argparse.Namespace) -> int:
    """Write or check, and say what differed."""
    if not arguments.root.is_dir():
        raise InputError(f"generate --root {arguments.root}: is no folder")
    configured: Paging = load(arguments.config, os.environ).paging if arguments.config else "azure"
    found = generate(arguments.targets, arguments.root, check=arguments.check, paging=arguments.paging or configured)
    for difference in found:
        say(str(difference) if arguments.check or difference.state == "left over" else f"{difference.path}: written")
    if not found:
        say("everything is current")
    return 1 if arguments.check and found else 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not what the catalogue says, or was not before it was written."""

    path: str
    """Relative to the root, with slashes."""
    state: Literal["missing", "changed", "left over"]
    target: str

    def __str__(self) -> str:
        """Say what is wrong and what mends it."""
        mend = "delete it" if self.state == "left over" else f"run `driftline generate {self.target}`"
        return f"{self.path}: {self.state}; {mend}"


def alert_files(root: Path, paging: Paging) -> dict[str, str]:  # noqa: ARG001 - every target is given both
    """Return the rule files by path relative to the root."""
    template = azure.template(paging, workbook(boards.WORKBOOK, azure.WORKSPACE))
    return {
        "alerts/generated/prometheus/driftline.rules.yml": prometheus.rule_file(paging),
        "alerts/generated/azure/alerts.template.json": template,
    }


def board_files(root: Path, paging: Paging) -> dict[str, str]:  # noqa: ARG001 - every target is given both
    """Return the boards by path relative to the root; who pages does not change them."""
    return {
        "dashboards/generated/grafana/driftline-overview.json": grafana.dashboard(boards.OVERVIEW),
        "dashboards/generated/azure/driftline.workbook.json": workbook(boards.WORKBOOK, None),
    }


def doc_files(root: Path, paging: Paging) -> dict[str, str]:  # noqa: ARG001 - every target is given both
    """Return the reference of metrics, that of clients where there are recorded ones, and the page on the configuration with its options."""
    found = {"docs/metrics.md": metric_reference(metrics())}
    page, captures = root / "docs/config.md", root / "tests/data/otlp"
    if page.is_file():
        found["docs/config.md"] = filled(page.read_text("utf-8"))
    if (captures / INDEX).is_file():
        found["docs/dialects.md"] = dialect_reference(captures)
    return found


def schema_files(root: Path, paging: Paging) -> dict[str, str]:  # noqa: ARG001 - every target is given both
    """Return the JSON Schema of a configuration file, for editors."""
    return {"docs/config.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"}


TARGETS: Final[Mapping[str, Callable[[Path, Paging], dict[str, str]]]] = {
    "alerts": alert_files,
    "dashboards": board_files,
    "schema": schema_files,
    "docs": doc_files,
}
"""What can be generated: name to a function of the root and of who pages, which returns text by path relative to the root."""


def generate(targets: Sequence[str], root: Path, *, check: bool, paging: Paging = "azure") -> list[Difference]:
    """Write the files of the targets (`alerts`, `dashboards`, `schema`, `docs`, or `all`) under `root`; return what differed before.

    With `check` nothing is written; each difference says in a line how to mend it. Files left over from an earlier catalogue are reported and never deleted.
    What is committed pages by Azure. Raises ConfigError for an unknown target.
    """
    chosen = list(TARGETS) if "all" in targets else list(dict.fromkeys(targets))
    for target in chosen:
        if target not in TARGETS:
            raise ConfigError(f"generate: unknown '{target}'; known: all, {', '.join(sorted(TARGETS))}")
    found: list[Difference] = []
    for target in chosen:
        files = TARGETS[target](root, paging)
        for name, text in files.items():
            path = root / name
            if path.is_file() and path.read_text("utf-8") == text:
                continue
            found.append(Difference(name, "changed" if path.exists() else "missing", target))
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
        found += [Difference(name, "left over", target) for name in _left_over(files, root)]
    return found


def _left_over(files: Mapping[str, str], root: Path) -> list[str]:
    """Return files in the folders of generated files that are none of them."""
    folders = {folder for folder in FOLDERS for name in files if folder in Path(name).parents}
    there = (path.relative_to(root).as_posix() for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    return sorted(name for name in there if name not in files)
