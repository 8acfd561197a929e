"""The option `-c FILE` that most commands share."""

import argparse
import os
from pathlib import Path

from agent.config import Config
from agent.config_file import load

DEFAULT = Path("driftline.yaml")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add `-c FILE`."""
    parser.add_argument("-c", "--config", type=Path, default=DEFAULT, metavar="FILE", help="configuration file (default: %(default)s)")


def loaded(arguments: argparse.Namespace) -> Config:
    """Return the configuration of `-c FILE`, with the process's environment put in. Raises ConfigError."""
    return load(arguments.config, os.environ)
