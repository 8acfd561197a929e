"""`driftline demo`: the whole thing on real data on this machine, no account, in under 90 seconds."""

import argparse
import signal
import sys
from pathlib import Path

from agent.demo import needs
from agent.errors import Unavailable
from agent.interruption import ending_by


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--exit", action="store_true", help="end after the story instead of leaving the daemon running to look around")
    parser.add_argument("--out", type=Path, default=Path("demo-output"), metavar="DIR", help="where to write (default: %(default)s)")
    parser.epilog = (
        "Listens on loopback only and asks nothing of any network. Ends with 1 where something was not found that should\n"
        "have been, with 4 where the packages of the demo are missing."
    )


def run(arguments: argparse.Namespace) -> int:
    """Tell the story. Raises Unavailable (exit 4) or StoryFailed (exit 1)."""
    needs.check()
    if sys.platform == "win32":
        raise Unavailable("demo needs Linux or macOS: the daemon does not run on this system")
    # Imported here: what the story needs may be what is missing.
    from agent.demo.story import Story  # noqa: PLC0415

    try:
        # Told to end, it ends its processes too.
        with ending_by(signal.SIGTERM):
            Story(arguments.out).tell(stay=not arguments.exit)
    except KeyboardInterrupt:
        if arguments.exit:
            raise
    return 0
